//! The calls themselves.

use bytes::Bytes;
use serde::{Deserialize, Serialize};

/// One request of a function to its host. The reply expected for each is named in its description
/// (see [`HostReply`](super::HostReply)).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "op", rename_all = "camelCase", rename_all_fields = "camelCase")]
#[expect(clippy::large_enum_variant, reason = "nearly all calls are HTTP calls")]
pub enum HostCall {
    /// `nango.get/post/put/patch/delete/proxy` and each page of `paginate`: an authenticated request to the
    /// provider. Reply `Http` **for every status**; the isolate turns a status outside 200–299 into an Axios
    /// error. Retries happen on the host's side.
    Http(HttpCall),
    /// `nango.uncontrolledFetch`: a plain request without credentials. Reply `Http` (with `url` set).
    Fetch(FetchCall),
    /// `nango.batchSave`, one chunk of at most 1,000 records. Reply `Unit`.
    BatchSave(RecordBatch),
    /// `nango.batchUpdate`, one chunk. Reply `Unit`.
    BatchUpdate(RecordBatch),
    /// `nango.batchDelete`, one chunk. Reply `Unit`.
    BatchDelete(RecordBatch),
    /// `nango.getRecordsByIds`, at most 100 ids. Reply `Json`: array of records (with `id`), any order.
    GetRecordsByIds {
        /// Plain model name as the function wrote it.
        model: String,
        /// External ids as text.
        ids: Vec<String>,
    },
    /// One page of `nango.listRecords`. Reply `Json`: `{"records": [...], "next_cursor": text or null}`.
    ListRecords {
        /// Plain model name.
        model: String,
        /// Where the previous page ended.
        cursor: Option<String>,
        /// Page size wanted (100).
        limit: u32,
    },
    /// `nango.trackDeletesStart`. Reply `Unit`.
    TrackDeletesStart {
        /// Plain model name.
        model: String,
    },
    /// `nango.trackDeletesEnd`. Reply `Json`: `{"deletedKeys": [...]}`.
    TrackDeletesEnd {
        /// Plain model name.
        model: String,
    },
    /// `nango.deleteRecordsFromPreviousExecutions`. Reply `Json`: `{"deletedKeys": [...]}`.
    DeletePrevious {
        /// Plain model name.
        model: String,
    },
    /// `nango.setMergingStrategy`. Reply `Unit`.
    SetMergingStrategy {
        /// Plain model name.
        model: String,
        /// `override` or `ignore_if_modified_after`, not checked here.
        strategy: String,
    },
    /// `nango.getCheckpoint`. Reply `Json`: the object or `null`.
    GetCheckpoint,
    /// `nango.saveCheckpoint`. Reply `Unit`. To stop a run after the save, answer an SDK error
    /// (`execution_interrupted`, `script_aborted`, `execution_timeout`).
    SaveCheckpoint {
        /// The object as JSON text, not yet checked for shape.
        #[serde(skip)]
        checkpoint_json: String,
    },
    /// `nango.clearCheckpoint`. Reply `Unit`.
    ClearCheckpoint,
    /// `nango.getConnection`, `getMetadata` and field mappings when the memo of 60 s does not answer. This call
    /// hands credentials to customer code, so the host applies policy and logs it. Reply `Json`: public connection.
    GetConnection {
        /// Another integration, or none for the run's own.
        provider_config_key: Option<String>,
        /// Another connection, or none for the run's own.
        connection_id: Option<String>,
        /// Refresh even if the credentials are still good.
        force_refresh: bool,
        /// Include the refresh token.
        refresh_token: bool,
        /// Ask a GitHub app for a new JWT.
        refresh_github_app_jwt_token: bool,
        /// True when only `metadata` is wanted (`getMetadata`): the host may leave credentials out.
        metadata_only: bool,
    },
    /// `nango.getToken`. Reply `Json`: text, object of tokens, or credentials object.
    GetToken,
    /// `nango.setMetadata`. Reply `Unit`, or `Json` with the response data.
    SetMetadata {
        /// New metadata as JSON text.
        #[serde(skip)]
        metadata_json: String,
    },
    /// `nango.updateMetadata`. Reply `Unit`, or `Json` with the response data.
    UpdateMetadata {
        /// Members to merge as JSON text.
        #[serde(skip)]
        metadata_json: String,
    },
    /// `nango.getIntegration`, `getWebhookURL`. Reply `Json`: public integration.
    GetIntegration {
        /// `credentials`, `webhook`.
        include: Vec<String>,
    },
    /// `nango.getEnvironmentVariables`. Reply `Json`: `[{"name", "value"}]`.
    GetEnvironmentVariables,
    /// `nango.log` (already above the run's level) and internal notes of the prelude. Reply `Unit`.
    /// Runs do not wait for it.
    Log {
        /// `debug`, `info`, `warn` or `error`.
        level: String,
        /// At most 10,000 characters.
        message: String,
        /// Second argument of `nango.log` as JSON text.
        #[serde(skip)]
        meta_json: Option<String>,
    },
    /// `nango.triggerAction`. Reply `Json`: the action's output.
    TriggerAction {
        /// Integration of the action.
        provider_config_key: String,
        /// Connection to run it on.
        connection_id: String,
        /// Action name.
        action: String,
        /// Input as JSON text, none when absent.
        #[serde(skip)]
        input_json: Option<String>,
    },
    /// `nango.triggerSync`. Reply `Unit` or `Json`.
    TriggerSync {
        /// Integration of the sync.
        provider_config_key: String,
        /// Connection.
        connection_id: String,
        /// Name and optional variant.
        sync: SyncRef,
        /// Start from nothing.
        reset: bool,
        /// Also delete what is stored.
        empty_cache: bool,
    },
    /// `nango.startSync`. Reply `Unit`.
    StartSync {
        /// Integration of the syncs.
        provider_config_key: String,
        /// Names and optional variants.
        syncs: Vec<SyncRef>,
        /// Connection, none for all.
        connection_id: Option<String>,
    },
    /// `nango.tryAcquireLock`. Reply `Bool`.
    TryAcquireLock {
        /// 1–255 characters, checked in the isolate and to be checked again.
        key: String,
        /// Lease in milliseconds.
        ttl_ms: u64,
    },
    /// `nango.releaseLock`. Reply `Bool`.
    ReleaseLock {
        /// Same key.
        key: String,
    },
    /// `nango.releaseAllLocks`. Reply `Unit`.
    ReleaseAllLocks,
}

