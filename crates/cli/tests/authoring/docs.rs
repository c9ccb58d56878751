//! Pages of documentation.

use super::tenon::{folder, tenon};

const SYNC: &str = "import { createSync } from 'nango';
import * as z from 'zod';
const Order = z.object({ id: z.string().describe('Number | of the order.'), lines: z.array(z.object({ sku: z.string() })), paid: z.boolean().optional() });
export default createSync({
    description: 'Orders of the shop.', version: '1.2.3', frequency: 'every 5 minutes', autoStart: true, models: { Order },
    metadata: z.object({ since: z.string() }), scopes: ['orders.read'], webhookSubscriptions: ['order.*'], syncType: 'incremental',
    endpoints: [{ method: 'GET', path: '/orders' }], exec: async () => {}, onWebhook: async () => {}
});
";
const ACTION: &str = "import { createAction } from 'nango';
import * as z from 'zod';
export default createAction({ description: 'Pays an order.', input: z.object({ id: z.string(), note: z.string().optional() }), output: z.object({ ok: z.boolean() }), exec: async () => ({ ok: true }) });
";
const EVENT: &str = "import { createOnEvent } from 'nango';
export default createOnEvent({ description: 'Greets.', event: 'post-connection-creation', exec: async () => {} });
";
const DECLARED: &str = "import { createFunction } from 'nango/experimental';
import * as z from 'zod';
export default createFunction({ description: 'Asks.', input: z.object({ q: z.string() }), output: z.string(), exec: async () => 'x' });
";

fn project() -> tempfile::TempDir {
    folder(&[
        (
            "index.ts",
            "import './shop/syncs/orders.js';\nimport './shop/actions/pay.js';\nimport './shop/on-events/greet.js';\nimport './desk/functions/ask.js';",
        ),
        ("shop/syncs/orders.ts", SYNC),
        ("shop/actions/pay.ts", ACTION),
        ("shop/on-events/greet.ts", EVENT),
        ("desk/functions/ask.ts", DECLARED),
    ])
}

#[test]
fn every_function_has_a_page() {
    let dir = project();
    let ran = tenon(dir.path(), None, &["generate:docs", "--json"]);
    assert_eq!(ran.code, 0, "{}{}", ran.stdout, ran.stderr);
    let pages = ran.json()["pages"].as_array().unwrap().clone();
    assert_eq!(pages.len(), 4);
    assert!(pages.iter().all(|page| page["state"] == "created"), "{pages:?}");
    let read = |path: &str| std::fs::read_to_string(dir.path().join(path)).unwrap();
    let sync = read("shop/syncs/orders.md");
    for line in [
        "# orders\n\nOrders of the shop.\n",
        "| Kind | sync of `shop` |",
        "| Schedule | every 5 minutes, from the connection on |",
        "| Type | incremental: changes only |",
        "| Webhooks | `order.*` |",
        "| Endpoints | `GET /orders` |",
        "| Scopes | `orders.read` |",
        "| Version | 1.2.3 |",
        "| Source | [`orders.ts`](./orders.ts) |",
        "## Records: `Order`",
        "| `id` | string | yes | Number \\| of the order. |",
        "| `lines` | list of object | yes |  |",
        "| `lines[].sku` | string | yes |  |",
        "| `paid` | boolean | no |  |",
        "## Metadata of the connection",
        "await nango.listRecords({\n    providerConfigKey: 'shop',",
        "curl -X GET \"$TENON_HOST/records?model=Order\"",
        "await nango.triggerSync('shop', ['orders'], '<CONNECTION_ID>');",
    ] {
        assert!(sync.contains(line), "{line}\n{sync}");
    }
    assert!(!sync.contains("startSync"), "it starts by itself");
    let action = read("shop/actions/pay.md");
    for line in [
        "## Input",
        "| `note` | string | no |  |",
        "## Output",
        "await nango.triggerAction('shop', '<CONNECTION_ID>', 'pay', {\n  \"id\": \"text\"\n});",
        "curl -X POST \"$TENON_HOST/action/trigger\"",
        "-H 'Provider-Config-Key: shop'",
        "-d '{\"action_name\":\"pay\",\"input\":{\"id\":\"text\"}}'",
    ] {
        assert!(action.contains(line), "{line}\n{action}");
    }
    let event = read("shop/on-events/greet.md");
    assert!(event.contains("| Runs | after a connection is made |"), "{event}");
    let declared = read("desk/functions/ask.md");
    assert!(declared.contains("| Runs | when it is called |"), "{declared}");
    assert!(declared.contains("$TENON_HOST/functions/invocations"), "{declared}");
}

#[test]
fn what_an_author_writes_stays() {
    let dir = project();
    std::fs::write(dir.path().join("shop/actions/pay.md"), "# Mine\n").unwrap();
    assert_eq!(tenon(dir.path(), None, &["generate:docs"]).code, 0);
    let page = dir.path().join("shop/syncs/orders.md");
    let first = std::fs::read_to_string(&page).unwrap();
    std::fs::write(&page, format!("Before.\n\n{first}\nAfter.\n")).unwrap();
    let source = SYNC.replace("every 5 minutes", "every hour");
    std::fs::write(dir.path().join("shop/syncs/orders.ts"), source).unwrap();
    let again = tenon(dir.path(), None, &["generate:docs", "--json"]).json();
    let states: Vec<&str> = again["pages"]
        .as_array()
        .unwrap()
        .iter()
        .map(|page| page["state"].as_str().unwrap())
        .collect();
    assert_eq!(states, ["updated", "kept", "same", "same"]);
    let text = std::fs::read_to_string(&page).unwrap();
    assert!(
        text.starts_with("Before.\n\n<!--") && text.ends_with("-->\n\nAfter.\n"),
        "{text}"
    );
    assert!(text.contains("every hour") && !text.contains("every 5 minutes"));
    assert_eq!(
        std::fs::read_to_string(dir.path().join("shop/actions/pay.md")).unwrap(),
        "# Mine\n"
    );
}

#[test]
fn a_part_of_the_project_and_templates() {
    let dir = project();
    for (path, count) in [
        ("shop", 3),
        ("./shop/syncs/", 1),
        ("shop/actions/pay", 1),
        ("shop/actions/pay.ts", 1),
    ] {
        let ran = tenon(dir.path(), None, &["generate:docs", "-p", path, "--json"]);
        assert_eq!(ran.json()["pages"].as_array().unwrap().len(), count, "{path}");
    }
    assert!(!dir.path().join("desk/functions/ask.md").exists());
    let none = tenon(dir.path(), None, &["generate:docs", "--path", "sho"]);
    assert_eq!(
        (none.code, none.stderr.as_str()),
        (1, "error: there is no function at sho\n")
    );
    let templates = tenon(dir.path(), None, &["generate:docs", "--integration-templates"]);
    assert_eq!(templates.code, 0);
    let page = std::fs::read_to_string(dir.path().join("shop/actions/pay.md")).unwrap();
    assert!(page.contains("triggerAction('<INTEGRATION>'"), "{page}");
}
