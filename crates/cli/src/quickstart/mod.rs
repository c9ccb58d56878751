//! The demonstration: a server, a simulated HubSpot account and a customer's back end, all on loopback.
//!
//! It drives the server only through its public interface, as a customer would: connect, deploy, back-fill, changes,
//! webhooks, action, deletions. Every number that it prints is compared with what the simulator knows.

mod checks;
mod client;
mod connect;
mod example;
mod prepare;
mod progress;
mod receiver;
mod records;
mod server;
mod story;
mod summary;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

use anyhow::{Context, Result, bail};
use tenon_sim::{Config as SimConfig, HubSpot, Running};

use crate::commands::quickstart::QuickstartArgs;
use crate::stop::stop_signal;
use checks::Checks;
use client::Client;
use progress::Screen;
use receiver::Receiver;
use server::Server;

/// Everything that runs during the demonstration.
pub struct Stage {
    sim: Running,
    receiver: Receiver,
    server: Server,
    client: Client,
    screen: Screen,
    checks: Checks,
    /// The connection that the story made; empty before.
    connection: String,
}

/// Runs the demonstration; ends at once, and tidily, when the process is asked to stop.
pub async fn run(args: QuickstartArgs) -> Result<ExitCode> {
    check(&args)?;
    let stop = stop_signal()?;
    tokio::select! {
        outcome = perform(&args) => outcome,
        () = stop => {
            // Dropping the rest kills the server and removes the folder.
            Screen::new().line("stopped");
            Ok(ExitCode::from(130))
        }
    }
}

fn check(args: &QuickstartArgs) -> Result<()> {
    if args.contacts == 0 {
        bail!("--contacts is 0; the account needs at least one contact");
    }
    if args.changes > args.contacts {
        bail!("--changes {} is more than --contacts {}", args.changes, args.contacts);
    }
    if let Some(dir) = &args.data_dir
        && std::fs::read_dir(dir).is_ok_and(|mut entries| entries.next().is_some())
    {
        bail!(
            "--data-dir {} is not empty; the demonstration needs a new folder",
            dir.display()
        );
    }
    Ok(())
}

async fn perform(args: &QuickstartArgs) -> Result<ExitCode> {
    let started = Instant::now();
    let folder = Folder::make(args.data_dir.as_deref())?;
    let mut stage = set_up(args, folder.path()).await?;
    let told = story::tell(&mut stage, args, folder.path()).await;
    if let Err(error) = told {
        let log = stage.server.last_lines(15);
        stage.server.stop().await;
        if log.is_empty() {
            return Err(error);
        }
        return Err(error.context(format!("the last lines of the server's log:\n{log}")));
    }
    summary::print(&stage, started.elapsed(), folder.kept());
    let right = stage.checks.all_right();
    if args.exit {
        stage.server.stop().await;
        return Ok(if right { ExitCode::SUCCESS } else { ExitCode::FAILURE });
    }
    stage.screen.line("Still serving. Ctrl-C stops everything.");
    stage.server.wait().await.context("the server ended by itself")?;
    Ok(ExitCode::FAILURE)
}

async fn set_up(args: &QuickstartArgs, data_dir: &Path) -> Result<Stage> {
    let screen = Screen::new();
    screen.title("Tenon quickstart");
    let sim = HubSpot::start(SimConfig {
        contacts: args.contacts,
        faults: args.fault.clone(),
        ..SimConfig::default()
    })
    .await
    .context("the simulated HubSpot cannot start")?;
    let receiver = Receiver::start().await?;
    prepare::write_provider(data_dir, &sim)?;
    let prepared = prepare::prepare(data_dir, &receiver.url()).await?;
    receiver.set_key(prepared.signing_key);
    let server = Server::start(data_dir, args.port).await?;
    screen.line(&format!(
        "  server      {}   (ready after {} ms)",
        server.url(),
        server.ready_after().as_millis()
    ));
    screen.line(&format!(
        "  HubSpot     {}   simulated, {} contacts",
        sim.base_url(),
        thousands(args.contacts)
    ));
    screen.line(&format!("  back end    {}   verifies every webhook", receiver.url()));
    let client = Client::new(server.url(), prepared.api_key)?;
    Ok(Stage {
        sim,
        receiver,
        server,
        client,
        screen,
        checks: Checks::default(),
        connection: String::new(),
    })
}

/// The data folder: a temporary one that goes away, or the user's.
enum Folder {
    Temporary(tempfile::TempDir),
    Kept(PathBuf),
}

impl Folder {
    fn make(given: Option<&Path>) -> Result<Self> {
        match given {
            None => {
                let dir = tempfile::Builder::new().prefix("tenon-quickstart-").tempdir();
                Ok(Self::Temporary(dir.context("a temporary folder cannot be made")?))
            }
            Some(path) => {
                std::fs::create_dir_all(path).with_context(|| format!("{} cannot be made", path.display()))?;
                let path = path.canonicalize().with_context(|| format!("{}", path.display()))?;
                Ok(Self::Kept(path))
            }
        }
    }

    fn path(&self) -> &Path {
        match self {
            Self::Temporary(dir) => dir.path(),
            Self::Kept(path) => path,
        }
    }

    fn kept(&self) -> Option<&Path> {
        match self {
            Self::Temporary(_) => None,
            Self::Kept(path) => Some(path),
        }
    }
}

/// `25,000`.
pub fn thousands(number: usize) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (position, digit) in digits.chars().enumerate() {
        if position > 0 && (digits.len() - position).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}
