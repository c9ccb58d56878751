// Recordings of every kind of run come out the same: message functions, functions that follow connections, and those made by
// `createFunction` with each of their triggers. All recordings together have a size.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { calls } from '../support/api.mjs';
import { binary, startServer, startUpstream, temporaryFolder, until } from '../support/server.mjs';

const KEY = 'open-key-MARKED-7d3f';
const PROVIDER = `
[vendor]
name = "Open"
docs = "https://open.example.com/docs"

[open]
name = "Open"
categories = ["other"]
auth = "api_key"
api = "https://open.example.com"
key_in = "bearer"
webhook = { event = "kind", match = [{ value = "to", connection_id = true }] }
`;

let server;
let upstream;
let folder;
let project;
let environment;

/** What every function does: it takes what it can from chance, and asks in an order that only the run knows. */
const chance = (save, id = "'x'") => `
        const seen: string[] = [];
        const note = (what: string) => seen.push([what, Date.now(), Math.random(), performance.now()].join(' '));
        const ask = async (ms: number) => { const { data } = await (nango as any).get({ baseUrlOverride: 'UPSTREAM', endpoint: '/slow', params: { ms: String(ms) } }); note('answer ' + data.ms); return data; };
        const pause = (ms: number) => new Promise<void>((resolve) => setTimeout(() => { note('timer ' + ms); resolve(); }, ms));
        note('start');
        await Promise.all([ask(40), pause(25), ask(3), pause(2)]);
        ${save ? `await (nango as any).batchSave([{ id: String(${id}), at: new Date().toISOString(), uuid: crypto.randomUUID(), seen: seen.join('|') }], '${save}');` : ''}
        await nango.log('ended ' + Math.random() + ' ' + new Date().toISOString(), { level: 'error' });`;
const ITEM = 'z.object({ id: z.string(), at: z.string(), uuid: z.string(), seen: z.string() })';
const head = "import * as z from 'zod';\nimport crypto from 'crypto';\n";
const made = (declared, exec) => `import { createFunction } from 'nango/experimental';\n${head}export default createFunction({ description: 'A function.', ${declared}, exec: async (nango, trigger) => { ${exec} } });\n`;
const needs = 'requires: { connection: true, outbound: true }';
const FILES = {
    'open/syncs/hook.ts': `import { createSync } from 'nango';\n${head}export default createSync({
        description: 'Hears.', version: '1.0.0', frequency: 'every hour', autoStart: false, webhookSubscriptions: ['made'],
        models: { Heard: ${ITEM} }, exec: async () => {},
        onWebhook: async (nango, payload: any) => { ${chance('Heard', 'payload.n')} }
    });\n`,
    'open/on-events/greet.ts': `import { createOnEvent } from 'nango';\n${head}export default createOnEvent({
        description: 'Greets.', version: '1.0.0', event: 'post-connection-creation',
        exec: async (nango) => { ${chance()} await nango.updateMetadata({ greeted: crypto.randomUUID() }); }
    });\n`,
    'made/functions/called.ts': made(`input: z.object({ n: z.number() }), data: { models: { Called: ${ITEM} } }, ${needs}`, `${chance('Called', 'trigger.input.n')} return { n: trigger.input.n, r: Math.random() };`),
    'made/functions/timed.ts': made(`trigger: { kind: 'schedule', frequency: 'every hour', autoStart: true }, data: { models: { Timed: ${ITEM} }, checkpoint: z.object({ at: z.string() }) }, ${needs}`, `${chance('Timed')} await nango.saveCheckpoint({ at: new Date().toISOString() });`),
    'made/functions/told.ts': made(`trigger: { kind: 'http', subscriptions: ['made'] }, data: { models: { Told: ${ITEM} } }, ${needs}`, chance('Told', 'trigger.request.body.n')),
    'made/functions/joined.ts': made(`trigger: { kind: 'http', subscriptions: ['made'], debounce: { windowMs: 500, take: 'all' } }, data: { models: { Joined: ${ITEM} } }, ${needs}`, chance('Joined', 'trigger.coalesced!.length')),
    'made/functions/met.ts': made(`trigger: { kind: 'event', events: ['validate-connection'] }, data: { models: { Met: ${ITEM} } }, ${needs}`, chance('Met', 'trigger.event'))
};

