//! The skills themselves, built into the binary.

/// One skill: a folder with `SKILL.md` and what that file refers to.
#[derive(Debug, Clone, Copy)]
pub struct Skill {
    /// Name of the skill and of its folder.
    pub name: &'static str,
    /// Path inside the folder, and text.
    pub files: &'static [(&'static str, &'static str)],
}

macro_rules! skill {
    ($name:literal: $($path:literal),+ $(,)?) => {
        Skill {
            name: $name,
            files: &[$(($path, include_str!(concat!("../../../../skills/", $name, "/", $path)))),+],
        }
    };
}

/// Every skill, in the order in which a newcomer needs them.
pub const SKILLS: [Skill; 4] = [
    skill!("building-functions-locally":
        "SKILL.md",
        "references/actions.md",
        "references/output.md",
        "references/syncs.md",
    ),
    skill!("building-functions-remotely":
        "SKILL.md",
        "references/actions.md",
        "references/http.md",
        "references/syncs.md",
    ),
    skill!("migrating-to-tenon":
        "SKILL.md",
        "references/from-nango.md",
        "references/from-other-platforms.md",
    ),
    skill!("operating-tenon":
        "SKILL.md",
        "references/syncs-and-webhooks.md",
    ),
];

impl Skill {
    /// What the front matter says the skill is for.
    pub fn description(&self) -> &'static str {
        self.main()
            .lines()
            .find_map(|line| line.strip_prefix("description: "))
            .unwrap_or_default()
    }

    /// The text of `SKILL.md` below its front matter.
    pub fn body(&self) -> &'static str {
        let text = self.main();
        text.strip_prefix("---\n")
            .and_then(|rest| rest.split_once("\n---\n"))
            .map_or(text, |(_, body)| body)
            .trim_start()
    }

    /// The text of `SKILL.md`.
    pub fn main(&self) -> &'static str {
        self.files
            .iter()
            .find(|(path, _)| *path == "SKILL.md")
            .map_or("", |(_, text)| text)
    }
}
