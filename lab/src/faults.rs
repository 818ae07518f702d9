//! `certificate faults`: faults planted in the images, claims and models of finished pipelines,
//! each of which the checker has to name.

use std::path::Path;

use anyhow::{Context, anyhow};
use spinney_checker::{
    Body, Children, Claim, Coding, Field, Findings, Kind, Layout, Level, Memory, check,
};
use spinney_cli::terminal;
use spinney_model::FloatModel;

use spinney_pipeline::failure::{ExitReason, Failure};
use spinney_pipeline::stages::candidates::{self, Choice};
use spinney_pipeline::stages::checked::{self, exact_rows};
use spinney_pipeline::stages::claim::Claims;
use spinney_pipeline::stages::quantize::{CANDIDATES, CLAIMS};
use spinney_pipeline::stages::run::{CHOICE, PRODUCT_ELF};
use spinney_pipeline::stages::{Session, inputs, last_run, model, outliers};
use spinney_pipeline::store::sha256;

/// What the checker is given of a finished pipeline.
pub(super) struct Evidence {
    model: Vec<u8>,
    digest: String,
    claim: Claim,
    elf: Vec<u8>,
    rows: Vec<f64>,
    /// What flags outliers beside the model.
    detector: Option<FloatModel>,
}

/// One planted fault: what is wrong, in words; the pipeline that it is planted in; and what the checker has
/// to call it.
type Plant = (
    &'static str,
    &'static str,
    Kind,
    fn(&mut Evidence) -> Option<()>,
);

const IRIS: &str = "examples/iris-tree.toml";
const DIGITS: &str = "pipeline.toml";
const MOTION: &str = "examples/motion-exercises.toml";
const UNKNOWN: &str = "examples/digits-unknown.toml";
const WINE: &str = "examples/wine-bayes.toml";
const BOOSTING: &str = "examples/air-boosting.toml";

#[rustfmt::skip]
const PLANTS: [Plant; 29] = [
    ("a threshold of outliers", UNKNOWN, Kind::Unlisted, |it| {
        let layout = layout(it.claim.outliers.as_deref()?)?;
        it.in_outliers("NODES", |bytes| {
            changed(bytes, (layout, 0), layout.threshold, |threshold| {
                threshold + 1
            });
        })
    }),
    ("a depth of outliers", UNKNOWN, Kind::Leaf,
        |it| it.in_outliers("LEAVES", |bytes| bytes[0] ^= 1)),
    ("where outliers begin", UNKNOWN, Kind::Leaf,
        |it| it.in_outliers("BASES", |bytes| bytes[0] ^= 1)),
    ("another code for a gap", BOOSTING, Kind::Coding,
        |it| it.in_table("GAPS", |bytes| bytes[4] ^= 1)),
    ("a set that lost a category", BOOSTING, Kind::Unlisted, |it| {
        let codings = it.claim.inputs.iter_mut().map(|input| &mut input.coding);
        let mut sets = codings.filter_map(|coding| match coding {
            Coding::Set { categories, .. } => Some(categories),
            Coding::Affine { .. } | Coding::Rank { .. } => None,
        });
        sets.next()?.pop().map(|_| ())
    }),
    ("a value off by two", BOOSTING, Kind::Leaf,
        |it| it.in_table("LEAVES", |bytes| bytes[0] ^= 2)),
    ("a tree that adds to another class", BOOSTING, Kind::Leaf,
        |it| it.in_table("ENDS", |bytes| bytes[0] += 1)),
    ("a class that begins higher", BOOSTING, Kind::Leaf,
        |it| it.in_table("BASES", |bytes| bytes[1] ^= 1)),
    ("a threshold one too high", DIGITS, Kind::Unlisted, |it| it.threshold(1)),
    ("a threshold one too low", MOTION, Kind::Unlisted, |it| it.threshold(-1)),
    ("a threshold one too high, of other codes", UNKNOWN, Kind::Unlisted, |it| it.threshold(1)),
    ("the rest of arguments", MOTION, Kind::Leaf,
        |it| it.in_table("MORE", |bytes| bytes.fill(0))),
    ("the two leaves of a split swapped", MOTION, Kind::Leaf, Evidence::swap_leaves),
    ("a pair of leaves swapped", DIGITS, Kind::Leaf,
        |it| it.in_table("PAIRS", |bytes| bytes[..4].rotate_left(2))),
    ("a split that asks another feature", MOTION, Kind::Split, |it| {
        let layout = layout(&it.claim)?;
        it.field(0, layout.input, |input| input ^ 1)
    }),
    ("a vote off by one", DIGITS, Kind::Leaf,
        |it| it.in_table("LEAVES", |bytes| bytes[0] ^= 1)),
    ("leaves of a stale table", DIGITS, Kind::Leaf, |it| {
        // Ten classes, two bytes each.
        it.in_table("LEAVES", |bytes| bytes.rotate_left(20))
    }),
    ("a start of another tree", DIGITS, Kind::Layout,
        |it| it.in_table("STARTS", |bytes| bytes[4] ^= 4)),
    ("splits of a stale table", DIGITS, Kind::Layout,
        |it| it.in_table("NODES", |bytes| bytes[16..].fill(0))),
    ("a wrong shift", MOTION, Kind::Coding,
        |it| it.in_table("CODINGS", |bytes| { affines(bytes).next().map(|coding| coding[8] ^= 1) })?),
    ("a wrong shift, in image and claim alike", MOTION, Kind::Unlisted, |it| {
        it.in_table("CODINGS", |bytes| {
            affines(bytes).for_each(|coding| coding[8] = coding[8].wrapping_sub(2));
        })?;
        it.claim.inputs.iter_mut().for_each(|input| {
            if let Coding::Affine { shift, .. } = &mut input.coding {
                *shift -= 2;
            }
        });
        Some(())
    }),
    ("a wrong offset", MOTION, Kind::Coding,
        |it| it.in_table("CODINGS", |bytes| { affines(bytes).next().map(|coding| coding[4] ^= 1) })?),
    ("a saturated rank", MOTION, Kind::Coding, |it| {
        let cuts = it
            .claim
            .inputs
            .iter_mut()
            .find_map(|input| match &mut input.coding {
                Coding::Rank { cuts } => Some(cuts),
                Coding::Affine { .. } | Coding::Set { .. } => None,
            })?;
        cuts.truncate(cuts.len() / 2);
        Some(())
    }),
    ("a model that changed since", IRIS, Kind::Stale, |it| {
        it.digest.replace_range(7..8, "x");
        Some(())
    }),
    ("a threshold of the model that changed since", DIGITS, Kind::Unlisted, |it| {
        let text = String::from_utf8_lossy(&it.model).into_owned();
        let (before, after) = text.split_once("\"threshold\":")?;
        it.model = format!("{before}\"threshold\":1{after}").into_bytes();
        Some(())
    }),
    ("trees in another order", DIGITS, Kind::Split, |it| {
        let Body::Forest { order, .. } = &mut it.claim.body else {
            return None;
        };
        order.swap(0, 1);
        Some(())
    }),
    ("flips that are not listed", BOOSTING, Kind::Row, |it| {
        it.claim.certificate.flips.clear();
        it.claim.certificate.splits = Some(Level::EveryInput);
        Some(())
    }),
    ("rows at risk that are not listed", DIGITS, Kind::Row, |it| {
        it.claim.certificate.rows_at_risk.clear();
        it.claim.certificate.votes = Level::EveryRow;
        Some(())
    }),
    ("a term of naive Bayes", WINE, Kind::Term,
        |it| it.in_table("TERMS", |bytes| bytes[1] ^= 8)),
];

