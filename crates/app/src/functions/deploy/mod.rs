//! Deploys from a project: `POST /sync/deploy/confirmation`, `/sync/deploy` and `/sync/deploy/internal`.
//!
//! The body is read completely before anything is done ([`input`]), compared with what is there ([`plan`]) and applied
//! in one transaction ([`apply`]): a deploy is in force as a whole or not at all, and a crash leaves nothing behind.

mod apply;
mod exclusive;
mod input;
mod plan;
mod scan;
mod version;

pub use input::{DeployInput, DeployMode, FlowInput, OnEventInput};
pub use version::check_cli_version;

pub(super) use apply::{definition_text, rejected};
pub(super) use exclusive::Exclusive;
pub(super) use input::{list_of_objects, read_file, texts};
pub(super) use plan::deployed;
pub(super) use scan::calls_constructor;
pub(super) use version::bump;
