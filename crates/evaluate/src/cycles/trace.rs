//! An emulator's log of executed code, weighed.

use std::collections::HashMap;
use std::ops::{AddAssign, Range};

use spinney_board::{Around, Chip, Timer, Timing};
use spinney_wire::{Header, Outcome};

use super::bound::longest;
use super::instruction::{Flow, Instruction};
use super::{Cost, Cycles, riscv, thumb};
use crate::device::instructions_of;
use crate::image::{function_like, place};
use crate::{ImageError, Loaded, loaded, symbol};

/// Instructions, cycles and accesses of some code.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Weight {
    pub(super) instructions: u64,
    pub(super) low: u64,
    pub(super) high: u64,
    pub(super) accesses: u64,
}

impl AddAssign for Weight {
    fn add_assign(&mut self, other: Self) {
        *self = self.with(other, |one, other| one + other);
    }
}

impl Weight {
    fn with(self, other: Self, of: fn(u64, u64) -> u64) -> Self {
        Self {
            instructions: of(self.instructions, other.instructions),
            low: of(self.low, other.low),
            high: of(self.high, other.high),
            accesses: of(self.accesses, other.accesses),
        }
    }

    /// The more of each.
    pub(super) fn most(self, other: Self) -> Self {
        self.with(other, u64::max)
    }

    /// With the word of code that a branch to `target` has fetched, unless it begins there.
    pub(super) fn led_to(mut self, target: u32) -> Self {
        self.accesses += u64::from(!target.is_multiple_of(4));
        self
    }

    fn since(self, earlier: Self) -> Self {
        self.with(earlier, u64::saturating_sub)
    }
}

/// The log of a verify image, line by line, to what each measured stretch took.
pub struct Trace {
    timing: Timing,
    code: Code,
    /// Where a measurement ends: the function that works out how long it took.
    ends_at: u32,
    /// What need not be logged, by address.
    aside: Vec<Range<u32>>,
    /// The timer's handler, which belongs to no prediction.
    handler: Option<u32>,
    /// The function of a prediction, and the one that calls it.
    prediction: Option<[Range<u32>; 2]>,
    known: HashMap<(u32, u32, bool), Option<Weight>>,
    /// The block that the last line announced, and whether its length is limited.
    announced: Option<(u32, bool)>,
    /// Where the straight code began that is being executed.
    last: Option<u32>,
    /// The instruction that is executed again, for it looks at the timer.
    reads_timer: Option<u32>,
    /// Whether that has no more instructions than it was given, as those that look at the timer.
    is_limited: bool,
    total: Weight,
    /// How often it could not be followed, or left the prediction.
    n_lost: u64,
    /// Both by the last two looks at the timer.
    looks: [(Weight, u64); 2],
    stretches: Vec<Option<Weight>>,
}

/// The function at which a measurement ends, as a part of its symbol.
const ENDS: &str = "counter7elapsed";
/// The function that predicts, and the one that calls it, on Arm's cores and on RISC-V.
const PREDICTS: &str = "model7predict";
const CALLS: &str = "__cortex_m_rt_main";
const CALLS_RISCV: &str = "main";
/// The bits of a block's options that limit how many instructions it has.
const LENGTH_MASK: u32 = 0x1ff;
/// Functions that look for the deepest word of the stack, and are not measured.
const ASIDE: [&str; 2] = ["stack4fill", "stack4scan"];
/// The page of QEMU's M-profile cores. A block ends with its page, and before an instruction across it.
const PAGE: u32 = 1024;
/// The page of its RISC-V cores.
const PAGE_RISCV: u32 = 4096;
/// The most instructions between two lines of the log.
const INSTRUCTIONS_MAX: u32 = 4096;

