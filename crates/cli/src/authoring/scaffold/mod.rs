//! New projects and new functions.

mod create;
mod files;
mod template;

pub use create::{New, create};
pub use files::{init, types};
pub use template::add;