const { api, must } = calls(() => server, { 'provider-config-key': 'open', 'connection-id': 'c-1' });

function tenon(...args) {
    const env = { ...process.env, NO_COLOR: '1', TENON_HOST: server.url, TENON_SECRET_KEY_DEV: server.keys.dev };
    return new Promise((resolve) => {
        const child = execFile(binary(), args, { cwd: project, env, maxBuffer: 64 << 20 }, (error, stdout, stderr) => resolve({ code: error?.code ?? 0, stdout, stderr }));
        child.stdin.end();
    });
}

async function deploy(key) {
    const deployed = await tenon('deploy', 'dev', '--integration', key, '--auto-confirm', '--allow-destructive', '--no-typecheck');
    assert.equal(deployed.code, 0, deployed.stdout + deployed.stderr);
}

async function message(key, n) {
    const answer = await fetch(`${server.url}/webhook/${environment}/${key}`, {
        method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ kind: 'made', to: 'c-1', n, session_token: 'message-MARKED-99' })
    });
    assert.equal(answer.status, 200, await answer.text());
}

const connect = (key) => must('POST', '/connections', { provider_config_key: key, connection_id: 'c-1', credentials: { type: 'API_KEY', apiKey: KEY } });

before(async () => {
    upstream = await startUpstream(async (request) => {
        const ms = new URL(request.url, 'http://open').searchParams.get('ms');
        await sleep(Number(ms));
        return { body: { ms, access_token: 'answer-MARKED-31' } };
    });
    folder = await temporaryFolder('tenon-kinds-');
    project = path.join(folder, 'project');
    const providers = path.join(folder, 'providers');
    for (const part of ['open/syncs', 'open/on-events', 'made/functions']) await mkdir(path.join(project, part), { recursive: true });
    await mkdir(providers);
    await writeFile(path.join(providers, 'open.toml'), PROVIDER);
    for (const [name, text] of Object.entries(FILES)) await writeFile(path.join(project, name), text.replaceAll('UPSTREAM', upstream.url));
    await writeFile(path.join(project, 'index.ts'), Object.keys(FILES).map((name) => `import './${name.replace('.ts', '.js')}';\n`).join(''));
    server = await startServer({ args: ['--providers-dir', providers], env: { TENON_FUNCTIONS_RECORD: 'all', TENON_FUNCTIONS_RECORD_TOTAL_MB: '8' } });
    environment = JSON.parse(await server.cli('env', 'show', 'dev', '--json')).uuid;
    for (const key of ['open', 'made']) {
        await must('POST', '/integrations', { provider: 'open', unique_key: key });
        await deploy(key);
        await connect(key);
        await message(key, 1);
        await message(key, 2);
    }
    await must('POST', '/functions/invocations', { integration_id: 'made', connection_id: 'c-1', name: 'called', invocation_type: 'wait', input: { n: 5 } });
    // What is still under way would look like a replay that sends something.
    for (let before = -1; before !== upstream.seen.length; await sleep(1500)) before = upstream.seen.length;
});

after(async () => {
    assert.equal(server.panicked(), false);
    await server.stop();
    await upstream.close();
    await rm(folder, { recursive: true, force: true });
});

const recorded = (name) => until(`a recording of ${name}`, async () => {
    const { operations } = await must('GET', '/logs/operations?limit=200');
    for (const run of operations.filter((one) => one.function === name && one.ended_at && one.meta?.recorded)) {
        const answer = await api('GET', `/functions/runs/${run.id}/recording`);
        if (answer.status === 200) return { run, recording: answer.body, text: answer.text };
    }
    return undefined;
});

