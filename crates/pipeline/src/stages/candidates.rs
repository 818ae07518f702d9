//! The forms of a model that are built and measured, and the choice among them.

use serde::{Deserialize, Serialize};
use spinney_checker::{Layout, LeafTable};
use spinney_codegen::{
    Asks, CodeType, Encoding, Generated, Identity, Options, OutliersShape, SourceTree, c99, drop_in,
};
use spinney_config::{Encoding as Asked, Export, Output, Pipeline, Prefer};
use spinney_convert::options_for;
use spinney_evaluate::{DeviceRun, Footprint};
use spinney_quantize::QuantModel;
use spinney_report::Candidate as Reported;

use super::build::folder_of;
use super::quantize::{CANDIDATES, EMPTY_CRATE};
use super::{Session, chip};
use crate::failure::Failure;
use crate::store::Writer;

/// Splits up to which `auto` tries branches; a compiler takes minutes over more.
const BRANCHES_SPLITS_MAX: usize = 20_000;

/// What is known of a form of the model; its sources are beside it, as a [`Form`] has them.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Candidate {
    /// The encoding and what sets it apart.
    pub name: String,
    /// The encoding alone, as `pipeline.toml` spells it.
    pub encoding: String,
    /// The width of a split in words.
    pub form: String,
    /// Whether trees are left out once the class is certain.
    pub early_exit: bool,
    /// Whether codes are compared, rather than readings.
    pub has_codes: bool,
    /// Bytes of its tables, which no image of it is smaller than; 0 of what is code.
    pub table_bytes: usize,
    /// Whether it gives probabilities.
    pub has_probabilities: bool,
    /// Whether it may be chosen; else it only gives the scores of one that exits early.
    pub is_offered: bool,
    /// The candidate with the same tables that asks all trees.
    pub scores_from: Option<usize>,
    /// The same form as a C99 header, where that is asked for.
    pub header: Option<CHeader>,
    /// What its tables look like.
    pub shape: Shape,
    /// What it asks of each feature.
    pub asks: Asks,
}

/// A form of the model, with its sources.
#[derive(Debug, Clone, PartialEq)]
pub struct Form {
    /// What is known of it.
    pub about: Candidate,
    /// The generated crate.
    pub files: SourceTree,
    /// The text of the C99 header, where that is asked for.
    pub header: Option<String>,
}

/// A C99 header beside the generated crate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CHeader {
    /// Its path in the stage `run`.
    pub path: String,
    /// The width of a split in words.
    pub form: String,
    /// What was asked for and is not in it.
    pub notes: Vec<String>,
    /// The model's name as C spells it.
    pub prefix: String,
    /// What its tables look like.
    pub shape: Shape,
}

/// What the tables of one form look like, as its claim says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Shape {
    /// How its nodes are laid out, where they are a table.
    pub layout: Option<Layout>,
    /// Its table of leaves, where there is one.
    pub leaves: Option<LeafTable>,
    /// Whether codings are a table rather than code.
    pub codings_are_table: bool,
    /// Bits of a code.
    pub code_bits: u8,
    /// How the tables of a detector beside the classifier are laid out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outliers: Option<OutliersShape>,
}

fn bits(code_type: CodeType) -> u8 {
    match code_type {
        CodeType::U8 => 8,
        // What is compared is readings, which decide as codes of 16 bits do.
        CodeType::I16 | CodeType::U16 | CodeType::Reading => 16,
    }
}

impl CHeader {
    fn new(identity: Identity<'_>, model: &QuantModel, options: &Options) -> (Self, String) {
        let header = c99(identity, model, options);
        let about = Self {
            path: format!("c99/{}", header.file),
            form: header.form,
            notes: header.notes,
            prefix: header.prefix,
            shape: Shape {
                layout: header.layout,
                leaves: header.leaves,
                codings_are_table: false,
                code_bits: bits(header.code_type),
                outliers: header.outliers,
            },
        };
        (about, header.text)
    }
}

