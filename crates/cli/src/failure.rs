//! How a command says that it failed: a sentence for people, one line of JSON for programs.
//!
//! Commands answer errors; this is the one place that shows them. Codes are words that stay: the server's own where the server
//! refused, else those of [`Failure`].

use std::process::ExitCode;

use anyhow::Error;
use clap::ArgMatches;
use serde_json::{Map, Value, json};

use crate::authoring::client::ClientError;
use crate::authoring::terminal::{Style, Terminal, note, plain, say};

/// What is said of a failure that has no code of its own.
const FAILED: &str = "failed";

/// A failure that programs can tell from others.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct Failure {
    code: String,
    message: String,
    exit: u8,
    lead: Option<&'static str>,
    members: Map<String, Value>,
    list: Option<(&'static str, Vec<String>)>,
}

impl Failure {
    /// A failure with a code; the command ends with 1 unless [`Failure::exit`] says otherwise.
    pub fn new(code: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            code: code.into(),
            message: message.into(),
            exit: 1,
            lead: None,
            members: Map::new(),
            list: None,
        }
    }

    /// Nothing has the name that was given.
    pub fn not_found(message: impl Into<String>) -> Self {
        Self::new("not_found", message)
    }

    /// The arguments cannot be used.
    pub fn usage(message: impl Into<String>) -> Self {
        Self::new("usage", message)
    }

    /// The number that the command ends with.
    #[must_use]
    pub fn exit(mut self, exit: u8) -> Self {
        self.exit = exit;
        self
    }

    /// What did not happen, as people read it before the reason: `Not deployed`.
    #[must_use]
    pub fn lead(mut self, lead: &'static str) -> Self {
        self.lead = Some(lead);
        self
    }

    /// A further member beside `ok` and `error`.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.members.insert(name.to_owned(), value.into());
        self
    }

    /// What it is about, such as files: a further member of `error`, and a line each for people.
    #[must_use]
    pub fn list(mut self, name: &'static str, items: Vec<String>) -> Self {
        self.list = Some((name, items));
        self
    }
}

/// The code of an error: the first in its chain that has one.
pub fn code_of(error: &Error) -> String {
    let found = error.chain().find_map(|cause| {
        if let Some(failure) = cause.downcast_ref::<Failure>() {
            return Some(failure.code.clone());
        }
        cause.downcast_ref::<ClientError>().map(ClientError::code)
    });
    found.unwrap_or_else(|| FAILED.to_owned())
}

/// `{code, message}`, as every refusal has it.
pub fn error_json(error: &Error) -> Value {
    json!({ "code": code_of(error), "message": format!("{error:#}") })
}

/// Says why a command failed; the exit code that it ends with.
pub fn report(error: &Error, as_json: bool) -> ExitCode {
    let failure = error.chain().find_map(|cause| cause.downcast_ref::<Failure>());
    if as_json {
        let mut shown = Map::from_iter([("ok".to_owned(), Value::Bool(false))]);
        let mut inner = error_json(error);
        if let Some(failure) = failure {
            if let Some((name, items)) = &failure.list {
                inner[*name] = json!(items);
            }
            shown.extend(failure.members.clone());
        }
        shown.insert("error".to_owned(), inner);
        say(&Value::Object(shown).to_string());
    } else {
        let sentence = format!("{error:#}");
        match failure.and_then(|failure| failure.lead) {
            Some(lead) => note(&Terminal::detect().paint(Style::Red, &format!("{lead}: {sentence}"))),
            None => note(&format!("error: {}", plain(&sentence))),
        }
        let listed = failure.and_then(|failure| failure.list.as_ref());
        for item in listed.into_iter().flat_map(|(_, items)| items) {
            note(&format!("  {}", plain(item)));
        }
    }
    ExitCode::from(failure.map_or(1, |failure| failure.exit))
}

/// Help and version, which were asked for, or a command that cannot be understood: that is 1 as for any other mistake, since
/// the numbers above it have meanings of their own.
pub fn report_usage(error: &clap::Error, as_json: bool) -> ExitCode {
    if as_json && error.use_stderr() {
        let text = error.render().to_string();
        let text = text.split("\n\nFor more information").next().unwrap_or(&text);
        let message = text.trim().trim_start_matches("error: ");
        return report(&Failure::usage(message).into(), true);
    }
    let _ = error.print();
    if error.use_stderr() {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    }
}

/// Whether the command that was understood is one with `--json`, and it was given.
pub fn asks_for_json(matches: &ArgMatches) -> bool {
    let here = matches.try_get_one::<bool>("json").ok().flatten().copied();
    here.unwrap_or(false) || matches.subcommand().is_some_and(|(_, inner)| asks_for_json(inner))
}

/// The same for arguments that were not understood.
pub fn names_json(arguments: impl Iterator<Item = std::ffi::OsString>) -> bool {
    arguments
        .take_while(|argument| argument != "--")
        .any(|argument| argument == "--json")
}
