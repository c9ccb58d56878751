//! New projects and functions.

use super::{
    server::Server,
    tenon::{folder, tenon},
};

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

#[test]
fn a_new_project_has_what_the_original_writes() {
    let dir = tempfile::tempdir().unwrap();
    assert_eq!(tenon(dir.path(), None, &["init", ".", "--copy"]).code, 0);
    let read = |path: &str| std::fs::read_to_string(dir.path().join(path)).unwrap();
    let json = |path: &str| -> serde_json::Value { serde_json::from_str(&read(path)).unwrap() };
    let package = json("package.json");
    assert_eq!(package["type"], "module");
    assert_eq!(
        (&package["scripts"]["compile"], &package["scripts"]["dev"]),
        (&"tenon compile".into(), &"tenon dev".into())
    );
    assert_eq!(package["devDependencies"]["zod"], "4.3.6");
    assert_eq!(package["engines"]["node"], ">=22");
    let options = &json("tsconfig.json")["compilerOptions"];
    assert_eq!(
        (&options["module"], &options["target"]),
        (&"node16".into(), &"esnext".into())
    );
    for strict in [
        "strict",
        "exactOptionalPropertyTypes",
        "noUncheckedIndexedAccess",
        "noPropertyAccessFromIndexSignature",
        "noUnusedLocals",
        "noUnusedParameters",
        "noEmit",
    ] {
        assert_eq!(options[strict], true, "{strict}");
    }
    let ignored = read(".gitignore");
    for line in ["dist/", "build/", "node_modules/", ".env", "tenon-data/"] {
        assert!(ignored.lines().any(|ignored| ignored == line), "{line}");
    }
    assert!(dir.path().join(".nango").is_dir());
    let index = read("index.ts");
    for kind in ["syncs", "actions", "on-events"] {
        assert!(index.contains(&format!("import './github/{kind}/")), "{index}");
    }
}

#[test]
fn functions_are_listed_once_and_where_there_is_a_list() {
    let dir = folder(&[("index.ts", "import './desk/actions/first.js'")]);
    for name in ["one", "two"] {
        assert_eq!(tenon(dir.path(), None, &["create", "--action", "desk", name]).code, 0);
    }
    assert_eq!(
        std::fs::read_to_string(dir.path().join("index.ts")).unwrap(),
        "import './desk/actions/first.js'\nimport './desk/actions/one.js';\nimport './desk/actions/two.js';\n"
    );
}

#[test]
fn a_bare_folder_of_integrations_stays_whole() {
    let dir = tempfile::tempdir().unwrap();
    let checks = || {
        let checked = tenon(dir.path(), None, &["doctor", "--json"]).json();
        let all = checked["checks"].as_array().unwrap().clone();
        all.into_iter().find(|one| one["check"] == "project").unwrap()
    };
    assert_eq!(checks()["remedy"], "run `tenon init`, or name the project with --dir");
    for name in ["one", "two"] {
        let made = tenon(dir.path(), None, &["create", "--action", "acme", name, "--json"]);
        assert_eq!(made.json()["listed"], false, "{}", made.stderr);
    }
    assert_eq!(
        (checks()["state"].as_str(), checks()["remedy"].as_str()),
        (Some("ok"), None)
    );
    let compiled = |count: usize| {
        let ran = tenon(dir.path(), None, &["compile", "--json"]);
        assert_eq!(
            ran.json()["functions"].as_array().unwrap().len(),
            count,
            "{}",
            ran.stdout
        );
    };
    compiled(2);

    let made = tenon(dir.path(), None, &["init"]);
    assert!(made.stdout.contains("tenon dryrun NAME"), "{}", made.stdout);
    assert!(
        !dir.path().join("github").exists(),
        "the examples are for empty folders"
    );
    assert_eq!(
        std::fs::read_to_string(dir.path().join("index.ts")).unwrap(),
        "import './acme/actions/one.js';\nimport './acme/actions/two.js';\n"
    );
    compiled(2);
    assert_eq!(checks()["state"], "ok");

    std::fs::write(dir.path().join("index.ts"), "import './acme/actions/two.js';\n").unwrap();
    compiled(1);
    let unlisted = checks();
    assert_eq!(unlisted["state"], "warning");
    assert!(
        unlisted["message"].as_str().unwrap().contains("acme/actions/one.ts"),
        "{unlisted}"
    );
    assert!(
        unlisted["remedy"].as_str().unwrap().contains("'./acme/actions/one.js'"),
        "{unlisted}"
    );
}

#[test]
fn a_pulled_source_says_which_files_are_missing() {
    let server = Server::start();
    let dir = folder(&[("shop/helpers/money.ts", "export const cents = 100;\n")]);
    let pulled = tenon(dir.path(), Some(&server.url), &["pull", "shop", "split"]);
    assert_eq!(pulled.code, 0, "{}", pulled.stderr);
    assert!(
        pulled
            .stderr
            .contains("`../helpers/missing.js`, which this project does not have"),
        "{}",
        pulled.stderr
    );
    assert!(
        pulled.stderr.contains("`../../models.js`"),
        "types count too: {}",
        pulled.stderr
    );
    assert!(!pulled.stderr.contains("money"), "{}", pulled.stderr);
    let again = tenon(dir.path(), Some(&server.url), &["pull", "shop", "split", "--json"]);
    assert_eq!(
        again.json()["missing_imports"],
        serde_json::json!(["../helpers/missing.js", "../../models.js"])
    );
}