impl Trace {
    /// For this image on `chip`; `None` where nothing is known of its core's time.
    ///
    /// # Errors
    /// Bytes that are no image of ours.
    pub fn new(chip: &Chip, elf: &[u8]) -> Result<Option<Self>, ImageError> {
        let Some(timing) = Timing::of(chip) else {
            return Ok(None);
        };
        let Some(ends_at) = function_like(elf, ENDS)? else {
            return Err(ImageError {
                found: format!("no function {ENDS}"),
            });
        };
        let handler = symbol(elf, "SysTick")?;
        let mut aside = Vec::new();
        for name in ASIDE {
            aside.extend(function_like(elf, name)?);
        }
        aside.sort_by_key(|it| it.start);
        let is_riscv = chip.core.is_riscv();
        let calls = match is_riscv {
            true => place(elf, CALLS_RISCV)?
                .and_then(|it| Some(u32::try_from(it.start).ok()?..u32::try_from(it.end).ok()?)),
            false => function_like(elf, CALLS)?,
        };
        Ok(Some(Self {
            timing,
            code: Code {
                loaded: loaded(elf)?,
                is_riscv,
            },
            ends_at: ends_at.start,
            aside,
            handler: handler.and_then(|at| u32::try_from(at & !1).ok()),
            prediction: function_like(elf, PREDICTS)?.zip(calls).map(Into::into),
            known: HashMap::new(),
            announced: None,
            last: None,
            reads_timer: None,
            is_limited: false,
            total: Weight::default(),
            n_lost: 0,
            looks: [(Weight::default(), 0); 2],
            stretches: Vec::new(),
        }))
    }

    /// Which addresses are to be logged, as QEMU's `-dfilter` takes them.
    pub fn filter(&self) -> String {
        let mut from = 0;
        let mut ranges = Vec::new();
        for aside in &self.aside {
            if from < aside.start {
                ranges.push(format!("{from:#x}..{:#x}", aside.start - 1));
            }
            from = aside.end;
        }
        ranges.push(format!("{from:#x}..0xffffffff"));
        ranges.join(",")
    }

    /// How many stretches were measured so far.
    pub fn n_measured(&self) -> usize {
        self.stretches.len()
    }

    /// Takes a line of the log.
    pub fn line(&mut self, line: &str) {
        if line.starts_with("Stopped execution") {
            // What the last line announced is still to be executed, and announced again.
            self.announced = None;
            return;
        }
        if let Some((pc, is_limited)) = self.announced.take() {
            self.reached(pc, is_limited);
        }
        let address = |text: &str| u32::from_str_radix(text.trim(), 16).ok();
        if let Some(line) = line.strip_prefix("Trace ") {
            // `0: host code [base/address/state/options] symbol`
            let mut fields = line.split(['/', ']']).skip(1);
            let pc = fields.next().and_then(address);
            let options = fields.nth(1).and_then(address).unwrap_or(0);
            self.announced = pc.map(|pc| (pc, options & LENGTH_MASK != 0));
        } else if let Some(pc) = line.strip_prefix("cpu_io_recompile: rewound execution of TB to ")
        {
            self.reads_timer = address(pc);
            if self.last == self.reads_timer {
                // It was the first of its block, of which nothing was executed.
                self.last = None;
            }
        }
    }

    fn reached(&mut self, pc: u32, is_limited: bool) {
        let looks = self.reads_timer.take() == Some(pc);
        let is_cut = looks || self.is_limited;
        self.is_limited = is_limited;
        if let Some(last) = self.last {
            let Self {
                known,
                timing,
                code,
                ..
            } = self;
            let way = (last, pc, is_cut);
            let weight = known
                .entry(way)
                .or_insert_with(|| between(*timing, code, (last, pc), is_cut));
            match weight {
                Some(weight) => self.total += *weight,
                None => self.n_lost += 1,
            }
        }
        // A RISC-V's block ends behind the instruction that looks; who comes there by a branch comes from
        // behind it.
        let came_over = self.last.is_some_and(|last| last < pc);
        self.last = Some(pc);
        if self.handler == Some(pc) {
            self.n_lost += 1;
        }
        if looks || came_over && self.code.reads_mcycle_before(pc) {
            self.looks = [self.looks[1], (self.total, self.n_lost)];
        }
        if pc == self.ends_at {
            let [(began, lost), (ended, lost_by_now)] = self.looks;
            let is_whole = lost == lost_by_now;
            self.stretches.push(is_whole.then(|| ended.since(began)));
        }
    }

