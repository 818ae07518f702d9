//! Compilers and simulators of the C99 header: each builds a case, runs its rows and gives records.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, bail};

use super::cases::Case;
use spinney_pipeline::{emulator, environment, process};

/// What a header must compile with, and without a word from the compiler.
const FLAGS: [&str; 6] = [
    "-std=c99",
    "-Wall",
    "-Wextra",
    "-Wpedantic",
    "-Wconversion",
    "-O2",
];
const DEADLINE: Duration = Duration::from_mins(5);
/// The largest object of avr-gcc, and with it the rows that are asked of an AVR.
const AVR_ROWS_BYTES: usize = 32_767;
/// What an AVR reads by short addresses: tables and rows together.
const AVR_TABLES_BYTES: usize = 60_000;

/// A processor with its compiler.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Target {
    /// The name in the report.
    pub name: &'static str,
    compiler: &'static str,
    flags: &'static [&'static str],
    /// Ends a host's program without the compiler's library, which may not be installed.
    trap_flag: &'static str,
    /// Programs that it needs, each with the package that brings it.
    needs: &'static [(&'static str, &'static str)],
    /// The package of its C library, where the compiler comes without.
    libc: Option<&'static str>,
}

pub(super) const HOST: Target = Target {
    name: "host, gcc",
    compiler: "gcc",
    flags: &[],
    trap_flag: "-fsanitize-undefined-trap-on-error",
    needs: &[("gcc", "gcc")],
    libc: None,
};
/// The host with squares by halves, as cores without a wide multiplication compute them.
const HALVES: Target = Target {
    name: "host, gcc, squares by halves",
    flags: &["-DHALVES"],
    ..HOST
};
const CLANG: Target = Target {
    name: "host, clang",
    compiler: "clang",
    trap_flag: "-fsanitize-trap=undefined",
    needs: &[("clang", "clang")],
    ..HOST
};
pub(crate) const CORTEX_M0: Target = Target {
    name: "Cortex-M0 (micro:bit in QEMU)",
    compiler: "arm-none-eabi-gcc",
    flags: &[
        "-mcpu=cortex-m0",
        "-mthumb",
        "-ffunction-sections",
        "-fdata-sections",
    ],
    needs: &[
        ("arm-none-eabi-gcc", "gcc-arm-none-eabi"),
        ("qemu-system-arm", "qemu-system-arm"),
    ],
    libc: Some("libnewlib-arm-none-eabi"),
    ..HOST
};
pub(super) const AVR: Target = Target {
    name: "ATmega2560 in simavr",
    compiler: "avr-gcc",
    flags: &["-mmcu=atmega2560", "-ffunction-sections", "-fdata-sections"],
    needs: &[("avr-gcc", "gcc-avr"), ("simavr", "simavr")],
    libc: Some("avr-libc"),
    ..HOST
};
pub(super) const TARGETS: [Target; 5] = [HOST, HALVES, CLANG, CORTEX_M0, AVR];

impl Target {
    /// Packages that are missing here.
    pub(crate) fn lacks(self) -> Vec<&'static str> {
        let is_absent = |(program, _): &&(&str, &str)| environment::find_program(program).is_none();
        let mut packages: Vec<&str> = self
            .needs
            .iter()
            .filter(is_absent)
            .map(|(_, package)| *package)
            .collect();
        // The compiler repeats the bare name where it knows no such file.
        let has_libc = self
            .asked("-print-file-name=libc.a")
            .is_some_and(|path| Path::new(&path).is_file());
        packages.extend(self.libc.filter(|_| !has_libc));
        packages
    }

    /// What the compiler says of its version.
    pub(crate) fn version(self) -> String {
        let version = self.asked("--version");
        version.unwrap_or_else(|| "unknown version".to_owned())
    }

    fn asked(self, what: &str) -> Option<String> {
        let line = environment::first_line(Command::new(self.compiler).arg(what));
        line.ok().flatten()
    }

    /// Whether `case` has something to show here that it has not shown on another target.
    pub(super) fn concerns(self, case: &Case) -> bool {
        self != HALVES || case.quant.forest().is_none()
    }

    /// What comes with the compiler, or with the host's.
    fn tool(self, name: &str) -> String {
        let prefix = self.compiler.strip_suffix("gcc").unwrap_or_default();
        format!("{prefix}{name}")
    }

    /// The compiler, with what lies in `folder` and the flags of any header.
    fn strict(self, folder: &Path) -> Command {
        let mut command = Command::new(self.compiler);
        command.args(FLAGS).args(self.flags).arg("-I").arg(folder);
        command
    }
}

