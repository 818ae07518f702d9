//! The report that a person reads: what is counted, what was measured, what was asked.

use spinney_report::Table;

use super::compiler::FLAGS;
use super::lines::Line;
use super::model::Model;
use super::{Bench, Measured, PLACES};

/// The other side's packages and their versions.
const PEERS: &str = include_str!("../../../../scripts/peers/requirements.txt");

/// The report of one run.
pub(super) fn markdown(
    bench: &Bench,
    models: &[&Model],
    measured: &[Measured],
    lines: &[Line],
) -> String {
    let mut out = head(bench, models);
    out.push_str(&verdicts(lines));
    for model in models {
        out.push_str(&figures(model, measured));
    }
    let refused: String = models.iter().flat_map(|model| refused(model)).collect();
    if !refused.is_empty() {
        out += &format!("\n## Models that a peer does not take\n\n{refused}");
    }
    out
}

/// A line for each peer that does not take a model.
fn refused(model: &Model) -> impl Iterator<Item = String> {
    model.sources.iter().filter_map(|source| {
        let reason = source.refused.as_ref()?;
        let votes = match source.voting.as_str() {
            "sum" => "sums".to_owned(),
            voting => format!("{voting} votes"),
        };
        let (model, form) = (&model.name, source.name());
        Some(format!("- {model}: {form}, {votes}: {reason}\n"))
    })
}

fn head(bench: &Bench, models: &[&Model]) -> String {
    let rustc = bench.toolchains.values().next();
    let rustc = rustc.map_or("no compiler", |one| one.version.as_str());
    let machines = PLACES.map(|place| format!("{} on {}", place.name, place.machine));
    let scalings: Vec<String> = models
        .iter()
        .filter(|model| model.n_splits.is_some() && model.scaling != "none")
        .map(|model| format!("{}: {}", model.name, model.scaling))
        .collect();
    let scaled = if scalings.is_empty() {
        String::new()
    } else {
        format!(
            "Trees are fitted on features scaled as emlearn's documentation asks ({}); thresholds were \
             then taken back to raw readings, which leaves the same trees, for ours, m2cgen and \
             micromlgen. The factor matters to emlearn's inline form: a power of two makes shorter \
             constants and, on digits_rf10 with hard votes, measured apart from this run with 1024 \
             instead of 1000, 468 instead of 523 instructions and 13476 instead of 14504 bytes on m3, \
             but 693 instead of 645 instructions and 15268 instead of 15384 bytes on m0. emlearn \
             compares with `<` where scikit-learn means `<=`, so a reading that meets a threshold \
             exactly goes the other way; that is why it disagrees on some rows. XGBoost means `<`, \
             which micromlgen writes as `<=`. ",
            scalings.join("; ")
        )
    };
    format!(
        "# On the device, against the peers\n\n\
         Made by `cargo xtask bench device` in one run; lower is better everywhere. Both sides walk \
         the same trees over the same test rows on the same emulated machines ({machines}).\n\n\
         - **Instructions**, mean and max per inference over all test rows, less those of an empty \
         predict. They are executed instructions as the emulator counts them, not cycles.\n\
         - **Flash** is the image less one without a model, soft-float and division helpers \
         included, test rows not. **RAM** is static (`.data`, `.bss`) over the image without a \
         model; **stack** is what was found touched, over the same.\n\
         - **From codes** is what the peers are measured at: their trees take features scaled to \
         int16 beforehand, and that scaling is not counted. **From readings** is ours with the \
         conversion of raw readings, its code and tables, included, as it is in our RAM and stack.\n\
         - **Disagreements** are test rows on which the class is another than scikit-learn's under \
         the same vote: its own for soft votes; for hard ones the class that most of its trees name, \
         the lowest among equals. Of a regressor, it is how far a value is off scikit-learn's at the \
         most, in the unit of the labels.\n\n\
         Peers: {peers}; emlearn's soft votes at 8 bits, m2cgen and micromlgen in single precision \
         (m2cgen's `double` replaced, constants single, thresholds that singles hold exactly). {gcc}, `{flags}`; ours {rustc}; {qemu}. {scaled}Trees that \
         emlearn does not take are fitted on raw readings. CatBoost's are oblivious, with one \
         comparison for all splits of a level, and our tables hold them level by level.\n",
        machines = machines.join(", "),
        peers = PEERS.trim().replace("==", " ").replace('\n', ", "),
        gcc = bench.compiler.version,
        flags = FLAGS.join(" "),
        qemu = bench.qemu_version,
    )
}

