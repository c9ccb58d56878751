//! What an installation writes, leaves alone and refuses.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use crate::skills::agents::Layout;
use crate::skills::install::{RECORD, hash};
use crate::skills::state::Installed;
use crate::skills::*;

fn all() -> Vec<&'static Skill> {
    SKILLS.iter().collect()
}

fn agent(id: &str) -> &'static Agent {
    by_name(id).expect("a known agent")
}

fn install(root: &Path, scope: Scope, agents: &[&'static Agent]) -> Plan {
    let plan = plan(root, scope, agents, &all()).unwrap();
    assert_eq!(plan.apply(false).unwrap(), Outcome::Done);
    plan
}

/// Every file below the folder with its text.
fn tree(root: &Path) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let name = path.strip_prefix(root).unwrap().display().to_string();
                found.insert(name, fs::read_to_string(&path).unwrap());
            }
        }
    }
    found
}

#[test]
fn every_agent_finds_every_skill_where_it_looks() {
    assert!(AGENTS.len() >= 18);
    for agent in &AGENTS {
        for scope in [Scope::Project, Scope::Global] {
            let root = tempfile::tempdir().unwrap();
            install(root.path(), scope, &[agent]);
            let path = root.path().join(agent.layout.path(scope));
            for skill in &SKILLS {
                match agent.layout {
                    Layout::Skills { .. } => {
                        for (file, text) in skill.files {
                            let written = fs::read_to_string(path.join(skill.name).join(file)).unwrap();
                            assert_eq!(written, *text, "{} {file}", agent.id);
                        }
                    }
                    Layout::Conventions { config, .. } => {
                        let written = fs::read_to_string(&path).unwrap();
                        assert!(written.contains(skill.body().trim_end()), "{} {}", agent.id, skill.name);
                        let config = fs::read_to_string(root.path().join(config)).unwrap();
                        assert!(config.contains("CONVENTIONS.tenon.md"), "{config}");
                    }
                }
            }
        }
    }
}

#[test]
fn ids_are_sorted_and_unique_and_paths_stay_below_the_root() {
    let ids: Vec<&str> = AGENTS.iter().map(|agent| agent.id).collect();
    assert!(
        ids.is_sorted() && ids.windows(2).all(|pair| pair[0] != pair[1]),
        "{ids:?}"
    );
    for agent in &AGENTS {
        for scope in [Scope::Project, Scope::Global] {
            let path = agent.layout.path(scope);
            assert!(!path.starts_with('/') && !path.contains(".."), "{}", agent.id);
        }
    }
}

#[test]
fn agents_that_share_a_folder_share_one_installation() {
    let root = tempfile::tempdir().unwrap();
    let plan = install(
        root.path(),
        Scope::Project,
        &[agent("codex"), agent("cursor"), agent("codex")],
    );
    assert_eq!(plan.targets.len(), 1);
    let ids: Vec<&str> = plan.targets[0].agents.iter().map(|agent| agent.id).collect();
    assert_eq!(ids, ["codex", "cursor"]);
    assert!(root.path().join(".agents/skills/operating-tenon/SKILL.md").exists());
}

#[test]
fn a_second_installation_changes_nothing() {
    let root = tempfile::tempdir().unwrap();
    let agents: Vec<&Agent> = AGENTS.iter().collect();
    install(root.path(), Scope::Project, &agents);
    let before = tree(root.path());
    let plan = install(root.path(), Scope::Project, &agents);
    for target in &plan.targets {
        for change in [Change::Create, Change::Update, Change::Remove, Change::Conflict] {
            assert!(target.files(change).is_empty(), "{} {change:?}", target.path);
        }
    }
    assert_eq!(tree(root.path()), before);
}

#[test]
fn a_changed_file_is_refused_and_nothing_else_is_written() {
    let root = tempfile::tempdir().unwrap();
    install(root.path(), Scope::Project, &[agent("claude-code")]);
    let folder = root.path().join(".claude/skills");
    let changed = folder.join("operating-tenon/SKILL.md");
    fs::write(&changed, "mine").unwrap();
    let missing = folder.join("migrating-to-tenon/SKILL.md");
    fs::remove_file(&missing).unwrap();

    let second = plan(root.path(), Scope::Project, &[agent("claude-code")], &all()).unwrap();
    let Outcome::Refused(files) = second.apply(false).unwrap() else {
        panic!("the changed file was accepted");
    };
    assert_eq!(files, [".claude/skills/operating-tenon/SKILL.md"]);
    assert_eq!(fs::read_to_string(&changed).unwrap(), "mine");
    assert!(!missing.exists());

    assert_eq!(second.apply(true).unwrap(), Outcome::Done);
    assert_ne!(fs::read_to_string(&changed).unwrap(), "mine");
    assert!(missing.exists());
}

#[test]
fn a_file_that_we_never_wrote_is_somebodys() {
    let root = tempfile::tempdir().unwrap();
    let file = root.path().join(".roo/skills/operating-tenon/SKILL.md");
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    fs::write(&file, "theirs").unwrap();
    let plan = plan(root.path(), Scope::Project, &[agent("roo")], &all()).unwrap();
    assert_eq!(plan.conflicts(), [".roo/skills/operating-tenon/SKILL.md"]);
}

