//! What other nouns do when functions come or go.
//!
//! Functions know nobody who follows them; this page lists the followers.

use tenon_model::FunctionId;
use tenon_store::Tx;

use super::Function;
use crate::environments::Environment;
use crate::{App, Result};

impl App {
    /// Inside the transaction of a deploy: syncs that are now in force, new or changed.
    #[tenon_model::boxed]
    pub(super) async fn on_functions_deployed(
        &self,
        tx: &mut Tx,
        environment: &Environment,
        syncs: &[&Function],
    ) -> Result<()> {
        crate::syncs::life::on_deployed(self, tx, environment, syncs).await
    }

    /// Inside the transaction of a deploy: syncs that no longer have some of their models.
    #[tenon_model::boxed]
    pub(super) async fn on_models_dropped(
        &self,
        tx: &mut Tx,
        environment: &Environment,
        dropped: Vec<(FunctionId, Vec<String>)>,
    ) -> Result<()> {
        crate::syncs::life::on_models_dropped(self, tx, environment, dropped).await
    }

    /// Inside the transaction that removes them: syncs that are gone.
    #[tenon_model::boxed]
    pub(super) async fn on_functions_removed(
        &self,
        tx: &mut Tx,
        environment: &Environment,
        syncs: &[&Function],
    ) -> Result<()> {
        crate::syncs::life::on_removed(self, tx, environment, syncs).await
    }
}
