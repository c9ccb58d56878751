// Single rules of runs: what starts them and what does not, how often they are tried, what they log, how they are ended.
import assert from 'node:assert/strict';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { calls } from '../support/api.mjs';
import { startServer, startUpstream, temporaryFolder, until } from '../support/server.mjs';

const PROVIDER = `
[vendor]
name = "Open"
docs = "https://open.example.com/docs"

[open]
name = "Open"
categories = ["other"]
auth = "none"
webhook = { event = "kind", match = [{ value = "to", connection_id = true }] }
`;

let server;
let receiver;
let folder;
let environment;
const heard = [];

const { api, must } = calls(() => server);

const definitions = (names) => ({ definitions: Object.fromEntries(names.map((name) => [name, { type: 'object', properties: { id: { type: 'string' } }, required: ['id'] }])) });
const flow = (type, syncName, members, more = {}) => ({
    type, syncName, providerConfigKey: 'open', models: [], runs: null, track_deletes: false,
    fileBody: { js: `module.exports = { default: { type: '${type}', ${members} } };`, ts: '' }, ...more
});
const action = (name, exec) => flow('action', name, `exec: async (nango, input) => { ${exec} }`);
const sync = (name, models, exec, { onWebhook, ...more } = {}) => {
    const hook = onWebhook ? `, onWebhook: async (nango, payload) => { ${onWebhook} }` : '';
    return flow('sync', name, `exec: async (nango) => { ${exec} }${hook}`, { models, runs: 'every hour', auto_start: false, models_json_schema: definitions(models), ...more });
};

const NOTE = `if (payload.fail) throw new nango.ActionError({ message: 'not this one' });
    await nango.batchSave([{ id: payload.n + '-' + nango.syncJobId, payload, variant: nango.variant, type: nango.scriptType }], 'Event'); return 'ignored';`;
const FLOWS = [
    sync('hook', ['Event'], '', { onWebhook: NOTE, webhookSubscriptions: ['made', 'made', '*'] }),
    sync('deaf', ['Deaf'], '', { onWebhook: `await nango.batchSave([{ id: 'heard' }], 'Deaf');`, webhookSubscriptions: ['other'] }),
    sync('off', ['Off'], `await nango.batchSave([{ id: 'ran' }], 'Off');`, { onWebhook: `await nango.batchSave([{ id: 'heard' }], 'Off');`, webhookSubscriptions: ['*'] }),
    sync('stubborn', ['Kept'], `await nango.batchSave([{ id: String(nango.syncJobId) }], 'Kept');`),
    sync('quiet', ['Quiet'], `await nango.batchSave([{ id: '1' }], 'Quiet');`),
    sync('long', ['Step'], `
        const at = (await nango.getCheckpoint())?.at ?? 0;
        if (at === 0) await new Promise((done) => setTimeout(done, 2200));
        await nango.batchSave([{ id: 'before-' + at }], 'Step');
        await nango.saveCheckpoint({ at: at + 1 });
        await nango.batchSave([{ id: 'after-' + at }], 'Step');`),
    sync('slow', ['Slow'], `
        const { turn } = await nango.getMetadata();
        await nango.trackDeletesStart('Slow');
        await nango.batchSave([{ id: 'turn-' + turn, last: nango.lastSyncDate ?? null, now: new Date() }, { id: 'both' }], 'Slow');
        if (turn === 1) for (let i = 0; i < 200; i++) { await new Promise((done) => setTimeout(done, 50)); await nango.log('tick ' + i, { level: 'error' }); }
        await nango.trackDeletesEnd('Slow');`),
    sync('chatty', ['Talk'], `
        await nango.setMergingStrategy({ strategy: 'ignore_if_modified_after' }, 'Talk');
        await nango.trackDeletesStart('Talk');
        const { wait } = await nango.getMetadata();
        if (wait) await new Promise((done) => setTimeout(done, 900));
        await nango.batchSave([{ id: 'a', n: 1 }, { id: 'a', n: 2 }, { id: 'b', n: 1 }], 'Talk');
        await nango.batchSave([{ id: 'b', n: 2 }], 'Talk');
        await nango.batchUpdate([{ id: 'b', more: true }], 'Talk');
        await nango.batchDelete([{ id: 'a' }], 'Talk');
        await nango.trackDeletesEnd('Talk');`, { onWebhook: `await nango.batchSave([{ id: 'b', n: payload.n }], 'Talk');`, webhookSubscriptions: ['talk'] }),
    sync('sweeping', ['Gone'], `const { left } = await nango.getMetadata(); await nango.batchSave(left.map((id) => ({ id })), 'Gone');`, { track_deletes: true }),
    sync('early', ['Early'], `await nango.batchSave([{ id: nango.connectionId }], 'Early');`, { auto_start: true }),
    action('flaky', `
        const { left } = await nango.getMetadata();
        await nango.updateMetadata({ left: left - 1 });
        if (left > 0) throw new nango.ActionError({ message: 'not yet' });
        return { left };`),
    action('large', `return 'x'.repeat(input.n);`),
    action('spin', `const end = Date.now() + input.ms; while (Date.now() < end); return 'spun';`),
    action('hungry', `const all = []; for (let i = 0; i < input.mb; i++) all.push(new Uint8Array(1 << 20).fill(i)); return all.length;`)
];

