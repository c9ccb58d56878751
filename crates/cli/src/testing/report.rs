//! Verdicts for people and for programs.

use serde_json::{Value, json};

use super::{Report, Status, Tested};
use crate::authoring::terminal::{Style, Terminal, plain};

/// With more fixtures than this, those that passed are only counted.
const PASSED_LISTED_MAX: usize = 40;

/// The report for programs.
pub fn as_json(report: &Report) -> Value {
    let results: Vec<Value> = report
        .tested
        .iter()
        .map(|tested| {
            let mut result = json!({
                "function": tested.function,
                "fixture": tested.fixture,
                "status": tested.verdict.status.name(),
                "reason": tested.verdict.reason,
            });
            if let Some((kind, places)) = tested.torture {
                result["torture"] = json!(kind);
                result["places"] = json!(places);
            }
            result
        })
        .collect();
    json!({
        "total": report.tested.len(),
        "passed": report.count(Status::Passed),
        "failed": report.count(Status::Failed),
        "skipped": report.count(Status::Skipped),
        "results": results,
    })
}

/// The report for people.
pub fn render(report: &Report, terminal: Terminal) -> String {
    let mut out = String::new();
    let all = report.tested.len() <= PASSED_LISTED_MAX;
    for tested in &report.tested {
        if all || tested.verdict.status != Status::Passed {
            out.push_str(&render_one(tested, terminal));
        }
    }
    if report.tested.is_empty() {
        out.push_str("No fixtures found: they are files <integration>/tests/<function>.test.json.\n");
    }
    let counts = [
        (Status::Passed, Style::Green),
        (Status::Failed, Style::Red),
        (Status::Skipped, Style::Yellow),
    ];
    let counts: Vec<String> = counts
        .into_iter()
        .map(|(status, style)| (report.count(status), status, style))
        .filter(|(count, status, _)| *count > 0 || *status == Status::Passed)
        .map(|(count, status, style)| terminal.paint(style, &format!("{count} {}", status.name())))
        .collect();
    out.push_str(&format!(
        "{} in {:.1} s\n",
        counts.join(", "),
        report.took.as_secs_f64()
    ));
    if !report.untested.is_empty() {
        let text = match report.untested.as_slice() {
            [one] => format!("{one} has no fixture\n"),
            [first, rest @ ..] => format!("{first} and {} more functions have no fixture\n", rest.len()),
            [] => String::new(),
        };
        out.push_str(&terminal.paint(Style::Dim, &text));
    }
    out
}

fn render_one(tested: &Tested, terminal: Terminal) -> String {
    let (mark, style) = match tested.verdict.status {
        Status::Passed => ("passed ", Style::Green),
        Status::Failed => ("FAILED ", Style::Red),
        Status::Skipped => ("skipped", Style::Yellow),
    };
    let torture = match tested.torture {
        Some((kind, 1)) => format!("  {kind}"),
        Some((kind, places)) => format!("  {kind} in {places} places"),
        None => String::new(),
    };
    let mut out = format!(
        "{}  {}  {}{torture}\n",
        terminal.paint(style, mark),
        terminal.paint(Style::Bold, &tested.function),
        terminal.paint(Style::Dim, &tested.fixture)
    );
    if let Some(reason) = &tested.verdict.reason {
        out.push_str(&format!("         {}\n", plain(reason)));
    }
    for line in tested.verdict.lines.lines() {
        let style = match line.as_bytes().first() {
            Some(b'-') => Style::Red,
            Some(b'+') => Style::Green,
            _ => Style::Dim,
        };
        out.push_str(&format!("         {}\n", terminal.paint(style, line)));
    }
    out
}
