//! The `tenon` binary: one program for the server, its sandbox workers and the command line.

mod authoring;
mod builder;
mod catalog_import;
mod commands;
mod common;
mod config;
mod duration;
mod failure;
mod logging;
mod master_key;
mod overlay;
mod quickstart;
mod replay;
mod skills;
mod stop;
mod testing;
mod wiring;

use std::process::ExitCode;

use clap::{ArgAction, CommandFactory as _, FromArgMatches as _, Parser, Subcommand};
use common::CommonArgs;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Connect your customers' accounts and act on them: auth, proxy, syncs, actions and webhooks in one binary.
#[derive(Debug, Parser)]
#[command(name = "tenon", version, disable_version_flag = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
    #[command(flatten)]
    common: CommonArgs,
    /// Print the version.
    #[arg(long, short = 'v', short_alias = 'V', action = ArgAction::Version)]
    version: Option<bool>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the server.
    Serve(commands::serve::ServeArgs),
    /// Manage API keys.
    Keys(commands::keys::KeysArgs),
    /// Manage environments, their variables and settings.
    Env(commands::env::EnvArgs),
    /// Configure providers: make, show, change and remove integrations.
    Integrations(commands::integrations::IntegrationsArgs),
    /// See everything work, against a simulated HubSpot: connect, sync, webhooks, actions.
    Quickstart(commands::quickstart::QuickstartArgs),
    /// Make a project for functions.
    Init(commands::init::InitArgs),
    /// Add a function to a project.
    Create(commands::create::CreateArgs),
    /// Check a project and bundle its functions.
    Compile(commands::compile::CompileArgs),
    /// Watch a project: check, compile and deploy every save, and show runs live.
    Dev(commands::dev::DevArgs),
    /// Run a function here, against a real connection; nothing is stored.
    Dryrun(commands::dryrun::DryrunArgs),
    /// Run functions against their recorded fixtures, offline.
    Test(commands::test::TestArgs),
    /// Write test files for Vitest beside recorded fixtures.
    #[command(name = "generate:tests")]
    GenerateTests(commands::generate_tests::GenerateTestsArgs),
    /// Write a page of documentation beside every function.
    #[command(name = "generate:docs")]
    GenerateDocs(commands::generate_docs::GenerateDocsArgs),
    /// Rewrite a project that is described by nango.yaml.
    #[command(name = "migrate-to-zero-yaml")]
    MigrateToZeroYaml(commands::migrate_yaml::MigrateYamlArgs),
    /// Compile a project and deploy it to a server.
    Deploy(commands::deploy::DeployArgs),
    /// Show what is deployed, compare it, and go back to earlier versions.
    Functions(commands::functions::FunctionsArgs),
    /// Bring the source of a deployed function into the project.
    Pull(commands::pull::PullArgs),
    /// Copy ready-made functions into the project: those of a provider, of a kind, or one.
    Clone(commands::clone::CloneArgs),
    /// Check server, key, project and tools.
    Doctor(commands::doctor::DoctorArgs),
    /// Browse ready-made functions, add them to a project, or deploy them as they are.
    Templates(commands::templates::TemplatesArgs),
    /// Teach coding agents how to build on Tenon.
    Skills(commands::skills::SkillsArgs),
    /// Check, list and show the providers.
    Catalog(commands::catalog::CatalogArgs),
    /// Show what happened: calls, runs, refreshes, webhooks.
    Logs(commands::logs::LogsArgs),
    /// Run a recorded run again, offline, and say whether it comes out the same.
    Replay(commands::replay::ReplayArgs),
    /// Step through a recorded run: requests, answers, checkpoints, records.
    Debug(commands::debug::DebugArgs),
    /// Show outgoing webhooks and send them again.
    Webhooks(commands::webhooks::WebhooksArgs),
    /// Show and rotate the master key.
    Vault(commands::vault::VaultArgs),
    /// Take over integrations and connections of another installation.
    Migrate(commands::migrate::MigrateArgs),
    /// Run a simulator of a provider, for demonstrations, tests and offline CI.
    Sim(commands::sim::SimArgs),
    /// Print every setting with its default and its explanation.
    Config,
    /// Print the version.
    Version,
    /// A sandboxed process that runs functions; started by the server.
    #[command(hide = true)]
    Worker,
    /// A process that compiles one function; started by the server.
    #[command(hide = true)]
    BuildWorker,
}

/// What a shell reports of a program that was ended by `SIGPIPE` (128 and the number of the signal).
const NOBODY_READS: i32 = 141;

