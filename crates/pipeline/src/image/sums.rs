//! What images share in cargo's target folder. Libraries that any image may take are known by digest: one
//! whose bytes are not those that the compiler wrote reaches no image. Those of a model are shared by
//! the images of one process.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

use super::sweep;
use crate::progress::Progress;
use crate::store;

/// The libraries of one target; whoever has it holds the target's lock.
pub(super) struct Sums {
    folder: PathBuf,
    file: PathBuf,
    known: Known,
}

#[derive(Default, Serialize, Deserialize)]
struct Known {
    /// Digests by path within the folder.
    digests: BTreeMap<String, String>,
    /// Stems of libraries of models, and of what belongs to a model's images alone.
    own: BTreeSet<String>,
}

impl Sums {
    /// Reads the digests, and removes what has others, which cargo then makes anew, and what another
    /// process made of models. A process looks once.
    pub(super) fn verified(cache: &Path, target: &str, progress: &Progress) -> Result<Self> {
        static SEEN: Mutex<BTreeSet<PathBuf>> = Mutex::new(BTreeSet::new());
        let mut sums = Self::read(cache, target);
        let mut seen = SEEN.lock().unwrap_or_else(PoisonError::into_inner);
        if seen.insert(sums.file.clone()) {
            for damaged in sums.remove_damaged()? {
                progress.note(&format!(
                    "{} is not what the compiler wrote, and is made anew",
                    damaged.display()
                ));
            }
            let own = std::mem::take(&mut sums.known.own);
            sweep::remove(&sums.folder.join("release"), |stem| own.contains(stem))?;
        }
        Ok(sums)
    }

    fn read(cache: &Path, target: &str) -> Self {
        let file = cache.join(format!("{target}.sums"));
        // Without it, or where it is damaged, what is there counts as it is.
        let known = std::fs::read(&file).ok();
        let known = known.and_then(|text| serde_json::from_slice(&text).ok());
        Self {
            folder: cache.join(target),
            file,
            known: known.unwrap_or_default(),
        }
    }

    /// Stems of what stays of models for the next image.
    pub(super) fn own(&self) -> &BTreeSet<String> {
        &self.known.own
    }

    fn remove_damaged(&mut self) -> Result<Vec<PathBuf>> {
        let mut damaged = Vec::new();
        let folder = &self.folder;
        let mut outcome = Ok(());
        self.known.digests.retain(|path, digest| {
            let path = folder.join(path);
            let Ok(bytes) = std::fs::read(&path) else {
                return false;
            };
            let is_whole = store::sha256(&bytes) == *digest;
            if !is_whole {
                let removed = std::fs::remove_file(&path);
                let context = || format!("cannot remove {}", path.display());
                outcome =
                    std::mem::replace(&mut outcome, Ok(())).and(removed.with_context(context));
                damaged.push(path);
            }
            is_whole
        });
        outcome.map(|()| damaged)
    }

    /// Adds what a build made or found: libraries by path, and whether they were there before; and the
    /// stems of those of a model.
    pub(super) fn add<'a>(
        &mut self,
        libraries: impl Iterator<Item = (&'a Path, bool)>,
        own: impl Iterator<Item = String>,
    ) -> Result<()> {
        let mut is_changed = false;
        for (library, was_there) in libraries {
            let Ok(path) = library.strip_prefix(&self.folder) else {
                continue;
            };
            let path = path.to_string_lossy().into_owned();
            if was_there && self.known.digests.contains_key(&path) {
                continue;
            }
            let bytes = std::fs::read(library)
                .with_context(|| format!("cannot read {}", library.display()))?;
            self.known.digests.insert(path, store::sha256(&bytes));
            is_changed = true;
        }
        for stem in own {
            is_changed |= self.known.own.insert(stem);
        }
        if is_changed {
            let text = serde_json::to_vec_pretty(&self.known)?;
            store::write_whole(&self.file, &text)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_library_that_changed_by_itself_goes() {
        let cache = tempfile::tempdir().unwrap();
        let library = |name: &str| cache.path().join("thumb/release/deps").join(name);
        let of_host = cache.path().join("release/deps/libmacro.so");
        for path in [
            &library("libcore.rlib"),
            &library("libdefmt.rlib"),
            &of_host,
        ] {
            store::write_whole(path, b"as compiled").unwrap();
        }
        let mut sums = Sums::read(cache.path(), "thumb");
        let all = [
            library("libcore.rlib"),
            library("libdefmt.rlib"),
            of_host.clone(),
        ];
        let all = all.iter().map(|path| (path.as_path(), true));
        sums.add(all, std::iter::empty()).unwrap();
        let again = || Sums::read(cache.path(), "thumb");
        assert_eq!(
            again().known.digests.len(),
            2,
            "the host's are not among them"
        );
        assert_eq!(again().remove_damaged().unwrap(), [] as [&Path; 0]);
        std::fs::write(library("libcore.rlib"), b"as compilee").unwrap();
        assert_eq!(again().remove_damaged().unwrap(), [library("libcore.rlib")]);
        assert!(!library("libcore.rlib").exists() && library("libdefmt.rlib").exists());
        // What was compiled anew counts, whatever stood there.
        std::fs::write(library("libdefmt.rlib"), b"another").unwrap();
        let made = library("libdefmt.rlib");
        let made = [(made.as_path(), false)].into_iter();
        again().add(made, std::iter::empty()).unwrap();
        assert_eq!(again().remove_damaged().unwrap(), [] as [&Path; 0]);
    }

    #[test]
    fn what_another_process_made_of_models_goes() {
        let cache = tempfile::tempdir().unwrap();
        let made = |name: &str| cache.path().join("thumb/release").join(name);
        let model = made("deps/libiris_model-84a83b26ebfd5e75.rlib");
        let core = made("deps/libcore-84a83b26ebfd5e75.rlib");
        for path in [&model, &core] {
            store::write_whole(path, b"as compiled").unwrap();
        }
        let own = ["iris_model_84a83b26ebfd5e75".to_owned()];
        let add = |sums: &mut Sums| {
            sums.add(
                [(core.as_path(), true)].into_iter(),
                own.clone().into_iter(),
            )
            .unwrap();
        };
        add(&mut Sums::read(cache.path(), "thumb"));
        let verified = || Sums::verified(cache.path(), "thumb", &Progress::none()).unwrap();
        let mut sums = verified();
        assert!(!model.exists() && core.exists());
        store::write_whole(&model, b"as compiled").unwrap();
        add(&mut sums);
        assert!(verified().own().iter().eq(&own));
        assert!(model.exists(), "what this process made stays");
    }
}