before(async () => {
    folder = await temporaryFolder('tenon-rules-');
    const providers = path.join(folder, 'providers');
    await mkdir(providers);
    await writeFile(path.join(providers, 'open.toml'), PROVIDER);
    receiver = await startUpstream(({ raw }) => { heard.push(JSON.parse(raw)); });
    server = await startServer({
        args: ['--providers-dir', providers],
        env: { TENON_FUNCTIONS_SYNC_INTERRUPT_SECONDS: '2', TENON_FUNCTIONS_MEMORY_MB: '32' }
    });
    environment = JSON.parse(await server.cli('env', 'show', 'dev', '--json')).uuid;
    await must('POST', '/integrations', { provider: 'open', unique_key: 'open' });
    await connect('c-1');
    await server.cli('env', 'settings', 'dev', '--webhook-url', receiver.url, '--on-auth-creation', 'false');
    await deploy();
});

after(async () => {
    assert.equal(server.panicked(), false);
    await server.stop();
    await receiver.close();
    await rm(folder, { recursive: true, force: true });
});

const connect = (id) => must('POST', '/connections', { provider_config_key: 'open', connection_id: id, credentials: { type: 'NONE' } });
const deploy = (onEvents = []) => must('POST', '/sync/deploy', {
    flowConfigs: FLOWS, onEventScriptsByProvider: [{ providerConfigKey: 'open', scripts: onEvents }],
    reconcile: true, debug: false, deployMode: 'all', sdkVersion: '0.71.4-zero', nangoYamlBody: ''
});
const place = { provider_config_key: 'open', connection_id: 'c-1' };
const selected = { 'provider-config-key': 'open', 'connection-id': 'c-1' };
const metadata = (values) => must('POST', '/connections/metadata', { ...place, metadata: values });
const trigger = (name, opts) => must('POST', '/sync/trigger', { ...place, syncs: [name], ...(opts && { opts }) });
const records = async (model) => (await must('GET', `/records?model=${model}`, undefined, { headers: selected })).records;
const live = async (model) => (await records(model)).filter((one) => one._nango_metadata.last_action !== 'DELETED').map((one) => one.id).sort();
const status = async (name) => (await must('GET', `/sync/status?provider_config_key=open&connection_id=c-1&syncs=${name}`)).syncs[0];
const operationsOf = async (name) => (await must('GET', '/logs/operations?limit=200')).operations.filter((one) => one.function === name);
const idle = (name) => until(`${name} has ended`, async () => !['RUNNING'].includes((await status(name)).status) && (await operationsOf(name)).some((one) => one.ended_at));
/** Runs a sync to its end and answers the messages of that run. */
async function run(name, opts) {
    const known = new Set((await operationsOf(name)).map((one) => one.id));
    await trigger(name, opts);
    const done = await until(`a run of ${name}`, async () => (await operationsOf(name)).find((one) => !known.has(one.id) && one.ended_at));
    const { messages } = (await must('GET', `/logs/operations/${done.id}`));
    return { operation: done, lines: messages.map((one) => `${one.level}: ${one.message}`) };
}
async function message(body) {
    const answer = await fetch(`${server.url}/webhook/${environment}/open`, {
        method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ to: 'c-1', ...body })
    });
    assert.equal(answer.status, 200, await answer.text());
}

