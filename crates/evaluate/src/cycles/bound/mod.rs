//! The most cycles that an inference takes, whatever the row: the longest way through the code of an
//! image.
//!
//! The code is executed with what is known of registers and the stack, from nothing but the image's
//! own bytes: of the row and of all other memory nothing is. Where a branch depends on the row, both
//! ways are followed; where ways meet, the longest so far counts, and of what is known that remains
//! which holds on each. A loop is turned as often as what is known in it says: over trees or features by
//! its counter, and down a tree, where a split's place is known and the row is not, along each path by
//! itself. So a bound needs no word on what the code is for, and where a loop does not end by what is
//! known, a call leads to an unknown place or an instruction is not known, there is none.

mod effect;
mod flow;
mod riscv;
mod state;
mod thumb;
mod value;

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::rc::Rc;

use serde::{Deserialize, Serialize};
use spinney_board::{Around, Operation, Timing};

use self::effect::{Leap, Place, called, execute, link, parted};
use self::flow::Function;
use self::state::{RETURN, State};
use self::value::Value;
use super::instruction::Flow;
use super::trace::{Code, Weight};

/// States with the most that it takes to come there.
type States = BTreeMap<State, Weight>;
/// States by the address where they are.
type Exits = BTreeMap<u32, States>;

/// The most instructions that are executed by an attempt at a bound: at first, and where all attempts
/// take more.
const STEPS_MAX: [u64; 2] = [200_000, 20_000_000];
/// The most turns of one loop.
const TURNS_MAX: u32 = 8192;
/// The most states at an address.
const STATES_MAX: usize = 1 << 16;
/// The most calls within each other.
const DEPTH_MAX: usize = 64;
/// How many states are kept apart at an address, at first and where that is too coarse.
const WIDTHS: [usize; 2] = [32, 4096];

/// The longest way of an inference: the most of each, not of one way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Longest {
    /// Instructions.
    pub instructions: u64,
    /// Cycles, where flash never keeps the core waiting.
    pub cycles: u64,
    /// Words of code fetched and data loaded.
    pub accesses: u64,
}

/// That of a call of the function at `entry` from within `caller`, with the code around the call up to
/// the nearest branches; `None` where it does not follow from what is known.
pub fn longest(timing: Timing, code: &Code, caller: Range<u32>, entry: u32) -> Option<Longest> {
    let mut most = STEPS_MAX
        .into_iter()
        .flat_map(|n_steps| WIDTHS.map(|width| (n_steps, width)))
        .find_map(|(n_steps, width)| Search::new(timing, code, n_steps).most(entry, width))?;
    most += Search::new(timing, code, 0).around_call(caller, entry)?;
    Some(Longest {
        instructions: most.instructions,
        cycles: most.high,
        accesses: most.accesses,
    })
}

struct Search<'a> {
    timing: Timing,
    code: &'a Code,
    functions: BTreeMap<u32, Rc<Function>>,
    /// Loops by the function and their first instruction that are turned with states apart.
    apart: BTreeSet<(u32, u32)>,
    /// Where the functions return to that are being executed.
    returns: Vec<u32>,
    /// Instructions that may yet be executed.
    n_steps: u64,
}

/// What a stretch of a function is left with.
#[derive(Default)]
struct Left {
    /// At the beginning of the loop that it is.
    again: States,
    /// Outside.
    out: Exits,
}

fn place(states: &mut States, state: State, cost: Weight) {
    let most = states.entry(state).or_default();
    *most = most.most(cost);
}

fn join(states: States) -> Option<(State, Weight)> {
    states.into_iter().reduce(|(mut all, most), (state, cost)| {
        all.join(&state);
        (all, most.most(cost))
    })
}

impl<'a> Search<'a> {
    fn new(timing: Timing, code: &'a Code, n_steps: u64) -> Self {
        Self {
            timing,
            code,
            functions: BTreeMap::new(),
            apart: BTreeSet::new(),
            returns: Vec::new(),
            n_steps,
        }
    }

    /// From the first instruction of the function at `entry` to its return.
    fn most(mut self, entry: u32, width: usize) -> Option<Weight> {
        let states = States::from([(called(self.code), Weight::default())]);
        let returned = self.call(entry, RETURN, states, width)?;
        returned.into_values().reduce(Weight::most)
    }

