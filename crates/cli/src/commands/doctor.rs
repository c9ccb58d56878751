//! `tenon doctor`: whether everything that authors need is in place, and what to do about what is not.

use std::process::{Command, ExitCode};

use anyhow::Result;
use http::{HeaderMap, Method};
use serde_json::{Value, json};
use tenon_compiler::{Layout, ProjectFiles};

use crate::authoring::client::{Client, ClientError};
use crate::authoring::settings::{EnvironmentArgs, Settings};
use crate::authoring::terminal::{Style, Terminal, count, say, table};
use crate::authoring::types;

/// Flags of `tenon doctor`.
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = "Examples:
  tenon doctor
  tenon doctor -e prod --dir functions
  tenon doctor --json

Exit codes: 0 nothing is in the way, 1 something is. Warnings do not count.")]
pub struct DoctorArgs {
    #[command(flatten)]
    checked: EnvironmentArgs,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Ok,
    Warning,
    Failed,
}

impl State {
    const fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warning => "warning",
            Self::Failed => "failed",
        }
    }
}

struct Finding {
    check: &'static str,
    state: State,
    message: String,
    remedy: Option<String>,
}

impl Finding {
    fn ok(check: &'static str, message: impl Into<String>) -> Self {
        Self {
            check,
            state: State::Ok,
            message: message.into(),
            remedy: None,
        }
    }

    fn bad(check: &'static str, state: State, message: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self {
            check,
            state,
            message: message.into(),
            remedy: Some(remedy.into()),
        }
    }
}

