//! Links that people pass around: `<connect url>/?session_token=…`.
//!
//! A link may travel through mail, chat and the programs that look into both, so its token is good for one exchange
//! only. The page that opens it shows for whom it is; when the person says that this is right, [`App::claim_link`] puts a
//! new token in the place of the link's. The new one is known to that browser alone (a cookie). Whoever has the link after
//! that has nothing, here and on every other endpoint.

use std::time::Duration;

use tenon_store::tables::connect_sessions as table;

use crate::sessions::{LiveSession, TOKEN_PREFIX, hash_token, place};
use crate::{App, Error, Result};

/// What is behind a link.
#[derive(Debug)]
pub enum OpenedLink {
    /// Nobody has claimed it.
    Fresh(Box<LiveSession>),
    /// A browser has claimed it.
    Claimed,
    /// It is unknown, or its time is over.
    Gone,
}

/// The session of the browser that claimed a link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClaimedLink {
    /// The token that replaces the link's.
    pub token: String,
    /// How long it lives.
    pub lives: Duration,
}

impl App {
    /// Looks at a link without changing anything: programs that preview links do that too.
    #[tenon_model::boxed]
    pub async fn open_link(&self, token: &str) -> Result<OpenedLink> {
        Ok(match self.find_session(token).await? {
            None => OpenedLink::Gone,
            Some(session) if session.details.claimed => OpenedLink::Claimed,
            Some(session) => OpenedLink::Fresh(Box::new(session)),
        })
    }

    /// Exchanges the token of a link. Of several browsers at the same time, one succeeds.
    ///
    /// # Errors
    /// 409 `link_claimed` and 401 `unknown_connect_session_token`.
    #[tenon_model::boxed]
    pub async fn claim_link(&self, token: &str) -> Result<ClaimedLink> {
        let claimed =
            || Error::refuse(409, "link_claimed").message("This link was opened in another browser; ask for a new one");
        let session = match self.open_link(token).await? {
            OpenedLink::Fresh(session) => session,
            OpenedLink::Claimed => return Err(claimed()),
            OpenedLink::Gone => {
                return Err(Error::refuse(401, "unknown_connect_session_token").message("This link has expired"));
            }
        };
        let environment = session.environment.id;
        let now = self.clock().now();
        let new = format!("{TOKEN_PREFIX}{}", self.rng().hex(32));
        let (old_hash, new_hash) = (hash_token(token), hash_token(&new));
        let write = |details: &crate::sessions::Details| {
            serde_json::to_vec(details).map_err(|_| Error::Internal("a connect session cannot be written".to_owned()))
        };
        let kept = write(&session.details)?;
        let spent = write(&crate::sessions::Details {
            claimed: true,
            ..Default::default()
        })?;
        let mut tx = self.store().begin().await?;
        let vault = self.vault_in(&mut tx, environment).await?;
        let spent = vault.seal(&place(environment, &old_hash), &spent);
        let kept = vault.seal(&place(environment, &new_hash), &kept);
        // The row that was read is the row that is replaced, or somebody was faster.
        if !table::replace_details(&mut tx, environment, session.id, &session.sealed, &spent).await? {
            return Err(claimed());
        }
        let ends = session.expires_at;
        table::insert(&mut tx, environment, &new_hash, session.reconnects, &kept, now, ends).await?;
        tx.commit().await?;
        Ok(ClaimedLink {
            token: new,
            lives: ends.since(now),
        })
    }
}