/// The affine codings of a table that holds ranks, too.
fn affines(codings: &mut [u8]) -> impl Iterator<Item = &mut [u8]> {
    codings.chunks_mut(12).filter(|coding| coding[0] == 0)
}

fn layout(claim: &Claim) -> Option<Layout> {
    match claim.body {
        Body::Forest { layout, .. } => layout,
        Body::GaussianNb { .. } => None,
    }
}

/// Changes a field of a split in the bytes of a table.
fn changed(
    bytes: &mut [u8],
    (layout, split): (Layout, usize),
    field: Field,
    change: impl FnOnce(usize) -> usize,
) {
    let first = layout.first_bit + split * layout.split_bits + field.at;
    let bits = 0..field.bits;
    let bit = |at: usize| usize::from(bytes[at / 8] >> (at % 8) & 1);
    let value = change(bits.clone().map(|at| bit(first + at) << at).sum());
    for at in bits {
        let (place, mask) = ((first + at) / 8, 1 << ((first + at) % 8));
        if value >> at & 1 == 0 {
            bytes[place] &= !mask;
        } else {
            bytes[place] |= mask;
        }
    }
}

impl Evidence {
    pub(super) fn of(config: &Path) -> Result<Self, Failure> {
        let session = Session::open(config, terminal::notes())?;
        last_run::open(&session, &inputs::read(&session.config)?)?;
        let (run, quantized) = (session.made("run")?, session.made("quantize")?);
        let choice: Choice = run.read_json(CHOICE)?;
        let mut claims: Vec<Claims> = quantized.read_json(CLAIMS)?;
        let claim = claims.swap_remove(choice.chosen).image;
        let model = session.made("model")?.read(model::MODEL)?;
        Ok(Self {
            digest: sha256(&model),
            rows: exact_rows(&quantized, &claim)?,
            detector: checked::detector(&quantized)?,
            elf: run.read(PRODUCT_ELF)?,
            model,
            claim,
        })
    }

    fn findings(&self) -> Result<Findings, Failure> {
        let model = FloatModel::from_json(&self.model).environment()?;
        let memory = Memory::of_elf(&self.elf);
        let mut found = match memory {
            Ok(memory) => check(&model, &self.digest, &self.claim, &memory, &self.rows),
            Err(error) => Findings::unreadable(&error),
        };
        if let Some(detector) = &self.detector {
            let memory = Memory::of_outliers(&self.elf);
            let claim = (&model, &self.claim);
            let of_part = outliers::checked(claim, detector, memory, &self.rows);
            found.join("the outliers", of_part);
        }
        Ok(found)
    }

