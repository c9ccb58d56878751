//! What functions and servers say does not act on the terminal.

use super::{
    server::{HOSTILE, Server},
    tenon::{Ran, folder, tenon, tenon_with},
};

const LOUD: &str = r"import { createAction } from 'nango';
import * as z from 'zod';
const text = '\x1b]0;pwn\x07\x1b[2J\x9b31m\r\x7f';
export default createAction({ description: 'x', input: z.void(), output: z.any(), exec: async (nango) => {
    await nango.log(text, { text });
    if (nango.providerConfigKey === 'shop') throw new Error(text);
    return { text };
} });
";

fn assert_quiet(ran: &Ran) {
    let all = format!("{}{}", ran.stdout, ran.stderr);
    let acts = |c: char| c.is_control() && !matches!(c, '\n' | '\t');
    assert!(!all.contains(acts), "{all:?}");
    assert!(
        all.contains("\\x1b]0;pwn\\x07\\x1b[2J") || all.contains("\\u001b]0;pwn"),
        "{all}"
    );
}

#[test]
fn log_lines_messages_and_names_are_text() {
    let server = Server::start();
    let dir = folder(&[
        (
            "index.ts",
            "import './shop/actions/loud.js';\nimport './desk/actions/loud.js';",
        ),
        ("shop/actions/loud.ts", LOUD),
        ("desk/actions/loud.ts", LOUD),
        ("shop/tests/loud.test.json", "{\"output\": {}}"),
        ("shop/actions/pay.ts", "// other\n"),
    ]);
    for args in [
        &["logs", "--failed", "-m"][..],
        &["logs", "01jd3k5q8m2xa"],
        &["functions", "show", "shop", "pay"],
        &["functions", "diff", "shop", "pay"],
        &["dryrun", "loud", "c1", "--integration-id", "shop"],
        &["dryrun", "loud", "c1", "--integration-id", "desk", "--save"],
        &["debug", "desk/tests/loud.recording.json"],
        &["test"],
    ] {
        assert_quiet(&tenon(dir.path(), Some(&server.url), args));
    }
    let throwing = folder(&[
        ("index.ts", "import './shop/actions/loud.js';"),
        (
            "shop/actions/loud.ts",
            &LOUD.replace("export default", "throw new Error(text);\nexport default"),
        ),
    ]);
    assert_quiet(&tenon(throwing.path(), None, &["compile"]));
    // Colours are ours and stay.
    let variables = [
        ("FORCE_COLOR", "1"),
        ("TENON_HOST", server.url.as_str()),
        ("TENON_SECRET_KEY", "key-of-dev"),
    ];
    let coloured = tenon_with(dir.path(), &variables, &["logs"]).stdout;
    assert!(coloured.contains("\u{1b}[1m\\x1b]0;pwn"), "{coloured:?}");
    assert!(!coloured.contains(HOSTILE));
    // Programs get what was said.
    let logged = tenon(dir.path(), Some(&server.url), &["logs", "--json"]).json();
    assert_eq!(logged["title"], HOSTILE);
}
