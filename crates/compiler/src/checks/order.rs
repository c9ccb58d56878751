//! Calls inside `exec` whose order matters. Like the reference compiler, the rule goes by line numbers.

use std::collections::BTreeMap;

use super::calls::NangoCall;
use crate::{diagnostic::Diagnostic, source::SourceFile};

pub(super) fn check(calls: &[NangoCall], source: &SourceFile, diagnostics: &mut Vec<Diagnostic>) {
    let calls: Vec<Placed<'_>> = calls
        .iter()
        .filter(|call| call.in_exec && call.plain)
        .map(|call| Placed {
            call,
            line: source.position(call.callee.start as usize).line,
        })
        .collect();
    let mut report = |diagnostic: Diagnostic, placed: &Placed<'_>| {
        let callee = placed.call.callee;
        diagnostics.push(diagnostic.at(source, callee.start as usize, callee.end as usize));
    };
    merging_strategy(&calls, &mut report);
    delete_from_previous(&calls, &mut report);
    track_deletes(&calls, &mut report);
}

struct Placed<'c> {
    call: &'c NangoCall,
    line: usize,
}

type Report<'r> = dyn FnMut(Diagnostic, &Placed<'_>) + 'r;

fn merging_strategy(calls: &[Placed<'_>], report: &mut Report<'_>) {
    let first = calls
        .iter()
        .filter(|p| p.call.is_batch() || p.call.is_proxy())
        .map(|p| p.line)
        .min();
    for placed in calls.iter().filter(|p| p.call.method == "setMergingStrategy") {
        if first.is_some_and(|first| first < placed.line) {
            report(
                Diagnostic::error(
                    "merging_strategy_after_calls",
                    "nango.setMergingStrategy() must come before the first request and the first batch of records",
                )
                .hint("move it to the top of exec: it decides which stored records the run may overwrite"),
                placed,
            );
        }
    }
}

fn delete_from_previous(calls: &[Placed<'_>], report: &mut Report<'_>) {
    let last_batch = calls.iter().filter(|p| p.call.is_batch()).map(|p| p.line).max();
    let mut by_model: BTreeMap<Option<&str>, usize> = BTreeMap::new();
    for placed in calls
        .iter()
        .filter(|p| p.call.method == "deleteRecordsFromPreviousExecutions")
    {
        let seen = by_model.entry(placed.call.model.as_deref()).or_default();
        *seen += 1;
        if *seen > 1 {
            report(
                Diagnostic::error(
                    "delete_records_repeated",
                    "nango.deleteRecordsFromPreviousExecutions() is called more than once",
                )
                .hint("call it once, after the last batch"),
                placed,
            );
        } else if last_batch.is_some_and(|last| placed.line < last) {
            report(
                Diagnostic::error(
                    "delete_records_before_batch",
                    "nango.deleteRecordsFromPreviousExecutions() must come after the last batch: what is saved later would be deleted",
                )
                .hint("move it to the end of exec"),
                placed,
            );
        }
    }
}

fn track_deletes(calls: &[Placed<'_>], report: &mut Report<'_>) {
    let models: std::collections::BTreeSet<&str> = calls
        .iter()
        .filter(|p| p.call.method == "trackDeletesStart")
        .filter_map(|p| p.call.model.as_deref())
        .collect();
    for model in models {
        let of = |method: &str| -> Vec<&Placed<'_>> {
            calls
                .iter()
                .filter(|p| p.call.method == method && p.call.model.as_deref() == Some(model))
                .collect()
        };
        let starts = of("trackDeletesStart");
        let ends = of("trackDeletesEnd");
        let batches: Vec<usize> = calls
            .iter()
            .filter(|p| p.call.is_batch() && p.call.model.as_deref() == Some(model))
            .map(|p| p.line)
            .collect();
        let Some((start, repeated)) = starts.split_first() else {
            continue;
        };
        for again in repeated {
            report(
                Diagnostic::error(
                    "track_deletes_repeated",
                    format!("delete tracking of `{model}` is started more than once"),
                )
                .hint("start it once, at the top of exec: it continues by itself after an interruption"),
                again,
            );
        }
        if batches.iter().any(|line| *line < start.line) {
            report(
                Diagnostic::error(
                    "track_deletes_after_batch",
                    format!("nango.trackDeletesStart('{model}') comes after records were saved"),
                )
                .hint("records saved before the start do not count as seen and would be deleted; move it up"),
                start,
            );
        }
        match ends.iter().map(|p| p.line).max() {
            None => report(
                Diagnostic::error(
                    "track_deletes_without_end",
                    format!("delete tracking of `{model}` is never ended"),
                )
                .hint(format!(
                    "add `await nango.trackDeletesEnd('{model}')` after the last batch"
                )),
                start,
            ),
            Some(end) if end < start.line => report(
                Diagnostic::error(
                    "track_deletes_without_end",
                    format!("delete tracking of `{model}` is ended before it starts"),
                )
                .hint("end it after the last batch"),
                start,
            ),
            Some(end) if batches.iter().any(|line| *line > end) => {
                if let Some(last) = ends.iter().max_by_key(|p| p.line) {
                    report(
                        Diagnostic::error(
                            "track_deletes_before_batch",
                            format!("nango.trackDeletesEnd('{model}') comes before the last batch"),
                        )
                        .hint("records saved after the end would be deleted for a moment; move it down"),
                        last,
                    );
                }
            }
            Some(_) => {}
        }
    }
}
