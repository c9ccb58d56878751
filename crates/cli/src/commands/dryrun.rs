//! `tenon dryrun`: runs a function here, against a real connection, and stores nothing.

use std::{path::PathBuf, process::ExitCode, sync::Arc};

use anyhow::{Result, bail};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use crate::authoring::{
    COMPILE_FAILED, DRYRUN_FAILED, build,
    client::{Client, segment},
    dry::{self, Nested, Options, Saved, Target},
    exit, report,
    settings::{ServerArgs, Settings},
    terminal::{Style, Terminal, note, say},
};
use crate::failure::{Failure, code_of};
use crate::stop::stop_signal;

/// Flags of `tenon dryrun`.
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = "Examples:
  tenon dryrun contacts 3f9a…                              a sync from its beginning
  tenon dryrun contacts 3f9a… --checkpoint '{\"page\": 3}'   from a checkpoint
  tenon dryrun create-contact 3f9a… --input @contact.json --validate
  tenon dryrun create-contact 3f9a… --input @contact.json --save    keeps the run as a fixture for tenon test
  tenon dryrun contacts 3f9a… -e prod --json | jq '.records.Contact.saved | length'

Requests to the provider are real, also those that write. Records, checkpoints and metadata are shown and not stored.
Exit codes: 0 the function succeeded, 10 the project has errors, 12 it failed or was not run (no such function or connection,
no answer of the server), 1 anything else.")]
pub struct DryrunArgs {
    /// Name of the function.
    name: String,
    /// Id of the connection.
    connection_id: String,
    /// Environment that the connection is in.
    #[arg(long, short, default_value = "dev", alias = "env")]
    environment: String,
    /// Folder of the project.
    #[arg(long, default_value = ".")]
    dir: PathBuf,
    /// Integration, when several have a function of this name.
    #[arg(long, value_name = "ID")]
    integration_id: Option<String>,
    /// What it is, when an integration has several of this name.
    #[arg(long = "type", value_name = "TYPE", value_parser = ["sync", "action", "on-event", "function"])]
    kind: Option<String>,
    /// Input of an action: JSON or @file.json.
    #[arg(long, short, value_name = "JSON")]
    input: Option<String>,
    /// Metadata to use instead of the connection's: JSON or @file.json.
    #[arg(long, short, value_name = "JSON")]
    metadata: Option<String>,
    /// Checkpoint to begin with: JSON or @file.json.
    #[arg(long, short, value_name = "JSON")]
    checkpoint: Option<String>,
    /// Variant of the sync.
    #[arg(long, value_name = "NAME")]
    variant: Option<String>,
    /// Value of nango.lastSyncDate.
    #[arg(long, short, value_name = "DATE", alias = "lastSyncDate")]
    last_sync_date: Option<String>,
    /// Fail when input, output or records do not fit their schemas (without it, they are reported).
    #[arg(long, alias = "validation")]
    validate: bool,
    /// Keep the run: as a fixture for tenon test when it succeeds and fits its schemas (<integration>/tests/
    /// <name>.test.json), and as a recording for tenon replay and tenon debug (<name>.recording.json).
    #[arg(long, alias = "save-responses")]
    save: bool,
    /// Say how much memory and processor time the run took.
    #[arg(long)]
    diagnostics: bool,
    /// Run the project's TypeScript too, when it has one.
    #[arg(long)]
    typecheck: bool,
    /// Machine-readable output.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    server: ServerArgs,
}

impl DryrunArgs {
    fn options(&self) -> Result<Options> {
        let value =
            |flag: &str, text: &Option<String>| text.as_ref().map(|text| dry::json_argument(flag, text)).transpose();
        let checkpoint = value("--checkpoint", &self.checkpoint)?;
        if let Some(Err(reason)) = checkpoint.as_ref().map(dry::check_checkpoint) {
            bail!("--checkpoint: {reason}");
        }
        let metadata = value("--metadata", &self.metadata)?;
        if metadata.as_ref().is_some_and(|metadata| !metadata.is_object()) {
            bail!("--metadata: metadata is an object, such as '{{\"region\": \"eu\"}}'");
        }
        Ok(Options {
            input: value("--input", &self.input)?,
            metadata,
            checkpoint,
            variant: self.variant.clone(),
            last_sync_date: self
                .last_sync_date
                .as_ref()
                .map(|text| dry::instant("--last-sync-date", text))
                .transpose()?,
            environment: self.environment.clone(),
            live: !self.json,
            save: self.save,
        })
    }
}

