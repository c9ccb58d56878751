//! What the commands for function authors share: the project, its settings, the server, and the terminal.

pub mod build;
pub mod client;
pub mod deploy;
pub mod docs;
pub mod dry;
pub mod function_name;
pub mod lines;
pub mod report;
pub mod scaffold;
pub mod settings;
pub mod terminal;
pub mod types;

use std::process::ExitCode;

/// The project does not compile.
pub const COMPILE_FAILED: u8 = 10;
/// The deploy was refused or not confirmed.
pub const DEPLOY_FAILED: u8 = 11;
/// The dry run failed.
pub const DRYRUN_FAILED: u8 = 12;
/// A function did not do what its fixture says.
pub const TESTS_FAILED: u8 = 13;

/// A recorded run did not come out the same.
pub const REPLAY_DIFFERS: u8 = 14;

/// The exit code with this number.
pub fn exit(code: u8) -> ExitCode {
    ExitCode::from(code)
}