for (const [name, kind, members] of [
    ['hook', 'webhook', ['Heard']], ['greet', 'on-event', []], ['called', 'action', ['Called']], ['timed', 'sync', ['Timed']],
    ['told', 'webhook', ['Told']], ['joined', 'webhook', ['Joined']], ['met', 'on-event', ['Met']]
]) {
    test(`a recorded run of ${name} comes out the same, bit for bit`, async () => {
        const { run, recording, text } = await recorded(name);
        assert.equal(run.state, 'success', JSON.stringify(run));
        assert.equal(recording.run.kind, kind);
        assert.doesNotMatch(text, /MARKED/);
        const requests = upstream.seen.length;
        const done = await tenon('replay', run.id);
        assert.equal(done.code, 0, done.stdout + done.stderr);
        assert.match(done.stdout, /^same: \d+ calls? and 1 log line, and the end$/m);
        assert.equal(upstream.seen.length, requests, 'nothing is sent');
        // The records hold what chance gave: had it been another, the replay would differ.
        const saves = recording.steps.filter((step) => step.call?.request.op === 'batchSave');
        assert.deepEqual(saves.map((step) => step.call.request.model), members);
        const told = await tenon('debug', run.id);
        assert.equal(told.code, 0, told.stderr);
        assert.match(told.stdout, /GET \S+\/slow\?ms=40 → 200/);
        assert.match(told.stdout, /the run succeeded/);
    });
}

test('a replay with other code differs', async () => {
    const { run } = await recorded('told');
    const name = 'made/functions/told.ts';
    await writeFile(path.join(project, name), FILES[name].replaceAll('UPSTREAM', upstream.url).replace("endpoint: '/slow'", "endpoint: '/slower'"));
    const done = await tenon('replay', run.id, '--dir', '.');
    assert.equal(done.code, 14, done.stdout + done.stderr);
    assert.match(done.stdout, /\/slower\?ms=40 was asked and is not recorded/);
});

test('all recordings together have a size, and the oldest go first', async () => {
    const big = `import { createAction } from 'nango';\n${head}export default createAction({ description: 'Much.', version: '1.0.0', input: z.any(), output: z.any(),
        exec: async (nango, input) => { await nango.log(input.n); const { data } = await nango.post({ baseUrlOverride: '${upstream.url}', endpoint: '/slow', data: input }); return data.ms ?? input.n; } });\n`;
    await mkdir(path.join(project, 'open', 'actions'), { recursive: true });
    await writeFile(path.join(project, 'open', 'actions', 'big.ts'), big);
    await writeFile(path.join(project, 'index.ts'), "import './open/actions/big.js';\n");
    await deploy('open');
    const ids = [];
    for (let n = 0; n < 8; n++) {
        // Half of it stands in the input and again in the request; chance cannot be compressed.
        const answer = await api('POST', '/action/trigger', { action_name: 'big', input: { n, text: randomBytes(700_000).toString('base64') } });
        assert.equal(answer.status, 200, answer.text);
        const run = await until('the run', async () => {
            const { operations } = await must('GET', '/logs/operations?kind=action&limit=20');
            return operations.find((one) => one.function === 'big' && one.ended_at && !ids.includes(one.id));
        });
        ids.push(run.id);
        await until('its recording', async () => (await api('GET', `/functions/runs/${run.id}/recording`)).status === 200);
    }
    const answers = await Promise.all(ids.map((id) => api('GET', `/functions/runs/${id}/recording`)));
    const kept = answers.map((answer) => answer.status === 200);
    assert.ok(kept.filter(Boolean).length >= 2 && kept.filter(Boolean).length <= 5, JSON.stringify(kept));
    assert.deepEqual([...kept].sort(), kept, 'the newest stay');
    assert.equal(answers[0].body.error.code, 'recording_expired');
    assert.match(answers[0].body.error.message, /newest 8 MiB in all.*functions\.record_total_mb/);
    const early = await must('GET', '/logs/operations?limit=200');
    const greeted = early.operations.find((one) => one.function === 'greet');
    assert.equal((await api('GET', `/functions/runs/${greeted.id}/recording`)).body.error.code, 'recording_expired');
});
