//! `inspect`: what a model file holds, and what the forms that ship would take in flash.

use std::path::Path;

use serde::Serialize;
use spinney_convert::{Form, forms};
use spinney_import::Description;

use spinney_pipeline::failure::{ExitReason, Failure};
use spinney_pipeline::stages::at_fault;

use crate::convert::read_model;
use crate::terminal;

/// What `--json` prints.
#[derive(Serialize)]
struct Inspected {
    #[serde(flatten)]
    description: Description,
    /// Every form whose bytes are known without a build; branches are code, and have none.
    forms: Vec<Form>,
}

pub(crate) fn run(file: &Path, as_json: bool) -> Result<(), Failure> {
    let bytes = read_model(file)?;
    let imported = spinney_import::import(&bytes).map_err(|error| at_fault(file, &error))?;
    let inspected = Inspected {
        description: spinney_import::describe(&imported),
        forms: forms(&imported.model).input()?,
    };
    terminal::answer(&inspected, as_json, text)
}

fn text(inspected: &Inspected) -> String {
    let mut out = inspected.description.to_string();
    for form in &inspected.forms {
        let votes = form
            .votes
            .map_or(String::new(), |votes| format!(", {votes}"));
        let coding = match form.coding_bytes {
            0 => String::new(),
            bytes => format!(", and {bytes} for codes"),
        };
        out.push_str(&format!(
            "flash       {}{votes}: {} bytes of tables ({}){coding}\n",
            form.encoding, form.table_bytes, form.form
        ));
    }
    if inspected.forms.iter().any(|form| form.votes.is_some()) {
        out.push_str("flash       branches: code, whose size a build tells; code comes on top of tables, too\n");
    }
    out
}
