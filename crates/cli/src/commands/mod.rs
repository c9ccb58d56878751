//! One module per command.

pub mod env;
pub mod keys;
pub mod serve;
pub mod worker;
