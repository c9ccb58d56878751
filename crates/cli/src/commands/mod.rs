//! One module per command.

pub mod env;
pub mod keys;
pub mod quickstart;
pub mod serve;
pub mod sim;
pub mod worker;
