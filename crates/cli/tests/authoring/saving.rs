//! What `tenon dryrun --save` keeps, and what it does not.

use serde_json::{Value, json};

use super::{
    dryrun::project,
    server::Server,
    tenon::{Ran, folder, tenon},
};

/// Sends its token in every way that a request has, and gives it back.
const SPENDER: &str = "import { createAction } from 'nango';
import * as z from 'zod';
export default createAction({
    description: 'x', input: z.object({ n: z.number() }), output: z.any(),
    exec: async (nango) => {
        const token = await nango.getToken();
        const { data } = await nango.post({
            endpoint: `/orders?key=${token}`, params: { access_token: token as string },
            headers: { 'x-api-key': token as string, 'x-custom': `Bearer ${token}` }, data: { token, note: 'kept' }
        });
        return { token, data };
    }
});
";

const PAGES: &str = "import { createSync } from 'nango';
import * as z from 'zod';
export default createSync({
    description: 'x', frequency: 'every day', checkpoint: z.object({ cursor: z.string() }),
    models: { Item: z.object({ id: z.string() }) },
    exec: async (nango) => {
        const cursor = (await nango.getCheckpoint())?.cursor;
        const { data } = await nango.get({ endpoint: '/items', params: cursor === undefined ? {} : { cursor } });
        await nango.batchSave(data.items.map((item: any) => ({ id: String(item.id) })), 'Item');
    }
});
";

/// Does what a fixture has a place for, and what it has none for.
const ODD: &str = "import { createSync } from 'nango';
import * as z from 'zod';
export default createSync({
    description: 'x', frequency: 'every day', checkpoint: z.object({ page: z.number() }),
    models: { Item: z.object({ id: z.string() }), Never: z.object({ id: z.string() }) },
    exec: async (nango) => {
        await nango.getCheckpoint();
        await nango.getConnection();
        for (let i = 0; i < 3; i++) await nango.get({ endpoint: '/items', params: { cursor: '2' }, retries: 1 });
        try { await nango.get({ endpoint: '/teapot' }); } catch {}
        await nango.post({ endpoint: 'orders', data: '{\"a\":1}', headers: { 'Content-Type': 'application/json', 'X-Mine': 'yes' } });
        await nango.batchSave([{ id: '1' }], 'Item');
        await nango.batchSave([{ id: '2' }], 'Item');
        await nango.batchUpdate([{ id: '2' }], 'Item');
        await nango.saveCheckpoint({ page: 1 });
    }
});
";

struct Bench {
    server: Server,
    dir: tempfile::TempDir,
}

impl Bench {
    fn new() -> Self {
        let dir = folder(&[
            (
                "index.ts",
                "import './shop/actions/spend.js';\nimport './shop/syncs/pages.js';",
            ),
            ("shop/actions/spend.ts", SPENDER),
            ("shop/syncs/pages.ts", PAGES),
        ]);
        let server = Server::start();
        Self { server, dir }
    }

    fn run(&self, args: &[&str]) -> Ran {
        tenon(self.dir.path(), Some(&self.server.url), args)
    }

    fn spend(&self, more: &[&str]) -> Ran {
        self.run(&[&["dryrun", "spend", "c1"], more].concat())
    }

    fn fixture(&self, name: &str) -> String {
        std::fs::read_to_string(self.dir.path().join(format!("shop/tests/{name}.test.json"))).unwrap()
    }

    fn tested(&self) -> (i32, Value) {
        let ran = self.run(&["test", "--json"]);
        (ran.code, ran.json())
    }
}

