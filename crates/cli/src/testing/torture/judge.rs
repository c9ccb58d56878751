//! Disturbed runs of one function, and whether their records are those of an undisturbed one.

use serde_json::json;
use tenon_runtime::{Kind, Outcome};

use super::{Disturbance, Torture, pages};
use crate::testing::{Status, Verdict, compare::compare, host::Seen, recording::Recording, world::World};

/// Places of one kind that are tried; longer runs are sampled evenly.
const PLACES_MAX: usize = 60;
/// The id of the record that the vendor no longer knows.
const GONE: &str = "gone-since-the-last-run";

/// What a tortured function needs.
pub struct Inputs<'i, R> {
    /// What it is.
    pub kind: Kind,
    /// Its fixture.
    pub recording: &'i Recording,
    /// The checkpoint that it starts from.
    pub checkpoint: Option<String>,
    /// Performs one run.
    pub run: R,
}

/// How a run ended.
enum End {
    Done,
    Failed(String),
    /// It asked for something that the fixture does not hold.
    Unanswered(String),
}

/// Verdicts, with the number of places that were disturbed.
pub type Verdicts = Vec<(Torture, Verdict, usize)>;

/// Disturbs the function in every way that its fixture allows.
pub fn torture<R>(inputs: &Inputs<'_, R>) -> Verdicts
where
    R: Fn(World, Disturbance) -> (Outcome, Seen),
{
    let start = start(inputs);
    let (outcome, reference) = (inputs.run)(start.clone(), Disturbance::None);
    let rack = Rack {
        inputs,
        start,
        output: outcome.result.as_ref().ok().cloned(),
        reference,
    };
    let kinds: &[Torture] = match inputs.kind {
        Kind::Sync => &[Torture::Crash, Torture::Outage, Torture::Token, Torture::Pages],
        Kind::Action => &[Torture::Token],
        Kind::OnEvent | Kind::Webhook => &[],
    };
    if let Err(error) = &outcome.result {
        let reason = format!(
            "undisturbed, by the rules of production, it fails already: {}",
            error.message
        );
        return kinds
            .iter()
            .map(|kind| (*kind, Verdict::skipped(reason.clone()), 0))
            .collect();
    }
    let judged = kinds.iter().filter_map(|kind| {
        let (verdict, places) = rack.judge(*kind)?;
        Some((*kind, verdict, places))
    });
    judged.collect()
}

/// The store before the run: what the fixture says was there, and one record per model that is gone.
fn start<R>(inputs: &Inputs<'_, R>) -> World {
    let mut records = inputs.recording.records();
    for (model, _) in inputs.recording.batches("batchSave") {
        let gone = json!({ "id": GONE });
        match records.iter_mut().find(|(known, _)| *known == model) {
            Some((_, known)) => known.push(gone),
            None => records.push((model, vec![gone])),
        }
    }
    World::with(records, inputs.checkpoint.clone())
}

struct Rack<'i, R> {
    inputs: &'i Inputs<'i, R>,
    start: World,
    output: Option<String>,
    reference: Seen,
}

/// Places that are tried one after the other.
#[derive(Default)]
struct Tally {
    tried: usize,
    unknown: Option<String>,
}

