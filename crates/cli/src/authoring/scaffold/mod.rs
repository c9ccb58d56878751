//! New projects and new functions.

mod create;
mod files;

pub use create::{New, create};
pub use files::{init, types};
