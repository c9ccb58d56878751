//! The `tenon` binary: one program for the server, its sandbox workers and the command line.

mod authoring;
mod builder;
mod catalog_import;
mod commands;
mod config;
mod duration;
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

use clap::{Parser, Subcommand};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Connect your customers' accounts and act on them: auth, proxy, syncs, actions and webhooks in one binary.
#[derive(Debug, Parser)]
#[command(name = "tenon", version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
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
    /// Compile a project and deploy it to a server.
    Deploy(commands::deploy::DeployArgs),
    /// Show what is deployed, compare it, and go back to earlier versions.
    Functions(commands::functions::FunctionsArgs),
    /// Bring the source of a deployed function into the project.
    Pull(commands::pull::PullArgs),
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
    /// A sandboxed process that runs functions; started by the server.
    #[command(hide = true)]
    Worker,
    /// A process that compiles one function; started by the server.
    #[command(hide = true)]
    BuildWorker,
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    // The worker closes itself off from the system; it must not start any thread before that.
    if matches!(cli.command, Command::Worker) {
        commands::worker::run();
    }
    if matches!(cli.command, Command::BuildWorker) {
        return builder::worker::run();
    }
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return fail(&anyhow::Error::new(error).context("the asynchronous runtime cannot be started")),
    };
    match runtime.block_on(run(cli.command)) {
        Ok(code) => code,
        Err(error) => fail(&error),
    }
}

async fn run(command: Command) -> anyhow::Result<ExitCode> {
    match command {
        Command::Serve(args) => commands::serve::run(args).await,
        Command::Keys(args) => commands::keys::run(args).await,
        Command::Env(args) => commands::env::run(args).await,
        Command::Integrations(args) => commands::integrations::run(args).await,
        Command::Quickstart(args) => commands::quickstart::run(args).await,
        Command::Init(args) => commands::init::run(args).await,
        Command::Create(args) => commands::create::run(args).await,
        Command::Compile(args) => commands::compile::run(args).await,
        Command::Dev(args) => commands::dev::run(args).await,
        Command::Dryrun(args) => commands::dryrun::run(args).await,
        Command::Test(args) => commands::test::run(args).await,
        Command::GenerateTests(args) => commands::generate_tests::run(&args),
        Command::Deploy(args) => commands::deploy::run(args).await,
        Command::Functions(args) => commands::functions::run(args).await,
        Command::Pull(args) => commands::pull::run(args).await,
        Command::Doctor(args) => commands::doctor::run(args).await,
        Command::Templates(args) => commands::templates::run(args).await,
        Command::Skills(args) => commands::skills::run(&args),
        Command::Catalog(args) => commands::catalog::run(args).await,
        Command::Logs(args) => commands::logs::run(args).await,
        Command::Replay(args) => commands::replay::run(args).await,
        Command::Debug(args) => commands::debug::run(args).await,
        Command::Webhooks(args) => commands::webhooks::run(args).await,
        Command::Vault(args) => commands::vault::run(args).await,
        Command::Migrate(args) => commands::migrate::run(args).await,
        Command::Sim(args) => commands::sim::run(args).await,
        Command::Config => {
            print_settings();
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

#[expect(clippy::print_stderr, reason = "the reason why the command failed")]
fn fail(error: &anyhow::Error) -> ExitCode {
    eprintln!("error: {error:#}");
    ExitCode::FAILURE
}
