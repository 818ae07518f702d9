//! The product image at work: a few test rows through its mailbox on the emulated machine, stopped by
//! a debugger where it delivers a class.

use std::io::{self, Write};
use std::ops::Range;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use spinney_board::{Boot, Machine};
use spinney_evaluate::{ClassAt, Footprint, Predictions, class_at, place};
use spinney_signal::FrontEnd;

use super::build::{folder_of, product_image};
use super::candidates::Form;
use super::run::{RunResult, with_mismatches};
use super::{FoundEmulator, Session, signals};
use crate::failure::{ExitReason, Failure};
use crate::image::{self, Image};
use crate::serial::{Debugger, Link, Stop, halted};
use crate::{disk, emulator, interrupt};

pub const PRODUCT_RUN: &str = "product-run.json";

/// What the product image answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProductRun {
    /// Whether the image is that of the chip, byte for byte. The chip's memory is not where the
    /// machine's is otherwise, and the image is one of the same inputs but for the memory map.
    pub is_the_chips: bool,
    pub answers: Vec<Answer>,
    /// Why there are no answers, or not all.
    pub failed: Option<String>,
}

/// A test row and the class that the image delivered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    pub row: usize,
    pub expected: usize,
    pub found: usize,
}

/// Rows that are asked at the least, where there are so many.
const ROWS_MIN: usize = 8;
/// Classes of which a row is asked at the most.
const CLASSES_MAX: usize = 16;

/// The rows to ask: the first of each class that the model predicts, and the first of all.
fn rows_to_ask(predicted: &[usize]) -> Vec<usize> {
    let mut rows: Vec<usize> = Vec::new();
    for row in 0..predicted.len() {
        let is_new = rows.iter().all(|asked| predicted[*asked] != predicted[row]);
        if rows.len() < CLASSES_MAX && is_new {
            rows.push(row);
        }
    }
    for row in 0..predicted.len() {
        if rows.len() < ROWS_MIN && !rows.contains(&row) {
            rows.push(row);
        }
    }
    rows
}

/// What the form that ships is asked with.
pub(super) struct Subject<'a> {
    pub product: &'a [u8],
    pub chosen: &'a Form,
    pub rows: &'a [u8],
    /// What the verify image with a front end reads; nothing without one.
    pub samples: &'a [u8],
    pub predictions: &'a Predictions,
}

/// Runs the product image of the form that ships; `None` where it does not fit the machine.
pub(super) fn run(
    session: &Session,
    emulator: &FoundEmulator,
    subject: &Subject<'_>,
) -> Result<Option<ProductRun>, Failure> {
    let machine = emulator.machine;
    let pipeline = &session.config.pipeline;
    let chip = &pipeline.target.chip;
    let is_the_chips = (chip.flash.origin, chip.ram.origin, chip.boot)
        == (machine.flash.origin, machine.ram.origin, Boot::Direct)
        && chip.ram.len <= machine.ram.len;
    let elf = if is_the_chips {
        subject.product.to_vec()
    } else {
        relinked(session, machine, subject.chosen)?
    };
    let footprint = Footprint::from_elf(&elf).environment()?;
    if emulator::does_not_fit(machine, &footprint).is_some() {
        return Ok(None);
    }
    session.progress.doing(&format!(
        "running the product image on the emulated {}",
        machine.name
    ));
    // Nobody else has this copy: what runs is what was asked for.
    let _busy = interrupt::busy();
    let mut file = disk::temporary()
        .tempfile_in(session.artifacts())
        .environment()?;
    file.write_all(&elf).environment()?;
    let deadline = Duration::from_secs(u64::from(pipeline.firmware.deadline_s));
    let mut answers = Vec::new();
    let asked = match pipeline.frontend {
        None => {
            let length = subject.rows.len() / subject.predictions.q15.len().max(1);
            let readings = |row: usize| (row, subject.rows[row * length..][..length].to_vec());
            let rows = rows_to_ask(subject.predictions.delivered()).into_iter();
            Asked::Rows(rows.map(readings).collect())
        }
        Some(_) => {
            let front = signals::front_end(&session.config)?;
            let (samples, first, n_decisions) = first_whole(front.as_ref(), subject.samples);
            if n_decisions == 0 {
                session.progress.note(
                    "the product image was not asked: it hears a stream, and no test recording is \
                     as long as a decision",
                );
            }
            Asked::Samples(samples, first..first + n_decisions.min(ROWS_MIN))
        }
    };
    let (debugger, _child) = halted(&emulator.program, machine, file.path())?;
    let outcome = Mailbox::new(&elf, machine, debugger, deadline).and_then(|mut mailbox| {
        mailbox.ask(&elf, &asked, &mut |row, found| {
            answers.push(Answer {
                row,
                expected: subject.predictions.delivered()[row],
                found,
            });
        })
    });
    let failed = outcome.err().map(|error| error.to_string());
    Ok(Some(ProductRun {
        is_the_chips,
        answers,
        failed,
    }))
}