/// The forms that the config leaves open, the plainest first.
pub fn generate(
    pipeline: &Pipeline,
    model: &QuantModel,
    identity: Identity<'_>,
) -> Result<Vec<Form>, Failure> {
    let codegen = &pipeline.codegen;
    let core = pipeline.target.chip.core;
    let n_splits = model.forest().map_or(0, |forest| forest.splits().len());
    let is_forest = n_splits > 0;
    let encodings: &[Encoding] = match codegen.encoding {
        Asked::Auto if !is_forest => &[Encoding::Table],
        Asked::Auto if n_splits > BRANCHES_SPLITS_MAX => &[Encoding::Table, Encoding::Packed],
        Asked::Auto => &[Encoding::Table, Encoding::Packed, Encoding::Branches],
        Asked::Table => &[Encoding::Table],
        Asked::Packed => &[Encoding::Packed],
        Asked::Branches => &[Encoding::Branches],
    };
    let may_exit = codegen.early_exit && codegen.outputs.iter().all(|o| *o == Output::Class);
    let must_exit = may_exit && codegen.exit_margin < 1.0;
    let is_auto = codegen.encoding == Asked::Auto;
    // Branches compare codes, or rows of floats and of wide integers as they are.
    let of_codes = encodings.iter().map(|encoding| (*encoding, None));
    let branches = encodings.iter().find(|it| **it == Encoding::Branches);
    let of_readings = branches.map(|encoding| (*encoding, Some(CodeType::Reading)));
    let mut forms: Vec<Form> = Vec::new();
    for (encoding, code_type) in of_codes.chain(of_readings) {
        let options = |early_exit: bool| {
            let of_core = options_for(core, model, encoding, early_exit);
            Options {
                exit_margin: codegen.exit_margin,
                code_type: code_type.unwrap_or(of_core.code_type),
                ..of_core
            }
        };
        let generate = |early_exit: bool| drop_in(identity, model, &options(early_exit));
        let all = match generate(false) {
            Ok(generated) if code_type.is_some_and(|it| it != generated.options.code_type) => {
                continue;
            }
            Ok(generated) => generated,
            // What does not hold the model is no candidate; asked for, it is a fault.
            Err(_) if is_auto => continue,
            Err(error) => return Err(Failure::Input(anyhow::anyhow!("{error}"))),
        };
        let early = match may_exit.then(|| generate(true)) {
            Some(Ok(early)) if early.options.early_exit => Some(early),
            _ => None,
        };
        if must_exit && early.is_none() {
            if is_auto {
                continue;
            }
            return Err(Failure::Input(anyhow::anyhow!(
                "codegen.exit_margin: found encoding \"{}\", whose tables for this model are too \
                 wide for an early exit, expected branches or packed",
                encoding.name()
            )));
        }
        let index = forms.len();
        let mut add = |generated: Generated, is_offered: bool, scores_from: Option<usize>| {
            let mut form = Form::new(encoding, generated, model.probabilities().is_some());
            form.about.is_offered = is_offered;
            form.about.scores_from = scores_from;
            if codegen.export.contains(&Export::C99) {
                let (header, text) = CHeader::new(identity, model, &options(form.about.early_exit));
                (form.about.header, form.header) = (Some(header), Some(text));
            }
            forms.push(form);
        };
        add(all, early.is_none() || (is_auto && !must_exit), None);
        if let Some(early) = early {
            add(early, true, Some(index));
        }
    }
    Ok(forms)
}

/// Writes forms: what is known of them as the artifact `list`, sources into the folder of its name.
pub fn write(writer: &mut Writer<'_>, list: &str, forms: &[Form]) -> Result<(), Failure> {
    for form in forms {
        let folder = folder(list, &form.about);
        writer.write_tree(&folder, &form.files)?;
        if let (Some(header), Some(text)) = (&form.about.header, &form.header) {
            writer.write(&format!("{folder}.{}", header.path), text.as_bytes())?;
        }
    }
    let abouts: Vec<&Candidate> = forms.iter().map(|form| &form.about).collect();
    writer.write_json(list, &abouts)
}

fn folder(list: &str, about: &Candidate) -> String {
    sources_of(list) + &folder_of(&about.name)
}

/// Where the sources of all forms of a list lie.
pub fn sources_of(list: &str) -> String {
    format!("{}/", list.trim_end_matches(".json"))
}

/// The forms that the stage `quantize` of a session wrote.
///
/// # Errors
/// The artifact is not what the stage wrote.
pub fn of(session: &Session) -> Result<Vec<Candidate>, Failure> {
    session.made("quantize")?.read_json(CANDIDATES)
}

/// The form of which a list of the stage `quantize` knows `about`.
///
/// # Errors
/// The artifacts are not what the stage wrote.
pub fn form(session: &Session, list: &str, about: &Candidate) -> Result<Form, Failure> {
    let quantized = session.made("quantize")?;
    let folder = folder(list, about);
    let header = (about.header.as_ref())
        .map(|header| quantized.read_text(&format!("{folder}.{}", header.path)));
    Ok(Form {
        files: quantized.read_tree(&folder)?,
        header: header.transpose()?,
        about: about.clone(),
    })
}

/// The form without a model, for what an image takes besides.
///
/// # Errors
/// As [`form`].
pub fn empty(session: &Session, has_probabilities: bool) -> Result<Form, Failure> {
    Ok(Form {
        about: Candidate {
            name: "empty".to_owned(),
            has_probabilities,
            ..Candidate::default()
        },
        files: session.made("quantize")?.read_tree(EMPTY_CRATE)?,
        header: None,
    })
}

