//! The methods of the protocol.

use std::sync::Arc;

use rmcp::model::{
    CacheScope, CallToolResult, ContentBlock, DiscoverResult, ErrorCode, ErrorData, Implementation, InitializeResult,
    JsonRpcError, JsonRpcResponse, JsonRpcVersion2_0, ListToolsResult, ProtocolVersion, RequestId, ServerCapabilities,
    Tool, ToolsCapability,
};
use serde::Serialize;
use serde_json::{Map, Value, json};
use tenon_app::tools::{Toolbox, UNKNOWN_TOOL};
use tenon_app::{App, Error, Refusal};

use super::message::Request;
use super::params::Params;
use super::{stateless, transport};

/// What clients see as the name of this server; part of the public contract.
const SERVER_NAME: &str = "Nango Connection Tools MCP server";
const SERVER_VERSION: &str = "1.0.0";

/// Whether there is such a method.
pub(super) fn is_known(method: &str, stateless: bool) -> bool {
    match method {
        "initialize" | "ping" => !stateless,
        "server/discover" => stateless,
        "tools/list" | "tools/call" => true,
        _ => false,
    }
}

/// What the requests of one HTTP request share.
#[derive(Debug, Clone)]
pub(super) struct Session {
    pub app: App,
    pub toolbox: Toolbox,
    /// Whether they speak the revision without a handshake.
    pub stateless: bool,
}

impl Session {
    /// The answer to a request, as a JSON-RPC message.
    pub(super) async fn answer(&self, request: Request) -> Value {
        let Request { id, method, params } = request;
        let result = match method.as_str() {
            "initialize" => initialize(params.as_ref()),
            "ping" if !self.stateless => Ok(json!({})),
            "server/discover" if self.stateless => self.discover(),
            "tools/list" => self.list(params.as_ref()).await,
            "tools/call" => self.call(params.as_ref()).await,
            _ => Err(ErrorData::new(ErrorCode::METHOD_NOT_FOUND, "Method not found", None)),
        };
        message(id, result)
    }

    fn discover(&self) -> Result<Value, ErrorData> {
        let versions = std::iter::once(stateless::VERSION).chain(transport::VERSIONS);
        let versions = versions.filter_map(|version| serde_json::from_value::<ProtocolVersion>(json!(version)).ok());
        let result = DiscoverResult::new(versions.collect(), capabilities()).with_server_info(server_info());
        to_value(&result)
    }

    async fn list(&self, params: Option<&Map<String, Value>>) -> Result<Value, ErrorData> {
        // There is one page, so where to go on is only looked at.
        let mut read = Params::optional(params);
        read.opt_text("cursor");
        self.check(read)?;
        let tools = self
            .app
            .list_tools(&self.toolbox)
            .await
            .map_err(|error| failure(&error))?;
        let tools = tools
            .into_iter()
            .map(|tool| Tool::new_with_raw(tool.name, Some(tool.description.into()), Arc::new(tool.input_schema)));
        let mut result = ListToolsResult::with_all_items(tools.collect());
        if self.stateless {
            // Which tools there are depends on the key and changes with every deploy.
            result = result.with_ttl_ms(0).with_cache_scope(CacheScope::Private);
        } else {
            result.result_type = None;
        }
        to_value(&result)
    }

    async fn call(&self, params: Option<&Map<String, Value>>) -> Result<Value, ErrorData> {
        let mut read = Params::required(params);
        let name = read.text("name");
        let arguments = read.opt_record("arguments");
        let task = read.opt_object("task");
        self.check(read)?;
        if task.is_some() {
            let message = "Server does not support task creation (required for tools/call)";
            return Err(ErrorData::new(ErrorCode::INTERNAL_ERROR, message, None));
        }
        let (name, none) = (name.unwrap_or_default(), Map::new());
        let output = self
            .app
            .call_tool(&self.toolbox, name, arguments.unwrap_or(&none))
            .await
            .map_err(|error| failure(&error))?;
        let mut result = CallToolResult::success(vec![ContentBlock::text(output)]);
        result.is_error = None;
        if !self.stateless {
            result.result_type = None;
        }
        to_value(&result)
    }

