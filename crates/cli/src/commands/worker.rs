//! `tenon worker`: a sandboxed process that runs functions. Started by the server, not by people.

/// Runs until the server closes the socket.
pub fn run() -> ! {
    tenon_runtime::worker_main()
}