impl<R> Rack<'_, R>
where
    R: Fn(World, Disturbance) -> (Outcome, Seen),
{
    /// None when there is nothing to disturb in this way.
    fn judge(&self, kind: Torture) -> Option<(Verdict, usize)> {
        let mut tally = Tally::default();
        let failed = match kind {
            Torture::Crash => self.crash(&mut tally),
            Torture::Outage => self.outage(&mut tally),
            Torture::Token => self.token(&mut tally),
            Torture::Pages => self.pages(&mut tally),
        };
        let verdict = match (failed, tally.unknown) {
            (Some(verdict), _) => verdict,
            (None, Some(reason)) => Verdict::skipped(reason),
            (None, None) if tally.tried == 0 => return None,
            (None, None) => Verdict::passed(),
        };
        Some((verdict, tally.tried))
    }

    fn crash(&self, tally: &mut Tally) -> Option<Verdict> {
        let writes = &self.reference.watch.writes;
        sampled(writes.len()).find_map(|place| {
            let name = writes.get(place).copied().unwrap_or_default();
            let what = format!("killed after write {} of {} ({name})", place + 1, writes.len());
            let (_, killed) = self.run(self.start.clone(), Disturbance::Crash(place + 1));
            self.goes_on(killed.world, &what, tally)
        })
    }

    fn outage(&self, tally: &mut Tally) -> Option<Verdict> {
        let exchanges = &self.reference.watch.exchanges;
        sampled(exchanges.len()).find_map(|place| {
            let request = &exchanges.get(place)?.described;
            let what = format!(
                "request {} of {} ({request}) failed with 503",
                place + 1,
                exchanges.len()
            );
            let (_, seen) = self.run(self.start.clone(), Disturbance::Outage(place + 1));
            self.goes_on(seen.world, &what, tally)
        })
    }

    fn token(&self, tally: &mut Tally) -> Option<Verdict> {
        if self.reference.watch.exchanges.is_empty() {
            return None;
        }
        let what =
            "every request was refused once with 401, and sent again with a new token where the proxy puts it in";
        let (end, seen) = self.run(self.start.clone(), Disturbance::Token);
        self.settle(end, &seen.world, what, tally)
    }

    fn pages(&self, tally: &mut Tally) -> Option<Verdict> {
        let exchanges = &self.reference.watch.exchanges;
        // The page that follows is usually the next request, or comes after requests for the items of the first.
        let pairs = exchanges.iter().enumerate().filter_map(|(place, first)| {
            let rest = exchanges.get(place + 1..)?;
            let mut variants = rest.iter().map(|second| pages::shifted(first, second));
            variants.find(|variants| !variants.is_empty())
        });
        pairs.flatten().take(PLACES_MAX).find_map(|(what, answers)| {
            let (end, seen) = self.run(self.start.clone(), Disturbance::Answers(answers));
            self.settle(end, &seen.world, &what, tally)
        })
    }

    fn run(&self, world: World, disturbance: Disturbance) -> (End, Seen) {
        let (outcome, seen) = (self.inputs.run)(world, disturbance);
        let end = match outcome.result {
            Ok(text) if self.inputs.kind == Kind::Action && Some(&text) != self.output.as_ref() => {
                End::Failed(format!("the output is {text}"))
            }
            Ok(_) => End::Done,
            Err(error) => match seen.unanswered.first() {
                Some(reason) => End::Unanswered(reason.clone()),
                None if error.message.is_empty() => End::Failed(format!("{} {}", error.type_, error.payload_json)),
                None => End::Failed(error.message),
            },
        };
        (end, seen)
    }

    /// After a disturbed run: the next one has to bring the records to where they belong.
    fn goes_on(&self, world: World, what: &str, tally: &mut Tally) -> Option<Verdict> {
        let (end, next) = self.run(world.clone(), Disturbance::None);
        // Nothing was left to do, and what a later run asks for is not in the fixture.
        if matches!(end, End::Unanswered(_)) && world.records() == self.reference.world.records() {
            tally.tried += 1;
            return None;
        }
        self.settle(end, &next.world, &format!("{what}, then run again"), tally)
    }

    fn settle(&self, end: End, world: &World, what: &str, tally: &mut Tally) -> Option<Verdict> {
        match end {
            End::Failed(reason) => return Some(Verdict::failed(format!("{what}: it fails: {reason}"))),
            End::Unanswered(reason) => {
                tally.unknown.get_or_insert(format!("{what}: {reason}"));
                return None;
            }
            End::Done => tally.tried += 1,
        }
        let difference = compare("records", &self.reference.world.records(), &world.records())?;
        Some(Verdict {
            status: Status::Failed,
            reason: Some(format!("{what}: {}", difference.summary)),
            lines: difference.lines,
        })
    }
}

/// Every place, or an even sample of many.
fn sampled(count: usize) -> impl Iterator<Item = usize> {
    let step = count.div_ceil(PLACES_MAX).max(1);
    (0..count).step_by(step)
}
