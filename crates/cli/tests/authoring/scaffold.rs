//! New projects and functions.

use super::tenon::{folder, tenon};

#[test]
fn a_new_project_compiles_at_once() {
    let dir = tempfile::tempdir().unwrap();
    let made = tenon(dir.path(), None, &["init", "functions", "--json"]);
    assert_eq!(made.code, 0, "{}", made.stderr);
    let project = dir.path().join("functions");
    for file in [
        "package.json",
        "tsconfig.json",
        "index.ts",
        ".env",
        ".tenon/sdk/index.d.ts",
        "node_modules/nango/index.d.ts",
        "node_modules/tenon/index.d.ts",
    ] {
        assert!(project.join(file).is_file(), "{file}");
    }
    let compiled = tenon(&project, None, &["compile", "--json"]);
    assert_eq!(compiled.code, 0, "{}{}", compiled.stdout, compiled.stderr);
    let report = compiled.json();
    assert_eq!(
        report["diagnostics"],
        serde_json::json!([]),
        "examples are free of findings"
    );
    assert_eq!(report["functions"].as_array().unwrap().len(), 3);
    assert!(project.join("build/github_syncs_issues.cjs").is_file());
}

#[test]
fn existing_files_are_kept() {
    let dir = folder(&[("index.ts", "// mine\n"), ("package.json", "{}")]);
    let made = tenon(dir.path(), None, &["init", "--json"]).json();
    assert_eq!(made["kept"], serde_json::json!(["package.json", "index.ts"]));
    assert_eq!(
        std::fs::read_to_string(dir.path().join("index.ts")).unwrap(),
        "// mine\n"
    );
}

#[test]
fn types_alone() {
    let dir = folder(&[("index.ts", "")]);
    assert_eq!(tenon(dir.path(), None, &["init", "--types"]).code, 0);
    assert!(dir.path().join(".tenon/sdk/index.d.ts").is_file());
    assert!(!dir.path().join("github").exists());
}

#[test]
fn new_functions_of_every_kind_compile() {
    let dir = folder(&[("index.ts", "")]);
    for (flag, name) in [
        ("--sync", "open-tickets"),
        ("--action", "create-ticket"),
        ("--on-event", "greet"),
    ] {
        let made = tenon(dir.path(), None, &["create", flag, "desk", name]);
        assert_eq!(made.code, 0, "{}", made.stderr);
    }
    let compiled = tenon(dir.path(), None, &["compile"]);
    assert_eq!(compiled.code, 0, "{}{}", compiled.stdout, compiled.stderr);
    assert!(
        compiled.stdout.contains("every hour → OpenTicket"),
        "{}",
        compiled.stdout
    );

    let again = tenon(dir.path(), None, &["create", "--sync", "desk", "open-tickets"]);
    assert_eq!(
        (again.code, again.stderr.as_str()),
        (1, "error: desk/syncs/open-tickets.ts exists\n")
    );
    let bad = tenon(dir.path(), None, &["create", "--sync", "../desk", "x"]);
    assert_eq!(bad.code, 1);
}

#[test]
fn errors_end_with_ten_and_name_the_place() {
    let dir = folder(&[
        ("index.ts", "import './x/actions/a.js';"),
        (
            "x/actions/a.ts",
            "import { createAction } from 'nango';\nimport * as z from 'zod';\nexport default createAction({ description: 'x', input: z.void(), output: z.void(), exec: async (nango) => {\n    nango.log('x');\n} });\n",
        ),
    ]);
    let text = tenon(dir.path(), None, &["compile"]);
    assert_eq!(text.code, 10);
    assert!(text.stderr.contains("error[method_need_await]"), "{}", text.stderr);
    assert!(text.stderr.contains("x/actions/a.ts:4:5"), "{}", text.stderr);
    assert!(text.stderr.contains("Not compiled: 1 error."), "{}", text.stderr);
    assert!(!dir.path().join("build").exists(), "nothing is written");

    let report = tenon(dir.path(), None, &["compile", "--json"]);
    assert_eq!(
        (report.code, &report.json()["diagnostics"][0]["location"]["line"]),
        (10, &4.into())
    );
    let empty = tempfile::tempdir().unwrap();
    assert_eq!(tenon(empty.path(), None, &["compile"]).code, 10);
}