fn main() -> ExitCode {
    end_when_nobody_reads();
    use_small_pages();
    let parsed = Cli::command()
        .try_get_matches()
        .and_then(|matches| Ok((Cli::from_arg_matches(&matches)?, failure::asks_for_json(&matches))));
    let (cli, as_json) = match parsed {
        Ok(parsed) => parsed,
        Err(error) => return failure::report_usage(&error, failure::names_json(std::env::args_os())),
    };
    // The worker closes itself off from the system; it must not start any thread before that.
    if matches!(cli.command, Command::Worker) {
        commands::worker::run();
    }
    if matches!(cli.command, Command::BuildWorker) {
        return builder::worker::run();
    }
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            let error = anyhow::Error::new(error).context("the asynchronous runtime cannot be started");
            return failure::report(&error, as_json);
        }
    };
    match runtime.block_on(run(cli.command, cli.common)) {
        Ok(code) => code,
        Err(error) => failure::report(&error, as_json),
    }
}

/// `tenon logs | head` closes our output before all is said: that ends the command, as it ends other tools, and is no fault to
/// report. The signal itself stays ignored, because it would also end a server whose client hangs up.
fn end_when_nobody_reads() {
    let report = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        let closed = panic
            .payload_as_str()
            .is_some_and(|text| text.starts_with("failed printing to ") && text.contains("Broken pipe"));
        if closed {
            std::process::exit(NOBODY_READS);
        }
        report(panic);
    }));
}

/// The allocator asks for huge pages, of which a server with little to do fills a fraction: an idle one took 30 MB more, and one under
/// load computed no faster. Workers inherit this.
fn use_small_pages() {
    #[cfg(target_os = "linux")]
    // A refusal costs memory and nothing else.
    let _ = rustix::thread::disable_transparent_huge_pages(true);
}

async fn run(command: Command, common: CommonArgs) -> anyhow::Result<ExitCode> {
    match command {
        Command::Serve(args) => commands::serve::run(args).await,
        Command::Keys(args) => commands::keys::run(args).await,
        Command::Env(args) => commands::env::run(args).await,
        Command::Integrations(args) => commands::integrations::run(args, common).await,
        Command::Quickstart(args) => commands::quickstart::run(args).await,
        Command::Init(args) => commands::init::run(args).await,
        Command::Create(args) => commands::create::run(args).await,
        Command::Compile(args) => commands::compile::run(args).await,
        Command::Dev(args) => commands::dev::run(args).await,
        Command::Dryrun(args) => commands::dryrun::run(args).await,
        Command::Test(args) => commands::test::run(args).await,
        Command::GenerateTests(args) => commands::generate_tests::run(&args),
        Command::GenerateDocs(args) => commands::generate_docs::run(args).await,
        Command::MigrateToZeroYaml(args) => commands::migrate_yaml::run(&args, common),
        Command::Deploy(args) => commands::deploy::run(args, common).await,
        Command::Functions(args) => commands::functions::run(args, common).await,
        Command::Pull(args) => commands::pull::run(args).await,
        Command::Clone(args) => commands::clone::run(&args),
        Command::Doctor(args) => commands::doctor::run(args).await,
        Command::Templates(args) => commands::templates::run(args).await,
        Command::Skills(args) => commands::skills::run(&args),
        Command::Catalog(args) => commands::catalog::run(args).await,
        Command::Logs(args) => commands::logs::run(args).await,
        Command::Replay(args) => commands::replay::run(args).await,
        Command::Debug(args) => commands::debug::run(args, common).await,
        Command::Webhooks(args) => commands::webhooks::run(args).await,
        Command::Vault(args) => commands::vault::run(args).await,
        Command::Migrate(args) => commands::migrate::run(args).await,
        Command::Sim(args) => commands::sim::run(args).await,
        Command::Config => {
            print_settings();
            Ok(ExitCode::SUCCESS)
        }
        Command::Version => {
            print_version();
            Ok(ExitCode::SUCCESS)
        }
        Command::Worker => commands::worker::run(),
        Command::BuildWorker => Ok(builder::worker::run()),
    }
}

#[expect(clippy::print_stdout, reason = "output of the command")]
fn print_settings() {
    print!("{}", config::DEFAULT_FILE);
}

#[expect(clippy::print_stdout, reason = "output of the command")]
fn print_version() {
    println!("tenon {}", env!("CARGO_PKG_VERSION"));
}