    /// What stands around the one call, from the branch before it to the one behind it.
    fn around_call(&self, caller: Range<u32>, entry: u32) -> Option<Weight> {
        let mut around = Weight::default();
        let mut state = called(self.code);
        let mut is_called = false;
        let mut at = caller.start;
        while at < caller.end {
            // Data stands between functions' parts.
            let Some(found) = self.code.instruction_at(at) else {
                (around, state) = (Weight::default(), called(self.code));
                at += 2;
                continue;
            };
            let leap = match found.flow {
                Flow::To(target) if found.operation == Operation::BranchLink => {
                    Some(Leap::Call(Value::just(target)))
                }
                _ => execute(&mut state, self.place(at)?),
            };
            let calls = |target: Value| target.known().map(|it| it & !1) == Some(entry);
            let is_call = matches!(leap, Some(Leap::Call(target)) if calls(target));
            if found.flow != Flow::Next && !is_call {
                if is_called {
                    return Some(around);
                }
                (around, state) = (Weight::default(), called(self.code));
            } else {
                around = self.paid(at, around, None, Some(is_call))?;
                is_called |= is_call;
            }
            at += found.len;
        }
        None
    }

    fn place(&self, at: u32) -> Option<Place<'a>> {
        Some(Place {
            code: self.code,
            at,
            first: u32::from(self.code.halfword(at)?),
            second: self.code.halfword(at.wrapping_add(2)).map_or(0, u32::from),
        })
    }

    /// Executes a function to its return.
    fn call(
        &mut self,
        entry: u32,
        returns_to: u32,
        states: States,
        width: usize,
    ) -> Option<States> {
        if self.returns.len() == DEPTH_MAX {
            return None;
        }
        let function = match self.functions.get(&entry) {
            Some(function) => Rc::clone(function),
            None => {
                let function = Rc::new(Function::new(self.code, entry)?);
                self.functions.insert(entry, Rc::clone(&function));
                function
            }
        };
        self.returns.push(returns_to);
        let mut left = self.stretch(&function, None, entry, states, width)?;
        self.returns.pop();
        left.out.remove(&RETURN)
    }

    /// Executes a function, or a loop of it once, from `start` on.
    fn stretch(
        &mut self,
        function: &Function,
        within: Option<u32>,
        start: u32,
        states: States,
        width: usize,
    ) -> Option<Left> {
        let mut left = Left::default();
        let mut pending = BTreeMap::from([(function.order(start)?, states)]);
        let mut is_first = true;
        while let Some((index, mut states)) = pending.pop_first() {
            let at = function.address(index)?;
            if states.len() > width {
                states = States::from([join(states)?]);
            }
            let mut found = Exits::new();
            if function.is_loop(at) && !(is_first && within == Some(at)) {
                found = self.around(function, at, states, width)?;
            } else {
                for (state, cost) in states {
                    for (target, state, cost) in self.step(at, state, cost, width)? {
                        place(found.entry(target).or_default(), state, cost);
                    }
                }
            }
            is_first = false;
            for (target, states) in found {
                let to = if within == Some(target) {
                    &mut left.again
                } else if target == RETURN || !function.is_within(within, target) {
                    left.out.entry(target).or_default()
                } else {
                    let next = function.order(target)?;
                    // Back to where no loop begins.
                    if next <= index {
                        return None;
                    }
                    pending.entry(next).or_default()
                };
                for (state, cost) in states {
                    place(to, state, cost);
                }
            }
        }
        Some(left)
    }

    /// Turns a loop until nothing is left in it.
    fn around(
        &mut self,
        function: &Function,
        at: u32,
        mut states: States,
        width: usize,
    ) -> Option<Exits> {
        let key = (function.entry, at);
        if !self.apart.contains(&key) {
            let depth = self.returns.len();
            let joined = self.around_joined(function, at, states.clone(), width);
            if joined.is_some() {
                return joined;
            }
            self.returns.truncate(depth);
            self.apart.insert(key);
        }
        let mut out = Exits::new();
        for _ in 0..TURNS_MAX {
            let left = self.stretch(function, Some(at), at, states, usize::MAX)?;
            merge(&mut out, left.out);
            if left.again.is_empty() {
                return Some(out);
            }
            if left.again.len() > STATES_MAX || out.values().any(|it| it.len() > STATES_MAX) {
                return None;
            }
            states = left.again;
        }
        None
    }

    /// With what holds in all states; `None` where the loop does not end by that.
    fn around_joined(
        &mut self,
        function: &Function,
        at: u32,
        states: States,
        width: usize,
    ) -> Option<Exits> {
        let mut out = Exits::new();
        let (mut state, mut cost) = join(states)?;
        for _ in 0..TURNS_MAX {
            let states = States::from([(state.clone(), cost)]);
            let left = self.stretch(function, Some(at), at, states, width)?;
            merge(&mut out, left.out);
            let Some((next, by_then)) = join(left.again) else {
                return Some(out);
            };
            let mut both = state.clone();
            both.join(&next);
            if both == state {
                return None;
            }
            (state, cost) = (next, by_then);
        }
        None
    }

    /// Executes the instruction at `at`, or the function that it calls.
    fn step(
        &mut self,
        at: u32,
        state: State,
        cost: Weight,
        width: usize,
    ) -> Option<Vec<(u32, State, Weight)>> {
        self.n_steps = self.n_steps.checked_sub(1)?;
        let mut ways = Vec::new();
        let next = at.wrapping_add(self.code.instruction_at(at)?.len);
        let conditions = state.conditions;
        let condition = (conditions != 0).then_some(conditions >> 4);
        let holds = condition.map_or(Some(true), |condition| state.holds(condition));
        if holds != Some(true) {
            let mut skipped = state.clone();
            if let Some(condition) = condition
                && holds.is_none()
            {
                skipped.assume(condition, false);
            }
            let cost = self.paid(at, cost, skipped.before, None)?;
            skipped.before = None;
            ways.push((next, skipped, cost));
        }
        if holds != Some(false) {
            let mut state = state;
            if let Some(condition) = condition
                && holds.is_none()
            {
                state.assume(condition, true);
            }
            self.executed(at, state, cost, width, &mut ways)?;
        }
        if conditions != 0 {
            for (_, state, _) in &mut ways {
                state.conditions = match conditions & 7 {
                    0 => 0,
                    _ => conditions & 0xe0 | conditions << 1 & 0x1f,
                };
            }
        }
        Some(ways)
    }

    fn executed(
        &mut self,
        at: u32,
        mut state: State,
        cost: Weight,
        width: usize,
        ways: &mut Vec<(u32, State, Weight)>,
    ) -> Option<()> {
        let found = self.code.instruction_at(at)?;
        let next = at.wrapping_add(found.len);
        let there = self.place(at)?;
        let passed = self.paid(at, cost, state.before, Some(false))?;
        let taken = self.paid(at, cost, state.before, Some(true))?;
        let is_call = found.operation == Operation::BranchLink;
        let leap = match found.flow {
            Flow::To(target) if is_call => Leap::Call(Value::just(target | 1)),
            Flow::To(target) => {
                state.before = None;
                ways.push((target, state, taken.led_to(target)));
                return Some(());
            }
            Flow::MayTo(target) => {
                for (mut state, is_taken) in parted(state, there) {
                    state.before = None;
                    ways.push(match is_taken {
                        true => (target, state, taken.led_to(target)),
                        false => (next, state, passed),
                    });
                }
                return Some(());
            }
            Flow::Next | Flow::Anywhere => execute(&mut state, there)?,
        };
        state.before = None;
        match leap {
            Leap::None => {
                state.before = Some(found.operation);
                ways.push((next, state, passed));
            }
            Leap::To(target) => {
                let returns_to = *self.returns.last()?;
                let target = target.known()? & !1;
                let cost = taken.led_to(target);
                if target == returns_to {
                    ways.push((RETURN, state, cost));
                } else {
                    // Another function ends this one; conditions end where it begins.
                    state.conditions = 0;
                    let states = States::from([(state, cost)]);
                    let returned = self.call(target, returns_to, states, width)?;
                    ways.extend(
                        returned
                            .into_iter()
                            .map(|(state, cost)| (RETURN, state, cost)),
                    );
                }
            }
            Leap::Either(register) => {
                state.before = Some(found.operation);
                for number in [0, 1] {
                    let mut state = state.clone();
                    state.set(register, Value::just(number));
                    ways.push((next, state, passed));
                }
            }
            Leap::Call(target) => {
                link(&mut state, there, next)?;
                state.conditions = 0;
                let target = target.known()? & !1;
                let states = States::from([(state, taken.led_to(target))]);
                let returned = self.call(target, next, states, width)?;
                ways.extend(
                    returned
                        .into_iter()
                        .map(|(state, cost)| (next, state, cost)),
                );
            }
        }
        Some(())
    }

    /// With what the instruction at `at` takes at the most: not executed, executed, or taken as a branch.
    fn paid(
        &self,
        at: u32,
        mut cost: Weight,
        before: Option<Operation>,
        is_taken: Option<bool>,
    ) -> Option<Weight> {
        let found = self.code.instruction_at(at)?;
        let around = Around {
            is_taken: is_taken == Some(true),
            before,
        };
        cost.instructions += 1;
        // Words of code that do not hold the end of the instruction before.
        cost.accesses += u64::from((at + found.len - 1) / 4 - at.saturating_sub(1) / 4);
        cost.high += match is_taken {
            None => 1,
            Some(_) => u64::from(self.timing.cycles(found.operation, around)?.high),
        };
        if is_taken.is_some() {
            cost.accesses += found.n_loads();
        }
        Some(cost)
    }
}

