//! New projects and new functions.

mod create;
mod files;
mod template;

pub use create::{Listed, New, create, list_function};
pub use files::{around, init, types, write};
pub use template::add;
