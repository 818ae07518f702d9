//! A second opinion on a certificate, from the bytes that ship.
//!
//! [`check`] takes the float model, the test rows, the tables as they stand in an image
//! ([`Memory`]), and a [`Claim`]: how readings are coded, how tables are laid out, what is
//! certified. It decodes the tables, decides every split for every code of its feature, compares
//! trees leaf by leaf, and holds the certificate to what it found. Where the model is code,
//! [`edge_rows`] gives rows that ask an image about both sides of every split. Of a model that was made
//! smaller, [`keeps`] holds it to its [`Promise`] beside the original.
//!
//! It shares no code with what made the tables, and must not: below it are the float model and a
//! reader of ELF files, never `runtime`, `quantize` or `codegen`. The formats are written anew
//! from their description in ARCHITECTURE.md.

mod bayes;
mod boxes;
mod claim;
mod coding;
mod forest;
mod memory;
mod promise;
mod rows;
mod sums;
mod tables;

pub use claim::{
    Body, Certificate, Children, Claim, Coding, FORMAT, Field, Flip, Input, Layout, LeafTable,
    Level, Missing, Sensor, Sums, VERSION,
};
pub use memory::Memory;
pub use promise::{How, Keeps, Kept, Part, Promise, Readings, keeps, keeps_within};
pub use rows::{Edges, code_rows, edge_rows};

use serde::{Deserialize, Serialize};
use spinney_model::FloatModel;

/// What kind of thing is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// The claim is about another model, or of another format.
    Stale,
    /// A table is absent, too short, or leads out of itself.
    Layout,
    /// The coding in the image is not the one claimed, or none that has an order.
    Coding,
    /// A split asks another feature, or stands where float has none.
    Split,
    /// A split decides readings differently, and the certificate does not list them.
    Unlisted,
    /// A leaf's votes are not its proportions, rounded.
    Leaf,
    /// A term of naive Bayes is not the model's.
    Term,
    /// An early exit that could change the class.
    Exit,
    /// A row that float and Q15 tell differently, and that is not listed.
    Row,
    /// A level that what is listed does not bear out.
    Level,
    /// A smaller model that does not keep what is promised of it, or a promise about others.
    Promise,
}

/// One thing that refutes the certificate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fault {
    /// What kind of thing.
    pub kind: Kind,
    /// Where.
    pub place: String,
    /// What is there, and what should be.
    pub what: String,
}

impl Fault {
    fn new(kind: Kind, place: impl ToString, what: impl ToString) -> Self {
        let (place, what) = (place.to_string(), what.to_string());
        Self { kind, place, what }
    }
}

impl std::fmt::Display for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.place, self.what)
    }
}

/// What a check found.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Findings {
    /// Splits of the float model that were compared.
    pub splits: usize,
    /// Pairs of a split and a code of its feature that were decided.
    pub decisions: u64,
    /// Leaves compared, or terms of naive Bayes.
    pub leaves: usize,
    /// Rows that were predicted on both sides.
    pub rows: usize,
    /// What was not taken from the image, a sentence each.
    pub notes: Vec<String>,
    /// The first of the faults.
    pub faults: Vec<Fault>,
    /// How many there are.
    pub n_faults: usize,
}

const FAULTS_SHOWN: usize = 20;

impl Findings {
    /// Whether nothing refutes the certificate.
    pub fn holds(&self) -> bool {
        self.n_faults == 0
    }

    /// What is found of an image that cannot be read.
    #[must_use]
    pub fn unreadable(error: &str) -> Self {
        let mut findings = Self::default();
        findings.fault(Kind::Layout, "the image", error);
        findings
    }

    /// Takes in what was found of a part of the model.
    pub fn join(&mut self, part: &str, found: Findings) {
        self.splits += found.splits;
        self.decisions += found.decisions;
        self.leaves += found.leaves;
        let new = found.notes.into_iter();
        let new: Vec<String> = new.filter(|note| !self.notes.contains(note)).collect();
        self.notes.extend(new);
        self.n_faults += found.n_faults;
        let faults = found.faults.into_iter().map(|fault| Fault {
            place: format!("{part}, {}", fault.place),
            ..fault
        });
        self.faults.extend(faults);
        self.faults.truncate(FAULTS_SHOWN);
    }

    pub(crate) fn note(&mut self, note: &str) {
        self.notes.push(note.to_owned());
    }

    pub(crate) fn fault(&mut self, kind: Kind, place: impl ToString, what: impl ToString) {
        self.push(Fault::new(kind, place, what));
    }

    pub(crate) fn push(&mut self, fault: Fault) {
        self.n_faults += 1;
        if self.faults.len() < FAULTS_SHOWN {
            self.faults.push(fault);
        }
    }
}

/// Checks a claim about `model`, whose file has the digest `digest`, against tables in memory.
///
/// `rows` are the test rows in float64, one after the other, as the certificate numbers them.
/// Tables that the compiler folded into code are not there; what depends on them is left to
/// [`edge_rows`], and a note says so.
pub fn check(
    model: &FloatModel,
    digest: &str,
    claim: &Claim,
    memory: &Memory,
    rows: &[f64],
) -> Findings {
    let mut findings = Findings::default();
    let inputs = &claim.inputs;
    let n_features = model.schema().n_features();
    let stale = if claim.format != FORMAT || claim.version != VERSION {
        "it is of another format, or another version"
    } else if claim.model != digest {
        "it is about a model that is not the one at hand"
    } else if inputs.is_empty()
        || inputs.iter().any(|input| input.feature >= n_features)
        || ![8, 16].contains(&claim.code_bits)
    {
        "its inputs are not the model's features, in codes of 8 or 16 bits"
    } else {
        ""
    };
    if !stale.is_empty() {
        findings.fault(Kind::Stale, "the claim", stale);
        return findings;
    }
    tables::codings(claim, n_features, memory, &mut findings);
    let checked = match (model, &claim.body) {
        (FloatModel::Forest(_) | FloatModel::Additive(_), Body::Forest { .. }) => {
            forest::check(model, claim, memory, rows, &mut findings)
        }
        (FloatModel::GaussianNb(model), Body::GaussianNb { score_bits }) => {
            bayes::check(model, claim, *score_bits, memory, rows, &mut findings)
        }
        _ => {
            let what = "it is about another kind of model";
            Err(Fault::new(Kind::Stale, "the claim", what))
        }
    };
    if let Err(fault) = checked {
        findings.push(fault);
    }
    findings
}
