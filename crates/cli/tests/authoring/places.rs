//! Whether a server is asked or its database is read.

use super::{
    server::Server,
    tenon::{folder, tenon, tenon_with},
};

#[test]
fn webhooks_make_no_database() {
    let dir = folder(&[]);
    let exported = tenon(dir.path(), Some("http://127.0.0.1:9"), &["webhooks", "list"]);
    assert_eq!(exported.code, 1);
    assert!(
        exported.stderr.contains("run this beside its database"),
        "{}",
        exported.stderr
    );
    let fresh = tenon(dir.path(), None, &["webhooks", "list"]);
    assert_eq!(fresh.code, 1);
    assert!(
        fresh.stderr.contains("there is no database in ./tenon-data"),
        "{}",
        fresh.stderr
    );
    let named = tenon(
        dir.path(),
        Some("http://127.0.0.1:9"),
        &["webhooks", "list", "--data-dir", "x"],
    );
    assert!(named.stderr.contains("there is no database in x"), "{}", named.stderr);
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0, "nothing was made");
}

#[test]
fn a_named_server_comes_before_an_unnamed_database() {
    let server = Server::start();
    let dir = folder(&[]);
    let made = tenon(dir.path(), None, &["env", "list"]);
    assert!(dir.path().join("tenon-data/tenon.db").is_file(), "{}", made.stderr);
    let key = [("TENON_SECRET_KEY", "key-of-dev")];
    let host = [("TENON_HOST", server.url.as_str()), key[0]];
    for (variables, args, asked) in [
        (&host[..], &["logs"][..], true),
        (&key[..], &["logs", "--host", &server.url], true),
        (&key[..], &["logs"], false),
        (&host[..], &["logs", "--data-dir", "tenon-data"], false),
        (&host[..], &["webhooks", "list", "--data-dir", "tenon-data"], false),
        (&key[..], &["webhooks", "list"], false),
    ] {
        let ran = tenon_with(dir.path(), variables, args);
        assert_eq!(ran.code, 0, "{args:?} {}", ran.stderr);
        assert_eq!(!server.take().is_empty(), asked, "{args:?}");
    }
    assert_eq!(tenon_with(dir.path(), &host, &["webhooks", "list"]).code, 1);
    // The file of a new project names the server on this machine, whose database this is; one elsewhere is meant.
    std::fs::write(dir.path().join(".env"), "TENON_HOST=http://localhost:3003\n").unwrap();
    assert_eq!(tenon(dir.path(), None, &["logs"]).code, 0);
    std::fs::write(dir.path().join(".env"), "TENON_HOST=https://tenon.invalid\n").unwrap();
    assert!(tenon(dir.path(), None, &["logs"]).stderr.contains("no API key"));
}
