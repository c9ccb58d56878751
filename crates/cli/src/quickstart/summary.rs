//! The end: every number beside its expectation, the URLs, and what to try next.

use std::path::Path;
use std::time::Duration;

use super::Stage;
use super::example::{ACTION, INTEGRATION, MODEL};

/// Prints the summary.
pub fn print(stage: &Stage, took: Duration, kept: Option<&Path>) {
    let screen = &stage.screen;
    screen.title("Summary");
    for line in table(stage) {
        screen.line(&line);
    }
    let memory = stage.server.memory();
    if memory.peak_mb > 0 {
        screen.line(&format!(
            "\n  memory of the server with its workers: {} MB at the start, {} MB at most, {} MB now",
            memory.start_mb, memory.peak_mb, memory.end_mb
        ));
    }
    let verdict = if stage.checks.all_right() {
        "every number is right"
    } else {
        "some numbers are WRONG (✗ above)"
    };
    screen.line(&format!("  {verdict}; {:.0} s in all", took.as_secs_f64()));
    if let Some(path) = kept {
        screen.line(&format!("  data kept in {}", path.display()));
    }
    screen.title("Try next");
    for line in commands(stage) {
        screen.line(&line);
    }
}

fn table(stage: &Stage) -> Vec<String> {
    let rows = stage.checks.rows();
    let width = |cell: fn(&super::checks::Check) -> &str, least: usize| {
        rows.iter()
            .map(|row| cell(row).chars().count())
            .max()
            .unwrap_or(0)
            .max(least)
    };
    let (what, expected, got) = (
        width(|row| &row.what, 4),
        width(|row| &row.expected, 8),
        width(|row| &row.got, 3),
    );
    let mut lines = vec![format!("  {:<what$}  {:>expected$}  {:>got$}", "", "expected", "got")];
    for row in rows {
        let sign = match (row.right, stage.screen.is_terminal()) {
            (true, true) => "\x1b[32m✓\x1b[0m",
            (true, false) => "✓",
            (false, true) => "\x1b[31m✗\x1b[0m",
            (false, false) => "✗",
        };
        lines.push(format!(
            "  {:<what$}  {:>expected$}  {:>got$}  {sign}",
            row.what, row.expected, row.got
        ));
    }
    lines
}

fn commands(stage: &Stage) -> Vec<String> {
    let (url, sim) = (stage.client.base_url(), stage.sim.base_url());
    let key = stage.client.key().expose();
    let connection = stage.connection.as_str();
    let select = format!("-H \"Connection-Id: $CONNECTION\" -H 'Provider-Config-Key: {INTEGRATION}'");
    let key_header = "-H \"Authorization: Bearer $TENON_SECRET_KEY_DEV\"";
    vec![
        format!("  export TENON_HOST={url} TENON_SECRET_KEY_DEV={key} CONNECTION={connection}"),
        "  # read the latest records".to_owned(),
        format!("  curl {key_header} {select} \"$TENON_HOST/records?model={MODEL}&limit=3\""),
        "  # create a contact through the action".to_owned(),
        format!(
            "  curl {key_header} {select} -H 'Content-Type: application/json' \\\n       \
             -d '{{\"action_name\":\"{ACTION}\",\"input\":{{\"email\":\"you@example.com\"}}}}' $TENON_HOST/action/trigger"
        ),
        "  # call HubSpot's own API through the proxy".to_owned(),
        format!("  curl {key_header} {select} \"$TENON_HOST/proxy/crm/v3/objects/contacts?limit=1\""),
        String::new(),
        format!(
            "  server {url}   simulator {sim}/_sim/stats   webhooks {}",
            stage.receiver.url()
        ),
    ]
}
