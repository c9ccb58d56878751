//! Projects described by `nango.yaml` become projects of definitions.

mod support;

use support::{project, render};
use tenon_compiler::older::{Migration, migrate};

const YAML: &str = "\
integrations:
    desk:
        syncs:
            tickets:
                runs: every 5 minutes
                description: It's the tickets.
                output: [Ticket, Agent]
                input: Settings
                endpoint:
                    - GET /tickets
                    - { method: GET, path: /agents, group: People }
                sync_type: incremental
                scopes: read, write
                webhook-subscriptions: ['*']
            agents:
                runs: every hour
                auto_start: false
                track_deletes: true
                version: 1.2.0
                endpoint: GET /copies
                output: Copy
        actions:
            close:
                description: Closes a ticket.
                endpoint: /close
                input: { id: string, notes?: 'string[]' }
                output: Ticket[]
            ping:
                output: string
        on-events:
            post-connection-creation:
                - greet
models:
    Ticket:
        id: string
        state: open | closed | null
        size?: int
        at: date
        tags: string[]
        parent: Ticket | undefined
        owner: Agent
        odd-name: any
        nested:
            a: boolean
            b: (string | number)[]
        extra:
            __string: number
    Agent:
        __extends: Named
        tickets: Ticket[]
    Named:
        id: string
        name: string
    Copy:
        __extends: Named, Settings
        __string: any
    Alias:
        __extends: [Named]
    Settings:
        since: string
";

const SYNC: &str = "\
import type { NangoSync, Ticket, ProxyConfiguration } from '../../models';
import { toTicket } from '../mappers/to-ticket';

const LIMIT = 100;

/** Fetches tickets. */
export default async function fetchData(nango: NangoSync): Promise<void> {
    const config: ProxyConfiguration = { endpoint: '/tickets', params: { limit: LIMIT } };
    for await (const page of nango.paginate(config)) {
        const tickets: Ticket[] = page.map(toTicket);
        await nango.log(`first
  line`);
        await nango.batchSave(tickets, 'Ticket');
    }
}

export async function onWebhookPayloadReceived(nango: NangoSync, payload: any): Promise<void> {
    await nango.batchDelete([{ id: payload.id }], 'Ticket');
}
";

const REWRITTEN: &str = "\
import { createSync, type ProxyConfiguration } from 'nango';
import { Agent, Settings, Ticket } from '../../models.js';
import { toTicket } from '../mappers/to-ticket.js';

const LIMIT = 100;

/** Fetches tickets. */
export default createSync({
    description: 'It\\'s the tickets.',
    frequency: 'every 5 minutes',
    autoStart: true,
    syncType: 'incremental',
    endpoints: [{ method: 'GET', path: '/tickets' }, { method: 'GET', path: '/agents', group: 'People' }],
    scopes: ['read', 'write'],
    webhookSubscriptions: ['*'],
    metadata: Settings,
    models: { Ticket, Agent },
    exec: async (nango): Promise<void> => {
        const config: ProxyConfiguration = { endpoint: '/tickets', params: { limit: LIMIT } };
        for await (const page of nango.paginate(config)) {
            const tickets: Ticket[] = page.map(toTicket);
            await nango.log(`first
  line`);
            await nango.batchSave(tickets, 'Ticket');
        }
    },
    onWebhook: async (nango, payload): Promise<void> => {
        await nango.batchDelete([{ id: payload.id }], 'Ticket');
    }
});
";

const MODELS: &str = "\
import * as z from 'zod';

export const Named = z.object({
    id: z.string(),
    name: z.string()
});
export type Named = z.infer<typeof Named>;

export const Agent = Named.extend({
    get tickets() {
        return z.array(Ticket);
    }
});
export type Agent = z.infer<typeof Agent>;

export const Ticket = z.object({
    id: z.string(),
    state: z.enum(['open', 'closed']).nullable(),
    size: z.number().int().optional(),
    at: z.date(),
    tags: z.array(z.string()),
    get parent() {
        return Ticket.optional();
    },
    owner: Agent,
    'odd-name': z.any(),
    nested: z.object({
        a: z.boolean(),
        b: z.array(z.union([z.string(), z.number()]))
    }),
    extra: z.record(z.string(), z.number())
});
export type Ticket = z.infer<typeof Ticket>;

export const Settings = z.object({
    since: z.string()
});
export type Settings = z.infer<typeof Settings>;

export const Copy = Named.extend(Settings.shape).catchall(z.any());
export type Copy = z.infer<typeof Copy>;

export const Alias = Named;
export type Alias = z.infer<typeof Alias>;
";

const CLOSE: &str = "\
import type { NangoAction, Ticket } from '../../models';

const runAction = async (nango: NangoAction, input: { id: string }): Promise<Ticket[]> => {
    return (await nango.post({ endpoint: `/close/${input.id}` })).data;
};

export default runAction;
";

const CLOSE_REWRITTEN: &str = "\
import { createAction } from 'nango';
import * as z from 'zod';
import { Ticket } from '../../models.js';