/// The product image of a form for the machine's memory.
fn relinked(session: &Session, machine: &Machine, chosen: &Form) -> Result<Vec<u8>, Failure> {
    let product = Image {
        memory: (machine.flash, machine.ram),
        boot: Boot::Direct,
        ..product_image(&session.config.pipeline, chosen)
    };
    let folder = session.scratch("firmware");
    let folder = folder.join(folder_of(&chosen.about.name));
    let toolchain = &session.tools()?.toolchain;
    image::build(&product, toolchain, &folder, &session.progress)
}

/// The samples of the first stretch with a whole decision, the first of its rows and how many there
/// are, of those in the file for the verify image.
fn first_whole(front: Option<&FrontEnd>, file: &[u8]) -> (Vec<u8>, usize, usize) {
    let mut first = 0;
    for values in stretches(file) {
        let (n_rows, n_whole) = front.map_or((0, 0), |front| front.n_decisions(&values));
        if n_whole > 0 {
            let samples = values.iter().flat_map(|it| it.to_le_bytes()).collect();
            return (samples, first, n_whole);
        }
        first += n_rows;
    }
    (Vec::new(), first, 0)
}

/// How many samples of that file have been heard once each decision is made, where a trigger says when
/// that is; `None` without one.
pub(super) fn ends(front: &FrontEnd, file: &[u8]) -> Option<Vec<u64>> {
    front.trigger()?;
    let mut n_before = 0;
    let mut ends = Vec::new();
    for values in stretches(file) {
        let decisions = front.decisions(&values);
        ends.extend(decisions.iter().map(|it| n_before + it.end as u64));
        n_before += (values.len() / front.n_channels()) as u64;
    }
    Some(ends)
}

/// The values of each stretch of samples in that file.
fn stretches(mut file: &[u8]) -> impl Iterator<Item = Vec<i16>> {
    std::iter::from_fn(move || {
        let (count, rest) = file.split_first_chunk()?;
        let n_bytes = 2 * u32::from_le_bytes(*count) as usize;
        let (samples, others) = rest.split_at(n_bytes.min(rest.len()));
        file = others;
        let (pairs, _) = samples.as_chunks();
        Some(pairs.iter().map(|it| i16::from_le_bytes(*it)).collect())
    })
}

enum Asked {
    /// Readings of rows, by the row's index.
    Rows(Vec<(usize, Vec<u8>)>),
    /// Samples, of whose decisions those of these rows are waited for.
    Samples(Vec<u8>, Range<usize>),
}

/// A product image's mailbox, behind a debugger.
struct Mailbox<L> {
    debugger: Debugger<L>,
    class_at: ClassAt,
    /// Of the program counter, which debuggers count after all others.
    counter: usize,
    deadline: Instant,
}

