//! Agents without skills read one file of conventions. It ends with the hash of what was written, so that a later
//! version can tell whether somebody changed it.

use super::bundle::Skill;
use super::install::hash;

const MARK: &str = "<!-- Written by `tenon skills install`; sha256 ";

/// The skills as one file: what every task needs in full, the rest below it.
pub fn text(skills: &[&Skill]) -> String {
    let mut out =
        String::from("# Working with Tenon\n\nUse the part that fits the task; each begins with when to use it.\n");
    for skill in skills {
        out.push_str(&format!("\n---\n\n> {}\n\n", skill.description()));
        out.push_str(skill.body().trim_end());
        out.push('\n');
        for (path, reference) in skill.files.iter().filter(|(path, _)| *path != "SKILL.md") {
            // Two skills carry the same reference; once is enough in one file.
            if !out.contains(reference.trim_end()) {
                out.push_str(&format!("\n<!-- {path} -->\n\n{}\n", reference.trim_end()));
            }
        }
    }
    let digest = hash(&out);
    format!("{out}\n{MARK}{digest} -->\n")
}

/// Whether the text is one that an installation wrote, of this version or another.
pub fn is_untouched(text: &str) -> bool {
    let Some((body, mark)) = text.rsplit_once(&format!("\n{MARK}")) else {
        return false;
    };
    mark.trim_end().trim_end_matches(" -->") == hash(body)
}

/// The configuration of an agent that has none yet.
pub fn config(conventions: &str) -> String {
    format!("read:\n  - {conventions}\n")
}