#[test]
fn an_untouched_older_version_is_brought_up_to_date() {
    let root = tempfile::tempdir().unwrap();
    install(root.path(), Scope::Project, &[agent("claude-code")]);
    let folder = root.path().join(".claude/skills/operating-tenon");
    fs::write(folder.join("SKILL.md"), "older").unwrap();
    fs::write(folder.join("gone.md"), "no longer shipped").unwrap();
    fs::write(folder.join("theirs.md"), "changed since").unwrap();
    let record = serde_json::json!({
        "SKILL.md": hash("older"), "gone.md": hash("no longer shipped"), "theirs.md": hash("as it was"),
    });
    fs::write(folder.join(RECORD), record.to_string()).unwrap();
    let skill = SKILLS.iter().find(|skill| skill.name == "operating-tenon").unwrap();
    let state = |state| {
        vec![Installed {
            path: ".claude/skills/operating-tenon".to_owned(),
            state,
        }]
    };
    assert_eq!(
        installed(root.path(), Scope::Project, skill).unwrap(),
        state("outdated")
    );

    let plan = install(root.path(), Scope::Project, &[agent("claude-code")]);
    assert_eq!(
        plan.targets[0].files(Change::Update),
        [".claude/skills/operating-tenon/SKILL.md"]
    );
    assert_eq!(
        plan.targets[0].files(Change::Remove),
        [".claude/skills/operating-tenon/gone.md"]
    );
    assert_eq!(fs::read_to_string(folder.join("SKILL.md")).unwrap(), skill.main());
    assert!(!folder.join("gone.md").exists() && folder.join("theirs.md").exists());
    assert_eq!(installed(root.path(), Scope::Project, skill).unwrap(), state("current"));
    fs::write(folder.join("SKILL.md"), "mine").unwrap();
    assert_eq!(installed(root.path(), Scope::Project, skill).unwrap(), state("changed"));
}

#[test]
fn a_record_cannot_lead_out_of_its_folder() {
    let root = tempfile::tempdir().unwrap();
    let folder = root.path().join(".claude/skills/operating-tenon");
    fs::create_dir_all(&folder).unwrap();
    let outside = root.path().join("precious.txt");
    fs::write(&outside, "keep").unwrap();
    let record =
        serde_json::json!({ "../../../precious.txt": hash("keep"), outside.display().to_string(): hash("keep") });
    fs::write(folder.join(RECORD), record.to_string()).unwrap();
    install(root.path(), Scope::Project, &[agent("claude-code")]);
    assert_eq!(fs::read_to_string(&outside).unwrap(), "keep");
}

#[test]
fn conventions_are_updated_refused_and_announced() {
    let root = tempfile::tempdir().unwrap();
    let file = root.path().join("CONVENTIONS.tenon.md");
    fs::write(&file, rules::text(&all()[..1])).unwrap();
    fs::write(root.path().join(".aider.conf.yml"), "model: x\n").unwrap();
    let plan = install(root.path(), Scope::Project, &[agent("aider")]);
    assert_eq!(plan.targets[0].files(Change::Update), ["CONVENTIONS.tenon.md"]);
    assert_eq!(plan.targets[0].hints.len(), 1);
    assert_eq!(
        fs::read_to_string(root.path().join(".aider.conf.yml")).unwrap(),
        "model: x\n"
    );

    let text = fs::read_to_string(&file).unwrap();
    fs::write(&file, text.replace("Refuse", "Allow")).unwrap();
    let second = crate::skills::plan(root.path(), Scope::Project, &[agent("aider")], &all()).unwrap();
    assert_eq!(second.conflicts(), ["CONVENTIONS.tenon.md"]);
}

#[test]
fn agents_are_found_in_the_project_before_the_home_folder() {
    let project = tempfile::tempdir().unwrap();
    let home = tempfile::tempdir().unwrap();
    let roots = Roots {
        project: project.path().to_owned(),
        home: Some(home.path().to_owned()),
    };
    let found = |scope| detect(&roots, scope).iter().map(|agent| agent.id).collect::<Vec<_>>();
    assert!(found(Scope::Project).is_empty());

    fs::create_dir_all(home.path().join(".config/goose")).unwrap();
    assert_eq!(found(Scope::Project), ["goose"]);
    fs::write(project.path().join("CLAUDE.md"), "").unwrap();
    fs::create_dir(project.path().join(".cursor")).unwrap();
    assert_eq!(found(Scope::Project), ["claude-code", "cursor"]);
    assert_eq!(found(Scope::Global), ["goose"]);
}

#[test]
fn people_write_names_in_many_ways() {
    for (written, id) in [
        ("Claude Code", "claude-code"),
        ("claude", "claude-code"),
        ("KIRO", "kiro-cli"),
        ("codex", "codex"),
    ] {
        assert_eq!(agent(written).id, id);
    }
    assert!(by_name("clippy").is_none());
}
