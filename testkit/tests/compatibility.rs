//! The table of compatibility: every row names tests that exist, and `docs/compatibility.md` is what follows from it.
//!
//! `TENON_REWRITE=1` writes the page anew.

use std::{collections::BTreeMap, fmt::Write as _, fs, path::PathBuf};

use serde_json::Value;

const STATES: [&str; 5] = ["same", "more", "differs", "partly", "refused"];
const INTRODUCTION: &str = "# Compatibility of functions

Functions written for the `nango` SDK run unchanged; `tenon` is another name of the same module. This page lists every method and
option with its state, and the tests that show it; it is made from `docs/compatibility.toml`, and a test holds both together.

**same**: the published behaviour is matched. **more**: works where the original does not. **differs**: on purpose, as said beside
it. **partly** and **refused**: what is missing is said beside it, and functions are told so in a sentence.
";

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..")
}

struct Row {
    section: String,
    what: String,
    state: String,
    remark: String,
    proof: Vec<(String, String)>,
}

fn rows() -> Vec<Row> {
    let text = fs::read_to_string(root().join("docs/compatibility.toml")).unwrap();
    let table: Value = toml::from_str(&text).unwrap();
    let files: BTreeMap<String, String> = serde_json::from_value(table["files"].clone()).unwrap();
    let text_of = |row: &Value, key: &str| row[key].as_str().unwrap_or_default().to_owned();
    let mut rows = Vec::new();
    for section in table["section"].as_array().unwrap() {
        for row in section["rows"].as_array().unwrap() {
            let what = text_of(row, "what");
            let proof = row["proof"].as_array().into_iter().flatten().map(|proof| {
                let proof = proof.as_str().unwrap();
                let (file, test) = proof
                    .split_once(" › ")
                    .unwrap_or_else(|| panic!("{what}: `{proof}` is not `file › test`"));
                let file = files
                    .get(file)
                    .unwrap_or_else(|| panic!("{what}: there is no file called `{file}`"));
                (file.clone(), test.to_owned())
            });
            rows.push(Row {
                section: text_of(section, "title"),
                state: text_of(row, "state"),
                remark: text_of(row, "remark"),
                proof: proof.collect(),
                what,
            });
        }
    }
    rows
}

/// Whether `text` (the file at `path`) has a test of this name.
fn has_test(path: &str, text: &str, name: &str) -> bool {
    if path.ends_with(".mjs") {
        let literally = text.contains(&format!("test('{name}'"));
        // A name that is made in a loop: `test(`${name} gives …`)`.
        let made = text.split("test(`").skip(1).any(|rest| {
            let template = rest.split('`').next().unwrap_or_default();
            let (before, after) = template.split_once("${name}").unwrap_or((template, ""));
            let middle = name.strip_prefix(before).and_then(|rest| rest.strip_suffix(after));
            let key = |middle: &str| [format!("'{middle}'"), format!(" {middle}: ")];
            template.contains("${name}")
                && middle.is_some_and(|middle| key(middle).iter().any(|key| all(path, text).contains(key)))
        });
        return literally || made;
    }
    let listed = text.contains(&format!("(\"{name}\", {name})"));
    let function = format!("fn {name}(");
    let is_marked = text.match_indices(&function).any(|(at, _)| {
        let before = text.get(..at).unwrap_or_default();
        let line = before.rfind('\n').map_or(0, |line_break| line_break + 1);
        let attributes = before
            .get(..line)
            .unwrap_or_default()
            .lines()
            .rev()
            .map(str::trim_start);
        let is_test = |line: &str| line.starts_with("#[test]") || line.starts_with("#[tokio::test");
        attributes
            .take(3)
            .take_while(|line| !line.is_empty() && *line != "}")
            .any(is_test)
    });
    is_marked || (listed && text.contains(&function))
}

/// The file with the tables of cases that belong to it.
fn all(path: &str, text: &str) -> String {
    let cases = if path.ends_with("packages.test.mjs") {
        fs::read_to_string(root().join("peers/fixtures/packages/cases.mjs")).unwrap_or_default()
    } else {
        String::new()
    };
    format!("{text}{cases}")
}

#[test]
fn every_row_has_a_test_that_exists() {
    let mut texts: BTreeMap<String, String> = BTreeMap::new();
    let mut wrong = Vec::new();
    for row in rows() {
        if !STATES.contains(&row.state.as_str()) {
            wrong.push(format!("{}: `{}` is not a state", row.what, row.state));
        }
        if row.state != "same" && row.state != "more" && row.remark.is_empty() {
            wrong.push(format!("{}: `{}` needs a remark", row.what, row.state));
        }
        if row.proof.is_empty() {
            wrong.push(format!("{}: no test shows it", row.what));
        }
        for (path, test) in &row.proof {
            let text = texts
                .entry(path.clone())
                .or_insert_with(|| fs::read_to_string(root().join(path)).unwrap_or_default());
            if !has_test(path, text, test) {
                wrong.push(format!("{}: {path} has no test `{test}`", row.what));
            }
        }
    }
    assert!(wrong.is_empty(), "docs/compatibility.toml:\n{}", wrong.join("\n"));
}

#[test]
#[expect(clippy::disallowed_methods, reason = "the one switch of a test, not configuration")]
fn the_page_is_made_from_the_table() {
    let mut page = INTRODUCTION.to_owned();
    let mut section = String::new();
    for row in rows() {
        if section != row.section {
            let _ = write!(
                page,
                "\n## {}\n\n| what | state | remarks | shown by |\n| --- | --- | --- | --- |\n",
                row.section
            );
            section = row.section;
        }
        let proof: Vec<String> = row
            .proof
            .iter()
            .map(|(path, test)| format!("[{test}](../{path})"))
            .collect();
        let cell = |text: &str| text.replace('|', "\\|");
        let _ = writeln!(
            page,
            "| {} | {} | {} | {} |",
            cell(&row.what),
            row.state,
            cell(&row.remark),
            proof.join(", ")
        );
    }
    let path = root().join("docs/compatibility.md");
    if std::env::var_os("TENON_REWRITE").is_some() {
        fs::write(&path, &page).unwrap();
    }
    let found = fs::read_to_string(&path).unwrap();
    assert!(
        found == page,
        "docs/compatibility.md is not what follows from docs/compatibility.toml; `TENON_REWRITE=1 cargo test -p tenon-testkit --test compatibility` writes it"
    );
}

#[test]
fn a_missing_test_is_seen() {
    let rust = "#[test]\nfn here() {}\n\nfn helper() {}\n";
    assert!(has_test("a.rs", rust, "here"));
    assert!(!has_test("a.rs", rust, "helper") && !has_test("a.rs", rust, "her") && !has_test("a.rs", rust, "gone"));
    let script =
        "const cases = { workers: 1 };\ntest('plain', () => {});\nfor (const name of x) test(`${name}: as ever`, f);";
    assert!(has_test("a.mjs", script, "plain") && has_test("a.mjs", script, "workers: as ever"));
    assert!(!has_test("a.mjs", script, "pla") && !has_test("a.mjs", script, "others: as ever"));
}
