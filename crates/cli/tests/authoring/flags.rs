//! Flags and variables of all commands, and what exit codes say.

use serde_json::json;

use super::{
    server::Server,
    tenon::{folder, tenon, tenon_with},
};

const ACTION: &str = "import { createAction } from 'nango';\nimport * as z from 'zod';\nexport default createAction({ description: 'x', input: z.void(), output: z.void(), exec: async () => {} });\n";
/// What scripts written for the original command line pass to it.
const FLAGS: [&str; 5] = [
    "--auto-confirm",
    "--debug",
    "--no-interactive",
    "--no-dependency-update",
    "--no-telemetry",
];

fn project() -> tempfile::TempDir {
    folder(&[
        ("index.ts", "import './shop/actions/pay.js';"),
        ("shop/actions/pay.ts", ACTION),
        ("package.json", "{}"),
    ])
}

#[test]
fn every_command_takes_the_flags_of_the_original() {
    let server = Server::start();
    let dir = project();
    for command in [
        &["init"][..],
        &["create", "--action", "shop", "refund"],
        &["compile"],
        &["dev", "--once", "--no-deploy"],
        &["dryrun", "pay", "c1"],
        &["deploy", "dev"],
        &["test"],
        &["generate:tests"],
        &["generate:docs"],
        &["clone", "slack/syncs/users"],
        &["pull", "slack", "channels", "--catalog"],
        &["functions", "list"],
        &["version"],
    ] {
        let ran = tenon(dir.path(), Some(&server.url), &[command, &FLAGS[..]].concat());
        // The stand-in has no list of functions.
        let expected = if command[0] == "functions" { 1 } else { 0 };
        assert_eq!(ran.code, expected, "{command:?}\n{}{}", ran.stdout, ran.stderr);
        assert!(!ran.stderr.contains("unexpected argument"), "{}", ran.stderr);
    }
    let package = std::fs::read_to_string(dir.path().join("package.json")).unwrap();
    assert_eq!(package, "{}", "no command changes what is installed");
}

#[test]
fn exit_codes_have_meanings() {
    let server = Server::start();
    let dir = project();
    let broken = folder(&[("index.ts", "import './shop/actions/none.js';")]);
    let old = folder(&[("nango.yaml", "integrations: {}")]);
    for (folder, args, code) in [
        (&dir, &["compile"][..], 0),
        (&dir, &["--help"], 0),
        (&dir, &["deploy", "--help"], 0),
        (&dir, &["nothing"], 1),
        (&dir, &["compile", "--nothing"], 1),
        (&dir, &["create", "--action", "shop"], 1),
        (&dir, &["create", "shop", "pay"], 1),
        (&dir, &["deploy", "prod"], 1),
        (&broken, &["compile"], 10),
        (&broken, &["deploy", "dev"], 10),
        (&broken, &["dryrun", "none", "c1"], 10),
        (&broken, &["generate:docs"], 10),
        (&old, &["compile"], 10),
        (&old, &["deploy", "dev"], 10),
        (&dir, &["deploy", "dev", "--sync", "none"], 11),
        (&dir, &["dryrun", "none", "c1"], 12),
    ] {
        let ran = tenon(folder.path(), Some(&server.url), args);
        assert_eq!(ran.code, code, "{args:?}\n{}{}", ran.stdout, ran.stderr);
    }
}