test('a message starts one run per sync that subscribes to it, and its webhooks say so', async () => {
    await must('PATCH', '/integrations/open/functions/off', { enabled: false });
    const before = await status('hook');
    await message({ kind: 'made', n: 1, extra: { deep: [1] } });
    await message({ kind: 'something', n: 2 });
    const events = await until('both messages', async () => {
        const found = await records('Event');
        return found.length >= 2 && found;
    });
    await sleep(300);
    assert.equal((await records('Event')).length, 2, 'the first subscription that fits counts, and no other');
    const [first] = events;
    assert.deepEqual(first.payload, { to: 'c-1', kind: 'made', n: 1, extra: { deep: [1] } });
    assert.deepEqual([first.variant, first.type], ['base', 'webhook']);
    assert.deepEqual(await live('Deaf'), []);
    assert.deepEqual(await live('Off'), [], 'a function that is off hears nothing');
    const told = await until('the webhooks', () => {
        const found = heard.filter((one) => one.type === 'sync' && one.syncName === 'hook');
        return found.length >= 2 && found;
    });
    assert.ok(told.every((one) => one.syncType === 'WEBHOOK' && one.success && one.model === 'Event' && one.responseResults.added === 1));
    const [incoming] = (await must('GET', '/logs/operations?kind=webhook&limit=50')).operations.filter((one) => one.action === 'incoming');
    assert.equal(incoming.state, 'success');
    assert.equal((await status('hook')).nextScheduledSyncAt, before.nextScheduledSyncAt);

    heard.length = 0;
    await message({ kind: 'made', n: 3, fail: true });
    const [failed] = await until('the failure', () => heard.filter((one) => one.success === false).length && heard.filter((one) => one.success === false));
    assert.equal(failed.syncType, 'WEBHOOK');
    assert.equal(failed.error.payload, undefined);
    assert.equal('syncVariant' in failed, false);
    const [logged] = await until('its log', async () => {
        const found = (await operationsOf('hook')).filter((one) => one.state === 'failed');
        return found.length && found;
    });
    assert.match(logged.error.message, /not this one/);
});

test('a sync that is off does not run, and runs again when it is on', async () => {
    await trigger('off');
    await sleep(500);
    assert.deepEqual(await live('Off'), []);
    await must('PATCH', '/integrations/open/functions/off', { enabled: true, type: 'sync' });
    await run('off');
    assert.deepEqual(await live('Off'), ['ran']);
});

test('a sync with autoStart runs at once: when it is deployed, and when a connection is made', async () => {
    await until('the run after the deploy', async () => (await live('Early')).includes('c-1'));
    await connect('c-2');
    const at = { ...selected, 'connection-id': 'c-2' };
    await until('the run of the new connection', async () => (await must('GET', '/records?model=Early', undefined, { headers: at })).records.length === 1);
    assert.equal((await status('early')).frequency, 'every hour');
    assert.notEqual((await status('early')).nextScheduledSyncAt, null);
});

test('a run that changed nothing sends no webhook, unless the environment wants all', async () => {
    const told = () => heard.filter((one) => one.syncName === 'quiet').map((one) => one.responseResults);
    await run('quiet');
    await until('the first', () => told().length === 1);
    await run('quiet');
    await until('the second', () => told().length === 2);
    assert.deepEqual(told()[1], { added: 0, updated: 0, deleted: 0 }, 'all are wanted unless it is said otherwise');
    await server.cli('env', 'settings', 'dev', '--on-sync-completion-always', 'false');
    await sleep(5500);
    await run('quiet');
    await sleep(500);
    assert.equal(told().length, 2);
});

