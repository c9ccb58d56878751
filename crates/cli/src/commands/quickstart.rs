//! `tenon quickstart`: the whole product in one command, against a simulated provider.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;

/// Flags of `tenon quickstart`.
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = "Examples:
  tenon quickstart                                         about a minute, then it keeps serving
  tenon quickstart --exit                                  ends with a non-zero code if any number is wrong
  tenon quickstart --contacts 200000 --changes 35000 --exit
  tenon quickstart --data-dir ./demo                       keep the data, to look around afterwards")]
pub struct QuickstartArgs {
    /// Contacts in the simulated HubSpot account.
    #[arg(long, default_value_t = 25_000)]
    pub contacts: usize,
    /// Contacts that change after the first pass; more than 10,000 exceed what one HubSpot search can return.
    #[arg(long, default_value_t = 12_000)]
    pub changes: usize,
    /// Make all changes in the same millisecond, which no search by time alone can divide.
    #[arg(long)]
    pub same_millisecond: bool,
    /// End after the summary, with a non-zero code if any number is wrong.
    #[arg(long)]
    pub exit: bool,
    /// Port of the server; 0 picks a free one.
    #[arg(long, default_value_t = 0)]
    pub port: u16,
    /// Keep the data here [default: a temporary folder, removed at the end]. Must be new or empty.
    #[arg(long)]
    pub data_dir: Option<PathBuf>,
    /// Faults of the simulated provider, for example 'reset=1%,500=1%,slow=2%'.
    #[arg(long, default_value = "")]
    pub fault: tenon_sim::FaultPlan,
}

/// Runs the command.
pub async fn run(args: QuickstartArgs) -> Result<ExitCode> {
    crate::quickstart::run(args).await
}
