//! Bounds of a tape, and what a player does when a run strays from it.

use std::collections::HashSet;

use super::{Deck, Held, Step};
use crate::protocol::Parcel;
use crate::tape::{Cause, ENTRIES_MAX, Tape, Turn, WireTaping};
use crate::wire::FrameKind;

fn turn(on: Cause, clock: &[(i64, u32)]) -> Turn {
    Turn {
        on,
        clock: clock.to_vec(),
    }
}

fn held(call: u32) -> Held {
    Held {
        kind: FrameKind::Reply,
        call,
        parcel: Parcel::default(),
    }
}

fn replay(turns: Vec<Turn>) -> Deck {
    let deck = Deck::default();
    let tape = Tape {
        seed: "07".repeat(32),
        turns,
        ..Tape::default()
    };
    assert!(deck.begin(&WireTaping::Replay(tape)));
    deck
}

const DAY: i64 = 17_000_000_000_000;

#[test]
fn a_tape_is_bounded() {
    let deck = Deck::default();
    assert!(deck.begin(&WireTaping::Record));
    deck.turn(Cause::Start);
    for reading in 0..ENTRIES_MAX as i64 + 10 {
        assert_eq!(deck.clock(DAY + reading), DAY + reading);
    }
    deck.turn(Cause::Timer(1));
    let tape = deck.take_tape().unwrap();
    assert!(tape.cut);
    let readings: usize = tape.turns.iter().map(|turn| turn.clock.len()).sum();
    assert_eq!(tape.turns.len() + readings, ENTRIES_MAX);
}

#[test]
fn readings_come_back_in_their_turns_and_the_last_one_stays() {
    let deck = replay(vec![turn(Cause::Start, &[(DAY, 2), (5, 1), (DAY + 20, 1)])]);
    let dates = |count: usize| (0..count).map(|_| deck.clock(DAY * 2) - DAY).collect::<Vec<_>>();
    assert_eq!(dates(2), [0, 0]);
    assert_eq!(deck.clock(77), 5);
    assert_eq!(dates(3), [20, 20, 20]);
    assert_eq!(deck.clock(77), 5, "what was not read stays where it was");
}

#[test]
fn answers_wait_for_their_turn_and_go_on_as_they_come_after_that() {
    let deck = replay(vec![
        turn(Cause::Start, &[]),
        turn(Cause::Reply(2), &[]),
        turn(Cause::Timer(3), &[]),
        turn(Cause::Reply(9), &[]),
    ]);
    let flying: HashSet<u32> = [1, 2].into();
    let timers: HashSet<u32> = [3, 4].into();
    deck.arm(4, 50);
    deck.arm(3, 900);
    deck.hold(held(1));
    assert!(
        matches!(deck.next(&flying, &timers), Step::Wait),
        "2 is recorded to be first"
    );
    deck.hold(held(2));
    assert!(matches!(deck.next(&flying, &timers), Step::Reply(Held { call: 2, .. })));
    assert!(matches!(deck.next(&[1].into(), &timers), Step::Timer(3)));
    // The tape knows a call 9, the run does not.
    assert!(matches!(
        deck.next(&[1].into(), &[4].into()),
        Step::Reply(Held { call: 1, .. })
    ));
    assert!(
        matches!(deck.next(&[5].into(), &[4].into()), Step::Wait),
        "an answer is under way"
    );
    assert!(matches!(deck.next(&HashSet::new(), &[4].into()), Step::Timer(4)));
    assert!(matches!(deck.next(&HashSet::new(), &HashSet::new()), Step::Wait));
}

#[test]
fn chance_follows_from_the_seed_by_purpose() {
    let draw = |bytes_first: bool| {
        let deck = replay(Vec::new());
        let mut bytes = [0; 40];
        if bytes_first {
            assert!(deck.fill(&mut bytes));
        }
        let number = deck.random();
        if !bytes_first {
            assert!(deck.fill(&mut bytes));
        }
        (number, bytes)
    };
    assert_eq!(draw(true), draw(false), "one purpose does not take from the other");
    let off = Deck::default();
    assert!(off.random().is_none() && !off.fill(&mut [0]));
}