export default createAction({
    description: 'Closes a ticket.',
    endpoint: { method: 'POST', path: '/close' },
    input: z.object({
        id: z.string(),
        notes: z.array(z.string()).optional()
    }),
    output: z.array(Ticket),
    exec: async (nango, input): Promise<Ticket[]> => {
        return (await nango.post({ endpoint: `/close/${input.id}` })).data;
    }
});
";

fn files<'a>(yaml: &'a str, sync: &'a str) -> Vec<(&'a str, &'a str)> {
    vec![
        ("nango.yaml", yaml),
        ("models.ts", "// generated"),
        ("desk/syncs/tickets.ts", sync),
        (
            "desk/syncs/agents.ts",
            "export default async (nango: any) => { await nango.batchSave([], 'Copy'); };\n",
        ),
        ("desk/actions/close.ts", CLOSE),
        (
            "ping.ts",
            "import { pong } from './desk/helpers';\nexport default function () { return pong; }\n",
        ),
        ("desk/helpers/index.ts", "export const pong = 'pong';\n"),
        (
            "desk/post-connection-scripts/greet.ts",
            "import type { NangoAction } from '../../models';\nexport default async function run(nango: NangoAction) {\n    await nango.log('hi');\n}\n",
        ),
        (
            "desk/mappers/to-ticket.ts",
            "import type { Ticket } from '../../models';\n\nexport const toTicket = (raw: any): Ticket => raw;\n",
        ),
        ("desk/tests/tickets.test.ts", "broken ("),
    ]
}

fn migrated(files: &[(&str, &str)]) -> Migration {
    let dir = project(files);
    migrate(dir.path())
}

#[test]
fn a_project_is_written_anew() {
    let done = migrated(&files(YAML, SYNC));
    assert_eq!(render(&done.diagnostics), "");
    let text = |path: &str| {
        let found = done.files.iter().find(|(file, _)| file == path);
        found.map_or_else(|| panic!("no {path}"), |(_, text)| text.as_str())
    };
    assert_eq!(text("models.ts"), MODELS);
    assert_eq!(text("desk/syncs/tickets.ts"), REWRITTEN);
    assert_eq!(text("desk/actions/close.ts"), CLOSE_REWRITTEN);
    assert_eq!(
        text("desk/syncs/agents.ts"),
        "import { createSync } from 'nango';\nimport { Copy } from '../../models.js';\n\nexport default createSync({\n    description: '',\n    version: '1.2.0',\n    frequency: 'every hour',\n    autoStart: false,\n    trackDeletes: true,\n    endpoints: [{ method: 'GET', path: '/copies' }],\n    models: { Copy },\n    exec: async (nango) => { await nango.batchSave([], 'Copy'); }\n});\n"
    );
    assert_eq!(
        text("desk/actions/ping.ts"),
        "import { createAction } from 'nango';\nimport * as z from 'zod';\nimport { pong } from '../helpers/index.js';\nexport default createAction({\n    description: '',\n    input: z.void(),\n    output: z.string(),\n    exec: () => { return pong; }\n});\n"
    );
    assert_eq!(
        text("desk/on-events/greet.ts"),
        "import { createOnEvent } from 'nango';\n\nexport default createOnEvent({\n    description: '',\n    event: 'post-connection-creation',\n    exec: async (nango) => {\n        await nango.log('hi');\n    }\n});\n"
    );
    assert_eq!(
        text("desk/mappers/to-ticket.ts"),
        "import { type Ticket } from '../../models.js';\n\nexport const toTicket = (raw: any): Ticket => raw;\n"
    );
    assert_eq!(
        text("index.ts"),
        "import './desk/syncs/tickets.js';\nimport './desk/syncs/agents.js';\nimport './desk/actions/close.js';\nimport './desk/actions/ping.js';\nimport './desk/on-events/greet.js';\n"
    );
    assert_eq!(
        done.obsolete,
        ["ping.ts", "desk/post-connection-scripts/greet.ts", "nango.yaml"]
    );
}

/// What is wrong, as `file:line code-free sentence`.
fn refused(files: &[(&str, &str)]) -> Vec<String> {
    let done = migrated(files);
    assert!(done.files.is_empty() && done.obsolete.is_empty());
    let places = done.diagnostics.iter().map(|finding| {
        let at = finding.location.as_ref();
        let place = at.map_or_else(String::new, |at| format!("{}:{}", at.file, at.line));
        format!("{place} {}", finding.message)
    });
    places.collect()
}

