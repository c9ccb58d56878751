//! `tenon debug`: steps through a recorded run.

use std::path::Path;
use std::process::ExitCode;

use anyhow::Result;
use console::{Key, Term};

use crate::authoring::settings::ServerArgs;
use crate::authoring::terminal::{Style, Terminal, plain, say};
use crate::common::CommonArgs;
use crate::logging;
use crate::replay::source::load;
use crate::replay::steps::{Shown, Tag, steps};

/// Lines of a body that are shown unless all are asked for.
const LINES: usize = 14;
const KEYS: &str =
    "n next · p previous · d page · c checkpoint · r records · l log · e error · w whole · g first · G last · q quit";

/// Flags of `tenon debug`.
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = "Examples:
  tenon debug 01jd3k5q8m2xa               step through a run with the keyboard
  tenon debug run.json --only page,error  only requests to the provider and failures
  tenon debug 01jd3k5q8m2xa --whole | less
  tenon debug 01jd3k5q8m2xa --json | jq '.steps[] | select(.kind == \"checkpoint\")'

Keys: n or → next, p or ← previous, d the next page (a request to the provider), c the next checkpoint, r the next change
of records, l the next log line, e the next error, w the whole body, g and G the first and last step, q quit.
When the output is no terminal, all steps are printed. Nothing runs; `tenon replay` runs it again.")]
pub struct DebugArgs {
    /// Id of the run, as logs show it, or a file with a recording; - reads one from the standard input.
    #[arg(value_name = "RUN|FILE")]
    run: String,
    /// Only steps of these kinds.
    #[arg(long, value_enum, value_delimiter = ',', value_name = "KINDS")]
    only: Vec<Tag>,
    /// Show bodies whole.
    #[arg(long, short)]
    whole: bool,
    /// Print all steps, also on a terminal.
    #[arg(long)]
    print: bool,
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
pub async fn run(args: DebugArgs, common: CommonArgs) -> Result<ExitCode> {
    logging::quiet();
    let terminal = common.terminal();
    let (cassette, _) = load(&args.run, &args.server, &args.environment, Path::new(".")).await?;
    let mut shown = steps(&cassette);
    if !args.only.is_empty() {
        shown.retain(|step| step.tags.iter().any(|tag| args.only.contains(tag)));
    }
    if args.json {
        let steps: Vec<_> = shown.iter().map(Shown::as_json).collect();
        let whole = serde_json::json!({
            "run": cassette.run,
            "truncated": cassette.truncated,
            "secrets_withheld": cassette.secrets_withheld,
            "steps": steps,
        });
        say(&whole.to_string());
    } else if terminal.is_interactive() && !args.print && !shown.is_empty() {
        tokio::task::spawn_blocking(move || walk(&shown, args.whole, terminal)).await??;
    } else {
        for step in &shown {
            say(&render(step, args.whole, terminal));
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// One step as text.
fn render(step: &Shown, whole: bool, terminal: Terminal) -> String {
    let style = if step.tags.contains(&Tag::Error) {
        Style::Red
    } else {
        Style::Bold
    };
    let head = format!("{} {}", step.heading(), terminal.paint(style, &step.title));
    let mut out = vec![head];
    for section in &step.sections {
        if !section.title.is_empty() {
            out.push(terminal.paint(Style::Cyan, &format!("  {}", section.title)));
        }
        let lines: Vec<&str> = section.text.lines().collect();
        let kept = if whole { lines.len() } else { LINES };
        out.extend(lines.iter().take(kept).map(|line| format!("    {}", plain(line))));
        if lines.len() > kept {
            let more = format!("    … {} more lines", lines.len() - kept);
            out.push(terminal.paint(Style::Dim, &more));
        }
    }
    out.push(String::new());
    out.join("\n")
}

/// The keyboard.
fn walk(steps: &[Shown], whole: bool, terminal: Terminal) -> Result<()> {
    let screen = Term::stdout();
    let mut at = 0;
    let mut whole = whole;
    let mut remark = String::new();
    loop {
        let Some(step) = steps.get(at) else { return Ok(()) };
        screen.clear_screen()?;
        screen.write_line(&render(step, whole, terminal))?;
        screen.write_line(&terminal.paint(Style::Dim, if remark.is_empty() { KEYS } else { &remark }))?;
        let key = screen.read_key()?;
        match press(&key, at, steps) {
            Move::To(next) => (at, remark) = (next, String::new()),
            Move::Nothing(what) => what.clone_into(&mut remark),
            Move::Whole => whole = !whole,
            Move::Quit => return Ok(()),
        }
    }
}

/// What a key does.
#[derive(Debug, PartialEq, Eq)]
enum Move {
    To(usize),
    Nothing(&'static str),
    Whole,
    Quit,
}

fn press(key: &Key, at: usize, steps: &[Shown]) -> Move {
    let last = steps.len().saturating_sub(1);
    let next = |tag: Tag, none: &'static str| {
        let found = steps
            .iter()
            .enumerate()
            .skip(at + 1)
            .find(|(_, step)| step.tags.contains(&tag));
        found.map_or(Move::Nothing(none), |(index, _)| Move::To(index))
    };
    match key {
        Key::Char('q') | Key::Escape | Key::CtrlC => Move::Quit,
        Key::Char('n' | ' ') | Key::ArrowRight | Key::ArrowDown | Key::Enter => {
            if at < last {
                Move::To(at + 1)
            } else {
                Move::Nothing("This is the last step; q quits")
            }
        }
        Key::Char('p') | Key::ArrowLeft | Key::ArrowUp | Key::Backspace => Move::To(at.saturating_sub(1)),
        Key::Char('g') | Key::Home => Move::To(0),
        Key::Char('G') | Key::End => Move::To(last),
        Key::Char('d') | Key::PageDown => next(Tag::Page, "No request to the provider after this step"),
        Key::Char('c') => next(Tag::Checkpoint, "No checkpoint after this step"),
        Key::Char('r') => next(Tag::Records, "No change of records after this step"),
        Key::Char('l') => next(Tag::Log, "No log line after this step"),
        Key::Char('e') => next(Tag::Error, "No error after this step"),
        Key::Char('w') => Move::Whole,
        _ => Move::Nothing(KEYS),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn step(tags: &[Tag]) -> Shown {
        Shown {
            tags: tags.to_vec(),
            ..Shown::default()
        }
    }

    #[test]
    fn keys_lead_where_they_say() {
        let steps = [
            step(&[Tag::Start]),
            step(&[Tag::Page]),
            step(&[Tag::Records]),
            step(&[Tag::Checkpoint]),
            step(&[Tag::Page, Tag::Error]),
            step(&[Tag::End]),
        ];
        let key = |key: char, at: usize| press(&Key::Char(key), at, &steps);
        assert_eq!(key('n', 0), Move::To(1));
        assert_eq!(key('p', 0), Move::To(0));
        assert_eq!(key('d', 1), Move::To(4));
        assert_eq!(key('c', 0), Move::To(3));
        assert_eq!(key('r', 0), Move::To(2));
        assert_eq!(key('e', 0), Move::To(4));
        assert!(matches!(key('e', 4), Move::Nothing(_)));
        assert!(matches!(key('n', 5), Move::Nothing(_)));
        assert_eq!(key('G', 0), Move::To(5));
        assert_eq!(key('w', 0), Move::Whole);
        assert_eq!(key('q', 0), Move::Quit);
    }
}
