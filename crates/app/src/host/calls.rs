//! Functions that start other functions.

use tenon_runtime::protocol::{HostError, HostReply, SyncRef};

use super::{Answer, RunHost};
use crate::actions::{ActionAnswer, TriggerInput};
use crate::operations::Level;
use crate::records::BASE;
use crate::syncs::control::{Begin, SwitchRequest, TriggerRequest};
use crate::syncs::select::SyncName;

/// Runs that may wait for each other. Each holds a place in a worker, so an endless chain would take them all.
const DEPTH_MAX: u32 = 8;

fn name(sync: &SyncRef) -> Result<SyncName, HostError> {
    let text = match sync.variant.as_deref() {
        Some(variant) if variant != BASE => format!("{}::{variant}", sync.name),
        _ => sync.name.clone(),
    };
    SyncName::parse(&text).ok_or_else(|| HostError::plain(format!("'{text}' is no name of a sync")))
}

impl RunHost {
    #[tenon_model::boxed]
    pub(super) async fn trigger_action(
        &self,
        integration: String,
        connection: String,
        action: String,
        input: Option<String>,
    ) -> Answer {
        if self.subject.depth >= DEPTH_MAX {
            let message = format!(
                "Functions call each other more than {DEPTH_MAX} deep; '{action}' was not called. Does it call itself?"
            );
            self.log(Level::Error, message.clone());
            return Err(HostError::plain(message));
        }
        let input = TriggerInput {
            action,
            input,
            integration,
            connection,
            later: false,
            retries_max: 0,
            depth: self.subject.depth + 1,
        };
        // Boxed: an action may trigger an action, and the future of one must not contain that of the other.
        let answer = Box::pin(self.app.trigger_action(&self.caller, input)).await;
        match answer.map_err(|error| self.refused(&error))? {
            ActionAnswer::Output(output) => Ok(HostReply::Json(output)),
            ActionAnswer::Accepted(id) => Ok(HostReply::Json(format!("\"{id}\""))),
        }
    }

    #[tenon_model::boxed]
    pub(super) async fn trigger_sync(
        &self,
        unique_key: String,
        connection_id: String,
        sync: SyncRef,
        reset: bool,
        empty_cache: bool,
    ) -> Answer {
        let begin = Begin { reset, empty_cache };
        let request = TriggerRequest::new(vec![name(&sync)?], unique_key, connection_id, begin);
        self.app
            .trigger_syncs(&self.caller, request)
            .await
            .map_err(|error| self.refused(&error))?;
        Ok(HostReply::Unit)
    }

    #[tenon_model::boxed]
    pub(super) async fn start_sync(
        &self,
        unique_key: String,
        syncs: Vec<SyncRef>,
        connection_id: Option<String>,
    ) -> Answer {
        let names = syncs.iter().map(name).collect::<Result<Vec<_>, _>>()?;
        let request = SwitchRequest::new(names, unique_key, connection_id);
        self.app
            .switch_syncs(&self.caller, request, false)
            .await
            .map_err(|error| self.refused(&error))?;
        Ok(HostReply::Unit)
    }
}
