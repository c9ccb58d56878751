//! Writing a tape in the worker, and following one.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeSet, HashSet, VecDeque};

use ring::digest::{Context, SHA256};
use ring::rand::{SecureRandom, SystemRandom};

use crate::protocol::Parcel;
use crate::tape::{Cause, ENTRIES_MAX, SEED_BYTES, Tape, Turn, WireTaping};
use crate::wire::FrameKind;

/// Readings above this are dates, below it time since the start of the run.
const DATES_FROM: i64 = 100_000_000_000;

/// An answer that waits for its turn.
pub(super) struct Held {
    pub(super) kind: FrameKind,
    pub(super) call: u32,
    pub(super) parcel: Parcel,
}

/// What a run that follows a tape does next.
pub(super) enum Step {
    Reply(Held),
    Timer(u32),
    Cancel(String),
    /// An answer is still under way, or nothing is left.
    Wait,
}

/// Where a run gets time, randomness and order from.
#[derive(Default)]
pub(super) struct Deck {
    mode: RefCell<Mode>,
    streams: RefCell<Option<[Stream; 2]>>,
}

#[derive(Default)]
enum Mode {
    #[default]
    Off,
    Record {
        tape: Tape,
        entries: usize,
    },
    Replay(Player),
}

impl Deck {
    /// Readies the deck for a run. False when the system has no random bytes.
    pub(super) fn begin(&self, wanted: &WireTaping) -> bool {
        let (mode, seed) = match wanted {
            WireTaping::Off => (Mode::Off, None),
            WireTaping::Record => {
                let mut seed = [0; SEED_BYTES];
                if SystemRandom::new().fill(&mut seed).is_err() {
                    return false;
                }
                let tape = Tape {
                    seed: hex::encode(seed),
                    ..Tape::default()
                };
                (Mode::Record { tape, entries: 0 }, Some(seed))
            }
            WireTaping::Replay(tape) => {
                let mut seed = [0; SEED_BYTES];
                // A seed that is none gives other numbers, and the comparison then says so.
                let _ = hex::decode_to_slice(&tape.seed, &mut seed);
                (Mode::Replay(Player::new(tape.clone())), Some(seed))
            }
        };
        *self.mode.borrow_mut() = mode;
        *self.streams.borrow_mut() = seed.map(|seed| [Stream::new(seed, 0), Stream::new(seed, 1)]);
        true
    }

    /// Whether time and order go through the deck.
    pub(super) fn is_on(&self) -> bool {
        !matches!(*self.mode.borrow(), Mode::Off)
    }

    /// Whether the run follows a tape.
    pub(super) fn is_replay(&self) -> bool {
        matches!(*self.mode.borrow(), Mode::Replay(_))
    }

    /// The tape that was written.
    pub(super) fn take_tape(&self) -> Option<Tape> {
        match std::mem::take(&mut *self.mode.borrow_mut()) {
            Mode::Record { tape, .. } => Some(tape),
            Mode::Off | Mode::Replay(_) => None,
        }
    }

    /// Notes what woke the run.
    pub(super) fn turn(&self, on: Cause) {
        if let Mode::Record { tape, entries } = &mut *self.mode.borrow_mut() {
            if *entries >= ENTRIES_MAX {
                tape.cut = true;
                return;
            }
            *entries += 1;
            tape.turns.push(Turn { on, clock: Vec::new() });
        }
    }

    /// A reading of the clock in tenths of a millisecond.
    pub(super) fn clock(&self, now: i64) -> i64 {
        match &mut *self.mode.borrow_mut() {
            Mode::Off => now,
            Mode::Record { tape, entries } => {
                if tape.cut {
                    return now;
                }
                if let Some(turn) = tape.turns.last_mut() {
                    match turn.clock.last_mut() {
                        Some((last, count)) if *last == now && *count < u32::MAX => *count += 1,
                        _ if *entries >= ENTRIES_MAX => tape.cut = true,
                        _ => {
                            *entries += 1;
                            turn.clock.push((now, 1));
                        }
                    }
                }
                now
            }
            Mode::Replay(player) => player.clock(now),
        }
    }

    /// A number in [0, 1) of the run's own randomness; none when it has the system's.
    pub(super) fn random(&self) -> Option<f64> {
        let mut streams = self.streams.borrow_mut();
        let [stream, _] = streams.as_mut()?;
        let mut bytes = [0; 8];
        stream.fill(&mut bytes);
        Some((u64::from_le_bytes(bytes) >> 11) as f64 / (1u64 << 53) as f64)
    }

    /// Bytes of the run's own randomness; false when it has the system's.
    pub(super) fn fill(&self, bytes: &mut [u8]) -> bool {
        match self.streams.borrow_mut().as_mut() {
            Some([_, stream]) => {
                stream.fill(bytes);
                true
            }
            None => false,
        }
    }

    /// Keeps an answer until its turn.
    pub(super) fn hold(&self, held: Held) {
        if let Mode::Replay(player) = &mut *self.mode.borrow_mut() {
            player.held.push_back(held);
        }
    }

