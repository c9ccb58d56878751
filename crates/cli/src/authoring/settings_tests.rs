use super::{Settings, parse_dotenv};

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

#[test]
fn what_variables_say_about_deploys() {
    let of = |text: &str| Settings {
        dotenv: parse_dotenv(text),
    };
    for (text, confirms, standalone) in [
        ("", false, false),
        ("NANGO_DEPLOY_AUTO_CONFIRM=true", true, false),
        ("NANGO_DEPLOY_AUTO_CONFIRM=false", false, false),
        ("NANGO_DEPLOY_AUTO_CONFIRM=1", false, false),
        ("NANGO_DEPLOY_SOURCE=standalone", false, true),
        ("NANGO_DEPLOY_SOURCE=repo", false, false),
    ] {
        let settings = of(text);
        assert_eq!(
            (settings.confirms_deploys(), settings.deploys_standalone()),
            (confirms, standalone),
            "{text}"
        );
    }
}
