//! The two requests of a deploy: first the plan, then the change (functions contract, 5.6).

mod plan;
mod request;

pub use plan::{Consent, Decision, Plan, decide};
pub use request::{Request, Selection, Sent, render_result};

#[cfg(test)]
mod tests;
