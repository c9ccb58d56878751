// What a run leaves behind, kind by kind: records, checkpoints, webhooks, log lines, and what others see of a failure.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { calls } from '../support/api.mjs';
import { startServer, startUpstream, until } from '../support/server.mjs';
import { connectShop, startShop } from '../support/shop.mjs';

let server;
let shop;
let receiver;
const heard = [];
const selected = { 'provider-config-key': 'shop', 'connection-id': 'c-1' };

const { api, must } = calls(() => server);

const bundle = (type, exec) => `module.exports = { default: { type: '${type}', exec: async (nango, input) => { ${exec} } } };`;

const flow = (type, syncName, exec, more = {}) => ({
    type, syncName, providerConfigKey: 'shop', models: [], runs: null, track_deletes: false, fileBody: { js: bundle(type, exec), ts: '' }, ...more
});

// Each run notes what it was started with, saves, sets its checkpoint and, if the metadata says so, fails after that.
const THINGS = `
    const checkpoint = await nango.getCheckpoint();
    const { fail, turn } = await nango.getMetadata();
    await nango.batchSave([{ id: 'a', turn }, { id: 'b' }], 'Thing');
    await nango.batchSave([{ id: 'run-' + turn, checkpoint, last: nango.lastSyncDate ?? null }], 'Run');
    await nango.saveCheckpoint({ turn });
    if (fail) throw new nango.ActionError({ message: 'the shop is closed' });`;
const definitions = (...names) => ({ definitions: Object.fromEntries(names.map((name) => [name, { type: 'object', properties: { id: { type: 'string' } }, required: ['id'] }])) });

before(async () => {
    [shop, server, receiver] = await Promise.all([startShop(), startServer(), startUpstream(({ raw }) => { heard.push(JSON.parse(raw)); })]);
    await connectShop(server, shop, 'c-1');
    await server.cli('env', 'settings', 'dev', '--webhook-url', receiver.url);
    const event = (name, kind, exec) => ({ name, event: kind, fileBody: { js: bundle('onEvent', exec), ts: '' } });
    await must('POST', '/sync/deploy', {
        flowConfigs: [
            flow('sync', 'things', THINGS, { models: ['Thing', 'Run'], runs: 'every hour', auto_start: false, models_json_schema: definitions('Thing', 'Run') }),
            flow('action', 'slow', `const began = Date.now(); await new Promise((done) => setTimeout(done, 400)); return { began, ended: Date.now(), n: input.n };`),
            flow('action', 'refuse', `throw new nango.ActionError({ message: 'not today', code: 7 });`)
        ],
        onEventScriptsByProvider: [{
            providerConfigKey: 'shop',
            scripts: [
                event('check', 'validate-connection', `const { credentials } = await nango.getConnection(); if (nango.connectionId === 'unwanted' || credentials.apiKey === 'unwanted') throw new nango.ActionError({ message: 'not this account' });`),
                event('greet', 'post-connection-creation', `throw new Error('no greeting');`),
                event('leave', 'pre-connection-deletion', `throw new Error('no farewell');`)
            ]
        }],
        reconcile: true, debug: false, deployMode: 'all', sdkVersion: '0.71.4-zero', nangoYamlBody: ''
    });
});

after(async () => {
    assert.equal(server.panicked(), false);
    await server.stop();
    await Promise.all([shop.close(), receiver.close()]);
});

const records = async (model) => (await must('GET', `/records?model=${model}`, undefined, { headers: selected })).records;

/** Runs `things` once with the metadata and answers the webhooks of that run. */
async function runThings(metadata, opts) {
    await must('POST', '/connections/metadata', { provider_config_key: 'shop', connection_id: 'c-1', metadata });
    heard.length = 0;
    const wanted = metadata.fail ? 1 : 2;
    await must('POST', '/sync/trigger', { provider_config_key: 'shop', connection_id: 'c-1', syncs: ['things'], ...(opts && { opts }) });
    await until('the webhooks of the run', () => heard.filter((one) => one.type === 'sync').length >= wanted);
    return heard.filter((one) => one.type === 'sync');
}

/** The newest run of a function, with its messages, once it is in the log. */
async function messagesOf(name) {
    const run = await until(`a log entry of ${name}`, async () => {
        const { operations } = await must('GET', `/logs/operations?search=${name}&limit=50`);
        return operations.find((one) => one.function === name && one.state !== 'running');
    });
    return JSON.stringify(await must('GET', `/logs/operations/${run.id}`));
}