    /// The cycles of `n_rows` rows: of the first stretch, which is empty, and of two for each row; `None`
    /// where in most of them other instructions were followed than the timer counted, by `outcomes`.
    pub fn of_rows(self, n_rows: usize, outcomes: &[u8], timer: Timer) -> Option<Cycles> {
        let header = outcomes.get(..Header::LEN).and_then(Header::from_bytes)?;
        let records = outcomes.get(Header::LEN..)?;
        let records = records.chunks_exact((records.len() / n_rows.max(1)).max(Outcome::LEN));
        let (empty, rows) = self.stretches.split_first()?;
        let empty = (*empty)?;
        let is_told = |stretch: &Weight, ticks: u32| {
            let ticks = f64::from(ticks) - f64::from(header.overhead_ticks);
            let counted = instructions_of(ticks, timer);
            (stretch.since(empty).instructions as f64 - counted).abs() < 1.0
        };
        let (mut from_readings, mut from_codes) = (Vec::new(), Vec::new());
        for ([readings, codes], record) in rows.as_chunks().0.iter().zip(records) {
            let outcome = record.get(..Outcome::LEN).and_then(Outcome::from_bytes)?;
            if let (Some(readings), Some(codes)) = (readings, codes)
                && is_told(readings, outcome.ticks)
                && is_told(codes, outcome.ticks_from_codes)
            {
                from_readings.push(*readings);
                from_codes.push(*codes);
            }
        }
        if 2 * from_readings.len() <= n_rows {
            return None;
        }
        Some(Cycles {
            rows: from_readings.len(),
            from_readings: Cost::of(&from_readings, &empty)?,
            from_codes: Cost::of(&from_codes, &empty)?,
            longest: self.prediction.and_then(|[predict, caller]| {
                longest(self.timing, &self.code, caller, predict.start)
            }),
            front: None,
        })
    }

    /// The cost of each stretch behind the first, which is empty; `None` for one that could not be
    /// followed.
    pub fn of_each(self) -> Vec<Option<Cost>> {
        let Some((empty, rest)) = self.stretches.split_first() else {
            return Vec::new();
        };
        let cost = |stretch: &Option<Weight>| Cost::of(&[(*stretch)?], &(*empty)?);
        rest.iter().map(cost).collect()
    }

    /// The cost of stretches of a front end, `n` of them behind the first, which is empty.
    pub fn of_front(self, n: usize) -> Option<Cost> {
        let (empty, rest) = self.stretches.split_first()?;
        let whole: Vec<Weight> = rest.iter().take(n).copied().flatten().collect();
        Cost::of(&whole, &(*empty)?)
    }
}

