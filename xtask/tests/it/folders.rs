//! What `data` says of folders of recordings.

use std::fmt::Write;
use std::process::Command;

use expect_test::{Expect, expect};

/// A WAV file of a quarter of a second at 8 kHz.
fn wav(sample: impl Fn(usize) -> i16) -> Vec<u8> {
    let samples: Vec<u8> = (0..2000).flat_map(|at| sample(at).to_le_bytes()).collect();
    let mut bytes = b"RIFF\x24\0\0\0WAVEfmt \x10\0\0\0\x01\0\x01\0".to_vec();
    bytes.extend(8000_u32.to_le_bytes());
    bytes.extend(16_000_u32.to_le_bytes());
    bytes.extend(b"\x02\0\x10\0data");
    bytes.extend((samples.len() as u32).to_le_bytes());
    [bytes, samples].concat()
}

#[test]
fn the_same_for_a_program() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    for class in ["hum", "bell"] {
        let path = folder.path().join("rec").join(class);
        std::fs::create_dir_all(&path).expect("a folder");
        std::fs::write(path.join("1.wav"), wav(|at| (at % 9) as i16 * 100)).expect("a file");
    }
    let output = Command::new(env!("CARGO_BIN_EXE_xtask"))
        .args(["data", "rec", "--json"])
        .current_dir(folder.path())
        .output()
        .expect("the program runs");
    let json: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let pretty = serde_json::to_string_pretty(&json).expect("JSON");
    expect![[r#"
        {
          "channels": [],
          "dataset": "[dataset]\npath = \"rec\"\n",
          "folder": "rec",
          "frontend": "[frontend]\nsample_rate = 8000\nframe = 256\nbands = 32\ndecision_s = 0.2\n",
          "kind": "sound",
          "labels": {
            "bell": 1,
            "hum": 1
          },
          "n_read": 2,
          "n_recordings": 2,
          "rates": {
            "8000": 2
          },
          "seconds": [
            0.25,
            0.25
          ],
          "suspicious": [],
          "untrained": []
        }"#]]
    .assert_eq(&pretty);
}

#[test]
fn a_project_from_a_folder_runs_at_once() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let write = |name: &str, bytes: &[u8]| {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        std::fs::write(path, bytes).expect("a file");
    };
    let run = |arguments: &[&str], below: &str| {
        let output = Command::new(env!("CARGO_BIN_EXE_xtask"))
            .args(arguments)
            .current_dir(folder.path().join(below))
            .output()
            .expect("the program runs");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{said}");
    };
    for at in 0..8_usize {
        let tone = wav(|n| [9000, -9000][n / (8 + at) % 2]);
        write(&format!("sound/bell_{at}.wav"), &tone);
        let hum = wav(|n| (n * (at + 3) % 97) as i16);
        write(&format!("sound/hum_{at}.wav"), &hum);
        for (class, level) in [("rest", 3_usize), ("walk", 900)] {
            let row = |n: usize| format!("{},{level}\n", (n * 7 + at) % 13 * level);
            let rows: String = (0..200).map(row).collect();
            let side = ["train", "test"][at / 6];
            write(
                &format!("motion/{side}/{class}/{at}.csv"),
                format!("ax,ay\n{rows}").as_bytes(),
            );
        }
    }
    write("sound/notes.txt", b"not read");
    let config = |project: &str| {
        let text = std::fs::read_to_string(folder.path().join(project).join("pipeline.toml"));
        let text = text.expect("a config");
        let sections = text.split("[dataset]").nth(1);
        let sections = sections.and_then(|it| it.split("[model]").next());
        sections.unwrap_or_default().to_owned()
    };
    run(&["new", "chimes", "--from", "sound/"], "");
    expect![[r#"

        path = "data/sound/{label}_*.wav"
        test_fraction = 0.25          # this part of the rows is never trained on

        [frontend]
        sample_rate = 8000
        frame = 256
        bands = 32
        decision_s = 0.2

    "#]]
    .assert_eq(&config("chimes"));
    run(&["new", "steps", "--from", "motion"], "");
    expect![[r#"

        train = "data/motion/train"
        test = "data/motion/test"

        [frontend]
        kind = "motion"
        sample_rate = 50    # samples per second: no column of times says it
        channels = ["ax", "ay"]
        frame = 64
        hop = 32

    "#]]
    .assert_eq(&config("steps"));
    assert!(!folder.path().join("chimes/data/sound/notes.txt").exists());
    for project in ["chimes", "steps"] {
        run(&["pipeline", "run", "--until", "quantize"], project);
        let sensor = folder.path().join(project).join("firmware/src/sensor.rs");
        let sensor = std::fs::read_to_string(sensor).expect("a sensor");
        assert!(sensor.contains("chain.push"), "{sensor}");
    }
}

#[test]
fn data_says_what_a_folder_holds() {
    let data = |files: &[(&str, Vec<u8>)], code: i32, expected: &Expect| {
        let folder = tempfile::tempdir().expect("a temporary folder");
        for (name, bytes) in files {
            let path = folder.path().join("rec").join(name);
            std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
            std::fs::write(path, bytes).expect("a file");
        }
        let output = Command::new(env!("CARGO_BIN_EXE_xtask"))
            .args(["data", "rec"])
            .current_dir(folder.path())
            .output()
            .expect("the program runs");
        let said = [output.stdout, output.stderr].concat();
        expected.assert_eq(&String::from_utf8_lossy(&said));
        assert_eq!(output.status.code(), Some(code));
    };
    let tone = |height: i16| wav(move |at| [height, -height][at / 8 % 2]);
    // A folder per class, with what is odd.
    let odd = [
        ("bell/1.wav", tone(9000)),
        ("bell/2.wav", tone(i16::MAX)),
        ("hum/1.wav", tone(3)),
        ("hum/2.wav", tone(4)),
        ("hum/3.wav", b"RIFF".to_vec()),
        ("notes.txt", Vec::new()),
    ];
    data(
        &odd,
        0,
        &expect![[r#"
        rec: sound, 5 recordings
          labels: bell (2), hum (3)
          samples per second: 8000 (4)
          seconds: 0.250 to 0.250, 1.0 in all
          suspicious: 3
            rec/bell/2.wav: clipped, 100.0 % of samples at full scale
            rec/hum/1.wav: silence
            rec/hum/3.wav: the WAV file: found Failed to read enough bytes., expected a complete WAV file of integers or floats, as `ffmpeg -i FILE -c:a pcm_s16le OUT.wav` writes it

        [dataset]
        path = "rec"

        [frontend]
        sample_rate = 8000
        frame = 256
        bands = 32
        decision_s = 0.2
    "#]],
    );
    // A folder per class and person, or per person and class: nobody can tell.
    let deep = [
        "bell/ann/1.wav",
        "bell/ben/1.wav",
        "hum/ann/1.wav",
        "hum/ben/1.wav",
    ];
    data(
        &deep.map(|it| (it, tone(900))),
        2,
        &expect![[r#"
            error: rec: found 4 recordings and nothing that says their classes, expected a folder per class, names such as `walk_01.csv`, a CSV list with `file` and `label`, or a label track beside each, `NAME.txt`
            they lie two folders deep: `path = "rec/{label}/*/*.wav"` in [dataset] takes the first for the class, `path = "rec/*/{label}/*.wav"` the second
        "#]],
    );
    // Names that begin with the class, and a label track beside each.
    let named = ["up_1.wav", "up_2.wav", "down_1.wav", "down_2.wav"];
    data(
        &named.map(|it| (it, tone(900))),
        0,
        &expect![[r#"
        rec: sound, 4 recordings
          labels: down (2), up (2)
          samples per second: 8000 (4)
          seconds: 0.250 to 0.250, 1.0 in all

        [dataset]
        path = "rec/{label}_*.wav"

        [frontend]
        sample_rate = 8000
        frame = 256
        bands = 32
        decision_s = 0.2
    "#]],
    );
    let track = b"0.0\t0.1\tbell\n".to_vec();
    data(
        &[
            ("a.wav", tone(900)),
            ("a.txt", track.clone()),
            ("b.wav", tone(900)),
            ("b.txt", track),
        ],
        0,
        &expect![[r#"
            rec: sound, 2 recordings
              labels: bell (2)
              samples per second: 8000 (2)
              seconds: 0.250 to 0.250, 0.5 in all

            [dataset]
            path = "rec"
            path_labels = "rec/*.txt"

            [frontend]
            sample_rate = 8000
            frame = 256
            bands = 32
            decision_s = 0.2
        "#]],
    );
    // A list, and sides.
    let list = b"file,label\na.wav,up\nb.wav,down\n".to_vec();
    let files = [
        ("a.wav", tone(900)),
        ("b.wav", tone(900)),
        ("list.csv", list),
    ];
    data(
        &files,
        0,
        &expect![[r#"
        rec: sound, 2 recordings
          labels: down (1), up (1)
          samples per second: 8000 (2)
          seconds: 0.250 to 0.250, 0.5 in all

        [dataset]
        path = "rec"
        path_labels = "rec/list.csv"

        [frontend]
        sample_rate = 8000
        frame = 256
        bands = 32
        decision_s = 0.2
    "#]],
    );
    let sides = [
        "train/up/1.wav",
        "train/down/1.wav",
        "test/up/1.wav",
        "test/left/1.wav",
    ];
    data(
        &sides.map(|it| (it, tone(900))),
        0,
        &expect![[r#"
            rec: sound, 3 recordings
              labels: down (1), up (2)
              samples per second: 8000 (3)
              seconds: 0.250 to 0.250, 0.8 in all
              left out of the test, since nothing trains these classes: left

            [dataset]
            train = "rec/train"
            test = { "up" = "rec/test/up/*" }

            [frontend]
            sample_rate = 8000
            frame = 256
            bands = 32
            decision_s = 0.2
        "#]],
    );
    // Files whose names say the class, where the test has one more.
    let files = [
        ("train", "up"),
        ("train", "down"),
        ("test", "up"),
        ("test", "left"),
    ];
    let files = files.map(|(side, class)| format!("{side}/{class}.1.json"));
    let sample = |class: &str| {
        format!(
            r#"{{"protected":{{"ver":"v1"}},"signature":"0","payload":{{"device_type":"x","interval_ms":20,
            "sensors":[{{"name":"ax","units":"g"}},{{"name":"ay","units":"g"}}],"values":[{}[1,2]]}}}}"#,
            format!("[{},3],", class.len()).repeat(150)
        )
        .into_bytes()
    };
    let named: Vec<(&str, Vec<u8>)> = files.iter().map(|it| (it.as_str(), sample(it))).collect();
    data(
        &named,
        0,
        &expect![[r#"
            rec: motion, 3 recordings
              channels: ax, ay
              labels: down (1), up (2)
              samples per second: 50 (3)
              seconds: 3.020 to 3.020, 9.1 in all
              left out of the test, since nothing trains these classes: left

            [dataset]
            train = "rec/train"
            test = { "up" = "rec/test/up.*" }

            [frontend]
            kind = "motion"
            sample_rate = 50
            channels = ["ax", "ay"]
            frame = 64
            hop = 32
        "#]],
    );
    // Motion, with times that say the rate, and with a column of the class.
    let mut csv = "time_ms,ax,ay,activity\n".to_owned();
    for at in 0..200 {
        let class = if at < 100 { "rest" } else { "walk" };
        let _ = writeln!(csv, "{},{},{},{class}", at * 20, at * 7 % 13, at % 3);
    }
    let motion = ["one.csv", "two.csv"].map(|it| (it, csv.clone().into_bytes()));
    data(
        &motion,
        0,
        &expect![[r#"
            rec: motion, 2 recordings
              channels: ax, ay
              samples per second: 50 (2)
              seconds: 4.000 to 4.000, 8.0 in all

            [dataset]
            path = "rec"
            label = "activity"

            [frontend]
            kind = "motion"
            sample_rate = 50
            channels = ["ax", "ay"]
            frame = 64
            hop = 32
        "#]],
    );
    // Nothing to read, or nothing that says the classes.
    data(
        &[("a.m4a", Vec::new()), (".b.wav", Vec::new())],
        2,
        &expect![[r#"
            error: rec: found no recordings among 2 files (1 of m4a, 1 of wav), expected sound in .wav, .flac, .mp3 or .ogg, which `ffmpeg -i FILE OUT.wav` makes of others, or motion in .csv
        "#]],
    );
    data(
        &[("a.wav", tone(900)), ("b.wav", tone(900))],
        2,
        &expect![[r#"
            error: rec: found 2 recordings and nothing that says their classes, expected a folder per class, names such as `walk_01.csv`, a CSV list with `file` and `label`, or a label track beside each, `NAME.txt`
        "#]],
    );
}

#[test]
fn a_class_that_nothing_trains_names_its_folder() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let sides = [
        ("train", "bell"),
        ("train", "hum"),
        ("test", "hum"),
        ("aside", "drum"),
    ];
    for (at, (side, class)) in sides.into_iter().enumerate() {
        let path = folder.path().join(side).join(class);
        std::fs::create_dir_all(&path).expect("a folder");
        for n in 1..4 {
            let tone = wav(|it| [900, -900][it / (4 + at + n) % 2]);
            std::fs::write(path.join(format!("{n}.wav")), tone).expect("a file");
        }
    }
    let said = |keys: &str| {
        let config = format!(
            "[pipeline]\nname = \"sides-of-classes\"\n[dataset]\n{keys}\n[frontend]\nsample_rate = 8000\n\
             frame = 256\nbands = 8\ndecision_s = 0.2\n[model]\nkind = \"decision-tree\"\n[target]\n\
             chip = \"nRF52840_xxAA\"\n"
        );
        std::fs::write(folder.path().join("pipeline.toml"), config).expect("a config");
        let output = Command::new(env!("CARGO_BIN_EXE_xtask"))
            .args(["pipeline", "run", "--until", "quantize", "--quiet"])
            .current_dir(folder.path())
            .output()
            .expect("the program runs");
        let said = [output.stdout, output.stderr].concat();
        String::from_utf8_lossy(&said).into_owned()
    };
    expect![[r#"
        error: aside: data row 0: found class "drum", expected one of the classes that the model knows: bell, hum
    "#]]
    .assert_eq(&said("train = \"train\"\ntest = \"aside\""));
    expect![[r#"
        error: aside: data row 0: found class "drum", expected one of the classes that the model knows: bell, hum
    "#]]
    .assert_eq(&said(
        "train = \"train\"\ntest = \"test\"\nvalidation = \"aside\"",
    ));
}