test('a run that succeeds: one webhook per model, counts, log lines', async () => {
    const told = await runThings({ turn: 1 });
    assert.deepEqual(told.map((one) => [one.model, one.success, one.responseResults]).sort(), [
        ['Run', true, { added: 1, updated: 0, deleted: 0 }], ['Thing', true, { added: 2, updated: 0, deleted: 0 }]
    ]);
    assert.ok(told.every((one) => one.syncName === 'things' && one.connectionId === 'c-1' && one.providerConfigKey === 'shop' && one.syncVariant === 'base'));
    const [run] = await records('Run');
    assert.deepEqual([run.checkpoint, run.last], [null, null]);
    const log = await messagesOf('things');
    assert.match(log, /Successfully batch saved 2 records \(2 modified\) for model Thing/);
    assert.match(log, /Starting sync 'things'/);
});

test('a run that fails: one webhook for all models; records and checkpoint stay, the date does not move', async () => {
    const before = (await runThings({ turn: 2 }), (await records('Run')).find((one) => one.id === 'run-2'));
    assert.deepEqual(before.checkpoint, { turn: 1 });
    const told = await runThings({ turn: 3, fail: true });
    assert.deepEqual(told.map((one) => [one.success, one.model]), [[false, 'Thing,Run']]);
    assert.match(JSON.stringify(told[0].error), /the shop is closed/);
    assert.equal((await records('Thing')).find((one) => one.id === 'a').turn, 3, 'what was saved stays');
    const errors = async () => (await must('GET', '/connections/c-1?provider_config_key=shop')).errors.map((one) => one.type);
    assert.deepEqual(await errors(), ['sync'], 'the connection says that a sync fails');
    const { syncs: [failing] } = await must('GET', '/sync/status?provider_config_key=shop&connection_id=c-1&syncs=things');
    assert.equal(failing.latestResult.Thing.updated, 1, 'the counts of a failed run are kept');
    await runThings({ turn: 4 });
    assert.deepEqual(await errors(), [], 'and no longer once it has succeeded');
    const [failed, next] = ['run-3', 'run-4'].map((id) => ({ id }));
    const all = await records('Run');
    Object.assign(failed, all.find((one) => one.id === failed.id));
    Object.assign(next, all.find((one) => one.id === next.id));
    assert.deepEqual(next.checkpoint, { turn: 3 }, 'the checkpoint is the last that was saved');
    assert.equal(next.last, failed.last, 'the date is that of the last run that succeeded');
    assert.ok(next.last > before.last);
});

test('a reset forgets the checkpoint and the date; emptyCache forgets the records as well', async () => {
    await runThings({ turn: 5 }, { reset: true });
    const run = (await records('Run')).find((one) => one.id === 'run-5');
    assert.deepEqual([run.checkpoint, run.last], [null, null]);
    assert.equal((await records('Run')).length, 5);
    const told = await runThings({ turn: 6 }, { reset: true, emptyCache: true });
    assert.deepEqual(told.find((one) => one.model === 'Thing').responseResults, { added: 2, updated: 0, deleted: 0 });
    assert.deepEqual((await records('Run')).map((one) => one.id), ['run-6']);
});

test('an asynchronous action: accepted, not there while it runs, then its output; one at a time', async () => {
    const start = (n, name = 'slow') => api('POST', '/action/trigger', { action_name: name, input: { n } }, { headers: { ...selected, 'x-async': 'true' } });
    const started = [await start(1), await start(2)];
    for (const one of started) {
        assert.equal(one.status, 202);
        assert.equal(one.body.statusUrl, `/action/${one.body.id}`);
        assert.match(one.headers.get('location'), new RegExp(`/action/${one.body.id}$`));
    }
    assert.equal((await api('GET', started[1].body.statusUrl)).status, 404);
    const outputs = await Promise.all(started.map(({ body }) => until('the output', async () => {
        const answer = await api('GET', body.statusUrl);
        return answer.status === 200 && answer.body;
    })));
    assert.deepEqual(outputs.map(({ n }) => n), [1, 2]);
    assert.ok(outputs[1].began >= outputs[0].ended, 'the second waits for the first');
    const refused = await start(3, 'refuse');
    const answer = await until('the error', async () => {
        const now = await api('GET', refused.body.statusUrl);
        return now.status !== 404 && now;
    });
    assert.match(JSON.stringify(answer.body), /not today/);
    await until('the webhooks of both', () => heard.filter((one) => one.type === 'async_action').length >= 3);
});