test('a run that lasts long pauses at its next checkpoint, and the next goes on at once', async () => {
    await trigger('long');
    const steps = await until('the second run', async () => {
        const found = await live('Step');
        return found.includes('after-1') && found;
    });
    assert.deepEqual(steps, ['after-1', 'before-0', 'before-1'], 'the first run ended at its checkpoint');
    await idle('long');
    const runs = (await operationsOf('long')).filter((one) => one.ended_at);
    assert.deepEqual(runs.map((one) => one.state), ['success', 'success']);
    const told = heard.filter((one) => one.syncName === 'long');
    assert.deepEqual(told.map((one) => [one.success, one.responseResults.added]), [[true, 1], [true, 2]]);
});

test('a batch that the database refuses is tried three times, half a second apart', async () => {
    const database = new DatabaseSync(path.join(server.dataDir, 'tenon.db'), { timeout: 5000 });
    const refuse = `CREATE TRIGGER refuse BEFORE INSERT ON records BEGIN SELECT RAISE(ABORT, 'refused for a test'); END`;
    const refusals = () => server.log().split('a batch of records is tried again').length - 1;
    try {
        database.exec(refuse);
        const first = run('stubborn');
        await until('the first refusal', () => refusals() === 1);
        database.exec('DROP TRIGGER refuse');
        assert.equal((await first).operation.state, 'success');
        assert.equal((await live('Kept')).length, 1);
        assert.equal(refusals(), 1, 'it was not refused again');

        database.exec(refuse);
        const { operation } = await run('stubborn');
        assert.equal(operation.state, 'failed');
        assert.equal(refusals(), 3, 'the third refusal is the last');
        assert.ok(Date.parse(operation.ended_at) - Date.parse(operation.started_at ?? operation.created_at) >= 1000, JSON.stringify(operation));
        assert.equal((await live('Kept')).length, 1);
    } finally {
        database.exec('DROP TRIGGER IF EXISTS refuse');
        database.close();
    }
});

test('one run at a time; a reset aborts it, forgets the date and open passes, and begins anew', async () => {
    await metadata({ turn: 1 });
    await trigger('slow');
    await until('it runs', async () => (await live('Slow')).includes('turn-1'));
    await trigger('slow');
    await sleep(500);
    assert.equal((await operationsOf('slow')).length, 1, 'one that runs is left alone');
    await metadata({ turn: 2 });
    await trigger('slow', { reset: true });
    await until('the second run', async () => (await live('Slow')).includes('turn-2'));
    await idle('slow');
    await until('the first has noticed', async () => (await operationsOf('slow')).every((one) => one.ended_at));
    const [second, first] = await operationsOf('slow');
    assert.deepEqual([second.state, first.state], ['success', 'cancelled']);
    assert.deepEqual(await live('Slow'), ['both', 'turn-2'], 'the pass of the first run is forgotten: what only it met is gone');
    const ticks = JSON.stringify(await must('GET', `/logs/operations/${first.id}`)).match(/tick \d+/g) ?? [];
    assert.ok(ticks.length < 150, `the function went on: ${ticks.length}`);
    const began = (await records('Slow')).find((one) => one.id === 'turn-2');
    assert.equal(began.last, null);
    await metadata({ turn: 3 });
    const before = Date.now();
    await run('slow');
    const third = (await records('Slow')).find((one) => one.id === 'turn-3');
    const last = Date.parse(third.last);
    assert.ok(last <= Date.parse(began.now) && last > Date.parse(began.now) - 5000 && last < before, 'the date is the start of the last run');
});

test('what a run logs', async () => {
    await metadata({});
    const { lines, operation } = await run('chatty');
    const found = (pattern) => assert.ok(lines.some((line) => pattern.test(line)), `${pattern} in\n${lines.join('\n')}`);
    found(/^info: Starting sync 'chatty'/);
    found(/^info: Merging strategy of model Talk: ignore_if_modified_after/);
    found(/^error: There was a duplicate record with id a in model Talk; the first was kept/);
    found(/^info: Successfully batch saved 2 records \(2 modified\) for model Talk/);
    found(/^info: Successfully batch saved 1 records \(1 modified\) for model Talk/);
    found(/^info: Successfully batch updated 1 records \(1 modified\) for model Talk/);
    found(/^info: Successfully batch deleted 1 records \(1 modified\) for model Talk/);
    found(/^info: Deleted 0 records of model Talk that were not seen/);
    found(/^info: The run succeeded/);
    const whole = await must('GET', `/logs/operations/${operation.id}`);
    const starting = whole.messages.find((one) => one.message.startsWith('Starting sync'));
    for (const name of ['attempt', 'type', 'variant', 'sync', 'run']) assert.ok(JSON.stringify(starting).includes(`"${name}"`), `${name}: ${JSON.stringify(starting)}`);
    const { lines: empty } = await run('chatty', { reset: true, emptyCache: true });
    assert.ok(empty.includes('info: Emptying the records of model Talk') && empty.includes('info: Removed 2 records of model Talk'), empty.join('\n'));
    const talk = (await records('Talk')).find((one) => one.id === 'a');
    assert.deepEqual([talk.n, talk._nango_metadata.last_action], [undefined, 'DELETED'], 'a deletion stores what it says');
});

