//! Lists over recorded answers, in the current and in the older form of fixtures.

use serde_json::{Value, json};

use super::super::tenon::{folder, tenon};
use super::{action, actions, all_pass, reasons, sync};

fn page(params: Value, response: Value) -> Value {
    json!({ "response": response, "request": { "params": params } })
}

#[test]
fn the_pagination_of_production_runs_over_recorded_answers() {
    let collect = |config: &str| {
        format!(
            "const all: any[] = []; for await (const page of nango.paginate({config})) all.push(...page); return all;"
        )
    };
    let api = |entries: Value| json!({ "output": [1, 2, 3], "nango": {}, "api": { "get": { "/list": entries } } });
    let cursor = collect(
        "{ endpoint: '/list', params: { a: 1 }, paginate: { type: 'cursor', cursor_name_in_request: 'after',
           cursor_path_in_response: 'paging.next', response_path: 'data.items', limit: 2, limit_name_in_request: 'limit' } }",
    );
    let offset = collect(
        "{ endpoint: '/list', paginate: { type: 'offset', offset_name_in_request: 'page', offset_start_value: 1,
           offset_calculation_method: 'per-page', response_path: 'items', limit: 2, limit_name_in_request: 'n' } }",
    );
    let link = collect("{ endpoint: '/list', paginate: { type: 'link', link_rel_in_response_header: 'next' } }");
    all_pass(&[
        (
            "cursor",
            &cursor,
            api(json!([
                page(json!({ "a": "1", "limit": "2" }), json!({ "data": { "items": [1, 2] }, "paging": { "next": "c" } })),
                page(json!({ "a": "1", "limit": "2", "after": "c" }), json!({ "data": { "items": [3] } })),
            ])),
        ),
        (
            "offset",
            &offset,
            api(json!([
                page(json!({ "page": "1", "n": "2" }), json!({ "items": [1, 2] })),
                page(json!({ "page": "2", "n": "2" }), json!({ "items": [3] })),
            ])),
        ),
        (
            "link",
            &link,
            api(json!([
                { "response": [1, 2], "request": {}, "headers": { "link": "<https://api.example.com/list?p=2>; rel=\"next\"" } },
                // No headers were recorded here; the loop ends all the same.
                page(json!({ "p": "2" }), json!([3])),
            ])),
        ),
        (
            "in-body",
            "const all: any[] = [];
             for await (const page of nango.paginate({ method: 'POST', endpoint: '/search', data: { query: 'x' },
                paginate: { type: 'cursor', cursor_name_in_request: 'paging.after', cursor_path_in_response: 'next',
                            response_path: 'items', on_page: async ({ response }) => { all.push(response.status); } } })) all.push(...page);
             return all;",
            json!({ "output": [1, 200, 2, 200], "nango": {}, "api": { "post": { "/search": [
                { "response": { "items": [1], "next": "n" }, "request": { "data": { "query": "x" } } },
                { "response": { "items": [2] }, "request": { "data": { "query": "x", "paging": { "after": "n" } } } },
            ] } } }),
        ),
    ]);
}

#[test]
fn the_provider_s_own_pagination_is_known_offline() {
    // The catalogue says how GitHub pages: by the link header.
    let exec = "const all: any[] = []; for await (const page of nango.paginate({ endpoint: '/issues' })) all.push(...page); return all;";
    let fixture = json!({ "output": [1, 2], "nango": {}, "api": { "get": { "/issues": [
        { "response": [1], "request": { "params": { "per_page": "100" } }, "headers": { "link": "<https://api.github.com/issues?page=2>; rel=\"next\"" } },
        { "response": [1], "request": {}, "headers": { "link": "<https://api.github.com/issues?page=2>; rel=\"next\"" } },
        { "response": [2], "request": { "params": { "page": "2" } } },
    ] } } });
    let dir = folder(&[
        ("github/actions/list.ts", &action(exec)),
        ("github/tests/list.test.json", &fixture.to_string()),
    ]);
    let ran = tenon(dir.path(), None, &["test", "--json"]);
    assert_eq!(reasons(&ran)["list"], "", "{}", ran.stdout);
}

