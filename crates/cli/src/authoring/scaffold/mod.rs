//! New projects and new functions.

mod create;
mod files;
mod template;

pub use create::{New, create};
pub use files::{around, init, types, write};
pub use template::add;