impl Candidate {
    /// Whether its trees are code rather than tables.
    pub fn is_code(&self) -> bool {
        self.encoding == Encoding::Branches.name()
    }
}

impl Form {
    fn new(encoding: Encoding, generated: Generated, has_probabilities: bool) -> Self {
        let early_exit = generated.options.early_exit;
        let exit = if early_exit { ", early exit" } else { "" };
        let compared = match generated.options.code_type {
            CodeType::Reading => " on readings",
            CodeType::U8 | CodeType::I16 | CodeType::U16 => "",
        };
        let about = Candidate {
            name: format!("{}{compared}{exit}", encoding.name()),
            encoding: encoding.name().to_owned(),
            form: generated.form,
            early_exit,
            has_codes: generated.options.code_type != CodeType::Reading,
            table_bytes: generated.table_bytes,
            has_probabilities,
            is_offered: true,
            scores_from: None,
            header: None,
            shape: Shape {
                layout: generated.layout,
                leaves: generated.leaves,
                codings_are_table: generated.codings_are_table,
                code_bits: bits(generated.options.code_type),
                outliers: generated.outliers,
            },
            asks: generated.asks,
        };
        Self {
            about,
            files: generated.files,
            header: None,
        }
    }
}

/// What was measured of a candidate.
#[derive(Debug, Clone, Copy)]
pub struct Figures<'a> {
    /// What the product image takes.
    pub product: &'a Footprint,
    /// What was measured, where it ran.
    pub run: Option<&'a DeviceRun>,
}

impl Figures<'_> {
    /// Bytes of flash and mean instructions, more than any where nothing ran.
    fn costs(self) -> [f64; 2] {
        let mean = self.run.map_or(f64::INFINITY, |it| it.instructions.mean);
        [self.product.flash_bytes as f64, mean]
    }
}

/// A choice, and why.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Choice {
    /// Index of the chosen candidate.
    pub chosen: usize,
    /// Why, in a sentence.
    pub why: String,
    /// Every candidate that was offered, for the report.
    pub candidates: Vec<Reported>,
}

