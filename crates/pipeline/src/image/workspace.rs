//! The files of an image's workspace: the firmware, a generated model crate, a memory map, names that
//! tell images apart, and a lock file with which cargo has nothing to resolve.

use anyhow::Context;
use spinney_codegen::{SourceTree, carried, memory_x};

use super::Image;
use super::sources::sources;
use crate::failure::{ExitReason, Failure};
use crate::lock_file;

/// The firmware's files, by path within the folder of an image.
pub fn firmware_sources() -> SourceTree {
    let owned = |(path, text): (&str, &str)| {
        let text = match path {
            "wire/Cargo.toml" => carried(text),
            _ => text.to_owned(),
        };
        (path.to_owned(), text)
    };
    sources().map(owned).collect()
}

/// The files of one image, the same for the same inputs, wherever they lie.
pub(super) fn of(image: &Image<'_>) -> Result<SourceTree, Failure> {
    let mut files = firmware_sources();
    for (path, text) in image.model {
        files.insert(format!("model/{path}"), text.clone());
    }
    files.insert(
        "app/memory.x".to_owned(),
        memory_x(image.core, image.boot, image.memory.0, image.memory.1),
    );
    replace(
        &mut files,
        "app/Cargo.toml",
        "model = { path = \"../model\" }",
        &format!(
            "model = {{ path = \"../model\", package = \"{}\" }}",
            image.model_package
        ),
    )?;
    replace(
        &mut files,
        "Cargo.toml",
        "path = \"../crates/wire\"",
        "path = \"wire\"",
    )?;
    if image.for_speed {
        let manifest = files.entry("Cargo.toml".to_owned()).or_default();
        for package in [image.model_package.as_str(), "spinney-runtime"] {
            manifest.push_str(&format!(
                "\n[profile.release.package.{package}]\nopt-level = 3\n"
            ));
        }
    }
    // Where it takes rows as well, so that its libraries are those of the image that takes samples.
    if image.model.contains_key("src/signal.rs") {
        let manifest = files.entry("Cargo.toml".to_owned()).or_default();
        manifest.push_str("\n[profile.release.package.spinney-frontend]\nopt-level = 3\n");
    }
    Ok(files)
}

/// How the symbol starts that says in an image's file which inputs made it.
pub(super) const MARK: &str = "spinney_inputs_";

/// What the libraries of a workspace are made of, which is all but the app: images of one model
/// differ in the app and its features alone.
pub(super) fn without_app(files: &SourceTree) -> SourceTree {
    let libraries = files.iter().filter(|(path, _)| !path.starts_with("app/"));
    libraries
        .map(|(path, text)| (path.clone(), text.clone()))
        .collect()
}

/// Names an image's files after the digest of all that makes it, and those of its libraries after the
/// digest of all that makes these.
///
/// Every package's version carries its digest, and so does the binary's name: cargo's shared target
/// folder then never takes one's artifacts for another's. The linker puts the image's into its file as
/// a symbol, which takes no room on a chip.
pub(super) fn name_after(
    files: &mut SourceTree,
    image: &str,
    libraries: &str,
) -> Result<(), Failure> {
    let memory = files.entry("app/memory.x".to_owned()).or_default();
    memory.push_str(&format!(
        "\n/* Which inputs made this image. */\n{MARK}{image} = 0;\n"
    ));
    let [image, libraries] = [image, libraries].map(|digest| &digest[..12]);
    let mut manifests = vec![
        "app/Cargo.toml",
        "model/Cargo.toml",
        "model/runtime/Cargo.toml",
        "wire/Cargo.toml",
    ];
    // The model of a front end depends on it, whether an image takes samples or rows.
    const FRONT_END: &str = "model/frontend/Cargo.toml";
    manifests.extend(files.contains_key(FRONT_END).then_some(FRONT_END));
    for path in &manifests {
        let digest = if path.starts_with("app/") {
            image
        } else {
            libraries
        };
        let text = files.get(*path).and_then(|text| versioned(text, digest));
        let text = text
            .with_context(|| format!("the firmware's {path} has no version 0.1.0"))
            .environment()?;
        files.insert((*path).to_owned(), text);
    }
    replace(
        files,
        "app/Cargo.toml",
        "name = \"spinney-app\"",
        &format!("name = \"spinney-app-{image}\""),
    )?;
    lock(files)
}

