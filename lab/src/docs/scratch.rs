//! A copy of the working tree to run commands in, with outputs of its own.

use std::collections::BTreeSet;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::Context;

use super::page::Block;
use spinney_pipeline::failure::{ExitReason, Failure};
use spinney_pipeline::process;

/// The copy. It stays at one place, so that cargo builds its packages once.
pub(crate) struct Scratch {
    tree: PathBuf,
    program: PathBuf,
    /// A folder of programs that come before all others.
    python: Option<PathBuf>,
}

/// What a block did.
pub(crate) struct Outcome {
    /// Its exit code; `None` if it did not end in time.
    pub exit: Option<i32>,
    /// The line of the block, from 0, whose command was the last to start.
    pub line: usize,
    /// What a terminal shows.
    pub printed: String,
}

impl Scratch {
    /// Makes the copy; `python` is the folder of a Python with packages of its own.
    pub(crate) fn new(python: Option<&Path>) -> Result<Self, Failure> {
        let tree = crate::target()?.join("docs");
        let target = tree.join("target");
        std::fs::create_dir_all(target.join("bin")).environment()?;
        // The mark of a target folder, by which the program finds its own.
        let tag = "Signature: 8a477f597d28d172789f06886806bc55\n";
        std::fs::write(target.join("CACHEDIR.TAG"), tag).environment()?;
        // What cargo built for the working tree is not built again.
        for profile in ["debug", "release"] {
            let built = crate::target()?.join(profile);
            std::fs::create_dir_all(&built).environment()?;
            let link = target.join(profile);
            if std::fs::symlink_metadata(&link).is_err() {
                symlink(&built, &link).environment()?;
            }
        }
        let program = target.join("bin").join("xtask");
        std::fs::copy(crate::program()?, &program)
            .context("cannot copy the program")
            .environment()?;
        Ok(Self {
            tree,
            program,
            python: python.map(Path::to_owned),
        })
    }

    /// Puts the working tree's files into the copy, and takes out what is not among them.
    pub(crate) fn reset(&self) -> Result<(), Failure> {
        copy(&self.tree).environment()
    }

    /// Writes a file that a page says to save.
    pub(crate) fn save(&self, file: &str, text: &str) -> Result<(), Failure> {
        let path = self.tree.join(file);
        spinney_pipeline::store::write_whole(&path, text.as_bytes()).environment()
    }

    /// Runs a block of Python, or the lines of another in one shell.
    pub(crate) fn run(&self, block: &Block, deadline: Duration) -> Result<Outcome, Failure> {
        let at = self.tree.join("target").join("line");
        std::fs::write(&at, "0").environment()?;
        let (program, text) = match block.language.as_str() {
            "python" => ("python3", block.text.clone()),
            _ => ("sh", script(&block.text)),
        };
        let mut command = Command::new(program);
        command.arg("-c").arg(text);
        command
            .current_dir(&self.tree)
            .env("SPINNEY_DOCS_XTASK", &self.program)
            .env("SPINNEY_DOCS_TREE", &self.tree)
            .env("SPINNEY_DOCS_LINE", &at)
            // Where the working tree's own build went, and how it looks on a terminal.
            .env_remove("CARGO_TARGET_DIR")
            .env_remove("CARGO_TERM_COLOR")
            .env("NO_COLOR", "1");
        if let Some(python) = &self.python {
            let rest = std::env::var_os("PATH").unwrap_or_default();
            let folders = std::iter::once(python.clone()).chain(std::env::split_paths(&rest));
            command.env("PATH", std::env::join_paths(folders).environment()?);
        }
        let finished = process::run(&mut command, deadline)
            .context("cannot start a shell")
            .environment()?;
        let line = std::fs::read_to_string(&at).unwrap_or_default();
        Ok(Outcome {
            exit: (finished.status.ok()).map(|status| status.code().unwrap_or(-1)),
            line: line.trim().parse().unwrap_or(0),
            printed: format!(
                "{}{}",
                String::from_utf8_lossy(&finished.stdout),
                String::from_utf8_lossy(&finished.stderr)
            ),
        })
    }
}

