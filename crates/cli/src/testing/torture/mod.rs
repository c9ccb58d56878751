//! `tenon test --torture`: what production does to a function sooner or later, derived from its fixtures.
//!
//! A fixture says what an undisturbed run does. From it follow runs that are disturbed in one place each, in a store
//! that outlives them, and every time the records must come out the same:
//!
//! - `crash`: the process dies right after a write (records, checkpoint, delete tracking), and another run goes on.
//! - `outage`: a request fails for good, and the next run goes on.
//! - `token`: every request is refused once with 401 and sent again with a new token, as the proxy does; a function that
//!   carries a token in its own headers has to cope by itself.
//! - `pages`: an item moves to another page while the pages are read, or is on two of them.
//!
//! Before the run every model holds a record that the vendor no longer knows, so that deletion is part of the outcome.

mod judge;
mod pages;

pub use judge::{Inputs, torture};

use super::identity::Identity;

/// A way to disturb runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Torture {
    /// Death after a write.
    Crash,
    /// A request that fails.
    Outage,
    /// A token that expires.
    Token,
    /// Items that move.
    Pages,
}

impl Torture {
    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Crash => "crash",
            Self::Outage => "outage",
            Self::Token => "token",
            Self::Pages => "pages",
        }
    }
}

/// What happens to one run.
#[derive(Debug, Clone, Default)]
pub enum Disturbance {
    /// An ordinary replay, by the rules of the public kit.
    #[default]
    Kit,
    /// Nothing, but with the rules of production.
    None,
    /// It dies after its nth write.
    Crash(usize),
    /// Its nth request fails.
    Outage(usize),
    /// Every request finds its token expired.
    Token,
    /// Some requests have another answer.
    Answers(Vec<(String, String)>),
}

impl Disturbance {
    /// Whether the rules of production count.
    pub fn is_watched(&self) -> bool {
        !matches!(self, Self::Kit)
    }

    /// The status that a request is refused with.
    pub fn refusal(&self, watch: &mut Watch, request: &Identity, own_token: bool) -> Option<u16> {
        watch.asked += 1;
        match self {
            Self::Outage(n) => (*n == watch.asked).then_some(503),
            Self::Token if own_token => {
                let hash = request.hash();
                let first = !watch.refused.contains(&hash);
                watch.refused.push(hash);
                first.then_some(401)
            }
            Self::Kit | Self::None | Self::Crash(_) | Self::Token | Self::Answers(_) => None,
        }
    }

    /// The answer to a request in place of the recorded one.
    pub fn replaced(&self, request: &Identity) -> Option<String> {
        let Self::Answers(answers) = self else {
            return None;
        };
        let hash = request.hash();
        let found = answers.iter().find(|(known, _)| *known == hash);
        found.map(|(_, text)| text.clone())
    }

    /// Whether the run dies after this write.
    pub fn kills(&self, watch: &mut Watch, write: &'static str) -> bool {
        watch.writes.push(write);
        matches!(self, Self::Crash(n) if *n == watch.writes.len())
    }
}

/// What a run did, as far as disturbances depend on it.
#[derive(Debug, Default)]
pub struct Watch {
    /// Names of the calls that wrote, in order.
    pub writes: Vec<&'static str>,
    /// Requests with their answers, in order.
    pub exchanges: Vec<Exchange>,
    asked: usize,
    refused: Vec<String>,
}

impl Watch {
    /// A request was answered.
    pub fn answered(&mut self, request: &Identity, answer: &str) {
        self.exchanges.push(Exchange {
            hash: request.hash(),
            described: request.describe(),
            endpoint: format!("{} {}", request.method, request.endpoint),
            parts: pages::parts(request),
            answer: answer.to_owned(),
        });
    }
}

/// A request and its answer.
#[derive(Debug)]
pub struct Exchange {
    /// The request's digest.
    pub hash: String,
    /// The request in one line.
    pub described: String,
    /// Method and path.
    pub endpoint: String,
    /// Parameters and members of the body by name.
    pub parts: Vec<(String, String)>,
    /// `{data, status, headers}`.
    pub answer: String,
}
