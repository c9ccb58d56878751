//! `tenon worker`: a sandboxed process that runs functions. Started by the server, not by people.

use std::process::ExitCode;

/// Runs until the server closes the socket.
pub fn run() -> ExitCode {
    tenon_runtime::worker_main()
}
