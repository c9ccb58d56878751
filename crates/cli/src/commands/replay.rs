//! `tenon replay`: runs a recorded run again and compares.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result};
use serde_json::json;
use tenon_runtime::cassette::Cassette;

use crate::authoring::build::{build, start_runtime};
use crate::authoring::settings::ServerArgs;
use crate::authoring::terminal::{Style, Terminal, count, note, plain, say};
use crate::authoring::{COMPILE_FAILED, REPLAY_DIFFERS, exit, report};
use crate::logging;
use crate::replay::source::load;
use crate::replay::{Replayed, project_code, replay};

/// Flags of `tenon replay`.
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = "Examples:
  tenon logs --failed                     the ids of runs that failed
  tenon replay 01jd3k5q8m2xa              the run again, with the code that ran
  tenon replay 01jd3k5q8m2xa --dir .      with the project's present code, to try a fix
  tenon replay 01jd3k5q8m2xa --save run.json
  tenon replay run.json --json | jq .differences

The function runs in the sandbox of production, with the recorded answers, clock and randomness, and nothing leaves this
machine. Which runs are recorded is a setting of the server: functions.record, by default those that fail. The key needs
environment:logs:read.
Exit codes: 0 the same, 14 different, 10 the project has errors, 1 anything else.")]
pub struct ReplayArgs {
    /// Id of the run, as logs show it, or a file with a recording; - reads one from the standard input.
    #[arg(value_name = "RUN|FILE")]
    run: String,
    /// Run the code of this project instead of the recorded code.
    #[arg(long, value_name = "PROJECT")]
    dir: Option<PathBuf>,
    /// Keep the recording in this file.
    #[arg(long, value_name = "FILE")]
    save: Option<PathBuf>,
    /// Show every difference, not only the first.
    #[arg(long)]
    all: bool,
    /// Environment that the run was in, to choose a key.
    #[arg(long, short, default_value = "dev")]
    environment: String,
    /// Machine-readable output.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    server: ServerArgs,
}

/// Runs the command.
pub async fn run(args: ReplayArgs) -> Result<ExitCode> {
    logging::quiet();
    let terminal = Terminal::detect();
    let project = args.dir.clone().unwrap_or_else(|| PathBuf::from("."));
    let (cassette, text) = load(&args.run, &args.server, &args.environment, &project).await?;
    if let Some(path) = &args.save {
        std::fs::write(path, &text).with_context(|| format!("{} cannot be written", path.display()))?;
    }
    let replayed = if args.dir.is_some() {
        let built = build(&project, false).await?;
        if !built.is_usable() {
            report::unusable(&built, args.json, terminal);
            return Ok(exit(COMPILE_FAILED));
        }
        let code = project_code(&built.project, &cassette)?;
        replay(&built.runtime, &cassette, Some(code)).await?
    } else {
        replay(&start_runtime()?, &cassette, None).await?
    };
    if args.json {
        let mut shown = json!({ "run": cassette.run, "truncated": cassette.truncated });
        if let (Some(all), Some(found)) = (shown.as_object_mut(), replayed.as_json().as_object()) {
            all.extend(found.clone());
        }
        say(&shown.to_string());
    } else {
        render(&cassette, &replayed, args.all, terminal);
    }
    Ok(if replayed.same() {
        ExitCode::SUCCESS
    } else {
        exit(REPLAY_DIFFERS)
    })
}

fn render(cassette: &Cassette, replayed: &Replayed, all: bool, terminal: Terminal) {
    let run = &cassette.run;
    let code = if replayed.changed {
        "the project's code"
    } else {
        "the recorded code"
    };
    note(&format!(
        "Replayed {} of {} for connection {} with {code}",
        terminal.paint(Style::Bold, &run.function),
        plain(&run.integration),
        plain(&run.connection_id)
    ));
    let what = format!(
        "{} and {}",
        count(replayed.calls, "call"),
        count(replayed.logs, "log line")
    );
    if let Some(question) = &replayed.beyond {
        say(&format!(
            "{}: the code gets past the place where the recorded run failed, and asks {}, which is not recorded",
            terminal.paint(Style::Yellow, "further"),
            plain(question)
        ));
    }
    if replayed.same() {
        let end = if replayed.ended_with_recording {
            ""
        } else {
            ", and the end"
        };
        say(&format!("{}: {what}{end}", terminal.paint(Style::Green, "same")));
    } else if !replayed.differences.is_empty() {
        let shown = if all { replayed.differences.len() } else { 1 };
        for (index, difference) in replayed.differences.iter().take(shown).enumerate() {
            let word = if index == 0 { "different" } else { "then" };
            let at = if difference.place.starts_with("after") {
                ""
            } else {
                "at "
            };
            say(&format!(
                "{} {at}{}: {}",
                terminal.paint(Style::Red, word),
                plain(&difference.place),
                plain(&difference.summary)
            ));
            for line in difference.lines.lines() {
                let style = match line.chars().next() {
                    Some('+') => Style::Green,
                    Some('-') => Style::Red,
                    _ => Style::Dim,
                };
                say(&terminal.paint(style, &format!("  {line}")));
            }
        }
        let more = replayed.differences.len() - shown.min(replayed.differences.len());
        if more > 0 {
            say(&format!("{} more; --all shows them", count(more, "difference")));
        }
        note(&format!("Before that and elsewhere the same: {what}"));
    }
    remarks(cassette, replayed);
}

fn remarks(cassette: &Cassette, replayed: &Replayed) {
    if replayed.ended_with_recording {
        let missing = cassette.truncated.map_or(0, |truncated| truncated.steps);
        note(&format!(
            "The recording is truncated: it was full before the run ended ({} more), and the replay ended where it does. \
             Raise functions.record_max_mb to record more",
            count(usize::try_from(missing).unwrap_or(usize::MAX), "step")
        ));
    }
    if !replayed.from_secrets.is_empty() {
        note(&format!(
            "Not compared, because they are computed from credentials, which recordings do not hold: {}",
            plain(&replayed.from_secrets.join("; "))
        ));
    }
    if !replayed.same() && replayed.warm && !replayed.changed {
        note(
            "The recorded run shared its isolate with earlier runs; variables outside of its function may have had other values",
        );
    }
}