#[test]
fn a_fixture_holds_no_secret_and_passes() {
    let bench = Bench::new();
    let saved = bench.spend(&["--input", r#"{"n":1}"#, "--save", "--json"]);
    assert_eq!(saved.code, 0, "{}{}", saved.stdout, saved.stderr);
    let report = saved.json();
    assert_eq!(report["saved"], json!("./shop/tests/spend.test.json"));
    assert_eq!(report["recorded"], json!("./shop/tests/spend.recording.json"));

    let text = bench.fixture("spend");
    assert!(!text.contains("token-1"), "{text}");
    let fixture: Value = serde_json::from_str(&text).unwrap();
    let entry = &fixture["api"]["post"]["/orders"];
    assert_eq!(
        entry["request"]["params"],
        json!({ "access_token": "redacted", "key": "redacted" })
    );
    assert_eq!(entry["request"]["headers"]["x-custom"], "Bearer redacted");
    assert_eq!(entry["request"]["data"], json!({ "token": "redacted", "note": "kept" }));
    assert_eq!(fixture["output"]["token"], "redacted");
    let (code, report) = bench.tested();
    assert_eq!((code, &report["passed"]), (0, &json!(1)), "{report}");
}

#[test]
fn a_run_from_a_checkpoint_is_repeated_from_there() {
    let bench = Bench::new();
    let checkpoint = r#"{"cursor":"2"}"#;
    assert_eq!(
        bench
            .run(&["dryrun", "pages", "c1", "--checkpoint", checkpoint, "--save"])
            .code,
        0
    );
    let (code, report) = bench.tested();
    assert_eq!((code, &report["passed"]), (0, &json!(1)), "{report}");
    let again = bench.run(&["dryrun", "pages", "c1", "--save"]);
    assert!(
        again.stderr.contains("Saved over ./shop/tests/pages.test.json"),
        "{}",
        again.stderr
    );
}

#[test]
fn an_input_that_does_not_fit_sends_nothing() {
    let bench = Bench::new();
    for flag in ["--validate", "--save"] {
        let refused = bench.spend(&["--input", "5", flag, "--json"]);
        let report = refused.json();
        assert_eq!(
            (
                refused.code,
                &report["ok"],
                &report["error"]["code"],
                &report["requests"]
            ),
            (12, &json!(false), &json!("invalid_action_input"), &json!([]))
        );
        let said = bench.spend(&["--input", "5", flag]);
        assert_eq!(said.code, 12);
        assert!(
            said.stderr.contains("nothing was run") && said.stderr.contains("5 is not of type"),
            "{}",
            said.stderr
        );
    }
    assert!(
        !bench
            .server
            .take()
            .iter()
            .any(|request| request.path.starts_with("/proxy"))
    );
    assert_eq!(
        bench.spend(&["--input", "5"]).code,
        0,
        "without the flag it is only told"
    );
}

#[test]
fn what_cannot_be_kept_is_told_after_the_run() {
    let bench = Bench::new();
    std::fs::write(bench.dir.path().join("shop/tests"), "a file").unwrap();
    let ran = bench.spend(&["--input", r#"{"n":1}"#, "--save", "--json"]);
    let report = ran.json();
    assert_eq!(
        (ran.code, &report["output"]["data"]["echo"]["note"]),
        (1, &json!("kept"))
    );
    assert!(
        report["not_saved"].as_str().unwrap().contains("cannot be written"),
        "{report}"
    );
}

#[test]
fn the_type_tells_functions_of_one_name_apart() {
    let bench = Bench::new();
    let index = "import './shop/actions/spend.js';\nimport './shop/syncs/spend.js';";
    std::fs::write(bench.dir.path().join("index.ts"), index).unwrap();
    std::fs::write(bench.dir.path().join("shop/syncs/spend.ts"), PAGES).unwrap();
    let unclear = bench.run(&["dryrun", "spend", "c1"]);
    assert!(unclear.stderr.contains("--type"), "{}", unclear.stderr);
    let other = bench.run(&["dryrun", "spend", "c1", "--type", "sync"]);
    assert_eq!(other.code, 0, "{}", other.stderr);
    let none = bench.run(&["dryrun", "spend", "c1", "--integration-id", "nope"]);
    assert!(
        none.stderr.contains("there is the action spend of shop"),
        "{}",
        none.stderr
    );
}

#[test]
fn a_saved_run_replays_as_a_test() {
    let server = Server::start();
    let dir = project();
    let run = |args: &[&str]| tenon(dir.path(), Some(&server.url), args);
    let saved = run(&["dryrun", "items", "c1", "--save"]);
    assert_eq!(saved.code, 0, "{}{}", saved.stdout, saved.stderr);
    assert!(saved.stderr.contains("items.test.json"), "{}", saved.stderr);
    let order = [
        "dryrun",
        "act",
        "c1",
        "--integration-id",
        "shop",
        "--input",
        r#"{"what":"order"}"#,
        "--save",
    ];
    assert_eq!(run(&order).code, 0);

    let text = std::fs::read_to_string(dir.path().join("shop/tests/items.test.json")).unwrap();
    let fixture: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(fixture["nango"]["getMetadata"], json!({ "region": "eu" }));
    assert_eq!(fixture["nango"]["batchSave"]["Item"].as_array().unwrap().len(), 3);
    let pages = &fixture["api"]["get"]["/items"];
    assert_eq!(pages[1]["request"]["params"], json!({ "cursor": "2" }));
    assert_eq!(pages[0]["response"]["next"], "2");
    assert!(!text.contains("token-1"), "{text}");

    // Paging is not known offline for this provider, so only the action can be replayed.
    let tested = run(&["test", "--json", "--filter", "act"]);
    assert_eq!(
        (tested.code, &tested.json()["passed"]),
        (0, &json!(1)),
        "{}",
        tested.stdout
    );

    // A run that does not fit its schemas becomes no fixture; its recording is kept, to find out why.
    let wrong = [
        "dryrun",
        "act",
        "c1",
        "--integration-id",
        "desk",
        "--input",
        r#"{"what":"none"}"#,
        "--save",
    ];
    assert_eq!(run(&wrong).code, 12);
    assert!(!dir.path().join("desk/tests/act.test.json").exists());
    assert!(dir.path().join("desk/tests/act.recording.json").is_file());
}

/// Objects that are to be forms go to the server, which makes the forms, as the objects that the function gave, and are recorded
/// so.
#[test]
fn saved_forms_are_told_apart() {
    let action = "import { createAction } from 'nango';
import * as z from 'zod';
export default createAction({
    description: 'x', input: z.object({}), output: z.array(z.number()),
    exec: async (nango) => {
        const send = async (data: any, type: string) => (await nango.post({ endpoint: '/forms', data, headers: { 'Content-Type': type } })).data.echo;
        const form = 'application/x-www-form-urlencoded';
        return [await send({ a: 1 }, form), await send({ a: 22 }, form), (await send({ a: 'x', b: { c: 1 } }, 'multipart/form-data')) > 100 ? 1 : 0];
    }
});
";
    let server = Server::start();
    let dir = folder(&[
        ("index.ts", "import './shop/actions/forms.js';"),
        ("shop/actions/forms.ts", action),
    ]);
    let saved = tenon(
        dir.path(),
        Some(&server.url),
        &["dryrun", "forms", "c1", "--input", "{}", "--save"],
    );
    assert_eq!(saved.code, 0, "{}{}", saved.stdout, saved.stderr);
    let text = std::fs::read_to_string(dir.path().join("shop/tests/forms.test.json")).unwrap();
    let fixture: serde_json::Value = serde_json::from_str(&text).unwrap();
    let entries = fixture["api"]["post"]["/forms"].as_array().unwrap();
    let sent: Vec<_> = entries.iter().map(|entry| entry["request"]["data"].clone()).collect();
    assert_eq!(
        sent,
        [
            json!({ "a": 1 }),
            json!({ "a": 22 }),
            json!({ "a": "x", "b": { "c": 1 } })
        ]
    );
    assert_eq!(fixture["output"], json!([7, 8, 1]), "lengths of the objects' JSON");
    let seen = server.take();
    let form = seen.iter().find(|request| request.body == r#"{"a":1}"#).unwrap();
    let types = (form.header("content-type"), form.header("nango-proxy-content-type"));
    assert_eq!(types, ("application/json", "application/x-www-form-urlencoded"));
    let tested = tenon(dir.path(), None, &["test", "--json"]);
    assert_eq!(tested.json()["passed"], 1, "{}", tested.stdout);
}

#[test]
fn what_a_fixture_holds() {
    let server = Server::start();
    let dir = folder(&[
        ("index.ts", "import './shop/syncs/odd.js';"),
        ("shop/syncs/odd.ts", ODD),
    ]);
    let saved = tenon(dir.path(), Some(&server.url), &["dryrun", "odd", "c1", "--save"]);
    assert_eq!(saved.code, 0, "{}{}", saved.stdout, saved.stderr);
    let text = std::fs::read_to_string(dir.path().join("shop/tests/odd.test.json")).unwrap();
    let fixture: serde_json::Value = serde_json::from_str(&text).unwrap();
    let names = |value: &serde_json::Value| value.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(&fixture), ["nango", "api"]);
    // Every declared model, also one without records; no checkpoint, no updates.
    assert_eq!(names(&fixture["nango"]), ["getConnection", "batchSave", "batchDelete"]);
    assert_eq!(
        fixture["nango"]["batchSave"],
        json!({ "Item": [{ "id": "1" }, { "id": "2" }], "Never": [] })
    );
    assert_eq!(fixture["nango"]["batchDelete"], json!({ "Item": [], "Never": [] }));
    assert_eq!(names(&fixture["api"]), ["get", "post"]);
    assert_eq!(names(&fixture["api"]["get"]), ["/items", "/teapot"]);
    // The same request once, a failed one as well, data as JSON, the path without the base.
    let items = &fixture["api"]["get"]["/items"];
    assert_eq!(items["request"], json!({ "params": { "cursor": "2" } }));
    assert_eq!(items["hash"].as_str().unwrap().len(), 40);
    let teapot = &fixture["api"]["get"]["/teapot"];
    assert_eq!(
        (&teapot["status"], &teapot["response"]["why"]),
        (&json!(418), &json!("short and stout"))
    );
    let order = &fixture["api"]["post"]["/orders"];
    assert_eq!(
        order["request"],
        json!({ "headers": { "x-mine": "yes" }, "data": { "a": 1 } })
    );
    let tested = tenon(dir.path(), None, &["test", "--json"]);
    assert_eq!(tested.json()["passed"], 1, "{}", tested.stdout);
}