/// What was executed from `from` until `to` was reached; `None` where no way leads there.
///
/// The emulator's blocks end with a branch, so `to` may be passed before, as the start of a loop in the
/// same block; it is not where the page ends before it. A block that looks at the timer is cut before it,
/// and some are given few instructions (`is_cut`); and some end for reasons of the emulator's own.
fn between(timing: Timing, code: &Code, (from, to): (u32, u32), is_cut: bool) -> Option<Weight> {
    let mut weight = Weight::default();
    let mut passed = None;
    let mut before = None;
    let mut n_conditional = 0;
    let mut at = from;
    let is_cut = is_cut || code.is_behind_page(from, to);
    for _ in 0..INSTRUCTIONS_MAX {
        let Some(found) = code.instruction_at(at) else {
            return passed;
        };
        let next = at.wrapping_add(found.len);
        let may_fail = n_conditional > 0;
        let is_taken = match found.flow {
            Flow::Next => false,
            Flow::To(target) => target == to && !(may_fail && next == to),
            Flow::MayTo(target) => target == to && next != to,
            Flow::Anywhere => !(may_fail && next == to),
        };
        let around = Around { is_taken, before };
        let mut cycles = timing.cycles(found.operation, around)?;
        if may_fail {
            // One that is not executed takes a cycle; a branch is not that leads on.
            cycles.low = cycles.low.min(1);
            if found.flow != Flow::Next && !is_taken {
                cycles.high = 1;
            }
        }
        weight.instructions += 1;
        weight.low += u64::from(cycles.low);
        weight.high += u64::from(cycles.high);
        weight.accesses += found.n_loads();
        let mut whole = weight;
        // Words of code, of which one may hold two instructions. The one that is led on within counts
        // with what follows.
        let leads_on_within = next == to && !is_taken && !to.is_multiple_of(4);
        whole.accesses += u64::from((next - 1) / 4 - from / 4 + u32::from(!leads_on_within));
        match found.flow {
            Flow::Next if next == to && is_cut => return Some(whole),
            Flow::Next if next == to => passed = Some(whole),
            Flow::Next => {}
            // Where a way with an address is as good as any, the near one is taken.
            Flow::Anywhere if passed.is_some() => return passed,
            _ if is_taken || next == to && (may_fail || matches!(found.flow, Flow::MayTo(_))) => {
                return Some(whole);
            }
            _ => return passed,
        }
        n_conditional = match found.n_conditional {
            0 => u32::saturating_sub(n_conditional, 1),
            n => n,
        };
        before = Some(found.operation);
        at = next;
    }
    passed
}

/// An image's code.
pub(super) struct Code {
    loaded: Vec<Loaded>,
    pub(super) is_riscv: bool,
}

impl Code {
    /// These instructions, from 0x100 on.
    #[cfg(test)]
    pub(super) fn of(words: &[u16], is_riscv: bool) -> Self {
        let bytes = words.iter().flat_map(|word| word.to_le_bytes()).collect();
        Self {
            loaded: vec![Loaded {
                address: 0x100,
                bytes,
            }],
            is_riscv,
        }
    }

    pub(super) fn instruction_at(&self, at: u32) -> Option<Instruction> {
        let first = self.halfword(at)?;
        let second = self.halfword(at.wrapping_add(2)).unwrap_or(0);
        match self.is_riscv {
            true => riscv::decode(at, first, second),
            false => thumb::decode(at, first, second),
        }
    }

    /// Whether no block that begins at `from` goes beyond `to`: the next page begins there, or lies within
    /// the instruction there.
    fn is_behind_page(&self, from: u32, to: u32) -> bool {
        let page = if self.is_riscv { PAGE_RISCV } else { PAGE };
        let page_end = (from | (page - 1)).wrapping_add(1);
        let is_long = || self.instruction_at(to).is_some_and(|found| found.len == 4);
        to == page_end || to.wrapping_add(2) == page_end && is_long()
    }

    fn reads_mcycle_before(&self, at: u32) -> bool {
        let before = |bytes| self.halfword(at.wrapping_sub(bytes));
        self.is_riscv
            && before(4)
                .zip(before(2))
                .is_some_and(|(first, second)| riscv::reads_mcycle(first, second))
    }

    pub(super) fn halfword(&self, address: u32) -> Option<u16> {
        let second = address.checked_add(1)?;
        Some(u16::from_le_bytes([
            self.byte(address)?,
            self.byte(second)?,
        ]))
    }

    pub(super) fn byte(&self, address: u32) -> Option<u8> {
        self.loaded.iter().find_map(|stretch| {
            let at = usize::try_from(address.checked_sub(stretch.address)?).ok()?;
            stretch.bytes.get(at).copied()
        })
    }
}

#[cfg(test)]
mod tests {
    use spinney_board::find;

    use super::*;

