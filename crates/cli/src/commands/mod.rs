//! One module per command.

pub mod catalog;
pub mod compile;
pub mod create;
pub mod debug;
pub mod deploy;
pub mod dev;
pub mod doctor;
pub mod dryrun;
pub mod env;
pub mod functions;
pub mod generate_tests;
pub mod init;
pub mod keys;
pub mod logs;
pub mod migrate;
pub mod pull;
pub mod quickstart;
pub mod replay;
pub mod serve;
pub mod sim;
pub mod skills;
pub mod templates;
pub mod test;
pub mod vault;
pub mod webhooks;
pub mod worker;
