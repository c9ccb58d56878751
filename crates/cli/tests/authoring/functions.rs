//! Commands about what is deployed: how functions are named, and what is made of names.

use super::{
    server::Server,
    tenon::{folder, tenon},
};

#[test]
fn names_are_one_segment_each() {
    let server = Server::start();
    let dir = folder(&[]);
    for (args, path) in [
        (
            &["functions", "show", "shop/pay"][..],
            "/integrations/shop/functions/pay",
        ),
        (
            &["functions", "show", "hub spot", "a/b"],
            "/integrations/hub%20spot/functions/a%2Fb",
        ),
        (
            &["functions", "disable", "shop/pay"],
            "/integrations/shop/functions/pay",
        ),
        (
            &["functions", "diff", "shop/pay", "3", "99"],
            "/integrations/shop/functions/pay/code?version=3",
        ),
        (
            &["functions", "diff", "shop", "pay", "3", "99"],
            "/integrations/shop/functions/pay/code?version=3",
        ),
        (
            &["functions", "list", "-i", "a/b"],
            "/integrations/a%2Fb/functions?limit=100&page=0",
        ),
        (&["pull", "shop/pay"], "/integrations/shop/functions/pay/code"),
        (
            &["pull", "hubspot", "../../connections"],
            "/integrations/hubspot/functions/..%2F..%2Fconnections/code",
        ),
        (&["logs", "a/b?c"], "/logs/operations/a%2Fb%3Fc"),
        (&["integrations", "show", "a/b"], "/integrations/a%2Fb?include=webhook"),
    ] {
        tenon(dir.path(), Some(&server.url), args);
        let seen = server.take();
        assert_eq!(seen.first().map(|seen| seen.path.as_str()), Some(path), "{args:?}");
    }
    for args in [
        &["functions", "show", "shop/pay", "pay"][..],
        &["functions", "show", "..", "pay"],
        &["pull", "shop", "."],
        &["pull", "../x"],
        &["integrations", "delete", "..", "--yes"],
    ] {
        assert_eq!(tenon(dir.path(), Some(&server.url), args).code, 1, "{args:?}");
        assert!(server.take().is_empty(), "{args:?}");
    }
}

#[test]
fn versions_are_listed_by_a_command() {
    let server = Server::start();
    let dir = folder(&[]);
    for args in [
        &["functions", "diff", "shop", "pay", "99"][..],
        &["pull", "shop/pay", "--function-version", "99"],
    ] {
        let ran = tenon(dir.path(), Some(&server.url), args);
        assert_eq!(ran.code, 1);
        let advice = "`tenon functions show shop pay` lists its versions";
        assert!(
            ran.stderr.contains(advice) && !ran.stderr.contains("/integrations/"),
            "{}",
            ran.stderr
        );
    }
}

#[test]
fn a_file_in_the_way_of_a_template() {
    let dir = folder(&[("hubspot/syncs/contacts.ts", "// mine\n")]);
    for args in [
        &["pull", "hubspot", "contacts", "--catalog"][..],
        &["clone", "hubspot/syncs/contacts"],
    ] {
        let ran = tenon(dir.path(), None, args);
        assert_eq!(ran.code, 1);
        assert!(
            ran.stderr.contains("--force") && !ran.stderr.contains("--integration"),
            "{}",
            ran.stderr
        );
    }
    let ran = tenon(dir.path(), None, &["templates", "add", "hubspot/contacts"]);
    assert!(
        ran.stderr.contains("or --integration for another folder"),
        "{}",
        ran.stderr
    );
}

#[test]
fn commands_show_how_they_are_used() {
    let dir = folder(&[]);
    for command in ["list", "show", "diff", "rollback", "disable", "enable"] {
        let help = tenon(dir.path(), None, &["functions", command, "--help"]).stdout;
        assert!(
            help.contains(&format!("Examples:\n  tenon functions {command}")),
            "{help}"
        );
    }
    for args in [&["templates", "--help"][..], &["webhooks", "list", "--help"]] {
        assert!(tenon(dir.path(), None, args).stdout.contains("Examples:"), "{args:?}");
    }
}
