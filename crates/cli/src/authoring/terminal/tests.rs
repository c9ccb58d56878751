use super::Terminal;

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
