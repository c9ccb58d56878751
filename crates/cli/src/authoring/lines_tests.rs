use super::{Line, compare};

#[test]
fn changes_are_found_and_the_rest_is_left_out() {
    assert!(compare("a\nb", "a\nb").is_empty());
    let old: Vec<String> = (0..30).map(|n| n.to_string()).collect();
    let mut new = old.clone();
    new[10] = "ten".to_owned();
    new.push("more".to_owned());
    let (old, new) = (old.join("\n"), new.join("\n"));
    let lines = compare(&old, &new);
    assert_eq!(
        lines,
        [
            Line::Skipped(7),
            Line::Same("7"),
            Line::Same("8"),
            Line::Same("9"),
            Line::Old("10"),
            Line::New("ten"),
            Line::Same("11"),
            Line::Same("12"),
            Line::Same("13"),
            Line::Skipped(13),
            Line::Same("27"),
            Line::Same("28"),
            Line::Same("29"),
            Line::New("more")
        ]
    );
    assert_eq!(compare("", "a\nb"), [Line::New("a"), Line::New("b")]);
}
