//! Files and folders in cargo's target folder, by what they are made of.

use std::path::Path;

use anyhow::Context;

use crate::disk;

/// Folders of a profile, in the order in which they are swept: what cargo goes by comes first, so that
/// where the program ends in between, nothing is taken for finished of which a part is gone.
const SWEPT: [&str; 4] = [".fingerprint", "build", "deps", ""];

/// Removes from the folder of a profile what has such a stem.
pub(super) fn remove(profile: &Path, goes: impl Fn(&str) -> bool) -> anyhow::Result<()> {
    for below in SWEPT {
        let Ok(entries) = std::fs::read_dir(profile.join(below)) else {
            continue;
        };
        for entry in entries {
            let entry = entry?;
            if goes(&stem_of(&entry.file_name().to_string_lossy())) {
                let path = entry.path();
                disk::remove(&path).with_context(|| format!("cannot remove {}", path.display()))?;
            }
        }
    }
    Ok(())
}

/// A name without an ending and a library's first letters, as crates are spelled: what all files of
/// one build of a crate have in common.
pub(super) fn stem_of(file: &str) -> String {
    let name = file.split('.').next().unwrap_or_default();
    let name = if file.contains(".r") || file.ends_with(".d") {
        name.strip_prefix("lib").unwrap_or(name)
    } else {
        name
    };
    name.replace('-', "_")
}

/// The crate of a stem, which is the stem without cargo's hash.
pub(super) fn crate_of(stem: &str) -> &str {
    match stem.rsplit_once('_') {
        Some((name, hash)) if hash.len() == 16 && hash.bytes().all(|it| it.is_ascii_hexdigit()) => {
            name
        }
        _ => stem,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_of_a_crate_are_told_by_their_names() {
        for (file, expected) in [
            ("spinney-app-0123456789ab", "spinney_app_0123456789ab"),
            ("spinney-app-0123456789ab.d", "spinney_app_0123456789ab"),
            (
                "spinney_app_0123456789ab-84a83b26ebfd5e75",
                "spinney_app_0123456789ab",
            ),
            (
                "spinney-app-0123456789ab-84a83b26ebfd5e75",
                "spinney_app_0123456789ab",
            ),
            (
                "libiris_tree_model-84a83b26ebfd5e75.rlib",
                "iris_tree_model",
            ),
            ("libiris_tree_model.d", "iris_tree_model"),
            ("iris-tree-model-84a83b26ebfd5e75", "iris_tree_model"),
            ("liberty-84a83b26ebfd5e75", "liberty"),
            (".fingerprint", ""),
        ] {
            assert_eq!(crate_of(&stem_of(file)), expected, "{file}");
        }
    }

    #[test]
    fn what_is_made_of_one_build_of_a_crate_goes() {
        let profile = tempfile::tempdir().unwrap();
        let (old, new) = ("84a83b26ebfd5e75", "84a83b26ebfd5e76");
        let here = |hash: &str| {
            [
                format!(".fingerprint/iris-model-{hash}/invoked.timestamp"),
                format!("deps/libiris_model-{hash}.rlib"),
                format!("deps/libiris_model-{hash}.rmeta"),
                format!("deps/iris_model-{hash}.d"),
            ]
            .map(|path| profile.path().join(path))
        };
        for path in [here(old), here(new)].iter().flatten() {
            crate::store::write_whole(path, b"made").unwrap();
        }
        let stem = stem_of(&format!("libiris_model-{old}.rlib"));
        remove(profile.path(), |it| it == stem).unwrap();
        assert!(here(old).iter().all(|path| !path.exists()));
        assert!(here(new).iter().all(|path| path.exists()));
    }
}
