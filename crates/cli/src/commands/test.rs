//! `tenon test`: runs functions against their recorded fixtures.

use std::{path::PathBuf, process::ExitCode};

use anyhow::Result;

use crate::{
    authoring::{
        TESTS_FAILED, exit,
        terminal::{Terminal, say},
    },
    testing::{self, Options, Status, report},
};

/// Flags of `tenon test`.
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = "Examples:
  tenon test                            every fixture below this folder
  tenon test hubspot                    those of one integration
  tenon test --filter create-contact    those whose function or file has this in its name
  tenon test --torture hubspot          also killed, refused and with items that move between pages
  tenon test --json | jq '.results[] | select(.status == \"failed\") | {fixture, reason}'

A fixture is <integration>/tests/<function>.test.json, also <integration>-<function>.test.json. The function runs in the
sandbox of production; its requests are answered from the fixture, and nothing leaves this machine.
Exit codes: 0 nothing failed, 13 a fixture failed, 1 anything else, such as a filter that nothing matches.")]
pub struct TestArgs {
    /// Folder to search, or one fixture.
    #[arg(default_value = ".")]
    path: PathBuf,
    /// Only functions and fixtures with this in their name.
    #[arg(long, value_name = "TEXT")]
    filter: Option<String>,
    /// Fixtures at a time; twice the number of cores when not given.
    #[arg(long, short, value_name = "N")]
    jobs: Option<usize>,
    /// Disturb every function as production does sooner or later: killed after each write, failing requests, expiring
    /// tokens, items that move between pages. The records must come out the same.
    #[arg(long)]
    torture: bool,
    /// Machine-readable output.
    #[arg(long)]
    json: bool,
}

/// Runs the command.
pub async fn run(args: TestArgs) -> Result<ExitCode> {
    let options = Options {
        filter: args.filter,
        jobs: args.jobs,
        torture: args.torture,
    };
    let report = testing::test(&args.path, &options).await?;
    if args.json {
        say(&report::as_json(&report).to_string());
    } else {
        say(report::render(&report, Terminal::detect()).trim_end());
    }
    Ok(if report.count(Status::Failed) == 0 {
        ExitCode::SUCCESS
    } else {
        exit(TESTS_FAILED)
    })
}