impl<L: Link> Mailbox<L> {
    fn new(
        elf: &[u8],
        machine: &Machine,
        mut debugger: Debugger<L>,
        deadline: Duration,
    ) -> io::Result<Self> {
        let class_at = class_at(elf).map_err(io::Error::other)?;
        debugger.set(Stop::At(class_at.address))?;
        Ok(Self {
            debugger,
            class_at,
            counter: if machine.core.is_riscv() { 32 } else { 15 },
            deadline: Instant::now() + deadline,
        })
    }

    /// Asks, and hands each row's class to `answer`.
    fn ask(
        &mut self,
        elf: &[u8],
        asked: &Asked,
        answer: &mut dyn FnMut(usize, usize),
    ) -> io::Result<()> {
        match asked {
            Asked::Rows(rows) => {
                let mailbox = addresses(elf, "SPINNEY_READINGS")?.start;
                // The first class is that of the zeros which start-up left.
                self.class()?;
                for (row, readings) in rows {
                    self.debugger.poke(mailbox, readings)?;
                    answer(*row, self.class()?);
                }
                Ok(())
            }
            Asked::Samples(samples, rows) => {
                let main = addresses(elf, "main")?.start & !1;
                let block = addresses(elf, "SPINNEY_SAMPLES")?;
                // Start-up clears the block, and is over there.
                self.debugger.set(Stop::At(main))?;
                self.run()?;
                self.debugger.clear(Stop::At(main))?;
                self.listen(block, samples, rows.clone(), answer)
            }
        }
    }

    fn class(&mut self) -> io::Result<usize> {
        match self.run()? {
            None => self.delivered(),
            Some(_) => Err(io::Error::other(
                "it stopped for a read that nobody waits for",
            )),
        }
    }

    fn run(&mut self) -> io::Result<Option<u32>> {
        let left = self.deadline.saturating_duration_since(Instant::now());
        self.debugger.run(left)
    }

    fn delivered(&mut self) -> io::Result<usize> {
        let registers = self.debugger.registers(self.counter + 1)?;
        let at = registers[self.counter];
        if at != self.class_at.address {
            return Err(io::Error::other(format!("it stopped at {at:#010x}")));
        }
        let class = self.debugger.words(registers[self.class_at.register], 1)?;
        Ok(class[0] as usize)
    }

    /// Fills the block of samples whenever the image has read it. The image reads on at once, so
    /// the block is filled in two steps: all but its last sample once that is being read, and that
    /// one once the next round has begun. Zeros follow the last of the samples.
    fn listen(
        &mut self,
        block: Range<u32>,
        samples: &[u8],
        mut rows: Range<usize>,
        answer: &mut dyn FnMut(usize, usize),
    ) -> io::Result<()> {
        let n_decisions = rows.len();
        let size = (block.end - block.start) as usize;
        let (first, last) = (block.start, block.end - 2);
        for stop in [first, last] {
            self.debugger.set(Stop::Read(stop))?;
        }
        let padded = samples.chunks(size).map(|chunk| {
            let mut chunk = chunk.to_vec();
            chunk.resize(size, 0);
            chunk
        });
        let mut blocks = padded.chain([vec![0; size]]);
        let before_last = size - size / BLOCK_SAMPLES;
        let mut now = blocks.next().unwrap_or_default();
        self.debugger.poke(first, &now)?;
        while !rows.is_empty() {
            match self.run()? {
                Some(read) if read == last => {
                    now = blocks.next().ok_or_else(|| {
                        let n_delivered = n_decisions - rows.len();
                        io::Error::other(format!(
                            "it delivered {n_delivered} of {n_decisions} classes"
                        ))
                    })?;
                    self.debugger.poke(first, &now[..before_last])?;
                }
                Some(_) => self
                    .debugger
                    .poke(first + before_last as u32, &now[before_last..])?,
                None => {
                    answer(rows.start, self.delivered()?);
                    rows.start += 1;
                }
            }
        }
        Ok(())
    }
}

