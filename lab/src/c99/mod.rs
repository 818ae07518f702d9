//! `c99`: C headers against the quantized model, bit for bit, on the host and on two simulated
//! microcontrollers, without a warning from any compiler.

mod cases;
mod limits;
mod synthetic;
mod targets;

use std::collections::BTreeSet;
use std::fmt::Write;
use std::path::Path;

use anyhow::anyhow;
use spinney_cli::terminal;
use spinney_codegen::Header;
use spinney_report::Table;

use self::cases::Case;
pub(crate) use self::targets::CORTEX_M0;
use self::targets::{AVR, HOST, Outcome, TARGETS, Target};
use spinney_pipeline::failure::{ExitReason, Failure};
use spinney_pipeline::setup;
use spinney_pipeline::store::write_whole;

use crate::parallel;

/// `c99`: every target or an error, and the table that is committed.
pub(crate) fn run(install: bool) -> Result<(), Failure> {
    let mut packages = lacks();
    if install {
        setup::install_packages(&packages, &terminal::notes())?;
        packages = lacks();
    }
    if !packages.is_empty() {
        let packages = packages.join(" ");
        return Err(anyhow!(
            "missing: {packages}; `cargo xtask c99 --setup` runs `apt-get install {packages}`"
        ))
        .environment();
    }
    at_limits()?;
    let results = compare(cases::all()?, &TARGETS)?;
    let path = crate::repository().join("reports/c99.md");
    write_whole(&path, markdown(&results).as_bytes()).environment()?;
    println!("report: reports/c99.md");
    judge(&results)
}

/// What CI runs: the host at least, and the targets that are here.
pub(crate) fn check() -> Result<(), Failure> {
    let host = HOST.lacks();
    if !host.is_empty() {
        return Err(anyhow!("missing: {}", host.join(" "))).environment();
    }
    let (here, missing): (Vec<Target>, Vec<Target>) = TARGETS
        .into_iter()
        .partition(|target| target.lacks().is_empty());
    for target in missing {
        eprintln!(
            "c99: left out: {} (missing: {}; `cargo xtask c99 --setup` installs it)",
            target.name,
            target.lacks().join(" ")
        );
    }
    at_limits()?;
    judge(&compare(cases::all()?, &here)?)
}

/// Packages that some target lacks.
fn lacks() -> Vec<&'static str> {
    let mut packages: Vec<&str> = TARGETS.into_iter().flat_map(Target::lacks).collect();
    packages.sort_unstable();
    packages.dedup();
    packages
}

/// A case, its header and what became of it on each target.
struct Compared {
    name: String,
    header: Header,
    n_test_rows: usize,
    outcomes: Vec<(Target, Result<Outcome, String>)>,
}

impl Compared {
    fn on(&self, target: Target) -> Option<&Outcome> {
        let (_, outcome) = self.outcomes.iter().find(|it| it.0 == target)?;
        outcome.as_ref().ok()
    }
}

/// Headers that no microcontroller has room for, on the host.
fn at_limits() -> Result<(), Failure> {
    judge(&compare(limits::cases()?, &[HOST])?)
}

fn compare(cases: Vec<Case>, targets: &[Target]) -> Result<Vec<Compared>, Failure> {
    let progress = terminal::progress();
    must_notice(&cases[0])?;
    let results = parallel::each(&cases, |case| {
        let folder = crate::target()?.join("c99").join(&case.name);
        let header = spinney_codegen::c99(case.identity(), &case.quant, &case.form);
        write_sources(&header, &folder).environment()?;
        let mut outcomes = Vec::new();
        for target in targets.iter().filter(|target| target.concerns(case)) {
            progress.doing(&format!("c99: {} on {}", case.name, target.name));
            let outcome = targets::run(*target, case, header.table_bytes, &folder);
            outcomes.push((*target, outcome.map_err(|error| format!("{error:#}"))));
        }
        Ok(Compared {
            header,
            outcomes,
            n_test_rows: case.n_test_rows,
            name: case.name.clone(),
        })
    })?;
    progress.clear();
    Ok(results)
}

/// A header that compares with `<` must be found out, or no result means anything.
fn must_notice(case: &Case) -> Result<(), Failure> {
    let folder = crate::target()?.join("c99").join("wrong");
    let mut header = spinney_codegen::c99(case.identity(), &case.quant, &case.form);
    header.text = header.text.replace("<= threshold", "< threshold");
    write_sources(&header, &folder).environment()?;
    let outcome = targets::run(HOST, case, header.table_bytes, &folder).environment()?;
    if outcome.mismatches == 0 {
        return Err(anyhow!(
            "a header that was made wrong on purpose passes; the comparison is broken"
        ))
        .environment();
    }
    Ok(())
}