#[test]
fn types_are_checked_where_the_project_has_typescript() {
    use std::os::unix::fs::PermissionsExt as _;

    let above = folder(&[
        ("functions/index.ts", "import './x/actions/a.js';"),
        ("functions/tsconfig.json", "{}"),
        (
            "functions/x/actions/a.ts",
            "import { createAction } from 'nango';\nimport * as z from 'zod';\nexport default createAction({ description: 'x', input: z.void(), output: z.void(), exec: async () => {} });\n",
        ),
        // In the folder above, where workspaces have it.
        (
            "node_modules/.bin/tsc",
            "#!/bin/sh\necho \"x/actions/a.ts(3,16): error TS2551: $*\"\necho '  It goes on.'\nexit 2\n",
        ),
    ]);
    let program = above.path().join("node_modules/.bin/tsc");
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
    let dir = above.path().join("functions");
    let checked = tenon(&dir, None, &["compile"]);
    assert_eq!(checked.code, 10);
    for text in [
        "error[TS2551]: --noEmit",
        "-p tsconfig.json\n  It goes on.",
        "--> x/actions/a.ts:3:16",
        "^^^^^^^^^^^^",
        "Not compiled: the types do not fit (1 error).",
    ] {
        assert!(checked.stderr.contains(text), "{text}\n{}", checked.stderr);
    }
    // From elsewhere, too: the program is found from the project's folder, not from where the command runs.
    let report = tenon(above.path(), None, &["compile", "functions", "--json"]).json();
    let found = &report["diagnostics"][0];
    assert_eq!(
        (
            &found["code"],
            &found["location"]["file"],
            &found["location"]["line"],
            &found["location"]["column"]
        ),
        (&"TS2551".into(), &"x/actions/a.ts".into(), &3.into(), &16.into()),
        "{report}"
    );
    assert_eq!((&report["ok"], &report["types"]["ok"]), (&false.into(), &false.into()));
    let doctor = || {
        let report = tenon(&dir, None, &["doctor", "--json"]).json();
        let checks = report["checks"].as_array().unwrap().clone();
        checks.into_iter().find(|one| one["check"] == "typescript").unwrap()
    };
    assert_eq!(doctor()["state"], "ok");
    let skipped = tenon(&dir, None, &["compile", "--no-typecheck"]);
    assert_eq!(skipped.code, 0, "{}", skipped.stderr);
    std::fs::remove_file(dir.join("tsconfig.json")).unwrap();
    assert_eq!(doctor()["state"], "warning");
    assert_eq!(tenon(&dir, None, &["compile"]).code, 0);
}

#[test]
fn templates_come_by_their_path() {
    let dir = folder(&[("index.ts", "")]);
    let exists = |path: &str| dir.path().join(path).is_file();
    let one = tenon(dir.path(), None, &["clone", "slack/syncs/users"]);
    assert_eq!(one.code, 0, "{}", one.stderr);
    assert!(
        exists("slack/syncs/users.ts") && exists("slack/tests/users.test.json") && !exists("slack/syncs/channels.ts")
    );
    let kind = tenon(dir.path(), None, &["clone", "slack/syncs", "--json"]).json();
    assert_eq!(kind["added"].as_array().unwrap().len(), 3);
    let all = tenon(dir.path(), None, &["clone", "slack", "--json"]).json();
    assert_eq!(all["added"].as_array().unwrap().len(), 4);
    let index = std::fs::read_to_string(dir.path().join("index.ts")).unwrap();
    assert_eq!(index.lines().count(), 4, "{index}");

    std::fs::write(dir.path().join("slack/syncs/users.ts"), "// mine\n").unwrap();
    let kept = tenon(dir.path(), None, &["clone", "slack/syncs/users"]);
    assert_eq!(kept.code, 1);
    assert!(
        kept.stderr.contains("slack/syncs/users.ts would be overwritten"),
        "{}",
        kept.stderr
    );
    assert_eq!(tenon(dir.path(), None, &["clone", "slack/syncs/users", "-f"]).code, 0);
    let none = tenon(dir.path(), None, &["clone", "slack/actions/none"]);
    assert!(
        none.stderr.contains("there is no template at slack/actions/none"),
        "{}",
        none.stderr
    );

    let pulled = tenon(dir.path(), None, &["pull", "linear", "issues", "-c", "-s", "--json"]);
    assert_eq!(pulled.json()["path"], "linear/syncs/issues.ts", "{}", pulled.stderr);
    let wrong = tenon(dir.path(), None, &["pull", "linear", "issues", "--catalog", "--action"]);
    assert!(
        wrong.stderr.contains("there is no template linear/issues"),
        "{}",
        wrong.stderr
    );
    assert_eq!(
        tenon(dir.path(), None, &["pull", "linear", "issues", "-c", "-e", "prod"]).code,
        1
    );
}
