use super::{BrowserBinding, Config, Mode, read_as};
use toml::Value;

#[test]
fn defaults_are_complete_and_valid() {
    let config = Config::load(None, Vec::new()).expect("the default file is valid");
    assert_eq!(config.server.port, 3003);
    assert_eq!(config.security.mode, Mode::Development);
}

#[test]
fn unknown_settings_are_named() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let file = dir.path().join("tenon.toml");
    std::fs::write(&file, "[server]\nprot = 1\n").expect("writes");
    let error = Config::load(Some(&file), Vec::new()).expect_err("a misspelt setting");
    assert!(format!("{error:#}").contains("server.prot"), "{error:#}");
}

#[test]
fn wrong_values_are_named() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let file = dir.path().join("tenon.toml");
    std::fs::write(&file, "[server]\nport = \"high\"\n").expect("writes");
    let error = Config::load(Some(&file), Vec::new()).expect_err("a text for a number");
    assert!(format!("{error:#}").contains("port"), "{error:#}");
}

#[test]
fn texts_are_read_by_type() {
    assert_eq!(read_as(&Value::Integer(1), "7").expect("a number"), Value::Integer(7));
    assert!(read_as(&Value::Integer(1), "x").is_err());
    assert_eq!(
        read_as(&Value::Boolean(false), "yes").expect("a boolean"),
        Value::Boolean(true)
    );
    let list = read_as(&Value::Array(Vec::new()), "a, b").expect("a list");
    assert_eq!(list.as_array().map(Vec::len), Some(2));
}

#[test]
fn recordings_are_set_up_in_words_that_are_checked() {
    use tenon_app::recordings::Keep;
    let dir = tempfile::tempdir().expect("a temporary folder");
    let file = dir.path().join("tenon.toml");
    let load = |text: &str| {
        std::fs::write(&file, format!("[functions]\n{text}")).expect("writes");
        Config::load(Some(&file), Vec::new())
    };
    let keep = |text: &str| load(text).expect(text).functions.recordings().keep;
    assert_eq!(keep(""), Keep::Failures(0.0));
    assert_eq!(keep("record_rate = 0.25"), Keep::Failures(0.25));
    assert_eq!(keep("record = \"off\"\nrecord_rate = 0.25"), Keep::Off);
    assert_eq!(keep("record = \"all\""), Keep::All);
    for wrong in [
        "record_rate = 1.5",
        "build_seconds = 0",
        "remote_job_seconds = 0",
        "remote_job_seconds = 9000000000000000000",
        "record_max_mb = 0",
        "record_days = 0",
        "record_runs_max = 0",
        "record_total_mb = 3",
    ] {
        let error = format!("{:#}", load(wrong).expect_err(wrong));
        assert!(error.contains(wrong.split(' ').next().unwrap_or_default()), "{error}");
    }
    assert!(load("record = \"sometimes\"").is_err());
}

#[test]
fn a_sync_that_could_never_get_anywhere_is_refused() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let file = dir.path().join("tenon.toml");
    std::fs::write(&file, "[functions]\nsync_interrupt_seconds = 0\n").expect("writes");
    let error = Config::load(Some(&file), Vec::new()).expect_err("it would pause at its first checkpoint, always");
    assert!(format!("{error:#}").contains("sync_interrupt_seconds"), "{error:#}");
    let default = Config::load(None, Vec::new()).expect("the defaults");
    assert!(
        default.functions.sync_interrupt_seconds < 24 * 3600,
        "before the run is ended for its length"
    );
}

#[test]
fn browsers_are_bound_where_cookies_are_safe_or_as_it_is_set() {
    let (https, http) = ("https://tenon.example.com", "http://127.0.0.1:3003");
    assert_eq!(
        (BrowserBinding::Https.holds(https), BrowserBinding::Https.holds(http)),
        (true, false)
    );
    assert!(BrowserBinding::Always.holds(http) && !BrowserBinding::Never.holds(https));
    let default = Config::load(None, Vec::new()).expect("the defaults");
    assert_eq!(default.server.browser_binding, BrowserBinding::Https);
}