    fn check(&self, read: Params<'_>) -> Result<(), ErrorData> {
        match read.complaints() {
            None => Ok(()),
            Some(complaints) => Err(ErrorData::new(self.malformed(), complaints, None)),
        }
    }

    /// The code of malformed parameters: the incumbent's where it has one, else the protocol's.
    const fn malformed(&self) -> ErrorCode {
        if self.stateless {
            ErrorCode::INVALID_PARAMS
        } else {
            ErrorCode::INTERNAL_ERROR
        }
    }
}

fn capabilities() -> ServerCapabilities {
    let mut capabilities = ServerCapabilities::default();
    capabilities.tools = Some(ToolsCapability::default());
    capabilities
}

fn server_info() -> Implementation {
    Implementation::new(SERVER_NAME, SERVER_VERSION)
}

fn initialize(params: Option<&Map<String, Value>>) -> Result<Value, ErrorData> {
    let mut read = Params::required(params);
    let asked = read.text("protocolVersion");
    read.object("capabilities", &[]);
    read.opt_members("capabilities", &["roots", "sampling"]);
    read.object("clientInfo", &["name", "version"]);
    if let Some(complaints) = read.complaints() {
        return Err(ErrorData::new(ErrorCode::INTERNAL_ERROR, complaints, None));
    }
    let agreed = transport::VERSIONS
        .into_iter()
        .find(|known| Some(*known) == asked)
        .unwrap_or(transport::VERSIONS[0]);
    let agreed: ProtocolVersion = serde_json::from_value(json!(agreed)).map_err(|_| broken())?;
    let result = InitializeResult::new(capabilities())
        .with_server_info(server_info())
        .with_protocol_version(agreed);
    to_value(&result)
}

fn to_value(result: &impl Serialize) -> Result<Value, ErrorData> {
    serde_json::to_value(result).map_err(|_| broken())
}

fn broken() -> ErrorData {
    ErrorData::new(ErrorCode::INTERNAL_ERROR, "Internal server error", None)
}

fn message(id: RequestId, result: Result<Value, ErrorData>) -> Value {
    let message = match result {
        Ok(result) => serde_json::to_value(JsonRpcResponse {
            jsonrpc: JsonRpcVersion2_0,
            id,
            result,
        }),
        Err(error) => serde_json::to_value(JsonRpcError::new(Some(id), error)),
    };
    // Built from JSON values and texts, which always serialise.
    message.unwrap_or_default()
}

/// A failed action as the public contract shows it: an error whose message is the JSON of what went wrong.
fn failure(error: &Error) -> ErrorData {
    let Some(refusal) = error.refusal() else {
        // The caller gets nothing but a sentence; the chain is for the operator's log.
        tracing::error!(error = ?error, "a tool call failed inside the server");
        return broken();
    };
    if refusal.code == UNKNOWN_TOOL {
        return ErrorData::new(
            ErrorCode::INTERNAL_ERROR,
            refusal.message.clone().unwrap_or_default(),
            None,
        );
    }
    let code = match refusal.code.as_str() {
        "invalid_action_input" => ErrorCode::INVALID_PARAMS,
        _ => ErrorCode::INTERNAL_ERROR,
    };
    ErrorData::new(code, story(refusal).to_string(), None)
}

fn story(refusal: &Refusal) -> Value {
    let mut story = Map::new();
    let message = refusal
        .message
        .clone()
        .unwrap_or_else(|| "An error occurred during an HTTP call".to_owned());
    story.insert("message".to_owned(), json!(message));
    story.insert("type".to_owned(), json!(refusal.code));
    story.insert("status".to_owned(), json!(refusal.status));
    if let Some(payload) = &refusal.payload {
        story.insert("payload".to_owned(), payload.clone());
    }
    let upstream = refusal.extra.iter().find(|(name, _)| *name == "upstream");
    if let Some((_, answer)) = upstream {
        story.insert(
            "additional_properties".to_owned(),
            json!({ "upstream_response": answer }),
        );
    }
    Value::Object(story)
}
