//! Decides what an installation would write, then writes it. Nothing is written unless everything can be: a skill half
//! old and half new would contradict itself.

use std::collections::BTreeMap;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::agents::{Agent, Layout, Scope};
use super::bundle::Skill;
use super::rules;

/// Beside `SKILL.md`: the hash of each file as it was installed, to recognise what was changed since.
pub const RECORD: &str = ".tenon-skill.json";

/// What happens to one file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// Is new.
    Create,
    /// Replaces an older version that nobody touched.
    Update,
    /// Is there already.
    Keep,
    /// Belonged to an older version, and nobody touched it.
    Remove,
    /// Was changed since it was installed, or was never installed by us.
    Conflict,
}

/// A folder or file that one agent or several read.
#[derive(Debug)]
pub struct Target {
    /// Who reads it.
    pub agents: Vec<&'static Agent>,
    /// Below the root of the scope.
    pub path: &'static str,
    /// What is still to be done by hand.
    pub hints: Vec<String>,
    steps: Vec<Step>,
    records: Vec<(PathBuf, String)>,
}

#[derive(Debug)]
struct Step {
    /// Below the root, for people.
    shown: String,
    file: PathBuf,
    text: String,
    change: Change,
}

/// Everything that an installation would do.
#[derive(Debug)]
pub struct Plan {
    /// One per folder or file that is read.
    pub targets: Vec<Target>,
}

/// What an installation did.
#[derive(Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Everything is in place.
    Done,
    /// These files were changed by somebody; nothing was written.
    Refused(Vec<String>),
}

/// The hash by which a text is recognised.
pub fn hash(text: &str) -> String {
    hex::encode(ring::digest::digest(&ring::digest::SHA256, text.as_bytes()))
}

