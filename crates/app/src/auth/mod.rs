//! Flows in which an end user connects an account: forms, popups, and what a popup tells its opener.
//!
//! [`credentials`](self) endpoints take what the user typed. The popup flow ([`App::start_popup`],
//! [`App::finish_popup`]) sends a browser to the provider and stores what it brings back; the page that opened the popup
//! hears the outcome over a WebSocket ([`Popups`]).

mod failure;
mod flow;
mod forms;
mod inputs;
mod installation;
mod look;
mod mcp;
mod oauth1;
mod obtain;
mod popup;
mod popups;
mod role;
mod state;

pub use failure::PopupFailure;
pub use flow::{Flow, FlowQuery};
pub use forms::Form;
pub use look::PopupLook;
pub use popup::{PopupStart, PopupSuccess};
pub(crate) use popups::POPUP_CHANNEL;
pub use popups::{PopupMessage, Popups};