fn merge(all: &mut Exits, more: Exits) {
    for (target, states) in more {
        let to = all.entry(target).or_default();
        for (state, cost) in states {
            place(to, state, cost);
        }
    }
}

#[cfg(test)]
mod tests {
    use spinney_board::find;

    use super::*;

    fn most(chip: &str, words: &[u16]) -> Option<(u64, u64)> {
        let timing = Timing::of(&find(chip).unwrap().chip(None).unwrap()).unwrap();
        let code = Code::of(words, find(chip).unwrap().core.unwrap().is_riscv());
        let most = Search::new(timing, &code, STEPS_MAX[0]).most(0x100, WIDTHS[1])?;
        Some((most.instructions, most.high))
    }

    /// Down a tree in a table, by bytes of a row that nothing is known of: feature, threshold, and where
    /// each side leads, to a split or, from 128 on, to a leaf.
    #[test]
    fn a_tree_takes_its_longest_path() {
        // adr r3, table; movs r2, #0
        // walk: lsls r1, r2, #2; adds r1, r1, r3; ldrb r4, [r1]; ldrb r4, [r0, r4]; ldrb r5, [r1, #1]
        // cmp r4, r5; bhi right; ldrb r2, [r1, #2]; b next; right: ldrb r2, [r1, #3]
        // next: cmp r2, #128; blo walk; bx lr; nop
        let walk = [
            0xa307, 0x2200, 0x0091, 0x18c9, 0x780c, 0x5d04, 0x784d, 0x42ac, 0xd801, 0x788a, 0xe000,
            0x78ca, 0x2a80, 0xd3f3, 0x4770, 0x46c0,
        ];
        let with = |table: [u16; 6]| [walk.as_slice(), &table].concat();
        // The first split leads left to the second, which leads right to the third.
        let chain = with([0x0a00, 0x8001, 0x1401, 0x0281, 0x0500, 0x8382]);
        // 2, then 15 to the left and 14 to the right, 2 for each turn but the last, which takes 1, and 2.
        let cycles = 2 + 15 + 2 + 14 + 2 + 15 + 1 + 2;
        assert_eq!(most("RP2040", &chain), Some((35, cycles)));
        // Both sides of the first are leaves.
        let stump = with([0x0a00, 0x8180, 0x1401, 0x0281, 0x0500, 0x8382]);
        assert_eq!(most("RP2040", &stump), Some((14, 2 + 15 + 1 + 2)));
        // The third leads back to the first.
        let round = with([0x0a00, 0x8001, 0x1401, 0x0281, 0x0500, 0x0082]);
        assert_eq!(most("RP2040", &round), None);
    }

