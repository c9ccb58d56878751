//! The language as functions know it: what Node answers to some two thousand expressions, and what a worker answers.
//!
//! The cases and Node's answers are in `language/*.cases`; `record.mjs` there writes the answers. Cases whose answer here
//! is another one, with the reason, are in `language/differences.here`.

mod support;

use std::path::{Path, PathBuf};

use serde_json::Value;
use support::{Scripted, action, invocation, output, runtime};
use tenon_runtime::{Kind, Runtime};

struct Case {
    place: String,
    source: String,
    answer: Value,
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/language")
}

fn cases(name: &str) -> Vec<Case> {
    let text = std::fs::read_to_string(folder().join(name)).expect("a file of cases");
    let lines = text.lines().enumerate();
    lines
        .filter(|(_, line)| !line.is_empty() && !line.starts_with("//"))
        .map(|(index, line)| {
            let place = format!("{name}:{}", index + 1);
            let (source, answer) = line
                .split_once(" //=> ")
                .unwrap_or_else(|| panic!("{place} has no answer"));
            Case {
                source: source.to_owned(),
                answer: serde_json::from_str(answer).unwrap_or_else(|error| panic!("{place}: {error}")),
                place,
            }
        })
        .collect()
}

/// Cases that do not compile here would take the others along: they are asked for one by one.
async fn ask(runtime: &Runtime, cases: &[Case]) -> Result<Vec<Value>, String> {
    let script = |name: &str| std::fs::read_to_string(folder().join(name)).expect("a script of the cases");
    let shared = ["show.js", "grids.js", "keys.js"].map(script).join("\n");
    let functions: Vec<_> = cases.iter().map(|case| format!("() => ({}\n)", case.source)).collect();
    let body = format!("{shared}\nreturn showAll([{}]);", functions.join(",\n"));
    let mut run = invocation(action(&body), Kind::Action, None);
    run.limits.cpu = std::time::Duration::from_secs(20);
    let out = runtime.run(run, Scripted::silent()).await;
    match &out.result {
        Ok(_) => Ok(output(&out).as_array().cloned().unwrap_or_default()),
        Err(error) => Err(format!("{}: {}", error.type_, error.message)),
    }
}

/// `refused` is the word of the grids for what has no data here.
fn agree(node: &Value, here: &Value) -> bool {
    match (node, here) {
        (_, Value::String(word)) if word == "refused" => true,
        (Value::Array(node), Value::Array(here)) => {
            node.len() == here.len() && node.iter().zip(here).all(|(node, here)| agree(node, here))
        }
        _ => node == here,
    }
}

async fn compare(name: &str) {
    let runtime = runtime();
    let mut cases = cases(name);
    for known in self::cases("differences.here") {
        if let Some(case) = cases.iter_mut().find(|case| case.source == known.source) {
            assert_ne!(case.answer, known.answer, "{} is no difference any more", known.place);
            case.answer = known.answer;
        }
    }
    let mut answers = ask(&runtime, &cases).await;
    if answers.is_err() {
        let mut single = Vec::new();
        for case in &cases {
            let answer = ask(&runtime, std::slice::from_ref(case)).await;
            single.push(answer.map_or_else(
                |error| Value::from(format!("does not run: {error}")),
                |list| list[0].clone(),
            ));
        }
        answers = Ok(single);
    }
    let differences: Vec<_> = cases
        .iter()
        .zip(answers.unwrap_or_default())
        .filter(|(case, answer)| !agree(&case.answer, answer))
        .map(|(case, answer)| {
            format!(
                "{}: {}\n    Node {}\n    here {answer}",
                case.place, case.source, case.answer
            )
        })
        .collect();
    assert!(
        differences.is_empty(),
        "{} of {} differ:\n{}",
        differences.len(),
        cases.len(),
        differences.join("\n")
    );
}

#[tokio::test]
async fn buffers() {
    compare("buffers.cases").await;
}

#[tokio::test]
async fn urls() {
    compare("urls.cases").await;
}

#[tokio::test]
async fn dates() {
    compare("dates.cases").await;
}

#[tokio::test]
async fn texts() {
    compare("texts.cases").await;
}

#[tokio::test]
async fn collections() {
    compare("collections.cases").await;
}

#[tokio::test]
async fn language() {
    compare("language.cases").await;
}

#[tokio::test]
async fn numbers() {
    compare("numbers.cases").await;
}

#[tokio::test]
async fn figures() {
    compare("figures.cases").await;
}

#[tokio::test]
async fn crypto() {
    compare("crypto.cases").await;
}

#[tokio::test]
async fn keys() {
    compare("keys.cases").await;
}

#[tokio::test]
async fn locales() {
    compare("locales.cases").await;
}

#[tokio::test]
async fn regions() {
    compare("regions.cases").await;
}

#[tokio::test]
async fn platform() {
    compare("platform.cases").await;
}