fn verdicts(lines: &[Line]) -> String {
    let asked: Vec<&Line> = lines.iter().filter(|line| line.met.is_some()).collect();
    if asked.is_empty() {
        return String::new();
    }
    let n_met = asked.iter().filter(|line| line.met == Some(true)).count();
    let mut table = Table::new("case | metric | ours: | peer: | ratio: | goal: | met");
    for line in &asked {
        let peer = match (line.peer, &line.peer_name) {
            (Some(figure), Some(name)) => format!("{} ({name})", number(figure)),
            _ => String::new(),
        };
        let times = if line.goal_is_ratio { "× " } else { "" };
        let met = line.met == Some(true);
        table.row(&[
            &line.case,
            &line.metric,
            &line.ours.map_or("none".to_owned(), number),
            &peer,
            &line.ratio.map_or(String::new(), |it| format!("{it:.2}")),
            &format!("{times}{:.2}", line.goal.unwrap_or_default()),
            if met { &"yes" } else { &"**no**" },
        ]);
    }
    let n_asked = asked.len();
    format!("\n## Goals\n\n{n_met} of {n_asked} are met.\n\n{table}")
}

fn figures(model: &Model, measured: &[Measured]) -> String {
    let shape = match (model.n_splits, model.levels) {
        (Some(n_splits), Some(levels)) => {
            format!("{n_splits} splits, {levels:.1} levels per inference, ")
        }
        _ => String::new(),
    };
    let accuracy = match model.accuracy_hard {
        Some(hard) => format!("accuracy {:.4} (hard votes {hard:.4})", model.accuracy),
        None if model.has_values() => format!("R² {:.4}", model.accuracy),
        None => format!("accuracy {:.4}", model.accuracy),
    };
    let mut table = Table::new(
        "core | form | vote | instructions: | max: | from readings: | flash: | from readings: | RAM: | \
         stack: | disagreements:",
    );
    let is_here = |one: &&Measured, core: &str| one.model == model.name && one.core == core;
    for one in PLACES
        .iter()
        .flat_map(|place| measured.iter().filter(|one| is_here(one, place.name)))
    {
        let [instructions, max, stack, disagreements] = match &one.ran {
            Ok(ran) => [
                number(ran.instructions),
                number(ran.instructions_max),
                ran.stack_bytes.to_string(),
                match ran.error_max {
                    Some(error) => format!("{error:.2e}"),
                    None => ran.disagreements.to_string(),
                },
            ],
            Err(reason) => [&format!("not run: {reason}"), "", "", ""].map(str::to_owned),
        };
        let (raw_instructions, raw_flash) = match &one.from_readings {
            Some(raw) => (number(raw.instructions), raw.flash_bytes.to_string()),
            None => (String::new(), String::new()),
        };
        let is_ours = one.by == super::ours::BY;
        table.row(&[
            &one.core,
            &format!("{}{}", if is_ours { "ours, " } else { "" }, one.form),
            &one.voting,
            &instructions,
            &max,
            &raw_instructions,
            &one.flash_bytes,
            &raw_flash,
            &one.ram_bytes,
            &stack,
            &disagreements,
        ]);
    }
    format!(
        "\n## {}\n\n{} features, {} classes, {shape}{} test rows; the library's own {accuracy}.\n\n{table}",
        model.name, model.n_features, model.n_classes, model.n_rows
    )
}

/// A figure without decimals that say nothing.
fn number(figure: f64) -> String {
    if figure >= 100.0 || figure == figure.round() {
        format!("{figure:.0}")
    } else {
        format!("{figure:.2}")
    }
}