test('a merging strategy leaves alone what others changed meanwhile, and not what the run itself did', async () => {
    await metadata({});
    await run('chatty');
    await metadata({ wait: true });
    const running = run('chatty', { reset: true });
    await until('it waits', async () => (await status('chatty')).status === 'RUNNING');
    await sleep(300);
    await message({ kind: 'talk', n: 99 });
    await running;
    const talk = Object.fromEntries((await records('Talk')).map((one) => [one.id, one]));
    assert.equal(talk.b.n, 99, 'newer than the run');
    assert.equal(talk.b._nango_metadata.last_action, 'UPDATED', 'met by the webhook, so it is not deleted');
    await metadata({});
});

test('trackDeletes: what a run did not save is deleted at its end', async () => {
    await metadata({ left: ['1', '2', '3'] });
    await run('sweeping');
    await metadata({ left: ['2'] });
    await run('sweeping');
    assert.deepEqual(await live('Gone'), ['2']);
    const told = await until('the webhook', () => heard.filter((one) => one.syncName === 'sweeping').length >= 2 && heard.filter((one) => one.syncName === 'sweeping').at(-1));
    assert.deepEqual(told.responseResults, { added: 0, updated: 0, deleted: 2 });
});

test('X-Max-Retries: a later action is tried again at once, so often and no more', async () => {
    const later = async (retries) => {
        const { body } = await api('POST', '/action/trigger', { action_name: 'flaky' }, { headers: { ...selected, 'x-async': 'true', ...(retries && { 'x-max-retries': retries }) } });
        const began = Date.now();
        const answer = await until('its end', async () => {
            const now = await api('GET', body.statusUrl);
            return now.status !== 404 && now;
        });
        return { ...answer, took: Date.now() - began, left: (await must('GET', '/connections/c-1?provider_config_key=open')).metadata.left };
    };
    await metadata({ left: 2 });
    const good = await later('2');
    assert.deepEqual([good.status, good.body, good.left], [200, { left: 0 }, -1]);
    assert.ok(good.took < 5000, `${good.took} ms`);
    await metadata({ left: 5 });
    const bad = await later('1');
    assert.deepEqual([bad.status, bad.body.error.code, bad.left], [500, 'action_script_runtime_error', 3]);
    await metadata({ left: 5 });
    assert.equal((await later()).left, 4, 'not at all unless it is asked for');
    await metadata({ left: 5 });
    const now = await api('POST', '/action/trigger', { action_name: 'flaky' }, { headers: { ...selected, 'x-max-retries': '3' } });
    assert.equal(now.status, 500);
    assert.equal((await must('GET', '/connections/c-1?provider_config_key=open')).metadata.left, 4, 'a call that waits is not tried again');
});

test('actions that cannot run, and outputs that are too large', async () => {
    const call = async (name, input, headers = {}) => {
        const { status, body } = await api('POST', '/action/trigger', { action_name: name, input }, { headers: { ...selected, ...headers } });
        return [status, body?.error?.code ?? body.length];
    };
    assert.deepEqual(await call('nothing'), [404, 'not_found']);
    assert.deepEqual(await call('large', {}, { 'connection-id': 'nobody' }), [400, 'unknown_connection']);
    assert.deepEqual(await call('large', {}, { 'provider-config-key': 'nothing' }), [400, 'unknown_connection']);
    const most = 2 * 1024 * 1024 - 2;
    assert.deepEqual(await call('large', { n: most }), [200, most], 'quotes count');
    assert.deepEqual(await call('large', { n: most + 1 }), [400, 'script_output_too_large']);
});