/// What to write below `root`, for these agents. A folder that several of them read is written once.
pub fn plan(root: &Path, scope: Scope, agents: &[&'static Agent], skills: &[&Skill]) -> Result<Plan> {
    let mut targets: Vec<Target> = Vec::new();
    for agent in agents {
        let path = agent.layout.path(scope);
        if let Some(target) = targets.iter_mut().find(|target| target.path == path) {
            if !target.agents.iter().any(|known| known.id == agent.id) {
                target.agents.push(agent);
            }
            continue;
        }
        let mut target = Target {
            agents: vec![agent],
            path,
            hints: Vec::new(),
            steps: Vec::new(),
            records: Vec::new(),
        };
        match agent.layout {
            Layout::Skills { .. } => {
                for skill in skills {
                    target.add_skill(root, skill)?;
                }
            }
            Layout::Conventions { config, .. } => target.add_conventions(root, scope, config, skills)?,
        }
        targets.push(target);
    }
    Ok(Plan { targets })
}

impl Target {
    fn add_skill(&mut self, root: &Path, skill: &Skill) -> Result<()> {
        let shown = format!("{}/{}", self.path, skill.name);
        let folder = root.join(&shown);
        let recorded = recorded(&folder)?;
        for (path, text) in skill.files {
            let file = folder.join(path);
            let known = recorded.get(*path);
            let change = match read(&file)? {
                None => Change::Create,
                Some(found) if found == *text => Change::Keep,
                Some(found) if known.is_some_and(|known| *known == hash(&found)) => Change::Update,
                Some(_) => Change::Conflict,
            };
            self.push(format!("{shown}/{path}"), file, text, change);
        }
        // Of an older version: gone unless somebody made it theirs.
        for (path, known) in &recorded {
            let shipped = skill.files.iter().any(|(name, _)| name == path);
            let file = folder.join(path);
            if !shipped && read(&file)?.is_some_and(|found| hash(&found) == *known) {
                self.push(format!("{shown}/{path}"), file, "", Change::Remove);
            }
        }
        let record: BTreeMap<&str, String> = skill.files.iter().map(|(path, text)| (*path, hash(text))).collect();
        let record = serde_json::to_string_pretty(&record).context("the record of the installation")?;
        self.records.push((folder.join(RECORD), format!("{record}\n")));
        Ok(())
    }

    fn add_conventions(&mut self, root: &Path, scope: Scope, config: &str, skills: &[&Skill]) -> Result<()> {
        let file = root.join(self.path);
        let text = rules::text(skills);
        let change = match read(&file)? {
            None => Change::Create,
            Some(found) if found == text => Change::Keep,
            Some(found) if rules::is_untouched(&found) => Change::Update,
            Some(_) => Change::Conflict,
        };
        // Paths in the home folder's configuration would be taken relative to the project.
        let named = match scope {
            Scope::Project => self.path.to_owned(),
            Scope::Global => file.display().to_string(),
        };
        self.push(self.path.to_owned(), file, &text, change);
        let settings = root.join(config);
        match read(&settings)? {
            None => self.push(config.to_owned(), settings, &rules::config(&named), Change::Create),
            Some(found) if found.contains(self.path) => {}
            Some(_) => self.hints.push(format!(
                "add `{named}` to the list `read` in {config}, which is yours and stays as it is"
            )),
        }
        Ok(())
    }

    fn push(&mut self, shown: String, file: PathBuf, text: &str, change: Change) {
        self.steps.push(Step {
            shown,
            file,
            text: text.to_owned(),
            change,
        });
    }

    /// Names of the files that meet this fate, below the root.
    pub fn files(&self, change: Change) -> Vec<&str> {
        self.steps
            .iter()
            .filter(|step| step.change == change)
            .map(|step| step.shown.as_str())
            .collect()
    }
}

impl Plan {
    /// Files that somebody changed.
    pub fn conflicts(&self) -> Vec<String> {
        self.targets
            .iter()
            .flat_map(|target| target.files(Change::Conflict))
            .map(str::to_owned)
            .collect()
    }

    /// Writes everything, or nothing when somebody's changes would be lost and `force` is not given.
    pub fn apply(&self, force: bool) -> Result<Outcome> {
        let conflicts = self.conflicts();
        if !conflicts.is_empty() && !force {
            return Ok(Outcome::Refused(conflicts));
        }
        for target in &self.targets {
            for step in &target.steps {
                match step.change {
                    Change::Keep => {}
                    Change::Remove => {
                        fs::remove_file(&step.file).with_context(|| format!("{} cannot be removed", step.shown))?;
                    }
                    Change::Create | Change::Update | Change::Conflict => write(&step.file, &step.text)?,
                }
            }
            for (file, text) in &target.records {
                if read(file)?.as_deref() != Some(text) {
                    write(file, text)?;
                }
            }
        }
        Ok(Outcome::Done)
    }
}

/// The hashes of an earlier installation. A record that cannot be read counts as none: then every file that differs is
/// somebody's.
pub fn recorded(folder: &Path) -> Result<BTreeMap<String, String>> {
    Ok(read(&folder.join(RECORD))?
        .and_then(|text| serde_json::from_str::<BTreeMap<String, String>>(&text).ok())
        .map(|record| record.into_iter().filter(|(path, _)| is_inside(path)).collect())
        .unwrap_or_default())
}

/// A record is a file that others may have written: it must not lead out of the skill's folder.
fn is_inside(path: &str) -> bool {
    Path::new(path)
        .components()
        .all(|part| matches!(part, std::path::Component::Normal(_)))
}

/// The text of a file; `None` when there is none. Bytes that are no text count as somebody's changes.
pub fn read(file: &Path) -> Result<Option<String>> {
    match fs::read(file) {
        Ok(bytes) => Ok(Some(String::from_utf8_lossy(&bytes).into_owned())),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).with_context(|| format!("{} cannot be read", file.display())),
    }
}

fn write(file: &Path, text: &str) -> Result<()> {
    if let Some(folder) = file.parent() {
        fs::create_dir_all(folder).with_context(|| format!("{} cannot be made", folder.display()))?;
    }
    fs::write(file, text).with_context(|| format!("{} cannot be written", file.display()))
}
