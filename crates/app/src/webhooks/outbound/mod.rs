//! Events for customers: enqueued with what caused them, signed, delivered at least once under a stable id.
//!
//! An event becomes one row per receiver: the connection's own URL, or the environment's primary and secondary ones.
//! A delivery that meets a server error or a broken connection is tried again after 3 and 6 seconds, then over days, and
//! is then kept as dead; a refusal (3xx, 4xx) is dead at once. Dead and delivered events can be replayed for a week.

mod body;
mod enqueue;
mod replay;
mod sender;
mod sending;
mod sign;

pub use body::sorted_json;
pub use enqueue::{AsyncActionEvent, ForwardEvent, SyncEvent, SyncFailure, SyncSuccess};
pub use enqueue::{enqueue_async_action, enqueue_auth, enqueue_forward, enqueue_sync};
pub use replay::{DeliveryView, ReplayWish};
pub use sign::{Signatures, sign};

use crate::App;

/// Starts the sender.
pub(crate) fn start(app: &App) {
    let service = sender::Sender::new(app.clone());
    app.spawn("deliver outgoing webhooks", async move {
        service.run().await;
        Ok(())
    });
}

fn body_place(environment: tenon_model::EnvironmentId, event_id: &str) -> String {
    format!("outbox/{environment}/{event_id}/body")
}

fn headers_place(environment: tenon_model::EnvironmentId, event_id: &str) -> String {
    format!("outbox/{environment}/{event_id}/headers")
}
