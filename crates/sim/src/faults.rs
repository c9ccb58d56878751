//! Reproducible misbehaviour: the n-th request of a seeded run always meets the same fault.
//!
//! The specification is a comma-separated list of `kind=share%`, for example `reset=1%,500=1%,slow=2%`.

use std::fmt;
use std::str::FromStr;

use crate::hash::mix3;

/// What happens to one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Fault {
    /// The request is carried out; the connection is reset in the middle of the answer.
    Reset,
    /// The request is carried out; the answer ends early although its length was announced.
    Truncate,
    /// Answered 500, nothing is done.
    InternalError,
    /// Answered 502 by "the load balancer" with an HTML body, nothing is done.
    BadGateway,
    /// Answered 503, nothing is done.
    Unavailable,
    /// Answered 429 although the quota has room, nothing is done.
    RateLimited,
    /// Answered late.
    Slow,
}

impl Fault {
    /// All faults, in the order in which shares are laid out.
    pub const ALL: [Fault; 7] = [
        Fault::Reset,
        Fault::Truncate,
        Fault::InternalError,
        Fault::BadGateway,
        Fault::Unavailable,
        Fault::RateLimited,
        Fault::Slow,
    ];

    /// The word used in specifications and statistics.
    pub fn name(self) -> &'static str {
        match self {
            Fault::Reset => "reset",
            Fault::Truncate => "truncate",
            Fault::InternalError => "500",
            Fault::BadGateway => "502",
            Fault::Unavailable => "503",
            Fault::RateLimited => "429",
            Fault::Slow => "slow",
        }
    }
}

/// Shares of each fault, in millionths of all requests. Empty means well-behaved.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FaultPlan {
    shares: Vec<(Fault, u32)>,
}

impl FaultPlan {
    /// The fault of request number `sequence`, if any. Pure: same seed and number, same answer.
    pub fn decide(&self, seed: u64, sequence: u64) -> Option<Fault> {
        if self.shares.is_empty() {
            return None;
        }
        let mut roll = u32::try_from(mix3(seed, sequence, 0xFA17) % 1_000_000).unwrap_or(0);
        for (fault, share) in &self.shares {
            if roll < *share {
                return Some(*fault);
            }
            roll -= share;
        }
        None
    }

    /// True when nothing ever goes wrong.
    pub fn is_empty(&self) -> bool {
        self.shares.is_empty()
    }
}

impl FromStr for FaultPlan {
    type Err = crate::Error;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut shares = Vec::new();
        for part in text.split(',').map(str::trim).filter(|part| !part.is_empty()) {
            let bad = |why: &str| crate::Error::Faults(format!("`{part}`: {why}"));
            let (name, share) = part
                .split_once('=')
                .ok_or_else(|| bad("expected kind=share, for example reset=1%"))?;
            let fault = Fault::ALL
                .into_iter()
                .find(|fault| fault.name() == name.trim())
                .ok_or_else(|| bad("unknown kind; one of reset, truncate, 500, 502, 503, 429, slow"))?;
            let percent: f64 = share
                .trim()
                .trim_end_matches('%')
                .parse()
                .map_err(|_| bad("the share must be a number of per cent"))?;
            if !(0.0..=100.0).contains(&percent) {
                return Err(bad("the share must be between 0% and 100%"));
            }
            if percent > 0.0 {
                // At most 1,000,000 by the check above.
                shares.push((fault, (percent * 10_000.0).round() as u32));
            }
        }
        let total: u32 = shares.iter().map(|(_, share)| share).sum();
        if total > 1_000_000 {
            return Err(crate::Error::Faults(format!(
                "`{text}`: the shares add up to more than 100%"
            )));
        }
        Ok(Self { shares })
    }
}

impl fmt::Display for FaultPlan {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.shares.is_empty() {
            return out.write_str("none");
        }
        for (position, (fault, share)) in self.shares.iter().enumerate() {
            let comma = if position == 0 { "" } else { "," };
            write!(out, "{comma}{}={}%", fault.name(), f64::from(*share) / 10_000.0)?;
        }
        Ok(())
    }
}
