use super::{Terminal, agrees, plain};

#[test]
fn who_is_asked_and_who_sees_colours() {
    for (answers, shown, variable, interactive, colour) in [
        (true, true, "", true, true),
        (true, true, "CI=1", false, true),
        (true, true, "CI=false", false, true),
        (true, true, "NO_COLOR=1", true, false),
        (true, true, "TERM=dumb", true, false),
        (true, false, "", false, false),
        (true, false, "FORCE_COLOR=1", false, true),
        (true, true, "FORCE_COLOR=0", true, true),
        (false, true, "", false, true),
    ] {
        let terminal = Terminal::of(answers, shown, |name| {
            let (known, value) = variable.split_once('=')?;
            (known == name).then(|| value.to_owned())
        });
        assert_eq!(
            (terminal.is_interactive(), terminal.has_colour()),
            (interactive, colour),
            "{variable}"
        );
        assert!(!terminal.without_questions().is_interactive());
    }
}

#[test]
fn the_end_of_the_input_is_no_yes() {
    for (line, default, agreed) in [
        ("\n", true, true),
        ("", true, false),
        ("\n", false, false),
        ("y", false, true),
        (" YES\r\n", false, true),
        ("no\n", true, false),
    ] {
        assert_eq!(agrees(line, default), agreed, "{line:?}");
    }
}

#[test]
fn what_terminals_act_on_is_made_visible() {
    assert_eq!(plain("a\tb\n\u{e9}"), "a\tb\n\u{e9}");
    assert_eq!(
        plain("\u{1b}[2J\r\u{7}\u{7f}\u{9b}1m\0"),
        "\\x1b[2J\\x0d\\x07\\x7f\\x9b1m\\x00"
    );
}
