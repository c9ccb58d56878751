//! Webhooks that providers send: `POST /webhook/{environment}/{integration}`.
//!
//! The provider is answered when the message is a row ([`intake`]); everything else happens from that row: to which
//! connections it belongs ([`attribute`]), which syncs run `onWebhook`, and what the customer gets ([`work`]). A burst
//! fills the table, not the memory.
//!
//! Signatures are checked before the row is written ([`trust`], [`verify()`]); a message that fails is answered 401 and
//! leaves nothing but a line in the log. Providers whose messages no data of the catalogue can read are refused, so that
//! nothing unverified ever looks verified.

mod attribute;
mod followers;
mod index;
mod installation;
mod intake;
mod message;
mod parts;
mod trust;
mod verify;
mod work;

#[cfg(test)]
mod tests;

pub use intake::{Accepted, Delivery};
pub use message::Message;
pub(crate) use message::at_path;
pub use trust::derived_secret;
pub use verify::{Evidence, Fault, verify};

use std::sync::OnceLock;

use crate::App;

/// What the service shares with the routes.
#[derive(Default)]
pub(crate) struct State {
    intake: OnceLock<intake::Intake>,
    refusals: trust::Refusals,
    index: index::Index,
}

/// Starts the writer and the worker.
pub(crate) fn start(app: &App) {
    intake::start(app);
    let worker = work::Worker::new(app.clone());
    app.spawn("work off received webhooks", async move {
        worker.run().await;
        Ok(())
    });
}

fn payload_place(environment: tenon_model::EnvironmentId) -> String {
    // Rows are written in batches and get their ids from the database, so the place cannot name the row.
    format!("inbox/{environment}/payload")
}
