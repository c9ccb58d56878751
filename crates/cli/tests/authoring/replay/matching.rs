//! Which recorded answer a request gets.

use serde_json::json;

use super::super::tenon::tenon;
use super::{actions, all_pass, one_get, reasons};

#[test]
fn entries_are_found_by_hash_request_and_data() {
    let get =
        "return (await nango.get({ endpoint: '/x', params: input.params, headers: input.headers, retries: 3 })).data;";
    let post = "return (await nango.post({ endpoint: 'x', data: input.data, headers: input.headers })).data;";
    let posts = |input: serde_json::Value, output: serde_json::Value, entries: serde_json::Value| json!({ "input": input, "output": output, "nango": {}, "api": { "post": { "/x": entries } } });
    let long = "é".repeat(1001);
    all_pass(&[
        // The digest is of method, endpoint, parameters, headers and data; it wins over everything else.
        (
            "by-hash",
            get,
            one_get(
                json!({ "params": { "page": 2 } }),
                json!("second"),
                json!([
                    { "response": "first", "hash": "0000000000000000000000000000000000000000" },
                    { "response": "second", "hash": "24a8ccf7bb787809589212c416a80c467d3126f7" },
                ]),
            ),
        ),
        // Without a request, the only entry answers calls without parameters.
        (
            "only-entry",
            get,
            one_get(json!({}), json!([1]), json!({ "response": [1] })),
        ),
        // Values are compared as texts, lists are joined by commas, undefined parameters are not there.
        (
            "by-params",
            "return (await nango.get({ endpoint: '/x?fixed=1', params: { ids: [1, 2], page: 2, none: undefined, flag: true } })).data;",
            one_get(
                json!({}),
                json!("yes"),
                json!([
                    { "response": "no", "request": { "params": { "fixed": "1", "ids": "1,2", "page": "3", "flag": "true" } } },
                    { "response": "no", "request": { "params": { "fixed": "1", "ids": "1,2", "page": "2" } } },
                    { "response": "yes", "request": { "params": { "fixed": 1, "ids": "1,2", "page": "2", "flag": true } } },
                ]),
            ),
        ),
        // Names of headers in any case; those of the platform and of every client do not count.
        (
            "by-headers",
            get,
            one_get(
                json!({ "headers": { "X-Version": "2", "Accept": "text/csv", "authorization": "Bearer t", "Content-Type": "application/json" } }),
                json!("yes"),
                json!([
                    { "response": "no", "request": { "headers": { "X-Version": "1" } } },
                    { "response": "yes", "request": { "headers": { "x-version": "2" } } },
                ]),
            ),
        ),
        (
            "by-data",
            post,
            posts(
                json!({ "data": { "b": 1.50, "a": [null, "é\n"], "2": true } }),
                json!("yes"),
                json!([
                    { "response": "no", "request": { "data": { "b": 1.5, "a": [null, "é\n"] } } },
                    { "response": "yes", "request": { "data": { "2": true, "b": 1.5, "a": [null, "é\n"] } } },
                ]),
            ),
        ),
        // An entry that lists no data answers any.
        (
            "any-data",
            post,
            posts(
                json!({ "data": { "a": 1 } }),
                json!("yes"),
                json!([{ "response": "yes", "request": {} }]),
            ),
        ),
        // Data longer than 1,000 characters is recorded as its digest, or in full.
        (
            "long-data",
            post,
            posts(
                json!({ "data": long }),
                json!("yes"),
                json!([{ "response": "yes", "request": { "data": "sha1:dbf6a4e3ac5ab201c2fcd075c17406e9ef8fca64" } }, { "response": "yes", "request": { "data": long } }]),
            ),
        ),
        // A form may be a text, URLSearchParams, or an object under the content type of forms.
        (
            "forms",
            "const type = { 'content-type': 'application/x-www-form-urlencoded' };
             const text = new URLSearchParams({ a: '1', b: 'x y' });
             const send = async (data: any) => (await nango.post({ endpoint: '/x', headers: type, data })).data;
             return [await send(text.toString()), await send(text), await send({ a: 2, b: 'x y' })];",
            posts(
                json!({}),
                json!(["text", "text", "object"]),
                json!([
                    { "response": "text", "request": { "data": "a=1&b=x+y", "headers": { "Content-Type": "application/x-www-form-urlencoded;charset=utf-8" } } },
                    { "response": "object", "request": { "data": { "a": 2, "b": "x y" } } },
                ]),
            ),
        ),
        // Bytes are known by their base64.
        (
            "bytes",
            "return (await nango.post({ endpoint: '/x', data: Buffer.from('hello'), headers: { 'content-type': 'application/octet-stream' } })).data;",
            posts(
                json!({}),
                json!("yes"),
                json!({ "response": "yes", "request": { "data": "aGVsbG8=", "headers": { "content-type": "application/octet-stream" } } }),
            ),
        ),
        // The base URL is not part of a recording, whether it is given apart or in the endpoint.
        (
            "base-urls",
            "const one = await nango.get({ baseUrlOverride: 'https://api.example.com/v2', endpoint: '/x' });
             const two = await nango.get({ endpoint: 'https://other.example.com/x' });
             return [one.data, two.data];",
            one_get(json!({}), json!([1, 1]), json!({ "response": 1, "request": {} })),
        ),
        // Paths are compared as a URL writes them, with or without the leading slash.
        (
            "encoded-path",
            "return (await nango.get({ endpoint: `/files/${encodeURIComponent('a b/ü')}` })).data;",
            json!({ "output": 1, "nango": {}, "api": { "get": { "files/a%20b%2F%C3%BC": { "response": 1, "request": {} } } } }),
        ),
    ]);
}

#[test]
fn a_request_without_answer_fails_with_the_reason() {
    let dir = actions(&[
        (
            "endpoint",
            "await nango.get({ endpoint: '/y', params: { a: 1 } });",
            one_get(json!({}), json!(1), json!({ "response": 1 })),
        ),
        (
            "parameter",
            "await nango.get({ endpoint: '/x', params: { a: 1, b: 2 } });",
            one_get(
                json!({}),
                json!(1),
                json!({ "response": 1, "request": { "params": { "a": "1" } } }),
            ),
        ),
        (
            "value",
            "await nango.get({ endpoint: '/x', params: { a: 1 } });",
            one_get(
                json!({}),
                json!(1),
                json!({ "response": 1, "request": { "params": { "a": "2" } } }),
            ),
        ),
        (
            "header",
            "await nango.get({ endpoint: '/x', headers: { 'x-new': '1' } });",
            one_get(json!({}), json!(1), json!({ "response": 1, "request": {} })),
        ),
        (
            "caught",
            "try { await nango.get({ endpoint: '/y' }); } catch { return 'none'; }",
            one_get(json!({}), json!("none"), json!({ "response": 1 })),
        ),
    ]);
    let ran = tenon(dir.path(), None, &["test", "--json"]);
    let reasons = reasons(&ran);
    assert_eq!(ran.code, 13);
    for (name, part) in [
        ("endpoint", "no recorded answer for GET /y?a=1"),
        ("endpoint", "recorded endpoints are /x"),
        ("parameter", "the parameter b was not recorded"),
        ("value", "the recorded parameter a is \"2\""),
        ("header", "the header x-new was not recorded"),
    ] {
        assert!(reasons[name].contains(part), "{name}: {}", reasons[name]);
    }
    // What the function catches is its own affair.
    assert_eq!(reasons["caught"], "");
}