    /// The same where RISC-V has no flags: a comparison is a number that the next address takes.
    #[test]
    fn a_tree_takes_its_longest_path_by_numbers() {
        // auipc a3, 0; addi a3, a3, 52; li a2, 0
        // walk: slli a1, a2, 2; add a1, a1, a3; lbu a4, 0(a1); add a4, a4, a0; lbu a4, 0(a4)
        // lbu a5, 1(a1); sltu a4, a5, a4; add a1, a1, a4; lbu a2, 2(a1); li a6, 128; bltu a2, a6, walk; ret
        let walk = [
            0x0697, 0x0000, 0x8693, 0x0346, 0x4601, 0x1593, 0x0026, 0x95b6, 0xc703, 0x0005, 0x972a,
            0x4703, 0x0007, 0xc783, 0x0015, 0xb733, 0x00e7, 0x95ba, 0xc603, 0x0025, 0x0813, 0x0800,
            0x6fe3, 0xfd06, 0x8082, 0x0001,
        ];
        let with = |table: [u16; 6]| [walk.as_slice(), &table].concat();
        let chain = with([0x0a00, 0x8001, 0x1401, 0x0281, 0x0500, 0x8382]);
        let cycles = 3 + 3 * 14 + 3 + 3 + 1 + 4;
        assert_eq!(most("ESP32-C3", &chain), Some((37, cycles)));
        let stump = with([0x0a00, 0x8180, 0x1401, 0x0281, 0x0500, 0x8382]);
        assert_eq!(most("ESP32-C3", &stump), Some((15, 3 + 14 + 1 + 4)));
        let round = with([0x0a00, 0x8001, 0x1401, 0x0281, 0x0500, 0x0082]);
        assert_eq!(most("ESP32-C3", &round), None);
    }

