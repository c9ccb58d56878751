//! Where each coding agent looks for skills, as its documentation says.

use std::path::{Path, PathBuf};

/// What an agent reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Layout {
    /// A folder of skills in the open Agent Skills format: below the project, and below the home folder.
    Skills {
        /// Below the project.
        project: &'static str,
        /// Below the home folder.
        home: &'static str,
    },
    /// One file of conventions, named in a configuration file of the agent.
    Conventions {
        /// The file, below the project.
        project: &'static str,
        /// The file, below the home folder.
        home: &'static str,
        /// The configuration file that has to name it, below either.
        config: &'static str,
    },
}

/// A coding agent.
#[derive(Debug, Clone, Copy)]
pub struct Agent {
    /// What `--agent` takes.
    pub id: &'static str,
    /// Its name.
    pub name: &'static str,
    /// What it reads.
    pub layout: Layout,
    /// Files and folders that show that a project uses it.
    pub project_marks: &'static [&'static str],
    /// Files and folders that show that it is installed, below the home folder.
    pub home_marks: &'static [&'static str],
}

/// Whether skills belong to a project or to a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// Committed with the project.
    Project,
    /// In the home folder, for every project.
    Global,
}

/// Where installations go.
#[derive(Debug, Clone)]
pub struct Roots {
    /// Folder of the project.
    pub project: PathBuf,
    /// The home folder, when there is one.
    pub home: Option<PathBuf>,
}

const fn skills(
    id: &'static str,
    name: &'static str,
    (project, home): (&'static str, &'static str),
    project_marks: &'static [&'static str],
    home_marks: &'static [&'static str],
) -> Agent {
    Agent {
        id,
        name,
        layout: Layout::Skills { project, home },
        project_marks,
        home_marks,
    }
}

/// The folder that most agents share.
const SHARED: &str = ".agents/skills";

/// Every agent that can be named, in alphabetical order. A folder that several agents read is written once.
#[rustfmt::skip]
pub const AGENTS: [Agent; 33] = [
    Agent {
        id: "aider",
        name: "Aider",
        layout: Layout::Conventions {
            project: "CONVENTIONS.tenon.md",
            home: ".aider/CONVENTIONS.tenon.md",
            config: ".aider.conf.yml",
        },
        project_marks: &[".aider.conf.yml", ".aiderignore"],
        home_marks: &[".aider.conf.yml", ".aider"],
    },
    skills("amp", "Amp", (SHARED, ".config/agents/skills"), &[".amp"], &[".config/amp"]),
    skills("antigravity", "Antigravity", (SHARED, ".gemini/antigravity/skills"), &[".agent"], &[".gemini/antigravity"]),
    skills("augment", "Augment", (".augment/skills", ".augment/skills"), &[".augment", ".augment-guidelines"], &[".augment"]),
    skills("claude-code", "Claude Code", (".claude/skills", ".claude/skills"), &[".claude", "CLAUDE.md"], &[".claude"]),
    skills("cline", "Cline", (".cline/skills", ".cline/skills"), &[".cline", ".clinerules"], &[".cline"]),
    skills("codebuddy", "CodeBuddy", (".codebuddy/skills", ".codebuddy/skills"), &[".codebuddy"], &[".codebuddy"]),
    skills("codex", "Codex", (SHARED, ".codex/skills"), &[".codex"], &[".codex"]),
    skills("continue", "Continue", (".continue/skills", ".continue/skills"), &[".continue"], &[".continue"]),
    skills("crush", "Crush", (".crush/skills", ".config/crush/skills"), &[".crush", "crush.json", ".crush.json"], &[".config/crush"]),
    skills("cursor", "Cursor", (SHARED, ".cursor/skills"), &[".cursor", ".cursorrules"], &[".cursor"]),
    skills("devin", "Devin for Terminal", (".devin/skills", ".config/devin/skills"), &[".devin"], &[".config/devin"]),
    skills("droid", "Droid (Factory)", (SHARED, ".factory/skills"), &[".factory"], &[".factory"]),
    skills("gemini-cli", "Gemini CLI", (SHARED, ".gemini/skills"), &[".gemini", "GEMINI.md"], &[".gemini"]),
    skills("github-copilot", "GitHub Copilot", (SHARED, ".copilot/skills"), &[".github/copilot-instructions.md", ".github/instructions"], &[".copilot"]),
    skills("goose", "Goose", (".goose/skills", ".config/goose/skills"), &[".goose", ".goosehints"], &[".config/goose"]),
    skills("iflow-cli", "iFlow CLI", (".iflow/skills", ".iflow/skills"), &[".iflow"], &[".iflow"]),
    skills("junie", "Junie", (".junie/skills", ".junie/skills"), &[".junie"], &[".junie"]),
    skills("kilo", "Kilo Code", (SHARED, ".kilo/skills"), &[".kilo", ".kilocode"], &[".kilo", ".kilocode"]),
    skills("kiro-cli", "Kiro", (".kiro/skills", ".kiro/skills"), &[".kiro"], &[".kiro"]),
    skills("mistral-vibe", "Mistral Vibe", (".vibe/skills", ".vibe/skills"), &[".vibe"], &[".vibe"]),
    skills("opencode", "OpenCode", (SHARED, ".config/opencode/skills"), &[".opencode", "opencode.json", "opencode.jsonc"], &[".config/opencode"]),
    skills("openhands", "OpenHands", (".openhands/skills", ".openhands/skills"), &[".openhands"], &[".openhands"]),
    skills("pi", "Pi", (".pi/skills", ".pi/agent/skills"), &[".pi"], &[".pi"]),
    skills("qoder", "Qoder", (".qoder/skills", ".qoder/skills"), &[".qoder"], &[".qoder"]),
    skills("qwen-code", "Qwen Code", (".qwen/skills", ".qwen/skills"), &[".qwen", "QWEN.md"], &[".qwen"]),
    skills("roo", "Roo Code", (".roo/skills", ".roo/skills"), &[".roo", ".roorules"], &[".roo"]),
    skills("rovodev", "Rovo Dev", (".rovodev/skills", ".rovodev/skills"), &[".rovodev"], &[".rovodev"]),
    skills("trae", "Trae", (".trae/skills", ".trae/skills"), &[".trae"], &[".trae"]),
    skills("universal", "any agent that reads .agents/skills", (SHARED, SHARED), &[".agents"], &[".agents"]),
    skills("warp", "Warp", (SHARED, SHARED), &[".warp"], &[".warp"]),
    skills("windsurf", "Windsurf", (".windsurf/skills", ".codeium/windsurf/skills"), &[".windsurf", ".windsurfrules"], &[".codeium/windsurf"]),
    skills("zed", "Zed", (SHARED, SHARED), &[".zed"], &[".config/zed"]),
];

