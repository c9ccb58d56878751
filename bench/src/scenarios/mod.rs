//! What is measured. Budgets and the incumbent's figures are those of docs/performance.md.

pub mod actions;
pub mod functions;
pub mod proxy;
pub mod start;
pub mod syncs;
pub mod webhooks;

use anyhow::Result;
use serde_json::{Value, json};

use crate::Bench;
use crate::load::once;
use crate::server::Tenon;

const ECHO: &str = "module.exports = { __esModule: true, default: { type: 'action', description: 'echo', \
    exec: async (nango, input) => input } };";

const PAGES: &str = "module.exports = { __esModule: true, default: { type: 'sync', description: 'pages', \
    exec: async (nango) => { let after = '0'; while (after) { \
    const { data } = await nango.get({ endpoint: '/page', params: { after } }); \
    await nango.batchSave(data.results.map((r) => ({ id: r.id, email: r.email, name: r.name, note: r.note })), 'Row'); \
    after = data.next; } } } };";

const HOOK: &str = "module.exports = { __esModule: true, default: { type: 'sync', description: 'hook', \
    exec: async () => {}, onWebhook: async (nango, payload) => {} } };";

fn flow(kind: &str, name: &str, js: &str, model: &str, extra: &[(&str, Value)]) -> Value {
    let mut config = json!({
        "type": kind, "syncName": name, "providerConfigKey": "bench", "models": [model], "runs": null,
        "track_deletes": false, "version": "1", "metadata": { "description": name }, "endpoints": [],
        "fileBody": { "js": js, "ts": "" },
        "models_json_schema": { "definitions": { model: { "type": "object", "properties": { "id": { "type": "string" } }, "required": ["id"] } } },
    });
    for (name, value) in extra {
        config[*name] = value.clone();
    }
    config
}

/// Makes the integration `bench` in the environment of `key`, with an API at `base_url`.
async fn prepare_integration(tenon: &Tenon, key: &str, base_url: &str) -> Result<()> {
    let integration = json!({
        "provider": "private-api-generic", "unique_key": "bench",
        "integration_config": {
            "keyPlacement": "header", "keyName": "authorization", "valueTemplate": "Bearer ${apiKey}", "baseUrl": base_url,
        },
    });
    once(&tenon.post_as(key, "/integrations", &integration)).await.map(drop)
}

/// Makes the integration, one connection and the functions.
pub async fn prepare(bench: &Bench) -> Result<()> {
    let tenon = &bench.tenon;
    let [dev, _] = tenon.keys();
    prepare_integration(tenon, dev, &format!("http://{}", bench.upstream.authority)).await?;
    let sync = [
        ("runs", json!("every day")),
        ("auto_start", json!(false)),
        ("sync_type", json!("full")),
    ];
    let mut hook = sync.to_vec();
    hook.push(("webhookSubscriptions", json!(["*"])));
    let deploy = json!({
        "flowConfigs": [
            flow("action", "echo", ECHO, "ActionOutput_bench_echo", &[]),
            flow("sync", "pages", PAGES, "Row", &sync),
            flow("sync", "hook", HOOK, "Hooked", &hook),
        ],
        "reconcile": false, "debug": false, "nangoYamlBody": "", "sdkVersion": "0.71.4-zero",
    });
    once(&tenon.post("/sync/deploy", &deploy)).await?;
    tenon.connect("one").await
}