    /// Changes a table where it stands in the file; `None` if it does not stand there once.
    fn in_table<T>(&mut self, name: &str, change: impl FnOnce(&mut [u8]) -> T) -> Option<T> {
        let memory = Memory::of_elf(&self.elf).ok()?;
        self.in_memory(&memory, name, change)
    }

    /// The same of the detector's tables.
    fn in_outliers(&mut self, name: &str, change: impl FnOnce(&mut [u8])) -> Option<()> {
        let memory = Memory::of_outliers(&self.elf).ok()?;
        self.in_memory(&memory, name, change)
    }

    fn in_memory<T>(
        &mut self,
        memory: &Memory,
        name: &str,
        change: impl FnOnce(&mut [u8]) -> T,
    ) -> Option<T> {
        let table = memory.table(name)?;
        let mut places = self.elf.windows(table.len()).enumerate();
        let (at, _) = places.find(|(_, bytes)| *bytes == table)?;
        let is_alone = places.all(|(_, bytes)| bytes != table);
        is_alone.then(|| change(&mut self.elf[at..at + table.len()]))
    }

    /// Changes a field of a split.
    fn field(
        &mut self,
        split: usize,
        field: Field,
        change: impl FnOnce(usize) -> usize,
    ) -> Option<()> {
        let layout = layout(&self.claim)?;
        self.in_table("NODES", |bytes| {
            changed(bytes, (layout, split), field, change)
        })
    }

    fn threshold(&mut self, step: isize) -> Option<()> {
        let layout = layout(&self.claim)?;
        self.field(0, layout.threshold, |threshold| {
            threshold.wrapping_add_signed(step)
        })
    }

    /// Swaps the leaves of the last split, which has two.
    fn swap_leaves(&mut self) -> Option<()> {
        let layout = layout(&self.claim)?;
        let Children::Marked { argument, .. } = layout.children else {
            return None;
        };
        let n_splits =
            Memory::of_elf(&self.elf).ok()?.table("NODES")?.len() * 8 / layout.split_bits;
        let half = argument.bits / 2;
        self.field(n_splits - 1, argument, |leaves| {
            (leaves & ((1 << half) - 1)) << half | leaves >> half
        })
    }
}

/// Plants every fault and wants it named; prints a line for each.
pub(crate) fn run() -> Result<(), Failure> {
    let mut missed = 0;
    for (what, config, kind, plant) in PLANTS {
        let mut evidence = Evidence::of(&crate::repository().join(config))?;
        if let Some(fault) = evidence.findings()?.faults.first() {
            return Err(Failure::Input(anyhow!(
                "{config}: found a fault before one was planted, {fault}; expected a run of today's \
                 config and program"
            )));
        }
        plant(&mut evidence)
            .with_context(|| format!("{config}: found no place for {what}"))
            .environment()?;
        let found = evidence.findings()?;
        let named = found.faults.iter().find(|fault| fault.kind == kind);
        missed += usize::from(named.is_none());
        let answer = named.map_or_else(
            || format!("MISSED, {:?}", found.faults.first()),
            ToString::to_string,
        );
        println!("{config}: {what}: {answer}");
    }
    println!(
        "{} of {} planted faults named",
        PLANTS.len() - missed,
        PLANTS.len()
    );
    if missed > 0 {
        return Err(Failure::Gate);
    }
    in_code()
}

/// A pipeline whose form may be code, and has splits enough.
const CODE: &str = "examples/mnist-forest.toml";

/// A threshold one too high in branches that are compiled: the image has to be found out.
fn in_code() -> Result<(), Failure> {
    let session = Session::open(&crate::repository().join(CODE), terminal::notes())?;
    last_run::open(&session, &inputs::read(&session.config)?)?;
    let candidates = candidates::of(&session)?;
    let index = candidates
        .iter()
        .position(|candidate| candidate.is_code() && !candidate.early_exit)
        .with_context(|| format!("{CODE}: none of its forms is code"))
        .environment()?;
    let mut wrong = candidates::form(&session, CANDIDATES, &candidates[index])?;
    let trees = wrong
        .files
        .get_mut("src/trees.rs")
        .context("branches have a trees.rs")
        .environment()?;
    let (before, after) = trees
        .split_once(" <= ")
        .context("trees have a split")
        .environment()?;
    let digits = after.bytes().take_while(u8::is_ascii_digit).count();
    let threshold: i32 = after[..digits].parse().environment()?;
    *trees = format!("{before} <= {}{}", threshold + 1, &after[digits..]);
    let asked = checked::ask_anew(&session, &wrong, index)?;
    println!(
        "{CODE}: a threshold one too high in branches: {} of {} rows answered otherwise",
        asked.mismatches, asked.rows
    );
    Failure::unless(asked.mismatches > 0 && asked.failed.is_none())
}