#[test]
fn watching_needs_no_server() {
    let dir = project();
    let refused = tenon(dir.path(), None, &["dev", "--once"]);
    assert_eq!(refused.code, 1);
    assert!(
        refused.stderr.contains("`tenon dev --no-deploy` needs none"),
        "{}",
        refused.stderr
    );
    let ran = tenon(dir.path(), None, &["dev", "--once", "--no-deploy"]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert!(dir.path().join("build/shop_actions_pay.cjs").is_file());
}

#[test]
fn the_version_is_told_in_every_way() {
    let dir = tempfile::tempdir().unwrap();
    let expected = concat!("tenon ", env!("CARGO_PKG_VERSION"), "\n");
    for args in [["version"], ["--version"], ["-v"], ["-V"]] {
        let ran = tenon(dir.path(), None, &args);
        assert_eq!((ran.code, ran.stdout.as_str()), (0, expected), "{args:?}");
    }
}

#[test]
fn keys_and_hosts_of_the_original_count() {
    let server = Server::start();
    let slash = format!("{}/", server.url);
    let host = ("NANGO_HOSTPORT", slash.as_str());
    let right = "key-of-dev";
    for (environment, variables, code) in [
        ("dev", &[("NANGO_SECRET_KEY", right)][..], 0),
        ("dev", &[("NANGO_SECRET_KEY_DEV", right)], 0),
        ("eu-west", &[("NANGO_SECRET_KEY_EU_WEST", right)], 0),
        (
            "dev",
            &[("NANGO_SECRET_KEY_DEV", right), ("NANGO_SECRET_KEY", "wrong")],
            0,
        ),
        ("dev", &[("NANGO_SECRET_KEY_PROD", right)], 1),
        ("prod", &[("NANGO_SECRET_KEY_DEV", right)], 1),
        ("dev", &[("TENON_SECRET_KEY", right), ("NANGO_SECRET_KEY", "wrong")], 0),
    ] {
        let dir = project();
        let ran = tenon_with(dir.path(), &[&[host], variables].concat(), &["deploy", environment]);
        assert_eq!(ran.code, code, "{variables:?}\n{}{}", ran.stdout, ran.stderr);
    }
    // In a file, a variable may have the hyphen of its environment, too.
    let dir = project();
    let file = format!("NANGO_HOSTPORT={slash}\nNANGO_SECRET_KEY_EU-WEST={right}\n");
    std::fs::write(dir.path().join(".env"), file).unwrap();
    assert_eq!(tenon_with(dir.path(), &[], &["deploy", "eu-west"]).code, 0);
    let path = server.take().last().map(|seen| seen.path.clone());
    assert_eq!(path.as_deref(), Some("/sync/deploy"), "one slash between host and path");
    // Without a host, it is the server on this machine.
    let nowhere = tenon_with(
        dir.path(),
        &[],
        &["deploy", "local", "--api-key", right, "--host", "http://127.0.0.1:9"],
    );
    assert_eq!(nowhere.code, 11);
    let help = tenon(dir.path(), None, &["deploy", "--help"]).stdout;
    let help: Vec<&str> = help.split_whitespace().collect();
    assert!(help.join(" ").contains("NANGO_HOSTPORT, else http://localhost:3003"));
    // What is set for a call comes before the file, whatever it is called there.
    let file = format!("TENON_HOST=http://127.0.0.1:9\nTENON_SECRET_KEY=wrong\nNANGO_SECRET_KEY_DEV={right}\n");
    std::fs::write(dir.path().join(".env"), file).unwrap();
    let variables = [host, ("NANGO_SECRET_KEY", "also wrong")];
    assert_eq!(tenon_with(dir.path(), &variables, &["deploy", "dev"]).code, 0);
    assert_eq!(tenon_with(dir.path(), &variables, &["deploy", "prod"]).code, 11);
}

#[test]
fn variables_about_upgrades_and_telemetry_change_nothing() {
    let dir = project();
    let variables = [
        ("NANGO_CLI_UPGRADE_MODE", "auto"),
        ("NANGO_CLI_DEPENDENCY_UPDATE", "true"),
        ("NANGO_CLI_TELEMETRY", "true"),
        ("CI", "1"),
    ];
    let ran = tenon_with(dir.path(), &variables, &["compile", "--json"]);
    assert_eq!((ran.code, ran.stderr.as_str()), (0, ""), "{}", ran.stdout);
    let plain = tenon(dir.path(), None, &["compile", "--json"]);
    assert_eq!(ran.json()["functions"], plain.json()["functions"]);
    assert_eq!(std::fs::read_to_string(dir.path().join("package.json")).unwrap(), "{}");
}

#[test]
fn the_source_of_a_deploy_is_what_a_variable_says() {
    let server = Server::start();
    let dir = project();
    let key = [
        ("NANGO_HOSTPORT", server.url.as_str()),
        ("NANGO_SECRET_KEY", "key-of-dev"),
    ];
    for (said, sent) in [
        (&[][..], "repo"),
        (&[("NANGO_DEPLOY_SOURCE", "standalone")], "standalone"),
        (&[("NANGO_DEPLOY_SOURCE", "repo")], "repo"),
    ] {
        let ran = tenon_with(dir.path(), &[&key, said].concat(), &["deploy", "dev"]);
        assert_eq!(ran.code, 0, "{}", ran.stderr);
        assert_eq!(server.take()[1].json()["source"], json!(sent));
    }
}