    #[test]
    fn loops_by_a_counter_calls_and_conditions() {
        // push {r4, lr}; movs r4, #3; again: bl clamp; subs r4, #1; bne again; pop {r4, pc}
        // clamp: cmp r0, #9; it hi; movhi r0, #9; bx lr
        let words = [
            0xb510, 0x2403, 0xf000, 0xf803, 0x3c01, 0xd1fb, 0xbd10, 0x2809, 0xbf88, 0x2009, 0x4770,
        ];
        let turns = 3 * (4 + 1 + 1 + 1 + 4 + 1) + 4 + 4 + 1;
        assert_eq!(most("STM32F405RG", &words), Some((24, 4 + 1 + turns + 6)));
        // push {r4, lr}; mov r0, #1; cmp r4, #0; it ne; blne part; pop {r4, pc}
        // part: subs r0, #1; beq out; nop; nop; nop; nop; out: bx lr
        let words = [
            0xb510, 0x2001, 0x2c00, 0xbf18, 0xf000, 0xf801, 0xbd10, 0x3801, 0xd003, 0xbf00, 0xbf00,
            0xbf00, 0xbf00, 0x4770,
        ];
        assert_eq!(most("STM32F405RG", &words).map(|it| it.0), Some(9));
        // vpush {d8, d9}; vldr s0, [r0]; vmov r1, s0; vmov r2, r3, s0, s1; vpop {d8, d9}; bx lr
        let words = [
            0xed2d, 0x8b04, 0xed90, 0x0a00, 0xee10, 0x1a10, 0xec53, 0x2a10, 0xecbd, 0x8b04, 0x4770,
        ];
        let cycles = 6 + 3 + 1 + 1 + 6 + 4;
        assert_eq!(most("STM32F405RG", &words), Some((6, cycles)));
        // again: subs r0, #1; bne again; bx lr, by a number that is not known
        assert_eq!(most("RP2040", &[0x3801, 0xd1fd, 0x4770]), None);
        // addi sp, sp, -16; sw ra, 12(sp); sw s0, 8(sp); li s0, 3; again: jal clamp; addi s0, s0, -1
        // bnez s0, again; lw ra, 12(sp); lw s0, 8(sp); addi sp, sp, 16; ret
        // clamp: li a1, 9; bgeu a1, a0, out; mv a0, a1; out: ret
        let words = [
            0x1141, 0xc606, 0xc422, 0x440d, 0x2039, 0x147d, 0xfc75, 0x40b2, 0x4422, 0x0141, 0x8082,
            0x45a5, 0xf363, 0x00a5, 0x852e, 0x8082,
        ];
        let turns = 3 * (2 + 1 + 3 + 4 + 1 + 3) - 2;
        assert_eq!(most("ESP32-C3", &words), Some((29, 4 + turns + 9)));
        // movs r0, #1; bx r0: to nowhere; a trap
        assert_eq!(most("RP2040", &[0x2001, 0x4700]), None);
        assert_eq!(most("RP2040", &[0xde00]), None);
    }
}