/// What came of a case on a target.
pub(super) struct Outcome {
    pub rows: usize,
    /// Rows of which some bit is another than the quantized model's.
    pub mismatches: usize,
    /// Code and tables that `predict` takes.
    pub flash_bytes: u64,
    /// What the compiler said of the header.
    pub warnings: String,
    /// Functions of libraries that the header's functions call.
    pub calls: BTreeSet<String>,
}

/// Builds `case` in `folder`, where its header lies, and runs its rows; an error is what went wrong.
pub(super) fn run(
    target: Target,
    case: &Case,
    table_bytes: usize,
    folder: &Path,
) -> anyhow::Result<Outcome> {
    let mut warnings = String::new();
    for source in ["predict.c", "api.c"] {
        let object = folder.join(source.replace(".c", ".o"));
        let mut command = target.strict(folder);
        command.arg("-c").arg(scripts().join(source));
        warnings.push_str(&build(command.arg("-o").arg(object))?);
    }
    let calls = calls(target, &folder.join("api.o"))?;
    if let Some(call) = calls.iter().find(|call| is_float(call)) {
        bail!("computes with floats: calls {call}");
    }
    let flash_bytes = size(target, &folder.join("predict.o"))?;
    let rows = &case.rows;
    let bytes: Vec<u8> = rows
        .iter()
        .flat_map(|row| case.quant.reading_bytes(row))
        .collect();
    let row_len = bytes.len() / rows.len();
    let room = match target {
        AVR => AVR_ROWS_BYTES.min(AVR_TABLES_BYTES.saturating_sub(table_bytes)),
        _ => bytes.len(),
    };
    let n_rows = rows.len().min(room / row_len);
    if n_rows == 0 {
        bail!("no row fits beside {table_bytes} bytes of tables");
    }
    let bytes = &bytes[..n_rows * row_len];
    let records = match target {
        AVR => avr(folder, bytes, n_rows)?,
        CORTEX_M0 => cortex_m0(folder, bytes)?,
        _ => host(target, folder, bytes)?,
    };
    let expected: Vec<Vec<u8>> = (0..n_rows).map(|index| case.record(index)).collect();
    let len = expected[0].len();
    if records.len() != len * n_rows {
        bail!(
            "{} bytes of records for {n_rows} rows of {len}",
            records.len()
        );
    }
    let mismatches = records
        .chunks(len)
        .zip(&expected)
        .filter(|(found, expected)| found != expected)
        .count();
    Ok(Outcome {
        rows: n_rows,
        mismatches,
        flash_bytes,
        warnings,
        calls,
    })
}

fn scripts() -> PathBuf {
    crate::repository().join("scripts/c99")
}

/// Runs a compiler; gives what it said.
fn build(command: &mut Command) -> anyhow::Result<String> {
    let finished = process::run(command, DEADLINE)
        .with_context(|| format!("cannot run {}", command.get_program().display()))?;
    let said = String::from_utf8_lossy(&finished.stderr).into_owned();
    if finished.succeeded() {
        Ok(said)
    } else {
        bail!("does not build:\n{}", said.trim_end())
    }
}

/// Text and data of an object, as `size` counts them.
fn size(target: Target, object: &Path) -> anyhow::Result<u64> {
    let mut command = Command::new(target.tool("size"));
    command.arg(object);
    let text = process::read(command, DEADLINE)?;
    let figures = text.lines().nth(1).unwrap_or_default().split_whitespace();
    let figures: Vec<u64> = figures
        .take(2)
        .filter_map(|figure| figure.parse().ok())
        .collect();
    match figures[..] {
        [text, data] => Ok(text + data),
        _ => bail!("{} prints no sizes: {text}", target.tool("size")),
    }
}

/// The symbols that an object takes from elsewhere.
fn calls(target: Target, object: &Path) -> anyhow::Result<BTreeSet<String>> {
    let mut command = Command::new(target.tool("nm"));
    command.arg("--undefined-only").arg(object);
    let text = process::read(command, DEADLINE)?;
    let symbols = text
        .lines()
        .filter_map(|line| line.split_whitespace().last());
    Ok(symbols
        // Start-up code, which avr-gcc names so that it is linked.
        .filter(|symbol| !symbol.starts_with("__do_"))
        .map(str::to_owned)
        .collect())
}

/// Whether a symbol is a compiler's routine for floats, by the names that Arm and GCC give them.
fn is_float(symbol: &str) -> bool {
    let symbol = symbol.trim_start_matches('_');
    match symbol.strip_prefix("aeabi_") {
        Some(name) => {
            name.starts_with(['f', 'd', 'c']) || name.ends_with("2f") || name.ends_with("2d")
        }
        None => ["sf", "df"].iter().any(|kind| symbol.contains(kind)),
    }
}