/// Runs the command.
pub async fn run(args: DryrunArgs) -> Result<ExitCode> {
    let terminal = Terminal::detect();
    let options = args.options().map_err(|error| Failure::usage(format!("{error:#}")))?;
    segment(&args.connection_id)?;
    let settings = Settings::load(&args.dir);
    let key = settings.key(&args.server, &args.environment)?;
    let client = Arc::new(Client::new(&settings.host(&args.server), key)?);

    let built = build::build(&args.dir, args.typecheck).await?;
    if !built.is_usable() {
        report::unusable(&built, args.json, terminal);
        return Ok(exit(COMPILE_FAILED));
    }
    let wanted = dry::Wanted {
        name: &args.name,
        integration: args.integration_id.as_deref(),
        kind: args.kind.as_deref(),
    };
    let found = dry::find(&built.project, &client, wanted, &args.connection_id).await;
    let target = found.map_err(|error| {
        let failure = Failure::new(code_of(&error), format!("{error:#}"));
        failure.lead("Not run").exit(DRYRUN_FAILED)
    })?;
    // What does not fit is known before anything is sent.
    let unfit = if args.validate || args.save {
        dry::input_violations(&target, &options)
    } else {
        Vec::new()
    };
    if !unfit.is_empty() {
        return Err(refusal(&target, &unfit).into());
    }
    if !args.json {
        let function = target.function;
        note(&format!(
            "Running {} {} of {} for connection {} ({})\n",
            report::kind_word(function.definition.kind()),
            terminal.paint(Style::Bold, function.name()),
            function.integration(),
            args.connection_id,
            client.host()
        ));
    }
    let cancel = CancellationToken::new();
    let nested = Nested {
        runtime: built.runtime.clone(),
        client: Arc::clone(&client),
        functions: built.project.functions.clone().into(),
        cancel: cancel.clone(),
        terminal,
        depth: 0,
    };
    let run = dry::run(nested, &target, &options);
    tokio::pin!(run);
    let stop = stop_signal()?;
    let finished = tokio::select! {
        finished = &mut run => finished?,
        () = stop => {
            cancel.cancel();
            run.await?
        }
    };
    let problems = dry::violations(&finished, &target, &options);
    let ok = finished.outcome.result.is_ok() && (problems.is_empty() || !(args.validate || args.save));
    let saved = dry::save(&args.dir, &finished, &target, &options, ok);
    if args.json {
        let mut shown = dry::as_json(&finished, &target, &problems, &saved, ok);
        match shown.get("error") {
            Some(Value::Object(_)) => shown["error"]["code"] = json!("function_failed"),
            _ if !ok => {
                let message = "input, output or records do not fit their schemas; `validation` says where";
                shown["error"] = json!({ "code": "validation_failed", "message": message });
            }
            _ => {}
        }
        say(&shown.to_string());
    } else {
        note("");
        say(&dry::render(&finished, &target, &problems, terminal));
        if args.diagnostics {
            say(&dry::diagnostics(&finished));
        }
        note_saved(&saved, !problems.is_empty(), terminal);
    }
    Ok(match (ok, &saved.problem) {
        (false, _) => exit(DRYRUN_FAILED),
        (true, Some(_)) => ExitCode::FAILURE,
        (true, None) => ExitCode::SUCCESS,
    })
}

fn note_saved(saved: &Saved, unfit: bool, terminal: Terminal) {
    if let Some(path) = &saved.fixture {
        let word = if saved.replaced { "Saved over" } else { "Saved as" };
        note(&format!("{word} {}", path.display()));
    }
    if let Some(path) = &saved.recording {
        let path = path.display();
        note(&format!("Recorded as {path}; `tenon debug {path}` steps through it"));
        if unfit && saved.fixture.is_none() {
            note("No fixture was saved, since what came does not fit the schemas");
        }
    }
    if let Some(problem) = &saved.problem {
        note(&terminal.paint(Style::Red, problem));
    }
}

/// The input does not fit: nothing was run.
fn refusal(target: &Target<'_>, problems: &[Value]) -> Failure {
    let code = problems.first().and_then(|problem| problem["code"].as_str());
    let sentences = problems.iter().map(dry::problem_sentence).collect();
    Failure::new(
        code.unwrap_or("invalid_action_input"),
        "the input does not fit the function's schema; nothing was run",
    )
    .lead("Not run")
    .exit(DRYRUN_FAILED)
    .with("function", target.function.name())
    .with("integration", target.function.integration())
    .with("validation", problems.to_vec())
    .with("requests", json!([]))
    .list("problems", sentences)
}