    #[test]
    fn blocks_that_pass_where_the_next_begins() {
        // 0x100: nop; 0x102: nop; 0x104: subs r0, #1; 0x106: bne 0x102; 0x108: pop {r4, pc}
        let words = [0xbf00_u16, 0xbf00, 0x3801, 0xd1fc, 0xbd10];
        let code = Code::of(&words, false);
        let timing = Timing::of(&find("RP2040").unwrap().chip(None).unwrap()).unwrap();
        let n = |from, to, is_cut| {
            let weight = between(timing, &code, (from, to), is_cut);
            weight.map(|weight| weight.instructions)
        };
        // Around the loop once, unless the block was given fewer instructions.
        assert_eq!(n(0x100, 0x102, false), Some(4));
        assert_eq!(n(0x100, 0x102, true), Some(1));
        assert_eq!(n(0x102, 0x108, false), Some(3));
        assert_eq!(n(0x108, 0x2000, false), Some(1));
        // A word of code counts once on the way, whether a block ends within it or not.
        let words = |from, to, is_cut| {
            let weight = between(timing, &code, (from, to), is_cut);
            weight.map(|weight| weight.accesses)
        };
        assert_eq!(words(0x100, 0x102, true), Some(0));
        assert_eq!(words(0x102, 0x108, false), Some(2));
        assert_eq!(words(0x100, 0x108, false), Some(2));
        assert_eq!(words(0x100, 0x102, false), Some(2));
        // No way leads from the loop to there, as where an exception was taken.
        assert_eq!(n(0x100, 0x2000, false), None);
        assert_eq!(n(0x300, 0x302, false), None);
        // The same loop, of which the page ends before its first instruction.
        let mut code = code;
        code.loaded[0].address = 0x3fe;
        let around = between(timing, &code, (0x3fe, 0x400), false);
        assert_eq!(around.unwrap().instructions, 1);
    }

    /// A look at the timer, a loop, another look, and the function that takes their difference.
    #[test]
    fn a_log_is_followed_from_look_to_look() {
        let words = [0x6801_u16, 0xbf00, 0x3801, 0xd1fc, 0x6801, 0xe7fe];
        let mut trace = Trace {
            timing: Timing::of(&find("RP2040").unwrap().chip(None).unwrap()).unwrap(),
            code: Code::of(&words, false),
            ends_at: 0x10a,
            aside: vec![0x40..0x60, 0x60..0x80],
            handler: None,
            prediction: None,
            known: HashMap::new(),
            announced: None,
            last: None,
            reads_timer: None,
            is_limited: false,
            total: Weight::default(),
            n_lost: 0,
            looks: [(Weight::default(), 0); 2],
            stretches: Vec::new(),
        };
        assert_eq!(trace.filter(), "0x0..0x3f,0x80..0xffffffff");
        for line in [
            "Trace 0: 0x7f00 [00800408/00000100/00000010/ff020200] main",
            "cpu_io_recompile: rewound execution of TB to 00000100",
            "Trace 0: 0x7f00 [00800408/00000100/00000010/ff038201] main",
            "Trace 0: 0x7f00 [00800408/00000102/00000010/ff020200] main",
            "Trace 0: 0x7f00 [00800408/00000102/00000010/ff020200] main",
            "Stopped execution of TB chain before 0x7f00 [00000102] main",
            "Trace 0: 0x7f00 [00800408/00000102/00000010/ff020200] main",
            "Trace 0: 0x7f00 [00800408/00000108/00000010/ff020200] main",
            "cpu_io_recompile: rewound execution of TB to 00000108",
            "Trace 0: 0x7f00 [00800408/00000108/00000010/ff038201] main",
            "Trace 0: 0x7f00 [00800408/0000010a/00000010/ff020200] elapsed",
            "Trace 0: 0x7f00 [00800408/0000010a/00000010/ff020200] elapsed",
        ] {
            trace.line(line);
        }
        // The load, and twice three instructions; 2 + (1 + 1 + 2) + (1 + 1 + 1) cycles.
        let took = trace.stretches[0].unwrap();
        assert_eq!((took.instructions, took.low, took.high), (7, 9, 9));
        // The timer says so, too, or the row does not count.
        let header = [55464019, 1, 1, 0, 0, 0_u32];
        assert!(
            trace
                .of_rows(1, &header.map(u32::to_le_bytes).concat(), Timer::McycleNs)
                .is_none()
        );
    }
}