/// Runs the command.
pub async fn run(DoctorArgs { checked: args }: DoctorArgs) -> Result<ExitCode> {
    let terminal = Terminal::detect();
    let settings = Settings::load(&args.dir);
    let mut findings = vec![Finding::ok("version", format!("tenon {}", env!("CARGO_PKG_VERSION")))];
    findings.extend(project(&args));
    findings.extend(tools(&args));
    findings.extend(server(&args, &settings).await);
    let failed = findings.iter().any(|finding| finding.state == State::Failed);
    if args.json {
        let list: Vec<Value> = findings
            .iter()
            .map(|finding| {
                json!({
                    "check": finding.check,
                    "state": finding.state.word(),
                    "message": finding.message,
                    "remedy": finding.remedy,
                })
            })
            .collect();
        say(&json!({ "ok": !failed, "checks": list }).to_string());
    } else {
        let rows: Vec<Vec<String>> = findings
            .iter()
            .map(|finding| {
                let (sign, style) = match finding.state {
                    State::Ok => ("✓", Style::Green),
                    State::Warning => ("!", Style::Yellow),
                    State::Failed => ("✗", Style::Red),
                };
                let remedy = finding.remedy.as_deref().unwrap_or_default();
                vec![
                    terminal.paint(style, sign),
                    finding.check.to_owned(),
                    finding.message.clone(),
                    terminal.paint(Style::Dim, remedy),
                ]
            })
            .collect();
        say(table(0, &rows).trim_end());
    }
    Ok(if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

fn project(args: &EnvironmentArgs) -> Vec<Finding> {
    let files = tenon_compiler::load(&args.dir);
    if files.entries.is_empty() && files.layout == Layout::Bare {
        let remedy = "run `tenon init`, or name the project with --dir";
        let message = format!("{} has neither an index.ts nor functions", args.dir.display());
        return vec![Finding::bad("project", State::Warning, message, remedy)];
    }
    let mut findings = vec![listed(args, &files)];
    let packaged = ["nango", "tenon"]
        .iter()
        .any(|name| args.dir.join("node_modules").join(name).is_dir());
    findings.push(if args.dir.join(".tenon/sdk/index.d.ts").is_file() || packaged {
        Finding::ok("types", "editors know the SDK")
    } else {
        let remedy = "run `tenon init --types`";
        Finding::bad(
            "types",
            State::Warning,
            "the SDK's types are not in the project",
            remedy,
        )
    });
    findings
}

/// Whether all functions in the folder are part of the project.
fn listed(args: &EnvironmentArgs, files: &ProjectFiles) -> Finding {
    let dir = args.dir.display();
    if files.layout == Layout::Bare {
        let functions = count(files.entries.len(), "function");
        return Finding::ok(
            "project",
            format!("{dir} without an index.ts: {functions}, all are compiled"),
        );
    }
    let unlisted: Vec<String> = tenon_compiler::function_files(&args.dir)
        .into_iter()
        .filter(|entry| !files.entries.contains(entry))
        .map(|entry| entry.path)
        .collect();
    let Some(first) = unlisted.first() else {
        return Finding::ok("project", format!("{dir}/index.ts"));
    };
    let stem = first.trim_end_matches(".ts");
    Finding::bad(
        "project",
        State::Warning,
        format!(
            "{dir}/index.ts does not list {}, so a deploy leaves out or removes them",
            unlisted.join(", ")
        ),
        format!("add a line for each, such as import './{stem}.js';"),
    )
}

/// Node and TypeScript are only needed for type checks and editors.
fn tools(args: &EnvironmentArgs) -> Vec<Finding> {
    let node = Command::new("node").arg("--version").output();
    let version = node.ok().filter(|out| out.status.success());
    let node = match version {
        Some(out) => Finding::ok("node", String::from_utf8_lossy(&out.stdout).trim().to_owned()),
        None => Finding::bad(
            "node",
            State::Warning,
            "Node is not installed",
            "only `npm install` and type checks need it",
        ),
    };
    let typescript = match types::find_compiler(&args.dir) {
        Some(_) if !types::has_settings(&args.dir) => Finding::bad(
            "typescript",
            State::Warning,
            "the project has no tsconfig.json, so types are not checked",
            "run `tenon init`, which writes one and keeps what is there",
        ),
        Some(_) => Finding::ok("typescript", "types are checked by `tenon compile`"),
        None => Finding::bad(
            "typescript",
            State::Warning,
            "TypeScript is not in the project",
            "run `npm install` for type checks; compiling works without",
        ),
    };
    vec![node, typescript]
}

async fn server(args: &EnvironmentArgs, settings: &Settings) -> Vec<Finding> {
    let host = settings.host(&args.server);
    let key = match settings.key(&args.server, &args.environment) {
        Ok(key) => key,
        Err(error) => {
            return vec![Finding::bad(
                "key",
                State::Failed,
                error.to_string(),
                "see `tenon keys list`",
            )];
        }
    };
    let client = match Client::new(&host, key) {
        Ok(client) => client,
        Err(error) => return vec![Finding::bad("server", State::Failed, error.to_string(), "check --host")],
    };
    if let Err(error) = client
        .fetch(Method::GET, &format!("{host}/health"), HeaderMap::new(), None)
        .await
    {
        let remedy = "start it with `tenon serve`, or set TENON_HOST";
        return vec![Finding::bad("server", State::Failed, error.to_string(), remedy)];
    }
    let mut findings = vec![Finding::ok("server", format!("{host} answers"))];
    findings.push(match client.json(Method::GET, "/integrations", None).await {
        Ok(answer) => {
            let count = answer.get("data").and_then(Value::as_array).map_or(0, Vec::len);
            Finding::ok(
                "key",
                format!("the key of {} is valid; {count} integrations", args.environment),
            )
        }
        Err(ClientError::Refused {
            status: 401, message, ..
        }) => {
            let remedy =
                "put the environment's key into .env; `tenon keys list` shows the keys of a server on this machine";
            Finding::bad("key", State::Failed, message, remedy)
        }
        Err(ClientError::Refused {
            status: 403, message, ..
        }) => {
            let remedy = "use a key with the scopes environment:integrations:list and environment:deploy";
            Finding::bad("key", State::Warning, message, remedy)
        }
        Err(error) => Finding::bad("key", State::Failed, error.to_string(), "see the server's log"),
    });
    findings
}
