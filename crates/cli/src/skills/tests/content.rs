//! The skills say nothing that the format forbids or the command line does not know.

use std::collections::BTreeSet;
use std::path::Path;

use clap::{Command, CommandFactory as _};

use crate::skills::SKILLS;

const GUIDE: &str = include_str!("../../../../../docs/guides/coding-agents.md");

/// Every text that names commands, with where it is.
fn texts() -> Vec<(String, &'static str)> {
    let mut texts = vec![("docs/guides/coding-agents.md".to_owned(), GUIDE)];
    for skill in &SKILLS {
        texts.extend(
            skill
                .files
                .iter()
                .map(|(path, text)| (format!("{}/{path}", skill.name), *text)),
        );
    }
    texts
}

#[test]
fn front_matter_follows_the_format() {
    for skill in &SKILLS {
        let (head, body) = skill
            .main()
            .strip_prefix("---\n")
            .and_then(|rest| rest.split_once("\n---\n"))
            .expect("front matter between two lines ---");
        let fields: serde_json::Map<String, serde_json::Value> = serde_yaml_ng::from_str(head).unwrap();
        assert_eq!(fields.len(), 2, "{}: only name and description", skill.name);
        assert_eq!(fields["name"], skill.name);
        assert!(skill.name.len() <= 64);
        assert!(skill.name.split('-').all(|part| {
            !part.is_empty()
                && part
                    .chars()
                    .all(|letter| letter.is_ascii_lowercase() || letter.is_ascii_digit())
        }));
        assert_eq!(fields["description"], skill.description());
        assert!((100..=1024).contains(&skill.description().len()), "{}", skill.name);
        assert!(skill.description().contains("Use when"), "{}", skill.name);
        assert!(body.lines().count() < 500);
    }
}

#[test]
fn every_file_of_the_repository_is_built_in_and_every_reference_exists() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../skills");
    let mut on_disk = BTreeSet::new();
    for skill in std::fs::read_dir(&root).unwrap() {
        let skill = skill.unwrap().path();
        for folder in [skill.clone(), skill.join("references")] {
            for file in std::fs::read_dir(folder)
                .unwrap()
                .map(|file| file.unwrap().path())
                .filter(|path| path.is_file())
            {
                on_disk.insert(file.strip_prefix(&root).unwrap().display().to_string());
            }
        }
    }
    let built_in: BTreeSet<String> = SKILLS
        .iter()
        .flat_map(|skill| {
            skill
                .files
                .iter()
                .map(move |(path, _)| format!("{}/{path}", skill.name))
        })
        .collect();
    assert_eq!(on_disk, built_in);
    for skill in &SKILLS {
        for (path, _) in skill.files.iter().filter(|(path, _)| *path != "SKILL.md") {
            assert!(
                skill.main().contains(&format!("({path})")),
                "{} does not lead to {path}",
                skill.name
            );
        }
        for reference in skill
            .main()
            .split("](")
            .skip(1)
            .filter_map(|rest| rest.split(')').next())
        {
            assert!(
                skill.files.iter().any(|(path, _)| *path == reference),
                "{}: {reference}",
                skill.name
            );
        }
    }
}

#[test]
fn skills_that_share_a_reference_agree() {
    for name in ["references/actions.md", "references/syncs.md"] {
        let of = |skill: usize| SKILLS[skill].files.iter().find(|(path, _)| *path == name).unwrap().1;
        assert_eq!(of(0), of(1), "{name}");
    }
}

#[test]
fn the_refusals_are_in_every_skill_that_builds() {
    for skill in &SKILLS[..2] {
        for rule in [
            "full refresh without a named limit",
            "not idempotent",
            "print credentials",
            "Checkpoints after records",
            "Deletions never from a failed run",
            "Ask before destructive deploys",
        ] {
            assert!(skill.main().contains(rule), "{}: {rule}", skill.name);
        }
    }
}

#[test]
fn every_command_that_is_named_exists() {
    let mut seen = 0;
    for (place, text) in texts() {
        for words in commands(text) {
            check(&words).unwrap_or_else(|problem| panic!("{place}: `{}`: {problem}", words.join(" ")));
            seen += 1;
        }
    }
    assert!(seen > 60, "only {seen} commands were found; is the search broken?");
}

#[test]
fn the_check_of_commands_finds_mistakes() {
    for wrong in [
        "tenon fly",
        "tenon deploy --hard",
        "tenon env vars",
        "tenon dryrun -x",
        "tenon keys create --account=1 --scopes a",
    ] {
        let words: Vec<String> = wrong.split(' ').map(str::to_owned).collect();
        assert!(check(&words).is_err(), "{wrong}");
    }
    assert_eq!(
        commands("```sh\nFOO=1 x | tenon logs --json | jq 'tenon y'  # tenon z\n```\nor `tenon env list`, `tenond`")
            .len(),
        2
    );
}

/// The commands in code blocks and code spans, as words, up to what ends a command in a shell.
fn commands(text: &str) -> Vec<Vec<String>> {
    let mut found = Vec::new();
    let mut in_block = false;
    for line in text.lines() {
        if line.trim_start().starts_with("```") {
            in_block = !in_block;
        } else if in_block {
            found.extend(shell(line));
        } else {
            for span in line.split('`').skip(1).step_by(2) {
                found.extend(shell(span));
            }
        }
    }
    found
}

fn shell(line: &str) -> Vec<Vec<String>> {
    let mut found = Vec::new();
    let mut words: Vec<String> = Vec::new();
    let mut word = String::new();
    let mut quote = None;
    for letter in line.chars().chain([' ', ';']) {
        match (quote, letter) {
            (Some(open), _) if letter == open => quote = None,
            (Some(_), _) => word.push(letter),
            (None, '\'' | '"') => quote = Some(letter),
            (None, '#') if word.is_empty() => break,
            (None, ' ' | '|' | '&' | ';') => {
                words.extend(Some(std::mem::take(&mut word)).filter(|word| !word.is_empty()));
                if letter != ' ' {
                    found.push(std::mem::take(&mut words));
                }
            }
            (None, _) => word.push(letter),
        }
    }
    found.push(words);
    found.retain(|words| words.first().is_some_and(|word| word == "tenon") && words.len() > 1);
    found
}

/// Follows the words through the definition of the command line: each subcommand and each flag has to be there.
fn check(words: &[String]) -> Result<(), String> {
    let mut root = crate::Cli::command();
    // Gives subcommands the flags of their parents.
    root.build();
    let mut command: &Command = &root;
    let mut in_values = false;
    for word in &words[1..] {
        if let Some(flag) = word.strip_prefix('-') {
            in_values = true;
            if !knows(&[&root, command], flag) {
                return Err(format!("`{}` has no flag {word}", command.get_name()));
            }
        } else if !in_values {
            match command.find_subcommand(word) {
                Some(next) => command = next,
                None if command.has_subcommands() => {
                    return Err(format!("`{}` has no command {word}", command.get_name()));
                }
                None => {}
            }
        }
    }
    Ok(())
}

fn knows(commands: &[&Command], flag: &str) -> bool {
    let long = flag
        .strip_prefix('-')
        .map(|long| long.split('=').next().unwrap_or(long));
    if matches!(flag, "-help" | "h") {
        return true;
    }
    commands
        .iter()
        .flat_map(|command| command.get_arguments())
        .any(|argument| match long {
            Some(long) => argument
                .get_long_and_visible_aliases()
                .is_some_and(|names| names.contains(&long)),
            None => argument.get_short().is_some_and(|short| flag == short.to_string()),
        })
}
