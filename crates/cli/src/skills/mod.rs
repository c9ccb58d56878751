//! Skills for coding agents: what they teach lies in `skills/` at the root of the repository and is built into the
//! binary; this module writes it where each agent looks for skills.

mod agents;
mod bundle;
mod install;
mod rules;
mod state;

#[cfg(test)]
mod tests;

pub use agents::{AGENTS, Agent, Roots, Scope, by_name, detect, names};
pub use bundle::{SKILLS, Skill};
pub use install::{Change, Outcome, Plan, plan};
pub use state::installed;