test('functions that follow connections: one that validates decides, the others do not', async () => {
    const connect = (id) => api('POST', '/connections', { provider_config_key: 'shop', connection_id: id, credentials: { type: 'API_KEY', apiKey: 'shop-key' } });
    const told = (success) => heard.filter((one) => one.type === 'auth' && one.success === success);
    // The receiver was named by another process, which is seen within seconds.
    await until('connections to be told of', async () => (await connect('probe')).status && (await sleep(200), told(true).length > 0));
    const unwanted = await connect('unwanted');
    assert.deepEqual([unwanted.status, unwanted.body.error.code, unwanted.body.error.message], [400, 'connection_validation_failed', 'not this account']);
    assert.equal((await api('GET', '/connections/unwanted?provider_config_key=shop')).status, 404);
    await until('the import to be told of as one', () => told(true).some((one) => one.connectionId === 'unwanted' && one.operation === 'creation'));
    const { data: session } = await must('POST', '/connect/sessions', { end_user: { id: 'u-1' } });
    const form = await fetch(`${server.url}/api-auth/api-key/shop?connect_session_token=${session.token}`, {
        method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ apiKey: 'unwanted' })
    });
    assert.deepEqual([form.status, (await form.json()).error.code], [400, 'connection_validation_failed']);
    await sleep(500);
    assert.deepEqual(told(false), [], 'what the product refused it is not told of as a failure');
    assert.equal((await connect('welcome')).status, 201);
    await until('the greeting failed', async () => (await messagesOf('greet')).includes('no greeting'));
    assert.equal((await api('GET', '/connections/welcome?provider_config_key=shop')).status, 200);
    assert.equal((await api('DELETE', '/connections/welcome?provider_config_key=shop')).status, 200);
    assert.match(await messagesOf('leave'), /no farewell/);
    assert.equal((await api('GET', '/connections/welcome?provider_config_key=shop')).status, 404);
});

test('a paused sync runs by hand only, and says what it is', async () => {
    const status = async () => (await must('GET', '/sync/status?provider_config_key=shop&connection_id=c-1&syncs=things')).syncs[0];
    assert.equal((await status()).status, 'PAUSED', 'autoStart is off');
    await must('POST', '/sync/start', { provider_config_key: 'shop', connection_id: 'c-1', syncs: ['things'] });
    await until('the run after the start', async () => (await status()).status === 'SUCCESS');
    await must('POST', '/sync/pause', { provider_config_key: 'shop', connection_id: 'c-1', syncs: ['things'] });
    assert.equal((await status()).status, 'PAUSED');
    await sleep(10);
    assert.equal((await runThings({ turn: 7 })).length, 2);
});

test('a deploy that drops a model shows its records as deleted; another mode leaves them', async () => {
    const deploy = (models, deployMode) => must('POST', '/sync/deploy', {
        flowConfigs: [
            flow('sync', 'things', `await nango.batchSave([{ id: 'a' }], 'Run');`, { models, runs: 'every hour', auto_start: false, models_json_schema: definitions(...models) }),
            flow('action', 'refuse', 'return 1;')
        ],
        reconcile: true, debug: false, deployMode, sdkVersion: '0.71.4-zero', nangoYamlBody: ''
    });
    const alive = async (model) => (await records(model)).filter((one) => one._nango_metadata.last_action !== 'DELETED').length;
    const before = [await alive('Thing'), await alive('Run')];
    assert.ok(before[0] > 0 && before[1] > 0);
    await deploy(['Run'], 'integration');
    await sleep(1_000);
    assert.deepEqual([await alive('Thing'), await alive('Run')], before, 'a deploy whose plan says nothing about models keeps them');
    await deploy(['Thing', 'Run'], 'all');
    await deploy(['Run'], 'all');
    await until('the records to go', async () => (await alive('Thing')) === 0);
    assert.equal(await alive('Run'), before[1]);
});

test('a sync that goes takes along the models that no other sync saves, and no others', async () => {
    const saving = (name, ...models) =>
        flow('sync', name, models.map((model) => `await nango.batchSave([{ id: '${name}' }], '${model}');`).join(' '), { models, runs: 'every hour', auto_start: false, models_json_schema: definitions(...models) });
    const deploy = (...flows) => must('POST', '/sync/deploy', { flowConfigs: flows, reconcile: true, debug: false, deployMode: 'integration', sdkVersion: '0.71.4-zero', nangoYamlBody: '' });
    const alive = async (model) => (await records(model)).filter((one) => one._nango_metadata.last_action !== 'DELETED').map((one) => one.id).sort();
    await deploy(saving('keep', 'Shared'), saving('gone', 'Shared', 'Own'));
    for (const name of ['keep', 'gone']) await must('POST', '/sync/trigger', { provider_config_key: 'shop', connection_id: 'c-1', syncs: [name] });
    await until('both to have run', async () => (await alive('Shared')).length === 2 && (await alive('Own')).length === 1);
    await deploy(saving('keep', 'Shared'));
    await until('the records of its own model to go', async () => (await alive('Own')).length === 0);
    assert.deepEqual(await alive('Shared'), ['gone', 'keep'], 'what another sync saves stays as it is');
});
