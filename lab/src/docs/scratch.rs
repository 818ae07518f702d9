//! A copy of the working tree to run commands in, with outputs of its own.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::Context;

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
    pub(crate) fn new(python: Option<PathBuf>) -> Result<Self, Failure> {
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
                link_folder(&built, &link).environment()?;
            }
        }
        let program = target.join("bin").join("xtask");
        std::fs::copy(crate::program()?, &program)
            .context("cannot copy the program")
            .environment()?;
        Ok(Self {
            tree,
            program,
            python,
        })
    }

    /// Puts the working tree's files into the copy, and takes out what is not among them.
    pub(crate) fn reset(&self) -> Result<(), Failure> {
        for entry in std::fs::read_dir(&self.tree).environment()?.flatten() {
            let path = entry.path();
            if entry.file_name() == "target" {
                continue;
            }
            let removed = if path.is_dir() {
                std::fs::remove_dir_all(&path)
            } else {
                std::fs::remove_file(&path)
            };
            removed
                .with_context(|| format!("cannot remove {}", path.display()))
                .environment()?;
        }
        let repository = crate::repository();
        for file in files(&repository).environment()? {
            let from = repository.join(&file);
            let to = self.tree.join(&file);
            // A file that was deleted and not yet committed is still listed.
            if !from.is_file() {
                continue;
            }
            if let Some(folder) = to.parent() {
                std::fs::create_dir_all(folder).environment()?;
            }
            // Copies have the time of the original, so that cargo sees what did not change.
            let copied = std::fs::copy(&from, &to).and_then(|_| {
                let time = std::fs::metadata(&from)?.modified()?;
                std::fs::File::options()
                    .write(true)
                    .open(&to)?
                    .set_modified(time)
            });
            copied
                .with_context(|| format!("cannot copy {}", from.display()))
                .environment()?;
        }
        Ok(())
    }

    /// Writes a file that a page says to save.
    pub(crate) fn save(&self, file: &str, text: &str) -> Result<(), Failure> {
        let path = self.tree.join(file);
        spinney_pipeline::store::write_whole(&path, text.as_bytes()).environment()
    }

    /// Runs the lines of a block in one shell.
    pub(crate) fn run(&self, block: &str, deadline: Duration) -> Result<Outcome, Failure> {
        let at = self.tree.join("target").join("line");
        std::fs::write(&at, "0").environment()?;
        let mut command = Command::new("sh");
        command.arg("-c").arg(script(block));
        self.finish(command, &at, deadline)
    }

    /// Runs a block of Python.
    pub(crate) fn run_python(&self, block: &str, deadline: Duration) -> Result<Outcome, Failure> {
        let at = self.tree.join("target").join("line");
        std::fs::write(&at, "0").environment()?;
        let mut command = Command::new("python3");
        command.arg("-c").arg(block);
        self.finish(command, &at, deadline)
    }

    fn finish(
        &self,
        mut command: Command,
        at: &Path,
        deadline: Duration,
    ) -> Result<Outcome, Failure> {
        command
            .current_dir(&self.tree)
            .env("SPINNEY_DOCS_XTASK", &self.program)
            .env("SPINNEY_DOCS_TREE", &self.tree)
            .env("SPINNEY_DOCS_LINE", at)
            // Where the working tree's own build went, and how it looks on a terminal.
            .env_remove("CARGO_TARGET_DIR")
            .env_remove("CARGO_TERM_COLOR")
            .env("NO_COLOR", "1");
        if let Some(python) = &self.python {
            let rest = std::env::var_os("PATH").unwrap_or_default();
            let path = std::env::join_paths(
                std::iter::once(python.clone()).chain(std::env::split_paths(&rest)),
            )
            .environment()?;
            command.env("PATH", path);
        }
        let finished = process::run(&mut command, deadline)
            .context("cannot start a shell")
            .environment()?;
        let line = std::fs::read_to_string(at).unwrap_or_default();
        Ok(Outcome {
            exit: finished
                .status
                .ok()
                .map(|status| status.code().unwrap_or(-1)),
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

/// Tracked files, and those that are neither tracked nor ignored; some may have been deleted since.
pub(crate) fn files(repository: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let mut command = Command::new("git");
    let arguments = "ls-files --cached --others --exclude-standard -z".split(' ');
    command.current_dir(repository).args(arguments);
    let names = process::read(command, process::SHORT)
        .context("git cannot list the working tree's files")?;
    Ok(names
        .split('\0')
        .filter(|name| !name.is_empty())
        .map(PathBuf::from)
        .collect())
}

pub(crate) fn link_folder(to: &Path, link: &Path) -> std::io::Result<()> {
    std::os::unix::fs::symlink(to, link)
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
