use super::parse_dotenv;

#[test]
fn dotenv_files() {
    let parsed = parse_dotenv(
        "# keys\nA=1\n export B = two words \nC=\"quoted # text\" # note\nD='single'\nE=bare # note\n\nno equals\nF=\nG=a=b\n",
    );
    let mut pairs: Vec<(&str, &str)> = parsed
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect();
    pairs.sort_unstable();
    assert_eq!(
        pairs,
        [
            ("A", "1"),
            ("B", "two words"),
            ("C", "quoted # text"),
            ("D", "single"),
            ("E", "bare"),
            ("F", ""),
            ("G", "a=b")
        ]
    );
}