/// Completes the firmware's lock file in a workspace with the workspace's own packages, so that
/// cargo has nothing to add to it.
pub fn lock(files: &mut SourceTree) -> Result<(), Failure> {
    let committed = files.get(LOCK).map_or("", String::as_str);
    let manifests = files
        .iter()
        .filter(|(path, text)| path.ends_with("Cargo.toml") && text.contains("[package]"));
    let lock = lock_file::complete(committed, manifests.map(|(_, text)| text.as_str()))
        .context("firmware/Cargo.lock")
        .environment()?;
    files.insert(LOCK.to_owned(), lock);
    Ok(())
}

const LOCK: &str = "Cargo.lock";

/// A manifest with this digest in its package's version; `None` if that is not 0.1.0 to begin with.
pub fn versioned(manifest: &str, digest: &str) -> Option<String> {
    const VERSION: &str = "version = \"0.1.0";
    let (before, after) = manifest.split_once(VERSION)?;
    let (_, after) = after.split_once('"')?;
    Some(format!("{before}{VERSION}+h{digest}\"{after}"))
}

fn replace(files: &mut SourceTree, path: &str, from: &str, to: &str) -> Result<(), Failure> {
    let text = files
        .get_mut(path)
        .filter(|text| text.contains(from))
        .with_context(|| format!("the firmware's {path} has no `{from}`"))
        .environment()?;
    *text = text.replace(from, to);
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;
    use crate::{disk, store};

    #[test]
    fn nothing_of_an_earlier_run_is_left_in_a_workspace() {
        let folder = tempfile::tempdir().unwrap();
        let here = |path: &str| folder.path().join(path);
        let write = |path: &str, text: &str| store::write_whole(&here(path), text.as_bytes());
        for stale in [
            ".cargo/config.toml",
            "app/src/old.rs",
            "app/src/main.rs/was/a/folder.rs",
            "frontend/src/lib.rs",
            "left.elf",
        ] {
            write(stale, "old").unwrap();
        }
        write("Cargo.lock", "").unwrap();
        write("app/Cargo.toml", "same").unwrap();
        let time = |path: &str| std::fs::metadata(here(path)).unwrap().modified().unwrap();
        let before = time("app/Cargo.toml");
        let files: SourceTree = [
            ("Cargo.lock", "version = 4"),
            ("app/Cargo.toml", "same"),
            ("app/src/main.rs", "new"),
        ]
        .map(|(path, text)| (path.to_owned(), text.to_owned()))
        .into();
        store::mirror(folder.path(), &files).unwrap();
        let found = disk::files_below(folder.path()).unwrap().into_iter();
        let text = |path: &PathBuf| std::fs::read_to_string(folder.path().join(path)).unwrap();
        let found = found.map(|path| (path.display().to_string(), text(&path)));
        assert_eq!(found.collect::<SourceTree>(), files);
        assert!(!here(".cargo").exists() && !here("frontend").exists());
        assert_eq!(time("app/Cargo.toml"), before);
    }

    #[test]
    fn libraries_are_named_after_what_they_are_made_of() {
        let named = |memory: &str, image: &str| {
            let mut files = firmware_sources();
            for (path, name) in [
                ("app", "spinney-app"),
                ("model", "iris-model"),
                ("model/runtime", "spinney-runtime"),
            ] {
                let package = format!("[package]\nname = \"{name}\"\nversion = \"0.1.0\"\n");
                files.insert(format!("{path}/Cargo.toml"), package);
            }
            files.insert("app/memory.x".to_owned(), memory.to_owned());
            name_after(&mut files, image, "libraries-of-one-model").unwrap();
            files
        };
        let one = named("RAM : 8K", "image-one-of-the-model");
        let other = named("RAM : 9K", "image-two-of-the-model");
        assert_eq!(
            without_app(&one)["model/Cargo.toml"],
            without_app(&other)["model/Cargo.toml"]
        );
        assert!(one["model/Cargo.toml"].contains("0.1.0+hlibraries-of"));
        assert!(one["app/Cargo.toml"].contains("0.1.0+himage-one-of"));
        assert!(other["app/Cargo.toml"].contains("0.1.0+himage-two-of"));
        let differs = |path: &&String| one[*path] != other[*path];
        let differing: Vec<&String> = one.keys().filter(differs).collect();
        assert_eq!(differing, ["Cargo.lock", "app/Cargo.toml", "app/memory.x"]);
    }

    #[test]
    fn a_digest_takes_the_place_of_what_a_version_told() {
        let versioned = |text| versioned(text, "abc");
        let expected = Some("version = \"0.1.0+habc\"\n".to_owned());
        assert_eq!(versioned("version = \"0.1.0\"\n"), expected);
        assert_eq!(versioned("version = \"0.1.0+digits\"\n"), expected);
        assert_eq!(versioned("version = \"0.2.0\"\n"), None);
    }
}
