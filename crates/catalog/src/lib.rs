//! The provider catalogue: reads the files of `providers/` into typed definitions and renders their templates.
//!
//! Pure: apart from reading an overlay directory that the caller names, nothing here touches the system. The moment
//! and random ids that a template may need are part of its [`template::Scope`].

mod catalog;
mod check;
mod compat;
mod embedded;
mod example;
mod file;
pub mod library;
pub mod provider;
pub mod template;
mod validate;
mod wire;

pub use catalog::{Catalog, LoadError, overlay_stamp};
pub use check::{CATEGORIES, Report, check};
pub use example::{Dummy, RenderedRequest};
pub use file::{Fault, entry_keys, keys_without_effect};
pub use provider::{AuthMode, Provider};
pub use validate::{Complaint, FieldFault, check_fields, check_inputs, is_shown};
