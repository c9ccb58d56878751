//! Compiles whole projects in the real sandbox.
//!
//! This program is also the worker that the sandbox starts (`worker` as its argument), so it has a main
//! function of its own instead of the usual test harness.

#![expect(clippy::print_stdout, reason = "what the usual harness would print")]

mod errors;
mod example;
mod golden;
mod places;
mod sandbox;
mod speed;

use std::process::ExitCode;

/// A test by name.
type Test = (&'static str, fn());

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if arguments.first().is_some_and(|argument| argument == "worker") {
        tenon_runtime::worker_main();
    }
    let filter = arguments.iter().find(|argument| !argument.starts_with('-'));
    let tests: Vec<Test> = [
        golden::TESTS,
        errors::TESTS,
        places::TESTS,
        example::TESTS,
        speed::TESTS,
    ]
    .concat();
    let mut failed = Vec::new();
    for (name, test) in tests
        .into_iter()
        .filter(|(name, _)| filter.is_none_or(|filter| name.contains(filter.as_str())))
    {
        let passed = std::panic::catch_unwind(test).is_ok();
        println!("test {name} ... {}", if passed { "ok" } else { "FAILED" });
        if !passed {
            failed.push(name);
        }
    }
    if failed.is_empty() {
        println!("\ntest result: ok");
        ExitCode::SUCCESS
    } else {
        println!("\ntest result: FAILED: {}", failed.join(", "));
        ExitCode::FAILURE
    }
}