fn host(target: Target, folder: &Path, rows: &[u8]) -> anyhow::Result<Vec<u8>> {
    let program = folder.join("host");
    let mut command = target.strict(folder);
    // What is undefined in C ends the program, so that equal results are no luck.
    command.args(["-fsanitize=undefined", target.trap_flag]);
    command.arg(scripts().join("host.c"));
    command.arg("-o").arg(&program);
    build(&mut command)?;
    let input = folder.join("rows.bin");
    std::fs::write(&input, rows)?;
    let input = Stdio::from(std::fs::File::open(&input)?);
    let output = process::run_on(input, &mut Command::new(&program), DEADLINE)?;
    if !output.succeeded() {
        bail!("the program {}", output.told());
    }
    Ok(output.stdout)
}

fn cortex_m0(folder: &Path, rows: &[u8]) -> anyhow::Result<Vec<u8>> {
    let harness = crate::repository().join("scripts/peers/harness");
    let machine = spinney_board::machine("microbit").context("no machine microbit")?;
    let elf = folder.join("image.elf");
    let mut command = Command::new("arm-none-eabi-gcc");
    command.args(["-std=gnu99", "-O2", "-nostartfiles", "-Wl,--gc-sections"]);
    command.args(CORTEX_M0.flags);
    command.arg("-I").arg(folder).arg("-I").arg(&harness);
    command.arg("-T").arg(harness.join("image.ld"));
    command.arg(format!(
        "-Wl,--defsym=stack_top={:#x}",
        machine.ram.end() & !7
    ));
    command
        .arg(scripts().join("cortex_m.c"))
        .arg("-o")
        .arg(&elf);
    build(&mut command)?;
    std::fs::write(folder.join("rows.bin"), rows)?;
    let semihosting = ["-semihosting-config", "enable=on,target=native"];
    let devices = [&["-serial", "null"], &semihosting[..]].concat();
    let mut command = emulator::command(Path::new("qemu-system-arm"), machine, &elf, &devices);
    let finished = process::run(command.current_dir(folder), DEADLINE)?;
    if !finished.succeeded() {
        bail!("the emulator {}", finished.told());
    }
    Ok(std::fs::read(folder.join("records.bin"))?)
}

fn avr(folder: &Path, rows: &[u8], n_rows: usize) -> anyhow::Result<Vec<u8>> {
    let bytes: String = rows.iter().map(|byte| format!("{byte},")).collect();
    let text = format!(
        "#define N_ROWS {n_rows}\nstatic const uint8_t rows[{}] PROGMEM = {{{bytes}}};\n",
        rows.len()
    );
    std::fs::write(folder.join("rows.h"), text)?;
    let elf = folder.join("avr.elf");
    let mut command = Command::new("avr-gcc");
    command.args(["-std=gnu99", "-O2", "-Wl,--gc-sections"]);
    command.args(AVR.flags).arg("-I").arg(folder);
    command.arg(scripts().join("avr.c")).arg("-o").arg(&elf);
    build(&mut command)?;
    let mut command = Command::new("simavr");
    command
        .args(["-m", "atmega2560", "-f", "16000000"])
        .arg(&elf);
    let finished = process::run(&mut command, DEADLINE)?;
    if let Err(killed) = finished.status {
        bail!("the simulator {killed}");
    }
    // The simulator prints what the device says among its own messages.
    records_of(&String::from_utf8_lossy(&finished.stderr))
}

/// The bytes that the simulator printed in lines of hexadecimal digits after `=`.
fn records_of(text: &str) -> anyhow::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    for line in text.lines() {
        let Some((_, line)) = line.split_once('=') else {
            continue;
        };
        let digits: Vec<u32> = line.chars().map_while(|c| c.to_digit(16)).collect();
        for pair in digits.chunks(2) {
            let [high, low] = *pair else {
                bail!("half a byte in `{line}`");
            };
            bytes.push(u8::try_from(high << 4 | low)?);
        }
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::{is_float, records_of};

    #[test]
    fn routines_for_floats() {
        for symbol in "__aeabi_fmul __aeabi_dcmplt __aeabi_i2f __mulsf3 __fixdfsi".split(' ') {
            assert!(is_float(symbol), "{symbol}");
        }
        let others = "memcpy __aeabi_lmul __muldi3 __ashldi3 __mulsi3 __aeabi_idiv";
        for symbol in others.split(' ') {
            assert!(!is_float(symbol), "{symbol}");
        }
    }

    #[test]
    fn what_a_simulator_prints() {
        let text = "Loaded 3 .text\n\u{1b}[32m=00ff.\u{1b}[0m\n\u{1b}[32m=1a.\u{1b}[0m\n";
        assert_eq!(records_of(text).unwrap(), [0, 255, 26]);
        assert!(records_of("=123.").is_err());
    }
}
