//! How a function is used from outside: with the SDK for Node and with curl.

use std::fmt::Write as _;

use serde_json::{Value, json};
use tenon_compiler::{Compiled, Detail, definition::Sync};

use super::{Style, schema};

/// The section about calls.
pub fn render(function: &Compiled, style: Style) -> String {
    let integration = if style.templates {
        "<INTEGRATION>"
    } else {
        function.integration()
    };
    let call = Call {
        integration,
        name: function.name(),
    };
    match &function.definition.detail {
        Detail::Sync(sync) => call.sync(sync),
        Detail::Action(action) => {
            let input = schema::example(&function.definition.common.models, &action.input_model);
            call.action(&input)
        }
        Detail::OnEvent { .. } => "\n## Use\n\nIt runs by itself; there is nothing to call.\n".to_owned(),
        Detail::Function(whole) => call.declared(function, whole),
    }
}

struct Call<'c> {
    integration: &'c str,
    name: &'c str,
}

const CLIENT: &str = "import { Nango } from '@nangohq/node';\n\nconst nango = new Nango({ host: process.env.TENON_HOST, apiKey: process.env.TENON_API_KEY });\n";

impl Call<'_> {
    fn sync(&self, sync: &Sync) -> String {
        let Self { integration, name } = self;
        let model = sync.outputs.first().map_or("", String::as_str);
        let mut out = "\n## Use\n\nRecords, and what changed since the last page that was read:\n\n".to_owned();
        let _ = write!(
            out,
            "```ts\n{CLIENT}\nconst {{ records, next_cursor }} = await nango.listRecords({{\n    providerConfigKey: '{integration}',\n    connectionId: '<CONNECTION_ID>',\n    model: '{model}'\n}});\n```\n\n"
        );
        out.push_str(&self.curl("GET", &format!("/records?model={model}"), None));
        let _ = write!(
            out,
            "\nA run now:\n\n```ts\nawait nango.triggerSync('{integration}', ['{name}'], '<CONNECTION_ID>');\n```\n\n"
        );
        let body = json!({ "provider_config_key": integration, "connection_id": "<CONNECTION_ID>", "syncs": [name] });
        out.push_str(&curl("POST", "/sync/trigger", &[], Some(&body)));
        if !sync.auto_start {
            let _ = write!(
                out,
                "\nIt starts when it is told to:\n\n```ts\nawait nango.startSync('{integration}', ['{name}'], '<CONNECTION_ID>');\n```\n"
            );
        }
        out
    }

    fn action(&self, input: &Value) -> String {
        let Self { integration, name } = self;
        let mut body = json!({ "action_name": name });
        let mut argument = String::new();
        if !input.is_null() {
            argument = format!(", {input:#}");
            body["input"] = input.clone();
        }
        let mut out = "\n## Use\n\n".to_owned();
        let _ = write!(
            out,
            "```ts\n{CLIENT}\nconst output = await nango.triggerAction('{integration}', '<CONNECTION_ID>', '{name}'{argument});\n```\n\n"
        );
        out.push_str(&self.curl("POST", "/action/trigger", Some(&body)));
        out
    }

    fn declared(&self, function: &Compiled, whole: &Value) -> String {
        let kind = whole.pointer("/trigger/kind").and_then(Value::as_str).unwrap_or("none");
        if kind != "none" {
            return "\n## Use\n\nIts trigger starts it; there is nothing to call.\n".to_owned();
        }
        let mut body = json!({ "integration_id": self.integration, "connection_id": "<CONNECTION_ID>", "name": self.name, "invocation_type": "wait" });
        if let Some(model) = whole.get("input").and_then(Value::as_str) {
            body["input"] = schema::example(&function.definition.common.models, model);
        }
        format!(
            "\n## Use\n\n{}",
            curl("POST", "/functions/invocations", &[], Some(&body))
        )
    }

    fn curl(&self, method: &str, path: &str, body: Option<&Value>) -> String {
        let key = format!("Provider-Config-Key: {}", self.integration);
        curl(method, path, &[&key, "Connection-Id: <CONNECTION_ID>"], body)
    }
}

/// A call with curl. Texts of the function itself cannot leave the quotes of the shell.
fn curl(method: &str, path: &str, headers: &[&str], body: Option<&Value>) -> String {
    let mut lines = vec![
        format!("curl -X {method} \"$TENON_HOST{path}\""),
        "-H \"Authorization: Bearer $TENON_API_KEY\"".to_owned(),
    ];
    lines.extend(headers.iter().map(|header| format!("-H '{header}'")));
    if let Some(body) = body {
        lines.push("-H 'Content-Type: application/json'".to_owned());
        lines.push(format!("-d '{}'", body.to_string().replace('\'', "'\\''")));
    }
    format!("```sh\n{}\n```\n", lines.join(" \\\n    "))
}