/// Other names that people use.
const ALIASES: [(&str, &str); 8] = [
    ("claude", "claude-code"),
    ("copilot", "github-copilot"),
    ("factory", "droid"),
    ("gemini", "gemini-cli"),
    ("kilo-code", "kilo"),
    ("kiro", "kiro-cli"),
    ("qwen", "qwen-code"),
    ("roo-code", "roo"),
];

/// The agent that is called so.
pub fn by_name(name: &str) -> Option<&'static Agent> {
    let wanted = name.trim().to_lowercase().replace([' ', '_'], "-");
    let id = ALIASES
        .iter()
        .find(|(alias, _)| *alias == wanted)
        .map_or(wanted.as_str(), |(_, id)| id);
    AGENTS.iter().find(|agent| agent.id == id)
}

/// What `--agent` takes, for messages.
pub fn names() -> String {
    AGENTS.map(|agent| agent.id).join(", ")
}

/// The agents that the project shows; without any, those that the home folder shows. Only the latter count for an
/// installation for every project.
pub fn detect(roots: &Roots, scope: Scope) -> Vec<&'static Agent> {
    let shown_below = |root: &Path, marks: fn(&Agent) -> &'static [&'static str]| -> Vec<&'static Agent> {
        AGENTS
            .iter()
            .filter(|agent| marks(agent).iter().any(|mark| root.join(mark).exists()))
            .collect()
    };
    if scope == Scope::Project {
        let found = shown_below(&roots.project, |agent| agent.project_marks);
        if !found.is_empty() {
            return found;
        }
    }
    roots
        .home
        .as_deref()
        .map(|home| shown_below(home, |agent| agent.home_marks))
        .unwrap_or_default()
}

impl Roots {
    /// The folder that paths of this scope are below.
    pub fn of(&self, scope: Scope) -> Option<&Path> {
        match scope {
            Scope::Project => Some(&self.project),
            Scope::Global => self.home.as_deref(),
        }
    }
}

impl Layout {
    /// The folder of skills or the file of conventions, below the root of the scope.
    pub fn path(&self, scope: Scope) -> &'static str {
        match (self, scope) {
            (Self::Skills { project, .. } | Self::Conventions { project, .. }, Scope::Project) => project,
            (Self::Skills { home, .. } | Self::Conventions { home, .. }, Scope::Global) => home,
        }
    }
}