/// An authenticated request to the provider; see functions.md §3.2 for each field.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct HttpCall {
    /// Upper case verb.
    pub method: String,
    /// Path or absolute URL as the function wrote it, placeholders included.
    pub endpoint: String,
    /// Query parameters.
    pub params: Params,
    /// Custom headers, names in lower case, in the order given.
    pub headers: Vec<(String, String)>,
    /// Request body.
    pub body: Body,
    /// Attempts after the first.
    pub retries: u32,
    /// Extra statuses to retry.
    pub retry_on: Option<Vec<u16>>,
    /// The function's own retry headers (`at`, `after`), names in lower case.
    pub retry_header_at: Vec<String>,
    /// See `retry_header_at`.
    pub retry_header_after: Vec<String>,
    /// Replaces the provider's base URL.
    pub base_url_override: Option<String>,
    /// Asks for decompression explicitly.
    pub decompress: bool,
    /// `arraybuffer`, `blob`, `document`, `json`, `text`, `stream`; the isolate shapes the answer itself.
    pub response_type: Option<String>,
    /// Re-applies the original headers after a redirect; none leaves it to the provider's setting.
    pub forward_headers_on_redirect: Option<bool>,
    /// Another integration's credentials.
    pub provider_config_key: Option<String>,
    /// Another connection's credentials.
    pub connection_id: Option<String>,
    /// In dry runs, the JSON of an object that is sent as a form: what recordings know of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub object: Option<String>,
}

/// Query parameters: text is appended as it is, pairs are set one by one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Params {
    /// A ready query string.
    Text(String),
    /// Names and texts; `undefined` values were dropped, arrays joined by commas.
    Pairs(Vec<(String, String)>),
}

impl Default for Params {
    fn default() -> Self {
        Self::Pairs(Vec::new())
    }
}

/// A request body. The variant says which content type to assume when the function set none.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "camelCase")]
pub enum Body {
    /// No body.
    #[default]
    Empty,
    /// `JSON.stringify` of an object or array (`application/json`).
    Json {
        /// Exact text.
        #[serde(skip)]
        text: String,
    },
    /// A string, sent as it is.
    Text {
        /// Exact text.
        #[serde(skip)]
        text: String,
    },
    /// Buffer, typed array or ArrayBuffer.
    Bytes {
        /// Exact bytes.
        #[serde(skip)]
        bytes: Bytes,
    },
    /// `URLSearchParams` (`application/x-www-form-urlencoded`).
    Form {
        /// Encoded text.
        #[serde(skip)]
        text: String,
    },
    /// An object sent with `content-type: multipart/form-data`; the host chooses the boundary.
    Multipart {
        /// Fields in order.
        parts: Vec<Part>,
    },
}

/// One field of a multipart form.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Part {
    /// Field name.
    pub name: String,
    /// File name, for binary values.
    pub filename: Option<String>,
    /// Content type of the part.
    pub content_type: Option<String>,
    /// Value.
    #[serde(skip)]
    pub bytes: Bytes,
}

/// A request without credentials, `nango.uncontrolledFetch`. Redirect rules: functions.md §3.10.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct FetchCall {
    /// Absolute URL.
    pub url: String,
    /// Upper case verb.
    pub method: String,
    /// Headers, names in lower case.
    pub headers: Vec<(String, String)>,
    /// Text body.
    #[serde(skip)]
    pub body: Option<String>,
}

/// A chunk of records.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct RecordBatch {
    /// Plain model name.
    pub model: String,
    /// Array text exactly as `JSON.stringify` gave it; hashes are computed over slices of this text.
    #[serde(skip)]
    pub records_json: String,
}

/// A sync by name, with the variant when one was named.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct SyncRef {
    /// Sync name.
    pub name: String,
    /// Variant, none for the base.
    pub variant: Option<String>,
}
