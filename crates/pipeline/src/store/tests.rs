//! Stages, seals and files under every change and every failing operation.

use std::fs;

use super::*;

fn inputs(value: &str) -> Inputs {
    [("config".to_owned(), value.to_owned())].into()
}

#[test]
fn an_unfinished_or_damaged_stage_is_not_whole() {
    let folder = tempfile::tempdir().unwrap();
    let stage = Stage::new(folder.path().join("train"));
    let state = || stage.state().unwrap();
    assert_eq!(state(), State::Missing);
    let mut writer = stage.begin().unwrap();
    writer.write("a/model.json", b"{}").unwrap();
    assert_eq!(state(), State::Unfinished);
    let finished = writer.finish(inputs("1")).unwrap();
    assert_eq!(state(), State::Whole(finished.clone()));
    assert_eq!(finished.read("a/model.json").unwrap(), b"{}");
    fs::write(stage.path("a/model.json"), b"{").unwrap();
    assert_eq!(state(), State::Damaged("a/model.json".to_owned()));
    finished.read("a/model.json").unwrap_err();
    finished.read("a/unknown.json").unwrap_err();
    let mut writer = stage.begin().unwrap();
    writer.write("b", b"").unwrap();
    assert_eq!(state(), State::Unfinished, "begun anew");
    assert!(!stage.path("a").exists());
    writer.finish(inputs("2")).unwrap();
    fs::remove_file(stage.path("b")).unwrap();
    assert_eq!(state(), State::Damaged("b".to_owned()));
    fs::create_dir(stage.path("b")).unwrap();
    assert_eq!(state(), State::Damaged("b".to_owned()));
}

#[test]
fn a_folder_that_cannot_be_put_in_its_place_leaves_what_was_there() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join("model");
    fs::create_dir(&place).unwrap();
    fs::write(place.join("old"), "").unwrap();
    let draft = Draft::of(&place).unwrap();
    let mut n_renames = 0;
    let faults = move |operation, _: &Path| {
        n_renames += usize::from(operation == disk::Operation::Rename);
        let fails = operation == disk::Operation::Rename && n_renames == 2;
        fails.then(|| disk::Fault {
            error: std::io::Error::other("no room"),
            bytes_written: 0,
        })
    };
    let done = disk::with_faults(faults, || draft.finish());
    assert!(format!("{:#}", done.unwrap_err()).contains("no room"));
    assert!(place.join("old").is_file());
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}

/// Whichever operation fails, a stage is what it was, or none that is finished, or the new one.
#[test]
fn a_stage_is_whole_whichever_operation_fails() {
    let write = |stage: &Stage, text: &str| -> Result<Finished, Failure> {
        let mut writer = stage.begin().environment()?;
        writer.write("a", text.as_bytes())?;
        writer.write("b/c", b"same")?;
        writer.finish(inputs(text)).environment()
    };
    for fails in 0.. {
        let folder = tempfile::tempdir().unwrap();
        let stage = Stage::new(folder.path().join("train"));
        let old = write(&stage, "old").unwrap();
        let mut n = 0;
        let faults = move |_, _: &Path| {
            n += 1;
            (n > fails).then(|| disk::Fault {
                error: ErrorKind::StorageFull.into(),
                bytes_written: n % 3,
            })
        };
        let outcome = disk::with_faults(faults, || write(&stage, "new"));
        match (stage.state().unwrap(), outcome) {
            (State::Whole(found), Ok(new)) => {
                assert_eq!(found, new);
                assert!(fails > 10, "{fails} operations");
                return;
            }
            (State::Whole(found), Err(_)) if found == old => assert_eq!(fails, 0),
            // Whether its name lasts is all that can fail behind the stamp.
            (State::Whole(found), Err(_)) => assert_eq!(found.inputs(), &inputs("new")),
            (state, outcome) => {
                let is_none = matches!(state, State::Missing | State::Unfinished);
                assert!(is_none, "{fails}: {state:?}");
                outcome.unwrap_err();
                write(&stage, "after").unwrap();
            }
        }
    }
}

/// A stage that cannot be read is not one that has to be made anew.
#[test]
fn a_disk_that_cannot_be_read_is_no_damage() {
    let folder = tempfile::tempdir().unwrap();
    let stage = Stage::new(folder.path().join("train"));
    let mut writer = stage.begin().unwrap();
    writer.write("a", b"").unwrap();
    writer.finish(inputs("1")).unwrap();
    for artifact in [STAMP, "a"] {
        let faults = move |operation, path: &Path| {
            let fails = operation == disk::Operation::Read && path.ends_with(artifact);
            fails.then(|| disk::Fault {
                error: std::io::Error::other("bad sector"),
                bytes_written: 0,
            })
        };
        let error = disk::with_faults(faults, || stage.state()).unwrap_err();
        assert!(format!("{error:#}").contains("bad sector"), "{error:#}");
    }
}

/// Whatever single byte is another one, gone or new, nothing is believed.
#[test]
fn a_seal_and_a_stamp_show_any_change() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sealed.json");
    let seal = || write_sealed(&path, &inputs("sha256:0")).unwrap();
    let stage = Stage::new(folder.path().join("train"));
    let stamp = || {
        let mut writer = stage.begin().unwrap();
        writer.write("a", b"b").unwrap();
        writer.finish(inputs("sha256:0")).unwrap()
    };
    let finished = stamp();
    seal();
    let changes: [fn(&mut Vec<u8>, usize); 4] = [
        |bytes, at| bytes[at] ^= 1,
        |bytes, at| bytes.truncate(at),
        |bytes, at| {
            bytes.remove(at);
        },
        |bytes, at| bytes.insert(at, b' '),
    ];
    for file in [path.clone(), stage.path(STAMP)] {
        let whole = fs::read(&file).unwrap();
        for (at, change) in (0..whole.len()).flat_map(|at| changes.map(|change| (at, change))) {
            let mut bytes = whole.clone();
            change(&mut bytes, at);
            fs::write(&file, &bytes).unwrap();
            let is_believed = matches!(read_sealed::<Inputs>(&path).unwrap(), Kept::Whole(_))
                && stage.state().unwrap() == State::Whole(finished.clone());
            assert!(!is_believed, "{}", String::from_utf8_lossy(&bytes));
        }
        fs::write(&file, &whole).unwrap();
        assert_eq!(stage.state().unwrap(), State::Whole(finished.clone()));
        assert!(matches!(
            read_sealed::<Inputs>(&path).unwrap(),
            Kept::Whole(_)
        ));
    }
}

#[test]
fn a_link_in_place_of_a_stage_is_replaced_and_what_it_names_kept() {
    let folder = tempfile::tempdir().unwrap();
    let [elsewhere, train] = ["elsewhere", "train"].map(|name| folder.path().join(name));
    write_whole(&elsewhere.join(STAMP), b"{}").unwrap();
    std::os::unix::fs::symlink(&elsewhere, &train).unwrap();
    let stage = Stage::new(train.clone());
    let mut writer = stage.begin().unwrap();
    writer.write("a", b"").unwrap();
    writer.finish(inputs("1")).unwrap();
    assert!(!train.is_symlink());
    assert_eq!(fs::read(elsewhere.join(STAMP)).unwrap(), b"{}");
    assert_eq!(fs::read_dir(elsewhere).unwrap().count(), 1);
}

#[test]
fn a_file_is_replaced_whole() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x/report.json");
    write_whole(&path, b"one").unwrap();
    write_whole(&path, b"two").unwrap();
    assert_eq!(fs::read(&path).unwrap(), b"two");
    assert_eq!(fs::read_dir(folder.path().join("x")).unwrap().count(), 1);
}