test('memory that is nearly used up is a warning in the log of the run', async () => {
    assert.equal((await api('POST', '/action/trigger', { action_name: 'hungry', input: { mb: 4 } }, { headers: selected })).body, 4);
    assert.equal((await api('POST', '/action/trigger', { action_name: 'hungry', input: { mb: 28 } }, { headers: selected })).body, 28);
    const ended = await until('both in the log', async () => {
        const found = (await operationsOf('hungry')).filter((one) => one.ended_at);
        return found.length === 2 && found;
    });
    const [greedy, modest] = await Promise.all(ended.map(async (one) => JSON.stringify(await must('GET', `/logs/operations/${one.id}`))));
    assert.match(greedy, /Memory is nearly used up: \d+ of 32 MiB \(\d+ %\)/);
    assert.doesNotMatch(modest, /Memory is nearly/);
});

test('an environment may have its own limits', async () => {
    const hungry = async () => (await api('POST', '/action/trigger', { action_name: 'hungry', input: { mb: 40 } }, { headers: selected })).body;
    const spin = async () => (await api('POST', '/action/trigger', { action_name: 'spin', input: { ms: 2500 } }, { headers: selected })).body;
    assert.match(JSON.stringify(await hungry()), /memory/i);
    assert.equal(await spin(), 'spun');
    await server.cli('env', 'settings', 'dev', '--function-memory-mb', '96', '--action-cpu-seconds', '1');
    await until('the larger memory', async () => await hungry() === 40);
    assert.match(JSON.stringify(await spin()), /CPU|processor|time/i);
    await server.cli('env', 'settings', 'dev', '--function-memory-mb', '0', '--action-cpu-seconds', '0');
    await until('the node\'s memory', async () => await hungry() !== 40);
    assert.equal(await spin(), 'spun');
    await assert.rejects(server.cli('env', 'settings', 'dev', '--function-memory-mb', '3'), /at least 8 MiB/);
});

test('functions that validate: in order, the first failure decides, with its own sentence', async () => {
    const script = (name, throws) => ({ name, event: 'validate-connection', fileBody: { js: `module.exports = { default: { type: 'onEvent', exec: async (nango) => { const id = nango.connectionId; ${throws} } } };`, ts: '' } });
    await deploy([
        script('a-first', `if (id === 'by-error') throw new nango.ActionError({ error: 'the text of error' }); if (id === 'by-code') throw new nango.ActionError({ code: 7 }); if (id === 'by-throw') throw new Error('the text of a throw'); if (id === 'again' && (await nango.getMetadata()).bad) throw new nango.ActionError({ message: 'no longer' });`),
        script('b-second', `if (id === 'by-second') throw new nango.ActionError({ message: 'the second' });`)
    ]);
    const make = (id, more = {}) => api('POST', '/connections', { provider_config_key: 'open', connection_id: id, credentials: { type: 'NONE' }, ...more });
    for (const [id, sentence] of [['by-error', 'the text of error'], ['by-code', 'Connection failed validation'], ['by-throw', 'the text of a throw'], ['by-second', 'the second']]) {
        const refused = await make(id);
        assert.deepEqual([refused.status, refused.body.error.message], [400, sentence], id);
        assert.equal((await api('GET', `/connections/${id}?provider_config_key=open`)).status, 404, 'a new one is gone');
    }
    const ran = await until('the log', async () => (await operationsOf('a-first')).length >= 4 && operationsOf('b-second'));
    assert.deepEqual(ran.map((one) => [one.connection_id, one.kind, one.action]), [['by-second', 'on-event', 'validate-connection']], 'nothing runs after a failure');
    assert.equal((await make('again')).status, 201);
    const again = await make('again', { metadata: { bad: true } });
    assert.deepEqual([again.status, again.body.error?.message], [400, 'no longer']);
    const kept = await must('GET', '/connections/again?provider_config_key=open');
    assert.deepEqual(kept.errors.map((one) => one.type), ['auth'], 'one that was there stays, with an error');
    await deploy();
});
