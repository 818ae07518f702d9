//! `flash`: the product image of a pipeline's last run onto a board, then its log. On the terminal: a
//! progress bar on stderr where that is one, notes on stderr, the log on stdout.

use std::path::PathBuf;

use spinney_board::Phase;
use spinney_model::visible;
use spinney_pipeline::failure::Failure;
use spinney_pipeline::flash::verify::Verified;
use spinney_pipeline::flash::{Flash, Screen};
use spinney_pipeline::invocation;
use spinney_pipeline::progress::Progress;
use spinney_wire::frame::Clock;

use crate::terminal;

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// The pipeline whose last run's image is programmed.
    #[arg(long, default_value = "pipeline.toml")]
    config: PathBuf,
    /// Only show which sectors would be erased and programmed; needs no probe.
    #[arg(long)]
    dry_run: bool,
    /// Run the test rows on the board and compare every bit: programs an image that answers them.
    #[arg(long, conflicts_with = "dry_run")]
    verify: bool,
    /// Copy the image as a UF2 file, onto the drive of a board's bootloader or to a path of its own.
    #[arg(long, value_name = "PATH", conflicts_with_all = ["dry_run", "verify", "probe"])]
    uf2: Option<PathBuf>,
    /// The debug probe, where several are connected.
    #[arg(long, value_name = "VID:PID[:SERIAL]")]
    probe: Option<String>,
}

pub(crate) fn run(arguments: Arguments) -> Result<(), Failure> {
    let (config, progress) = (&arguments.config, terminal::progress());
    if let Some(to) = arguments.uf2 {
        let file = spinney_pipeline::flash::copy(config, &to, &progress)?;
        println!("copied: {}", file.display());
        return Ok(());
    }
    let flash = Flash::prepare(config, arguments.verify, &progress)?;
    if arguments.dry_run {
        print!("{}", flash.plan()?);
        return Ok(());
    }
    let chip = flash.chip().name.clone();
    let (probe, screen) = (arguments.probe, &mut Terminal(progress.clone()));
    if !arguments.verify {
        return flash.program(probe, screen);
    }
    judge(&chip, &flash.verify(config, probe, screen, &progress)?)
}

/// Tells what the rows on the board gave.
fn judge(chip: &str, found: &Verified) -> Result<(), Failure> {
    match (found.clock, found.ticks) {
        (Clock::None, _) | (_, None) => println!("cycles: not measured"),
        (clock, Some((mean, max))) => println!(
            "{} per prediction from readings: {mean:.0} on average, {max} at most",
            match clock {
                Clock::Cyccnt | Clock::Mcycle => "cycles",
                Clock::Systick | Clock::None => "ticks of SysTick",
            }
        ),
    }
    let (n_rows, compared) = (found.n_rows, found.compared);
    let Some(first) = found.mismatches.first() else {
        println!("{n_rows} rows on the {chip}: all {compared} equal the host's");
        if let Some(kept) = &found.kept {
            println!("measured: {}", kept.display());
            println!("the next report goes by it, if `measured` in [target] names it");
        }
        return Ok(());
    };
    println!(
        "{} of {n_rows} rows on the {chip} differ from the host's in {compared}; the first is row \
         {first}, which {} takes apart",
        found.mismatches.len(),
        invocation::verb(&format!("explain --row {first}")),
    );
    Err(Failure::Gate)
}

struct Terminal(Progress);

impl Screen for Terminal {
    fn progress(&mut self, phase: Phase, done: u64, total: Option<u64>) {
        self.0.doing(&bar(phase, done, total));
    }

    fn note(&mut self, text: &str) {
        self.0.clear();
        eprintln!("{text}");
    }

    fn log(&mut self, line: &str) {
        // A line of a device is one line.
        println!("{}", visible(line));
    }
}

/// `programming [#####.....] 50 %`, or bytes where the total is not known.
fn bar(phase: Phase, done: u64, total: Option<u64>) -> String {
    const WIDTH: u64 = 30;
    let name = match phase {
        Phase::Erase => "erasing",
        Phase::Program => "programming",
        Phase::Verify => "verifying",
    };
    match total {
        Some(total) if total > 0 => {
            let done = done.min(total);
            let filled = usize::try_from(u128::from(done) * u128::from(WIDTH) / u128::from(total))
                .unwrap_or(0);
            let percent = u128::from(done) * 100 / u128::from(total);
            format!(
                "{name:<11} [{}{}] {percent:>3} %",
                "#".repeat(filled),
                ".".repeat(30 - filled)
            )
        }
        _ => format!("{name:<11} {done} bytes"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars() {
        let programming = |done, total| bar(Phase::Program, done, total) + "\n";
        let bars = [
            programming(0, Some(9)),
            programming(5, Some(10)),
            programming(11, Some(10)),
            programming(u64::MAX, Some(u64::MAX)),
            programming(12, None),
            programming(0, Some(0)),
        ];
        expect_test::expect![[r#"
            programming [..............................]   0 %
            programming [###############...............]  50 %
            programming [##############################] 100 %
            programming [##############################] 100 %
            programming 12 bytes
            programming 0 bytes
        "#]]
        .assert_eq(&bars.concat());
    }
}
