//! `tenon test`: fixtures are matched and compared by the rules of the public test kit (functions contract, 6).

mod declared;
mod kit;
mod matching;
mod oddities;
mod outcomes;
mod pages;
mod torture;

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::tenon::{Ran, folder, tenon};

/// An action whose body is `exec`; `input` and `nango` are its parameters.
fn action(exec: &str) -> String {
    format!(
        "import {{ createAction, type ProxyConfiguration }} from 'nango';\n\
         import * as z from 'zod';\n\
         const action = createAction({{ description: 'x', version: '1.0.0', input: z.any(), output: z.any(),\n\
         exec: async (nango, input): Promise<any> => {{ {exec} }} }});\n\
         export type Local = Parameters<(typeof action)['exec']>[0];\n\
         export default action;\n"
    )
}

/// A sync with the models `Item` and `Other` whose body is `exec`.
fn sync(exec: &str) -> String {
    format!(
        "import {{ createSync }} from 'nango';\n\
         import {{ z }} from 'zod';\n\
         const Item = z.object({{ id: z.string() }});\n\
         export default createSync({{ description: 'x', frequency: 'every hour', models: {{ Item, Other: Item }},\n\
         exec: async (nango) => {{ {exec} }} }});\n"
    )
}

/// A folder with one action and one fixture per case, in the integration `acme`.
fn actions(cases: &[(&str, &str, Value)]) -> tempfile::TempDir {
    let files: Vec<(String, String)> = cases
        .iter()
        .flat_map(|(name, exec, fixture)| {
            [
                (format!("acme/actions/{name}.ts"), action(exec)),
                (format!("acme/tests/acme-{name}.test.json"), fixture.to_string()),
            ]
        })
        .collect();
    let files: Vec<(&str, &str)> = files
        .iter()
        .map(|(path, text)| (path.as_str(), text.as_str()))
        .collect();
    folder(&files)
}

/// What came of each fixture: the reason, empty when it passed.
fn reasons(ran: &Ran) -> BTreeMap<String, String> {
    let report = ran.json();
    report["results"]
        .as_array()
        .unwrap()
        .iter()
        .map(|result| {
            let name = result["function"].as_str().unwrap().rsplit('/').next().unwrap();
            assert_eq!(result["reason"].is_null(), result["status"] == "passed", "{result}");
            (
                name.to_owned(),
                result["reason"].as_str().unwrap_or_default().to_owned(),
            )
        })
        .collect()
}

/// Runs cases that must all pass.
fn all_pass(cases: &[(&str, &str, Value)]) {
    let dir = actions(cases);
    let ran = tenon(dir.path(), None, &["test", "--json"]);
    let failed: Vec<_> = reasons(&ran)
        .into_iter()
        .filter(|(_, reason)| !reason.is_empty())
        .collect();
    assert!(failed.is_empty(), "{failed:#?}\n{}", ran.stderr);
    assert_eq!(ran.json()["passed"], cases.len());
    assert_eq!(ran.code, 0);
}

/// A fixture whose only request is `GET /x`.
fn one_get(input: Value, output: Value, entry: Value) -> Value {
    json!({ "input": input, "output": output, "nango": {}, "api": { "get": { "/x": entry } } })
}
