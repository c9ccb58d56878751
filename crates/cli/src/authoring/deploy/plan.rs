//! What would change, and whether somebody must agree to it.

use serde_json::Value;
use tenon_compiler::Project;

use crate::authoring::{
    report::{facts, kind_word},
    terminal::{Style, Terminal, count, table},
};

/// The server's plan.
#[derive(Debug)]
pub struct Plan {
    wire: Value,
}

/// What the author has agreed to in advance.
#[derive(Debug, Clone, Copy)]
pub struct Consent {
    /// No question about ordinary changes.
    pub auto_confirm: bool,
    /// Deletions that lose data are wanted.
    pub allow_destructive: bool,
    /// Somebody can answer.
    pub interactive: bool,
}

/// How to go on.
#[derive(Debug, PartialEq, Eq)]
pub enum Decision {
    /// Deploy.
    Proceed,
    /// Ask first.
    Ask {
        /// The question.
        question: String,
        /// The answer to an empty line.
        default: bool,
    },
    /// Do not deploy.
    Refuse(String),
}

/// Deletions that lose data need the author's word; other changes need it only where somebody can give it.
pub fn decide(plan: &Plan, consent: Consent) -> Decision {
    let losses = plan.losses();
    match (
        losses.is_empty() || consent.allow_destructive,
        consent.auto_confirm,
        consent.interactive,
    ) {
        (true, true, _) | (true, false, false) => Decision::Proceed,
        (true, false, true) if plan.is_empty() => Decision::Proceed,
        (true, false, true) => Decision::Ask {
            question: "Deploy?".to_owned(),
            default: losses.is_empty(),
        },
        (false, false, true) => Decision::Ask {
            question: format!("This deletes {}. Deploy?", losses.join(" and ")),
            default: false,
        },
        (false, _, _) => Decision::Refuse(format!(
            "this would delete {}; add --allow-destructive if that is wanted",
            losses.join(" and ")
        )),
    }
}

const SECTIONS: [(&str, Change, &str); 12] = [
    ("newSyncs", Change::New, "sync"),
    ("updatedSyncs", Change::Updated, "sync"),
    ("deletedSyncs", Change::Deleted, "sync"),
    ("newActions", Change::New, "action"),
    ("updatedActions", Change::Updated, "action"),
    ("deletedActions", Change::Deleted, "action"),
    ("newOnEventScripts", Change::New, "on-event"),
    ("updatedOnEventScripts", Change::Updated, "on-event"),
    ("deletedOnEventScripts", Change::Deleted, "on-event"),
    ("newFunctions", Change::New, "function"),
    ("updatedFunctions", Change::Updated, "function"),
    ("deletedFunctions", Change::Deleted, "function"),
];

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Change {
    New,
    Updated,
    Deleted,
}

impl Plan {
    /// Takes the answer of the confirmation request.
    pub fn new(wire: Value) -> Self {
        Self { wire }
    }

    /// The plan as the server gave it.
    pub fn wire(&self) -> &Value {
        &self.wire
    }

    fn items(&self, section: &str) -> impl Iterator<Item = &Value> {
        self.wire.get(section).and_then(Value::as_array).into_iter().flatten()
    }

    fn is_empty(&self) -> bool {
        SECTIONS
            .iter()
            .all(|(section, ..)| self.items(section).next().is_none())
    }

    /// Deletions that lose data, in words.
    pub fn losses(&self) -> Vec<String> {
        let mut losses = Vec::new();
        for sync in self.items("deletedSyncs") {
            let connections = sync["connections"].as_u64().unwrap_or(0);
            if connections > 0 {
                let name = sync["name"].as_str().unwrap_or("");
                losses.push(format!(
                    "the sync {name} of {}",
                    count(connections as usize, "connection")
                ));
            }
        }
        let models: Vec<&str> = self.items("deletedModels").filter_map(Value::as_str).collect();
        if !models.is_empty() {
            losses.push(format!("the records of {}", models.join(", ")));
        }
        losses
    }

    /// The plan as a list of changes by integration.
    pub fn render(&self, project: &Project, terminal: Terminal) -> String {
        let mut integrations: Vec<&str> = Vec::new();
        let mut rows: Vec<(&str, Change, Vec<String>)> = Vec::new();
        for (section, change, kind) in SECTIONS {
            for item in self.items(section) {
                let integration = item["providerConfigKey"].as_str().unwrap_or("");
                if !integrations.contains(&integration) {
                    integrations.push(integration);
                }
                rows.push((
                    integration,
                    change,
                    row(item, change, kind, integration, project, terminal),
                ));
            }
        }
        let mut out = String::new();
        for integration in integrations {
            out.push_str(&format!("\n{}\n", terminal.paint(Style::Bold, integration)));
            let mut of: Vec<&(&str, Change, Vec<String>)> = rows.iter().filter(|(i, ..)| *i == integration).collect();
            of.sort_by_key(|(_, change, _)| *change);
            let cells: Vec<Vec<String>> = of.into_iter().map(|(_, _, cells)| cells.clone()).collect();
            out.push_str(&table(2, &cells));
        }
        let models: Vec<&str> = self.items("deletedModels").filter_map(Value::as_str).collect();
        if !models.is_empty() {
            let text = format!("\nThe records of these models are deleted: {}\n", models.join(", "));
            out.push_str(&terminal.paint(Style::Red, &text));
        }
        if out.is_empty() {
            out.push_str("\nNothing changes.\n");
        }
        out
    }
}

fn row(
    item: &Value,
    change: Change,
    kind: &str,
    integration: &str,
    project: &Project,
    terminal: Terminal,
) -> Vec<String> {
    let name = item["name"].as_str().unwrap_or("");
    let (sign, style) = match change {
        Change::New => ("+", Style::Green),
        Change::Updated => ("~", Style::Yellow),
        Change::Deleted => ("-", Style::Red),
    };
    let ours = project
        .functions
        .iter()
        .find(|f| f.integration() == integration && f.name() == name && kind_word(f.definition.kind()) == kind);
    let mut about = ours.map(facts).unwrap_or_default();
    let connections = item["connections"].as_u64().unwrap_or(0) as usize;
    if connections > 0 {
        let lost = if change == Change::Deleted { " lose it" } else { "" };
        let separator = if about.is_empty() { "" } else { " · " };
        about.push_str(&format!("{separator}{}{lost}", count(connections, "connection")));
    }
    vec![
        terminal.paint(style, sign),
        terminal.paint(Style::Cyan, kind),
        terminal.paint(style, name),
        terminal.paint(Style::Dim, &about),
    ]
}
