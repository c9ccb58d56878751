//! Code of functions: kept compressed once per content, opened when it first runs.

use std::sync::Arc;

use ring::digest;
use tenon_model::{EnvironmentId, Timestamp};
use tenon_runtime::Code;
use tenon_store::Tx;
use tenon_store::tables::functions as table;

use super::Function;
use crate::{App, Error, Result};

/// Largest bundle in bytes after decompression; guards against a damaged length.
const BUNDLE_BYTES_MAX: usize = 64 << 20;

/// Bundle and source of a function about to be deployed, compressed.
#[derive(Debug)]
pub(super) struct PackedCode {
    pub(super) hash: String,
    js: Vec<u8>,
    ts: Vec<u8>,
}

impl PackedCode {
    pub(super) fn pack(js: &str, ts: &str) -> Self {
        let mut context = digest::Context::new(&digest::SHA256);
        context.update(&(js.len() as u64).to_le_bytes());
        context.update(js.as_bytes());
        context.update(ts.as_bytes());
        Self {
            hash: hex::encode(context.finish()),
            js: lz4_flex::compress_prepend_size(js.as_bytes()),
            ts: lz4_flex::compress_prepend_size(ts.as_bytes()),
        }
    }

    #[tenon_model::boxed]
    pub(super) async fn store(&self, tx: &mut Tx, environment: EnvironmentId, now: Timestamp) -> Result<()> {
        Ok(table::put_bundle(tx, environment, &self.hash, &self.js, &self.ts, now).await?)
    }
}

fn unpack(packed: &[u8]) -> Result<String> {
    let damaged = || Error::Internal("stored code is damaged; deploy the function again".to_owned());
    let length = packed
        .get(..4)
        .and_then(|bytes| bytes.try_into().ok())
        .map(u32::from_le_bytes);
    if length.is_none_or(|length| length as usize > BUNDLE_BYTES_MAX) {
        return Err(damaged());
    }
    let plain = lz4_flex::decompress_size_prepended(packed).map_err(|_| damaged())?;
    String::from_utf8(plain).map_err(|_| damaged())
}

impl App {
    /// The bundle of a function, loaded once per version and node.
    #[tenon_model::boxed]
    pub async fn function_code(&self, function: &Function) -> Result<Arc<Code>> {
        let load = || async {
            let mut conn = self.store().read().await?;
            let packed = table::find_js(&mut conn, function.environment_id, &function.hash)
                .await?
                .ok_or_else(|| Error::Internal(format!("the code of function {} is missing", function.id)))?;
            drop(conn);
            let filename = format!("{}-{}.cjs", function.name, function.unique_key);
            // Stack traces name the file, so the same bundle under two names is two programs.
            let hash = format!("{}/{filename}", function.hash);
            Ok::<_, Error>(Arc::new(Code {
                hash,
                js: unpack(&packed)?,
                filename,
            }))
        };
        function.code.get_or_try_init(load).await.map(Arc::clone)
    }

    /// The TypeScript source of stored code; `None` when none was deployed.
    pub(super) async fn source_of_hash(&self, environment: EnvironmentId, hash: &str) -> Result<Option<String>> {
        let mut conn = self.store().read().await?;
        let packed = table::find_ts(&mut conn, environment, hash).await?;
        drop(conn);
        let source = packed.map(|packed| unpack(&packed)).transpose()?;
        Ok(source.filter(|source| !source.is_empty()))
    }
}