#[test]
fn what_cannot_be_translated_is_named_with_its_place() {
    for (old, new, expected) in [
        (
            "at: date",
            "at: Record<string, string>",
            "nango.yaml:38 `Ticket.at`: generic types are not understood: `Record<string, string>`",
        ),
        (
            "at: date",
            "at: Person",
            "nango.yaml:38 `Ticket.at`: there is no model `Person`",
        ),
        (
            "at: date",
            "at: string |",
            "nango.yaml:38 `Ticket.at`: the type `string |` is not understood",
        ),
        (
            "__extends: Named",
            "__extends: Nobody",
            "nango.yaml:49 `Agent.__extends`: there is no model `Nobody`",
        ),
        (
            "__extends: Named",
            "__magic: Named",
            "nango.yaml:49 `Agent.__magic`: only `__extends` and `__string` are understood",
        ),
        (
            "runs: every hour",
            "runs: sometimes",
            "nango.yaml:16 `sometimes` is not a frequency",
        ),
        (
            "output: Copy",
            "output: string",
            "nango.yaml:21 `string` is not a model, and records need one",
        ),
        (
            "endpoint: /close",
            "endpoint: FETCH /close",
            "nango.yaml:25 the endpoint is not understood",
        ),
        (
            "sync_type: incremental",
            "cron: '* * * * *'",
            "nango.yaml:12 `cron` has no counterpart",
        ),
        (
            "post-connection-creation",
            "on-monday",
            "nango.yaml:31 there is no event `on-monday`",
        ),
        (
            "            ping:\n",
            "            pong:\n",
            "nango.yaml:28 there is no file desk/actions/pong.ts for the action `pong`",
        ),
        (
            "            ping:\n",
            "            ../../ping:\n",
            "nango.yaml:28 `../../ping` cannot be the name of an integration or a function",
        ),
        (
            "    desk:\n",
            "    ../desk:\n",
            "nango.yaml:2 `../desk` cannot be the name of an integration or a function",
        ),
        (
            "        on-events:\n",
            "        post-connection-scripts:\n            - greet\n        on-events:\n",
            "nango.yaml:30 `on-events` and `post-connection-scripts` cannot be together",
        ),
    ] {
        assert!(YAML.contains(old), "{old}");
        assert_eq!(refused(&files(&YAML.replacen(old, new, 1), SYNC)), [expected], "{new}");
    }
    let deep = format!("at: {}", "(".repeat(100_000));
    assert_eq!(
        refused(&files(&YAML.replacen("at: date", &deep, 1), SYNC)),
        ["nango.yaml:38 `Ticket.at`: a type with more than 50 parentheses is not understood"]
    );
    for (old, new, expected) in [
        (
            "ProxyConfiguration }",
            "Mystery }",
            "desk/syncs/tickets.ts:1 `Mystery` is neither a model of nango.yaml nor a type of the SDK",
        ),
        (
            "type { NangoSync, Ticket, ProxyConfiguration }",
            "* as models",
            "desk/syncs/tickets.ts:1 the models are imported as a whole",
        ),
        (
            "const LIMIT = 100;",
            "const again = () => fetchData;",
            "desk/syncs/tickets.ts:4 `fetchData` is called here, and it becomes a part of the definition",
        ),
        (
            "const LIMIT",
            "const Agent = 1, LIMIT",
            "desk/syncs/tickets.ts the file has a `Agent` of its own, beside the model of that name",
        ),
        (
            "export default",
            "export",
            "desk/syncs/tickets.ts the file does not export a function by default",
        ),
        (
            "const LIMIT",
            "const = LIMIT",
            "desk/syncs/tickets.ts:4 Unexpected token",
        ),
    ] {
        assert!(SYNC.contains(old), "{old}");
        let found = refused(&files(YAML, &SYNC.replacen(old, new, 1)));
        let shown: Vec<String> = found
            .iter()
            .map(|text| text.replace("ts:1 the file", "ts the file"))
            .collect();
        assert!(
            shown.first().is_some_and(|text| text.starts_with(expected)),
            "{new}: {shown:?}"
        );
    }
    // Something that another file takes from a function.
    let shared = SYNC.replace("const LIMIT", "export const LIMIT");
    let mut both = files(YAML, &shared);
    both.push((
        "desk/mappers/other.ts",
        "import { LIMIT } from '../syncs/tickets';\nexport const other = LIMIT;\n",
    ));
    assert_eq!(
        refused(&both),
        ["desk/syncs/tickets.ts:4 other files import this, and a function file exports its function only"]
    );
    let first = "integrations:\n    desk:\n        tickets:\n            type: sync\n            runs: every hour\n";
    assert_eq!(
        refused(&[("nango.yaml", first)]),
        ["nango.yaml:1 this is the first layout of nango.yaml, a flat list of scripts"]
    );
    let odd = "integrations:\n  a:\n    syncs: [x]\n  b: 5\n  c:\n    crons: {}\n    actions:\n      1: {}\n  d:\nmodels:\n  a b: {}\n  C: 5\n";
    assert_eq!(
        refused(&[("nango.yaml", odd)]),
        [
            "nango.yaml:11 `a b` cannot be a name in TypeScript",
            "nango.yaml:12 the model `C` has no members",
            "nango.yaml:3 `syncs` is not what is expected here",
            "nango.yaml:4 `b` has no members",
            "nango.yaml:6 `crons` is not known",
            "nango.yaml:7 a name is not a text",
        ]
    );
    assert!(refused(&[("nango.yaml", "a: [")])[0].contains("the file is not YAML"));
    assert!(refused(&[])[0].contains("there is no nango.yaml"));
}
