//! `tenon deploy`: compiles a project and makes a server run it.

use std::{path::PathBuf, process::ExitCode};

use anyhow::{Result, bail};
use serde_json::json;

use crate::authoring::{
    COMPILE_FAILED, DEPLOY_FAILED, build,
    client::Client,
    deploy::{self, Consent, Decision, Selection, Sent},
    exit, report,
    settings::{ServerArgs, Settings},
    terminal::{Style, note, say},
};
use crate::common::CommonArgs;
use crate::failure::{Failure, code_of};

/// Flags of `tenon deploy`.
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = "Examples:
  tenon deploy                                    everything, to the environment dev
  tenon deploy prod --auto-confirm                without a question, as in CI
  tenon deploy dev --sync contacts                one sync, nothing else changes
  tenon deploy dev --integration hubspot --plan   what would change
  tenon deploy prod --allow-destructive           also when syncs with connections or models disappear

The key comes from TENON_SECRET_KEY_<ENVIRONMENT> (or NANGO_SECRET_KEY_<ENVIRONMENT>), in the environment or in
the project's .env. Functions that are missing from the project are removed from the server, unless one function
is deployed alone.
Exit codes: 0 deployed, 10 the project has errors, 11 not deployed (refused, not confirmed, no such function, no answer of the
server), 1 anything else.")]
pub struct DeployArgs {
    /// Environment to deploy to.
    #[arg(default_value = "dev")]
    environment: String,
    /// Folder of the project.
    #[arg(long, default_value = ".")]
    dir: PathBuf,
    /// Deploy this sync alone.
    #[arg(long, short, value_name = "NAME", conflicts_with = "action")]
    sync: Option<String>,
    /// Deploy this action alone.
    #[arg(long, short, value_name = "NAME")]
    action: Option<String>,
    /// Deploy the functions of this integration.
    #[arg(long, short, value_name = "ID")]
    integration: Option<String>,
    /// Version to give to what is deployed, instead of the ones in the files.
    #[arg(
        long = "function-version",
        short = 'v',
        visible_alias = "version",
        value_name = "VERSION"
    )]
    version: Option<String>,
    /// Do not ask. Destructive changes also need --allow-destructive.
    #[arg(long, visible_alias = "yes", short = 'y')]
    auto_confirm: bool,
    /// Accept that syncs with connections, or models with their records, are deleted.
    #[arg(long)]
    allow_destructive: bool,
    /// Show what would change and stop.
    #[arg(long)]
    plan: bool,
    /// Do not run the project's TypeScript, when it has one.
    #[arg(long)]
    no_typecheck: bool,
    /// Machine-readable output.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    server: ServerArgs,
}

/// Runs the command.
pub async fn run(args: DeployArgs, common: CommonArgs) -> Result<ExitCode> {
    let terminal = common.terminal();
    let settings = Settings::load(&args.dir);
    let client = Client::new(
        &settings.host(&args.server),
        settings.key(&args.server, &args.environment)?,
    )?;

    let built = build::build(&args.dir, !args.no_typecheck).await?;
    if !args.json {
        report::findings(&built, terminal);
    }
    if !built.is_usable() {
        if args.json {
            say(&report::as_json(&built).to_string());
        } else {
            report::failure(&built, terminal);
        }
        return Ok(exit(COMPILE_FAILED));
    }
    tenon_compiler::write(&built.project)?;

    let selection = Selection {
        sync: args.sync,
        action: args.action,
        integration: args.integration,
    };
    let sent = Sent {
        version: args.version.as_deref(),
        debug: common.debug,
        standalone: settings.deploys_standalone(),
    };
    let request = deploy::Request::new(&built.project, &selection, sent).map_err(|error| failed(&error))?;
    let plan = request.plan(&client).await.map_err(|error| failed(&error.into()))?;
    if !args.json {
        say(&format!(
            "Environment {} on {}",
            terminal.paint(Style::Bold, &args.environment),
            client.host()
        ));
        say(&plan.render(&built.project, terminal));
    }
    if args.plan {
        if args.json {
            say(&json!({ "ok": true, "applied": false, "plan": plan.wire() }).to_string());
        }
        return Ok(ExitCode::SUCCESS);
    }
    let consent = Consent {
        auto_confirm: args.auto_confirm || settings.confirms_deploys(),
        allow_destructive: args.allow_destructive,
        interactive: terminal.is_interactive() && !args.json,
    };
    match deploy::decide(&plan, consent) {
        Decision::Proceed => {}
        Decision::Ask { question, default } => {
            if !terminal.confirm(&question, default) {
                note("Nothing was deployed.");
                return Ok(exit(DEPLOY_FAILED));
            }
        }
        Decision::Refuse(reason) => {
            let refused = not_deployed("destructive_change", reason).with("plan", plan.wire().clone());
            bail!(refused);
        }
    }
    let deployed = request.apply(&client).await.map_err(|error| failed(&error.into()))?;
    if args.json {
        say(&json!({ "ok": true, "applied": true, "plan": plan.wire(), "deployed": deployed }).to_string());
    } else {
        say(&deploy::render_result(&deployed, &request, terminal));
    }
    Ok(ExitCode::SUCCESS)
}

fn failed(error: &anyhow::Error) -> Failure {
    not_deployed(&code_of(error), error.to_string())
}

fn not_deployed(code: &str, message: String) -> Failure {
    Failure::new(code, message)
        .lead("Not deployed")
        .exit(DEPLOY_FAILED)
        .with("applied", false)
}