/// Chooses the candidate that meets the most budgets, and among those the preferred one.
pub fn choose(pipeline: &Pipeline, all: &[(&Candidate, Figures<'_>)]) -> Choice {
    let prefer = pipeline.codegen.prefer;
    let offered: Vec<usize> = (0..all.len())
        .filter(|index| all[*index].0.is_offered)
        .collect();
    let failed = |index: usize| failed_budgets(pipeline, all[index].1);
    let rank = |index: &usize| {
        let [flash, mean] = all[*index].1.costs();
        let order = match prefer {
            Prefer::Flash => [flash, mean],
            Prefer::Speed => [mean, flash],
        };
        (failed(*index).len(), order)
    };
    let chosen = offered
        .iter()
        .copied()
        .min_by(|one, other| {
            let (one, other) = (rank(one), rank(other));
            one.0
                .cmp(&other.0)
                .then(one.1[0].total_cmp(&other.1[0]))
                .then(one.1[1].total_cmp(&other.1[1]))
        })
        .unwrap_or(0);
    let measure = match prefer {
        Prefer::Flash => "the least flash",
        Prefer::Speed => "the fewest instructions",
    };
    let fitting = offered
        .iter()
        .filter(|index| failed(**index).is_empty())
        .count();
    let why = match (offered.len(), fitting) {
        (1, _) => "the only form that was asked for or fits the model".to_owned(),
        (_, 0) => format!(
            "none of {} forms meets the budgets; this one misses the fewest ({})",
            offered.len(),
            failed(chosen).join(", ")
        ),
        (n, fitting) if fitting == n => {
            format!("{measure} of {n} forms, all of which meet the budgets")
        }
        (n, 1) => format!("the only one of {n} forms that meets the budgets"),
        (n, fitting) => format!("{measure} of the {fitting} of {n} forms that meet the budgets"),
    };
    let candidates = offered
        .iter()
        .map(|index| {
            let (candidate, figures) = all[*index];
            Reported {
                name: candidate.name.clone(),
                form: candidate.form.clone(),
                flash_bytes: figures.product.flash_bytes,
                ram_bytes: figures.product.ram_bytes,
                stack_bytes_max: figures.run.map(|run| run.stack_bytes_max),
                instructions: figures.run.map(|run| run.instructions),
                misses: failed(*index),
                is_on_front: !offered
                    .iter()
                    .any(|other| dominates(all[*other].1, figures)),
                is_chosen: *index == chosen,
            }
        })
        .collect();
    Choice {
        chosen,
        why,
        candidates,
    }
}

/// Whether one form is no worse in flash and instructions and better in one of them.
fn dominates(one: Figures<'_>, other: Figures<'_>) -> bool {
    let (one, other) = (one.costs(), other.costs());
    one[0] <= other[0] && one[1] <= other[1] && one != other
}

fn failed_budgets(pipeline: &Pipeline, figures: Figures<'_>) -> Vec<String> {
    let budget = &pipeline.budget;
    let mut failed = Vec::new();
    let mut gate = |name: &str, holds: bool| {
        if !holds {
            failed.push(name.to_owned());
        }
    };
    let (flash, ram) = (u64::from(budget.flash), u64::from(budget.ram));
    gate("flash", figures.product.flash_bytes <= flash);
    gate("ram", figures.product.ram_bytes <= ram);
    let Some(run) = figures.run else {
        return failed;
    };
    let stack = budget.stack.unwrap_or(u32::MAX);
    gate("stack", run.stack_bytes_max <= stack);
    let chip_ram = chip::ram(pipeline);
    let taken = chip_ram.taken(figures.product, run);
    gate("ram_and_stack", taken <= chip_ram.bytes);
    let mean = budget.instructions.map_or(f64::INFINITY, |it| it as f64);
    gate("instructions", run.instructions.mean <= mean);
    let max = budget.instructions_max.unwrap_or(u64::MAX);
    gate("instructions_max", run.instructions.max <= max);
    let bound = budget.instructions_bound.unwrap_or(u64::MAX);
    gate("instructions_bound", run.instructions_bound() <= bound);
    failed
}

#[cfg(test)]
mod tests {
    use spinney_config::Pipeline;
    use spinney_evaluate::{DeviceRun, Footprint};

    use super::{Candidate, Choice, Figures, choose};
    use crate::stages::run::tests::ran;

    /// Name, flash and mean instructions of three forms.
    const FORMS: [(&str, u64, f64); 3] = [
        ("table", 12_000, 1700.0),
        ("packed", 11_500, 2400.0),
        ("branches", 19_000, 1150.0),
    ];

    fn chosen(budget: &str, prefer: &str) -> Choice {
        let config = format!(
            "[pipeline]\nname = \"p\"\n[dataset]\npath = \"data/iris.csv\"\nlabel = \"species\"\n\
             [model]\nkind = \"random-forest\"\n[codegen]\nprefer = \"{prefer}\"\n\
             [target]\nchip = \"STM32F405RGTx\"\n[budget]\n{budget}\n"
        );
        let file = crate::places::clone()
            .unwrap()
            .join("target/candidates-test.toml");
        let parsed = spinney_config::parse(&config, &file, &|_| true).expect("a valid config");
        let pipeline: &Pipeline = &parsed.pipeline;
        let all: Vec<(Candidate, Footprint, DeviceRun)> = FORMS
            .into_iter()
            .map(|(name, flash_bytes, mean)| {
                let candidate = Candidate {
                    name: name.to_owned(),
                    is_offered: true,
                    ..Candidate::default()
                };
                let footprint = Footprint {
                    flash_bytes,
                    ram_bytes: 1200,
                    digest: String::new(),
                    sections: Vec::new(),
                };
                let mut run = ran(&[]);
                run.instructions.mean = mean;
                run.instructions.max = mean as u64 + 100;
                (candidate, footprint, run)
            })
            .collect();
        let figures: Vec<(&Candidate, Figures<'_>)> = all
            .iter()
            .map(|(candidate, product, run)| {
                let run = Some(run);
                (candidate, Figures { product, run })
            })
            .collect();
        choose(pipeline, &figures)
    }

    #[test]
    fn three_budgets_three_choices() {
        let name = |choice: &Choice| FORMS[choice.chosen].0;
        let loose = chosen("flash = \"64K\"", "flash");
        assert_eq!(name(&loose), "packed");
        assert_eq!(
            loose.why,
            "the least flash of 3 forms, all of which meet the budgets"
        );
        assert_eq!(name(&chosen("instructions = 2000", "flash")), "table");
        assert_eq!(name(&chosen("instructions = 1500", "flash")), "branches");
        assert_eq!(name(&chosen("flash = \"64K\"", "speed")), "branches");
        let tight = chosen("flash = \"12K\"", "speed");
        assert_eq!(name(&tight), "table");
        assert_eq!(
            tight.why,
            "the fewest instructions of the 2 of 3 forms that meet the budgets"
        );
    }

    #[test]
    fn where_nothing_fits_the_fewest_budgets_are_missed() {
        let choice = chosen("flash = \"8K\"\ninstructions = 1500", "flash");
        assert_eq!(FORMS[choice.chosen].0, "branches");
        assert_eq!(
            choice.why,
            "none of 3 forms meets the budgets; this one misses the fewest (flash)"
        );
        let front: Vec<bool> = choice
            .candidates
            .iter()
            .map(|candidate| candidate.is_on_front)
            .collect();
        assert_eq!(front, [true, true, true]);
        assert_eq!(choice.candidates[1].misses, ["flash", "instructions"]);
    }
}
