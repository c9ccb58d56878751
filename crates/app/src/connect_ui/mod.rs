//! What the Connect UI shows: the integrations that a session allows, the form of each, and what came of it.
//!
//! The page itself is rendered by the `api` crate; this module decides. Three parts: [`list`](self) says what can be
//! connected, [`form`] turns a catalogue entry into the fields that are left to ask (what the session or the integration
//! presets is not asked for and never leaves the server), and [`submit`] checks what was typed, field by field, and hands
//! it to the flow of the entry's mode. [`link`] binds shared links to the browser that opens them.

pub mod form;
pub mod link;
mod list;
pub mod mark;
pub mod submit;
pub mod theme;

#[cfg(test)]
mod tests;

pub use form::{ConnectForm, FormField, FormKind};
pub use link::{ClaimedLink, OpenedLink};
pub use list::{Choice, Identity};
pub use mark::Mark;
pub use submit::{Answer, Opener, Wrong};
pub use tenon_catalog::FieldFault;
pub use tenon_catalog::provider::Format;
pub use theme::{ConnectUiSettings, Primary, ThemeName};
