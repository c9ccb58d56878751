//! Variables that functions read.

use tenon_model::EnvironmentId;
use tenon_store::tables::environments as table;

use crate::caller::Caller;
use crate::{App, Result};

fn place(id: EnvironmentId, name: &str) -> String {
    format!("environment_variables/{id}/{name}")
}

impl App {
    /// Names and values of the caller's environment, by name.
    #[tenon_model::boxed]
    pub async fn list_environment_variables(&self, caller: &Caller) -> Result<Vec<(String, String)>> {
        caller.require("environment:variables:read")?;
        self.environment_variables(caller.environment()?.id).await
    }

    /// Names and values, for functions.
    #[tenon_model::boxed]
    pub async fn environment_variables(&self, id: EnvironmentId) -> Result<Vec<(String, String)>> {
        let mut conn = self.store().read().await?;
        let sealed = table::list_variables(&mut conn, id).await?;
        drop(conn);
        if sealed.is_empty() {
            return Ok(Vec::new());
        }
        let vault = self.vault(id).await?;
        let mut variables = Vec::with_capacity(sealed.len());
        for (name, value) in sealed {
            let plain = vault.open(&place(id, &name), &value)?;
            variables.push((name, String::from_utf8_lossy(&plain).into_owned()));
        }
        Ok(variables)
    }

    /// Sets a variable; for the command line.
    #[tenon_model::boxed]
    pub async fn set_environment_variable(&self, id: EnvironmentId, name: &str, value: &str) -> Result<()> {
        let mut tx = self.store().begin().await?;
        let sealed = self
            .vault_in(&mut tx, id)
            .await?
            .seal(&place(id, name), value.as_bytes());
        table::set_variable(&mut tx, id, name, &sealed).await?;
        Ok(tx.commit().await?)
    }

    /// Removes a variable; false when there was none.
    #[tenon_model::boxed]
    pub async fn delete_environment_variable(&self, id: EnvironmentId, name: &str) -> Result<bool> {
        let mut tx = self.store().begin().await?;
        let found = table::delete_variable(&mut tx, id, name).await?;
        tx.commit().await?;
        Ok(found)
    }
}