#[test]
fn the_older_form_of_fixtures_is_read() {
    let pages = "for await (const page of nango.paginate({ endpoint: '/v1/items', params: { limit: 2 },
        paginate: { type: 'cursor', cursor_name_in_request: 'after', cursor_path_in_response: 'next', response_path: 'items' } }))
        await nango.batchSave(page.map((item: any) => ({ id: item })), 'Item');";
    let identity = |params: Value| json!({ "method": "get", "endpoint": "v1/items", "params": params, "headers": [] });
    let dir = folder(&[
        ("acme/actions/rename.ts", &action("const c = await nango.getConnection(); return (await nango.put({ endpoint: '/v1/items/1', data: { name: input.name, c } })).data;")),
        ("acme/mocks/rename/input.json", r#"{"name": "new"}"#),
        ("acme/mocks/rename/output.json", r#"{"ok": true}"#),
        ("acme/mocks/nango/getConnection.json", r#"{"a": 1}"#),
        ("acme/mocks/nango/put/proxy/v1/items/1/rename.json", r#"{"ok": true}"#),
        // A page by the hash of its request, which holds numbers as such, and one that only its parameters find.
        ("acme/syncs/items.ts", &sync(pages)),
        ("acme/mocks/items/Item/batchSave.json", r#"[{"id": "a"}, {"id": "b"}]"#),
        (
            "acme/mocks/nango/get/proxy/v1/items/items/one.json",
            &json!({ "requestIdentity": identity(json!([["limit", 2]])), "headers": {}, "status": 200, "response": { "items": ["a"], "next": "n" } }).to_string(),
        ),
        (
            "acme/mocks/nango/get/proxy/v1/items/items/two.json",
            &json!({ "requestIdentity": identity(json!([["after", "n"], ["limit", 2]])), "headers": {}, "response": { "items": ["b"] } }).to_string(),
        ),
        // Without headers the older kit saw only the first page, whatever it says about more.
        ("acme/syncs/first.ts", &sync(&pages.replace("/v1/items", "/v1/first"))),
        ("acme/mocks/first/Item/batchSave.json", r#"[{"id": "a"}]"#),
        ("acme/mocks/nango/get/proxy/v1/first/first.json", r#"{"items": ["a"], "next": "n"}"#),
        // A request is known by what the call itself says: all but eight headers, and no query of its endpoint.
        ("acme/actions/search.ts", &action("return (await nango.post({ endpoint: '/v1//search?q=1', params: { page: 2, none: undefined as any }, data: 'a=1', headers: { 'Content-Type': 'application/x-www-form-urlencoded', accept: 'text/xml', Host: 'h' } })).data;")),
        ("acme/mocks/search/output.json", r#""found""#),
        (
            "acme/mocks/nango/post/proxy/v1//search?q=1/search/one.json",
            &json!({ "requestIdentity": { "method": "post", "endpoint": "v1//search?q=1", "params": [["none", null], ["page", 2]], "headers": [["accept", "text/xml"], ["content-type", "application/x-www-form-urlencoded"]], "data": "a=1" }, "headers": {}, "response": "found" }).to_string(),
        ),
        // A header's relation is all that is followed where one is named.
        ("acme/syncs/linked.ts", &sync("for await (const page of nango.paginate({ endpoint: '/v1/linked', paginate: { type: 'link', link_rel_in_response_header: 'next', link_path_in_response_body: 'next', response_path: 'items' } })) await nango.batchSave(page as any, 'Item');")),
        ("acme/mocks/linked/Item/batchSave.json", r#"[{"id": "a"}]"#),
        (
            "acme/mocks/nango/get/proxy/v1/linked/linked/one.json",
            &json!({ "requestIdentity": { "method": "get", "endpoint": "v1/linked", "params": [], "headers": [] }, "headers": {}, "response": { "items": [{ "id": "a" }], "next": "/v1/linked" } }).to_string(),
        ),
        // The folder may have the name that a test gives it.
        ("acme/actions/renamed.ts", &action("return 1;")),
        ("acme/tests/acme-renamed.test.ts", "import action from '../actions/renamed.js'; new NangoActionMock({ name: 'before', Model: 'x' }); expect(response).toEqual(await mock.getOutput());"),
        ("acme/mocks/before/output.json", "1"),
        // Nothing outside of the recordings is read.
        ("acme/actions/outside.ts", &action("try { await nango.get({ endpoint: '/../../../../secret' }); } catch (error) { return String(error); }")),
        ("acme/mocks/outside/output.json", r#""Error: the endpoint /../../../../secret leads out of the recordings""#),
        ("acme/secret/outside.json", "1"),
        // Values without an expectation are no fixture.
        ("acme/actions/untested.ts", &action("return 1;")),
        ("acme/mocks/untested/input.json", "{}"),
    ]);
    let ran = tenon(dir.path(), None, &["test", "--json"]);
    let reasons = reasons(&ran);
    let expected = ["first", "items", "linked", "outside", "rename", "renamed", "search"]
        .map(|name| (name.to_owned(), String::new()));
    assert_eq!(reasons.into_iter().collect::<Vec<_>>(), expected);
    let fixtures = ran.json()["results"].as_array().unwrap().clone();
    assert!(
        fixtures.iter().any(|result| result["fixture"] == "acme/mocks/before"),
        "{fixtures:?}"
    );
}

#[test]
fn a_list_that_never_ends_is_stopped() {
    let exec = "let pages = 0; while (true) { await nango.get({ endpoint: '/list' }); pages++; }";
    let dir = actions(&[(
        "endless",
        exec,
        json!({ "output": 1, "nango": {}, "api": { "get": { "/list": { "response": [1] } } } }),
    )]);
    let ran = tenon(dir.path(), None, &["test", "--json"]);
    assert!(
        reasons(&ran)["endless"].contains("calls to the platform"),
        "{}",
        ran.stdout
    );
}