/// Samples of a block of the product's mailbox.
const BLOCK_SAMPLES: usize = 64;

fn addresses(elf: &[u8], name: &str) -> io::Result<Range<u32>> {
    let place = place(elf, name).map_err(io::Error::other)?;
    let place = place
        .and_then(|place| Some(u32::try_from(place.start).ok()?..u32::try_from(place.end).ok()?));
    place.ok_or_else(|| io::Error::other(format!("its file has no symbol {name}")))
}

/// The run of the form that ships, held also to what its product image answered.
pub(super) fn with_product(run: &RunResult, product: Option<&ProductRun>) -> RunResult {
    let (RunResult::Ran(run), Some(product)) = (run, product) else {
        return run.clone();
    };
    if let Some(failed) = &product.failed {
        return RunResult::Failed(format!("the product image: {failed}"));
    }
    let differing = product.answers.iter().filter(|it| it.found != it.expected);
    RunResult::Ran(with_mismatches(run, differing.map(|it| it.row)))
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU16;

    use spinney_signal::{Measure, MotionFront, Window};

    use super::super::run::tests::ran;
    use super::*;

    #[test]
    fn every_predicted_class_is_asked() {
        assert_eq!(rows_to_ask(&[]), [0; 0]);
        assert_eq!(rows_to_ask(&[7, 7]), [0, 1]);
        let mut predicted = vec![0; 10];
        predicted[9] = 1;
        assert_eq!(rows_to_ask(&predicted), [0, 9, 1, 2, 3, 4, 5, 6]);
        let all: Vec<usize> = (0..100).collect();
        assert_eq!(rows_to_ask(&all).len(), CLASSES_MAX);
    }

    #[test]
    fn a_product_hears_whole_decisions() {
        let window = FrontEnd::Motion(MotionFront {
            sample_rate_hz: 25.0,
            channels: vec!["x".to_owned()],
            n_axes: 0,
            filter: None,
            n_samples: 2,
            hop: NonZeroU16::MIN,
            measures: Measure::Mean.set(),
            n_bands: 0,
            window: Window::Hann,
            f_min_hz: 0.0,
            f_max_hz: 0.0,
            trigger: None,
        });
        let found = |file: &[u8]| first_whole(Some(&window), file);
        let stretch = [1, 2, 3, 4, 5, 6];
        assert_eq!(
            found(&[3, 0, 0, 0, 1, 2, 3, 4, 5, 6, 9, 9]),
            (stretch.to_vec(), 0, 2)
        );
        let after_a_short_one = [1, 0, 0, 0, 7, 7, 9, 0, 0, 0, 1, 2, 3, 4, 5, 6];
        assert_eq!(found(&after_a_short_one), (stretch.to_vec(), 0, 2));
        assert_eq!(found(&[1, 0, 0, 0, 7, 7]), (vec![], 0, 0));
        assert_eq!(found(&[1]), (vec![], 0, 0));
    }

    #[test]
    fn a_product_that_answers_otherwise_spoils_the_run() {
        let ran = RunResult::Ran(ran(&[]));
        let answer = |row, found| Answer {
            row,
            expected: 1,
            found,
        };
        let mut product = ProductRun {
            is_the_chips: true,
            answers: vec![answer(0, 1), answer(3, 1)],
            failed: None,
        };
        assert_eq!(with_product(&ran, Some(&product)), ran);
        assert_eq!(with_product(&ran, None), ran);
        product.answers[1].found = 0;
        let RunResult::Ran(run) = with_product(&ran, Some(&product)) else {
            panic!("it ran");
        };
        assert_eq!(run.mismatches, [3]);
        product.failed = Some("no answer".to_owned());
        let expected = RunResult::Failed("the product image: no answer".to_owned());
        assert_eq!(with_product(&ran, Some(&product)), expected);
    }
}