/// The header, and `model.h`, which tells the harness its prefix.
fn write_sources(header: &Header, folder: &Path) -> anyhow::Result<()> {
    write_whole(&folder.join(&header.file), header.text.as_bytes())?;
    let (lower, upper) = (&header.prefix, header.prefix.to_uppercase());
    let model = format!(
        "#ifdef HALVES\n#define {upper}_WIDE_MULTIPLY 0\n#endif\n\
         #include \"{}\"\n#define NAME(name) {lower}_##name\n#define MACRO(name) {upper}_##name\n",
        header.file
    );
    write_whole(&folder.join("model.h"), model.as_bytes())
}

/// Prints the sum, and what is not as it must be.
fn judge(results: &[Compared]) -> Result<(), Failure> {
    let mut faults = 0;
    for compared in results {
        for (target, outcome) in &compared.outcomes {
            let fault = match outcome {
                Err(reason) => reason.clone(),
                Ok(outcome) if outcome.mismatches > 0 => {
                    format!("{} of {} rows differ", outcome.mismatches, outcome.rows)
                }
                Ok(outcome) if !outcome.warnings.is_empty() => outcome.warnings.clone(),
                Ok(_) => continue,
            };
            faults += 1;
            println!("c99: {} on {}: {fault}", compared.name, target.name);
        }
    }
    for target in TARGETS {
        if let Some([headers, rows, mismatches, warnings]) = total(target, results) {
            println!(
                "c99: {}: {headers} headers, {rows} rows, {mismatches} mismatches, {warnings} warnings",
                target.name
            );
        }
    }
    Failure::unless(faults == 0)
}

/// What all cases of a target come to: headers, rows, mismatches, and headers of which the compiler said
/// something; `None` if none ran.
fn total(target: Target, results: &[Compared]) -> Option<[usize; 4]> {
    let outcomes: Vec<&Outcome> = results.iter().filter_map(|it| it.on(target)).collect();
    let sum = |of: &dyn Fn(&Outcome) -> usize| outcomes.iter().map(|it| of(it)).sum();
    (!outcomes.is_empty()).then(|| {
        [
            outcomes.len(),
            sum(&|it| it.rows),
            sum(&|it| it.mismatches),
            sum(&|it| usize::from(!it.warnings.is_empty())),
        ]
    })
}

fn markdown(results: &[Compared]) -> String {
    let mut of_targets =
        Table::new("target | compiler | headers: | rows: | mismatches: | headers with warnings:");
    for target in TARGETS {
        if let Some([headers, rows, mismatches, warnings]) = total(target, results) {
            let version = target.version();
            of_targets.row(&[
                &target.name,
                &version,
                &headers,
                &rows,
                &mismatches,
                &warnings,
            ]);
        }
    }
    let mut out = format!(
        "# The C99 header against the quantized model\n\n\
         Made by `cargo xtask c99`. Every header is compiled and asked all rows of its test set, \
         then 400 hostile ones: readings at the edges of their type, NaN, infinities, subnormals, \
         random bits. Compared are the class from readings, the class from codes, every code and \
         every score, bit for bit. On the host, undefined behaviour ends the program. An AVR gets \
         as many rows as fit its 64 KiB of short addresses beside the model.\n\n{of_targets}"
    );
    for target in [CORTEX_M0, AVR] {
        let calls = results.iter().filter_map(|it| it.on(target));
        let calls: BTreeSet<&String> = calls.flat_map(|it| &it.calls).collect();
        let calls: Vec<String> = calls.iter().map(|call| format!("`{call}`")).collect();
        let _ = write!(
            out,
            "\nLibrary functions that the headers call on {}: {}; none computes with floats.\n",
            target.name,
            calls.join(", ")
        );
    }
    let mut of_cases = Table::new(
        "model | form | tables: | test rows: | rows on AVR: | mismatches: | flash on Cortex-M0: | flash \
         on AVR:",
    );
    let mut notes = String::new();
    for compared in results {
        let (avr, cortex_m0) = (compared.on(AVR), compared.on(CORTEX_M0));
        let figure = |figure: Option<u64>| figure.map_or("-".to_owned(), |n| n.to_string());
        let mismatches = TARGETS.map(|it| compared.on(it).map_or(0, |it| it.mismatches));
        of_cases.row(&[
            &compared.name,
            &compared.header.form,
            &compared.header.table_bytes,
            &compared.n_test_rows,
            &figure(avr.map(|it| it.rows as u64)),
            &mismatches.iter().sum::<usize>(),
            &figure(cortex_m0.map(|it| it.flash_bytes)),
            &figure(avr.map(|it| it.flash_bytes)),
        ]);
        for (target, outcome) in &compared.outcomes {
            if let Err(reason) = outcome {
                notes += &format!("- {} on {}: {reason}\n", compared.name, target.name);
            }
        }
    }
    let _ = write!(
        out,
        "\nFlags: `-std=c99 -Wall -Wextra -Wpedantic -Wconversion -O2`. Flash is code and tables \
         of `predict`, by `size` of its object; multiplications and divisions that a core lacks \
         come from its compiler's library on top.\n\n{of_cases}"
    );
    if !notes.is_empty() {
        let _ = write!(out, "\nNot run:\n\n{notes}");
    }
    out
}