    /// Notes a timer of a run that follows a tape.
    pub(super) fn arm(&self, timer: u32, delay_ms: u64) {
        if let Mode::Replay(player) = &mut *self.mode.borrow_mut() {
            player.due.insert((player.ahead_ms.saturating_add(delay_ms), timer));
        }
    }

    /// What comes next in a run that follows a tape.
    pub(super) fn next(&self, in_flight: &HashSet<u32>, timers: &HashSet<u32>) -> Step {
        match &mut *self.mode.borrow_mut() {
            Mode::Replay(player) => player.next(in_flight, timers),
            Mode::Off | Mode::Record { .. } => Step::Wait,
        }
    }
}

/// Follows a tape as long as the run does what it did; after that answers go in as they come, and timers fire in their
/// order as soon as nothing else is under way.
struct Player {
    tape: Tape,
    turn: usize,
    /// Reading of the turn, and how often it was given.
    reading: (usize, u32),
    /// Last date and last time since the start.
    last: [i64; 2],
    held: VecDeque<Held>,
    due: BTreeSet<(u64, u32)>,
    /// How far timers that were not on the tape have put the clock ahead.
    ahead_ms: u64,
    strayed: bool,
}

impl Player {
    fn new(tape: Tape) -> Self {
        let begun = tape.turns.first().and_then(|turn| turn.clock.first());
        Self {
            last: [begun.map_or(0, |(reading, _)| *reading), 0],
            tape,
            turn: 0,
            reading: (0, 0),
            held: VecDeque::new(),
            due: BTreeSet::new(),
            ahead_ms: 0,
            strayed: false,
        }
    }

    fn clock(&mut self, now: i64) -> i64 {
        let kind = usize::from(now < DATES_FROM);
        let (index, given) = self.reading;
        let recorded = self.tape.turns.get(self.turn).and_then(|turn| turn.clock.get(index));
        if let Some((reading, count)) = recorded
            && usize::from(*reading < DATES_FROM) == kind
        {
            self.reading = if given + 1 >= *count {
                (index + 1, 0)
            } else {
                (index, given + 1)
            };
            if let Some(last) = self.last.get_mut(kind) {
                *last = *reading;
            }
        }
        let ahead = i64::try_from(self.ahead_ms).unwrap_or_default().saturating_mul(10);
        let ahead = if self.strayed { ahead } else { 0 };
        self.last.get(kind).copied().unwrap_or(now).saturating_add(ahead)
    }

    fn next_turn(&mut self) {
        self.turn += 1;
        self.reading = (0, 0);
    }

    fn take_held(&mut self, call: u32) -> Option<Held> {
        let index = self.held.iter().position(|held| held.call == call)?;
        self.held.remove(index)
    }

    fn next(&mut self, in_flight: &HashSet<u32>, timers: &HashSet<u32>) -> Step {
        if !self.strayed {
            match self.tape.turns.get(self.turn + 1).map(|turn| turn.on.clone()) {
                Some(Cause::Reply(call)) if in_flight.contains(&call) => {
                    return match self.take_held(call) {
                        Some(held) => {
                            self.next_turn();
                            Step::Reply(held)
                        }
                        None => Step::Wait,
                    };
                }
                Some(Cause::Timer(timer)) if timers.contains(&timer) => {
                    self.next_turn();
                    self.due.retain(|(_, known)| *known != timer);
                    return Step::Timer(timer);
                }
                Some(Cause::Cancel(code)) => {
                    self.next_turn();
                    return Step::Cancel(code);
                }
                Some(Cause::Start | Cause::Reply(_) | Cause::Timer(_)) | None => self.strayed = true,
            }
        }
        if let Some(held) = self.held.pop_front() {
            self.next_turn();
            return Step::Reply(held);
        }
        if !in_flight.is_empty() {
            return Step::Wait;
        }
        while let Some((due, timer)) = self.due.pop_first() {
            if timers.contains(&timer) {
                self.ahead_ms = self.ahead_ms.max(due);
                self.next_turn();
                return Step::Timer(timer);
            }
        }
        Step::Wait
    }
}

#[cfg(test)]
mod tests;

/// Randomness that follows from a seed: SHA-256 over seed, purpose and a counter.
struct Stream {
    seed: [u8; SEED_BYTES],
    purpose: u8,
    counter: Cell<u64>,
    rest: Vec<u8>,
}

impl Stream {
    fn new(seed: [u8; SEED_BYTES], purpose: u8) -> Self {
        Self {
            seed,
            purpose,
            counter: Cell::new(0),
            rest: Vec::new(),
        }
    }

    fn fill(&mut self, bytes: &mut [u8]) {
        for byte in bytes {
            if self.rest.is_empty() {
                let mut block = Context::new(&SHA256);
                block.update(&self.seed);
                block.update(&[self.purpose]);
                block.update(&self.counter.get().to_le_bytes());
                self.counter.set(self.counter.get() + 1);
                self.rest.extend_from_slice(block.finish().as_ref());
            }
            *byte = self.rest.pop().unwrap_or_default();
        }
    }
}
