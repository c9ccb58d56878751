//! What is installed where, for `tenon skills list`.

use std::path::Path;

use anyhow::Result;

use super::agents::{AGENTS, Agent, Layout, Scope};
use super::bundle::Skill;
use super::install::{hash, read, recorded};
use super::rules;

/// A skill that was found.
#[derive(Debug, PartialEq, Eq)]
pub struct Installed {
    /// Below the root of the scope.
    pub path: String,
    /// `current`, `outdated` (an older version, untouched) or `changed` (by somebody).
    pub state: &'static str,
}

/// Where this skill is installed below `root`.
pub fn installed(root: &Path, scope: Scope, skill: &Skill) -> Result<Vec<Installed>> {
    let mut paths: Vec<(&'static str, &Agent)> = AGENTS.iter().map(|agent| (agent.layout.path(scope), agent)).collect();
    paths.sort_by_key(|(path, _)| *path);
    paths.dedup_by_key(|(path, _)| *path);
    let mut found = Vec::new();
    for (path, agent) in paths {
        let (path, state) = match agent.layout {
            Layout::Skills { .. } => {
                let path = format!("{path}/{}", skill.name);
                let state = skill_state(&root.join(&path), skill)?;
                (path, state)
            }
            Layout::Conventions { .. } => (path.to_owned(), conventions_state(&root.join(path), skill)?),
        };
        if let Some(state) = state {
            found.push(Installed { path, state });
        }
    }
    Ok(found)
}

fn skill_state(folder: &Path, skill: &Skill) -> Result<Option<&'static str>> {
    if !folder.join("SKILL.md").exists() {
        return Ok(None);
    }
    let recorded = recorded(folder)?;
    let mut state = "current";
    for (path, text) in skill.files {
        match read(&folder.join(path))? {
            Some(found) if found == *text => {}
            Some(found) if recorded.get(*path).is_none_or(|known| *known != hash(&found)) => {
                return Ok(Some("changed"));
            }
            Some(_) | None => state = "outdated",
        }
    }
    Ok(Some(state))
}

/// One file holds several skills; its state is that of each.
fn conventions_state(file: &Path, skill: &Skill) -> Result<Option<&'static str>> {
    Ok(read(file)?
        .filter(|text| text.contains(skill.description()))
        .map(|text| {
            if !rules::is_untouched(&text) {
                "changed"
            } else if text.contains(skill.body().trim_end()) {
                "current"
            } else {
                "outdated"
            }
        }))
}
