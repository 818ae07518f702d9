//! The tables of a generated crate, on the host: to measure them, and to hold them against the
//! model that they stand for.

use spinney_quantize::QuantModel;
use spinney_runtime::compact::{self as runtime, Enough as RuntimeEnough};

use crate::compact::Compact;
use crate::exit::{Enough, enough};
use crate::options::{Encoding, Options};
use crate::trees::trees;

/// A forest in the tables that a generated crate would hold.
#[derive(Debug, Clone, PartialEq)]
pub struct Encoded {
    compact: Compact,
    enough: Enough,
    leads: Vec<u32>,
}

impl Encoded {
    /// The tables of `model` under `options`; `None` where a generated crate would hold others:
    /// for naive Bayes, for branches, and for forests that only the widest tables hold.
    pub fn new(model: &QuantModel, options: &Options) -> Option<Self> {
        let forest = model.forest()?;
        if options.encoding == Encoding::Branches {
            return None;
        }
        let trees = trees(forest);
        let (n_codes, n_classes) = (model.inputs().len(), model.n_scores());
        let enough = enough(&trees, forest.leaves(), n_classes, options.exit_margin);
        Some(Self {
            compact: Compact::new(forest, &trees, n_codes, n_classes, options)?,
            leads: match &enough {
                Enough::Votes(_) => Vec::new(),
                Enough::Leads(leads) => leads.iter().map(|lead| lead.unwrap_or(u32::MAX)).collect(),
            },
            enough,
        })
    }

    /// The width of a split in words: "3 bytes per split".
    pub fn form(&self) -> String {
        self.compact.form()
    }

    /// Bytes of the tables.
    pub fn table_bytes(&self) -> usize {
        self.compact.table_bytes()
    }

    /// The runtime's view of the tables: scores, classes and leaves of rows of codes.
    ///
    /// # Panics
    /// Never; encoded trees pass the runtime's check.
    pub fn tables(&self) -> runtime::Forest<'_> {
        self.compact.runtime()
    }

    /// When [`runtime::Forest::classify_early`] may stop: with a margin of 1, and still give
    /// the class of all trees.
    pub fn enough(&self) -> RuntimeEnough<'_> {
        match self.enough {
            Enough::Votes(votes) => RuntimeEnough::Votes(votes),
            Enough::Leads(_) => RuntimeEnough::Leads(&self.leads),
        }
    }
}