/// The block as a script that notes which of its lines runs. `cargo xtask` is the program that is built
/// already, on the copy.
fn script(block: &str) -> String {
    let mut script = String::from(
        // Errors and progress come in between, as on a terminal.
        "exec 2>&1\n\
         set -eu\n\
         cargo() {\n\
         \x20 if [ \"${1-}\" = xtask ]; then\n\
         \x20   shift\n\
         \x20   CARGO_MANIFEST_DIR=\"$SPINNEY_DOCS_TREE/xtask\" \"$SPINNEY_DOCS_XTASK\" \"$@\"\n\
         \x20 else\n\
         \x20   command cargo \"$@\"\n\
         \x20 fi\n\
         }\n",
    );
    let mut continues = false;
    for (number, line) in block.lines().enumerate() {
        let is_command = !line.trim().is_empty() && !line.trim_start().starts_with('#');
        if is_command && !continues {
            script.push_str(&format!("echo {number} > \"$SPINNEY_DOCS_LINE\"\n"));
        }
        script.push_str(line);
        script.push('\n');
        continues = line.ends_with('\\');
    }
    script
}

/// Brings a folder to the files of the working tree, and leaves alone its `target`, and what is the same, so
/// that cargo sees no change.
pub(crate) fn copy(folder: &Path) -> anyhow::Result<()> {
    let repository = crate::repository();
    let files = files(&repository)?;
    remove_others(folder, Path::new(""), &files)?;
    for path in &files {
        let (from, to) = (repository.join(path), folder.join(path));
        let (link, old_link) = (std::fs::read_link(&from).ok(), std::fs::read_link(&to).ok());
        let is_same = || link.is_some() || std::fs::read(&from).ok() == std::fs::read(&to).ok();
        if link == old_link && is_same() {
            continue;
        }
        let _ = std::fs::remove_file(&to);
        std::fs::create_dir_all(to.parent().context("a file in a folder")?)?;
        match link {
            Some(leads_to) => symlink(leads_to, &to),
            None => std::fs::copy(&from, &to).map(|_| ()),
        }
        .with_context(|| format!("cannot copy {}", from.display()))?;
    }
    Ok(())
}

/// Removes what is in a folder, or `within` it, and not among these files.
fn remove_others(folder: &Path, within: &Path, files: &BTreeSet<PathBuf>) -> std::io::Result<()> {
    for entry in std::fs::read_dir(folder.join(within))? {
        let entry = entry?;
        let path = within.join(entry.file_name());
        let is_folder = entry.file_type()?.is_dir();
        // What lies in a folder follows it in order.
        let mut following = files.range(path.clone()..);
        let is_kept = following.next().is_some_and(|it| match is_folder {
            true => *it != path && it.starts_with(&path),
            false => *it == path,
        });
        match (is_folder, is_kept) {
            _ if path == Path::new("target") => {}
            (true, true) => remove_others(folder, &path, files)?,
            (true, false) => std::fs::remove_dir_all(entry.path())?,
            (false, true) => {}
            (false, false) => std::fs::remove_file(entry.path())?,
        }
    }
    Ok(())
}

/// Tracked files, and those that are neither tracked nor ignored.
fn files(repository: &Path) -> anyhow::Result<BTreeSet<PathBuf>> {
    let mut command = Command::new("git");
    let arguments = "ls-files --cached --others --exclude-standard -z".split(' ');
    command.current_dir(repository).args(arguments);
    let names = process::read(command, process::SHORT)
        .context("git cannot list the working tree's files")?;
    let names = names.split('\0').filter(|name| !name.is_empty());
    // One that was deleted and not yet committed is still listed.
    let is_there = |path: &PathBuf| repository.join(path).symlink_metadata().is_ok();
    Ok(names.map(PathBuf::from).filter(is_there).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_script_notes_the_line_of_each_command() {
        let script = script("# why\na \\\n  b\n\nc\n");
        let lines: Vec<&str> = script
            .lines()
            .skip_while(|line| *line != "}")
            .skip(1)
            .collect();
        assert_eq!(
            lines,
            [
                "# why",
                "echo 1 > \"$SPINNEY_DOCS_LINE\"",
                "a \\",
                "  b",
                "",
                "echo 4 > \"$SPINNEY_DOCS_LINE\"",
                "c",
            ]
        );
    }
}
