// The `nango` object on a running server: what each method does to the platform behind it, and what it answers.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { calls } from '../support/api.mjs';
import { startServer, startUpstream, until } from '../support/server.mjs';

let server;
let upstream;
const tries = new Map();

const { api, must } = calls(() => server);

const selected = { 'provider-config-key': 'shop', 'connection-id': 'c-1' };
const said = 'const said = async (work) => { try { return { fine: await work() }; } catch (e) { return { message: e.message, status: e.response?.status, code: e.code, type: e.type, payload: e.payload }; } };';
const bundle = (type, exec, more = '') => `module.exports = { default: { type: '${type}', exec: async (nango, input) => { ${said} ${exec} }${more} } };`;
const flow = (type, syncName, js, more = {}) => ({
    type, syncName, providerConfigKey: 'shop', models: [], runs: null, track_deletes: false, fileBody: { js, ts: '' }, ...more
});
const things = (model) => ({ models: [model], runs: 'every day', auto_start: false, models_json_schema: { definitions: { [model]: { type: 'object', properties: { id: { type: 'string' } }, required: ['id'] } } } });

/** Deploys functions beside those that are there. */
async function deploy(...flows) {
    await must('POST', '/sync/deploy', {
        flowConfigs: flows, onEventScriptsByProvider: [], reconcile: false, debug: false, deployMode: 'single', sdkVersion: '0.71.4-zero', nangoYamlBody: ''
    });
}

let counter = 0;

/** Runs a body as an action and answers its output. */
async function act(exec, input) {
    const name = `act-${++counter}`;
    await deploy(flow('action', name, bundle('action', exec)));
    const answer = await api('POST', '/action/trigger', { action_name: name, input }, { headers: selected });
    assert.equal(answer.status, 200, JSON.stringify(answer.body));
    return answer.body;
}

/** Runs a body as a sync; what it throws as an ActionError is its answer. */
async function sync(exec, model = 'Thing') {
    const name = `sync-${++counter}`;
    await deploy(flow('sync', name, bundle('sync', `const answer = await (async () => { ${exec} })(); await nango.setMetadata({ answer });`), things(model)));
    await must('POST', '/connections/metadata', { provider_config_key: 'shop', connection_id: 'c-1', metadata: {} });
    await must('POST', '/sync/trigger', { provider_config_key: 'shop', connection_id: 'c-1', syncs: [name] });
    return until(`the answer of ${name}`, async () => (await must('GET', '/connections/c-1?provider_config_key=shop')).metadata.answer);
}

/** What the run of a function left in the log. */
async function logOf(name) {
    const run = await until(`the log of ${name}`, async () => {
        const { operations } = await must('GET', `/logs/operations?search=${name}&limit=20`);
        return operations.find((one) => one.function === name && one.state !== 'running');
    });
    return JSON.stringify(await must('GET', `/logs/operations/${run.id}`));
}

before(async () => {
    [server, upstream] = await Promise.all([
        startServer(),
        startUpstream(({ method, url, headers, raw }) => {
            if (url.startsWith('/flaky')) {
                tries.set(url, (tries.get(url) ?? 0) + 1);
                return tries.get(url) < 3 ? { status: 503, headers: { 'retry-after': '0' }, body: { again: true } } : { body: { tries: tries.get(url) } };
            }
            if (url === '/missing') return { status: 404, headers: { 'x-rate-left': '3' }, body: { payload: { why: 'gone' } } };
            if (url === '/loop') return { status: 302, headers: { location: '/loop' } };
            if (url === '/astray') return { status: 302, headers: { location: 'http://[bad' } };
            if (url === '/see-other') return { status: 303, headers: { location: '/echo' } };
            if (url === '/text') return { body: 'plain' };
            return { headers: { 'X-Upper-Case': 'Kept' }, body: { method, url, headers, raw } };
        })
    ]);
    await must('POST', '/integrations', {
        provider: 'private-api-generic', unique_key: 'shop',
        integration_config: { keyPlacement: 'header', keyName: 'x-shop-key', valueTemplate: '${apiKey}', baseUrl: upstream.url }
    });
    for (const id of ['c-1', 'c-2']) await must('POST', '/connections', { provider_config_key: 'shop', connection_id: id, credentials: { type: 'API_KEY', apiKey: `key-of-${id}` } });
    await server.cli('env', 'set', 'dev', 'REGION', 'eu');
});

after(async () => {
    assert.equal(server.panicked(), false);
    await server.stop();
    await upstream.close();
});

test('properties say what runs, for whom', async () => {
    const seen = await act(`return Object.fromEntries(['connectionId', 'providerConfigKey', 'provider', 'environmentName', 'scriptType', 'isCLI'].map((name) => [name, nango[name]]).concat(['environmentId', 'accountId', 'nangoConnectionId'].map((name) => [name, typeof nango[name]]), [['log', typeof nango.activityLogId], ['config', nango.syncConfig.sync_name]]));`);
    assert.deepEqual(seen, {
        connectionId: 'c-1', providerConfigKey: 'shop', provider: 'private-api-generic', environmentName: 'dev', scriptType: 'action', isCLI: false,
        environmentId: 'number', accountId: 'number', nangoConnectionId: 'number', log: 'string', config: `act-${counter}`
    });
    const inSync = await sync(`return { kind: nango.scriptType, id: typeof nango.syncId, job: typeof nango.syncJobId, variant: nango.variant, last: String(nango.lastSyncDate), track: nango.track_deletes, model: nango.syncConfig.models };`);
    assert.deepEqual([inSync.kind, inSync.id, inSync.job, inSync.variant, inSync.last, inSync.track], ['sync', 'string', 'number', 'base', 'undefined', false]);
});

test('requests: another connection, retries that are logged, answers in lower case, refusals as of Axios', async () => {
    const seen = await act(`
        const own = await nango.get({ endpoint: '/echo', params: { list: [1, 2] }, headers: { 'X-Mine': 'a' } });
        const other = await nango.get({ endpoint: '/echo', connectionId: 'c-2', providerConfigKey: 'shop' });
        const whole = await nango.get({ endpoint: '${upstream.url}/echo?whole=1' });
        const flaky = await nango.get({ endpoint: '/flaky?n=1', retries: 3 });
        const kept = await said(() => nango.get({ endpoint: '/missing', retries: 5 }));
        const wanted = await said(() => nango.get({ endpoint: '/flaky?n=2' }));
        const text = await nango.get({ endpoint: '/text' });
        return { own: own.data, upper: own.headers['x-upper-case'], other: other.data.headers['x-shop-key'], whole: whole.data.url, flaky: flaky.data, kept, wanted: wanted.status, text: text.data };`);
    assert.deepEqual([seen.own.url, seen.own.headers['x-mine'], seen.own.headers['x-shop-key']], ['/echo?list=1%2C2', 'a', 'key-of-c-1']);
    assert.deepEqual([seen.upper, seen.other, seen.whole, seen.text], ['Kept', 'key-of-c-2', '/echo?whole=1', 'plain']);
    assert.deepEqual([seen.flaky, seen.wanted], [{ tries: 3 }, 503]);
    assert.deepEqual([seen.kept.message, seen.kept.status, seen.kept.code], ['Request failed with status code 404', 404, 'ERR_BAD_REQUEST']);
    assert.equal(upstream.seen.filter((one) => one.url === '/missing').length, 1, 'a 404 is not repeated');
    const log = await logOf(`act-${counter}`);
    assert.equal([...log.matchAll(/"message":"GET [^"]*\/flaky\?n=1/g)].length, 3, `one entry per attempt: ${log.slice(0, 3000)}`);
    assert.equal(log.includes('key-of-c-1'), false);
});

test('a refusal of the provider that leaves an action', async () => {
    await deploy(flow('action', 'refused', bundle('action', "await nango.get({ endpoint: '/missing' });")));
    const answer = await api('POST', '/action/trigger', { action_name: 'refused' }, { headers: selected });
    assert.equal(answer.status, 424);
    assert.equal(answer.body.error.code, 'script_http_error');
    assert.deepEqual(answer.body.error.payload, { why: 'gone' });
    assert.deepEqual([answer.body.error.upstream.status, answer.body.error.upstream.headers['x-rate-left'], answer.body.error.upstream.body], [404, '3', { payload: { why: 'gone' } }]);
});

test('connection, integration and environment', async () => {
    const seen = await act(`
        const connection = await nango.getConnection();
        const other = await nango.getConnection('shop', 'c-2');
        await nango.setMetadata({ a: 1, deep: { x: 1, y: 1 } });
        const set = await nango.getMetadata();
        await nango.updateMetadata({ b: 2, deep: { x: 2 } });
        const updated = await nango.getMetadata();
        await nango.setMetadata({ only: true });
        return {
            connection, other: other.credentials, set, updated, replaced: await nango.getMetadata(), token: await nango.getToken(),
            plain: await nango.getIntegration(), more: await nango.getIntegration({ include: ['webhook', 'credentials'] }), webhook: (await nango.getWebhookURL()) ?? null, variables: await nango.getEnvironmentVariables(),
            unknown: await said(() => nango.getConnection('shop', 'nobody'))
        };`);
    for (const name of ['credentials', 'connection_config', 'metadata', 'tags', 'end_user', 'errors', 'created_at', 'provider', 'provider_config_key', 'connection_id']) assert.ok(name in seen.connection, name);
    assert.equal(typeof seen.connection.created_at, 'string');
    assert.deepEqual([seen.other.apiKey, seen.token.apiKey, seen.token.type], ['key-of-c-2', 'key-of-c-1', 'API_KEY']);
    assert.deepEqual([seen.set, seen.updated, seen.replaced], [{ a: 1, deep: { x: 1, y: 1 } }, { a: 1, b: 2, deep: { x: 2 } }, { only: true }]);
    assert.deepEqual([seen.plain.unique_key, 'credentials' in seen.plain, 'webhook_url' in seen.plain, 'webhook_url' in seen.more], ['shop', false, false, true]);
    assert.deepEqual(seen.variables.find((one) => one.name === 'REGION'), { name: 'REGION', value: 'eu' });
    assert.ok([400, 404].includes(seen.unknown.status), JSON.stringify(seen.unknown));
    assert.match(seen.unknown.message, /^Request failed with status code 4/);
});

test('records: merged, read back, refused, deleted', async () => {
    const seen = await sync(`
        await nango.batchSave([{ id: 'a', list: [1, 2], deep: { x: 1, y: 1 } }, { id: 'b' }, { id: 3, n: 1 }], 'Thing');
        await nango.batchUpdate([{ id: 'a', list: [3], deep: { x: 2 } }, { id: 'nobody', x: 1 }], 'Thing');
        const found = await nango.getRecordsByIds(['a', 3, 'nobody'], 'Thing');
        await nango.batchDelete([{ id: 'b', deletedAt: '2024-01-02T03:04:05.000Z' }, { id: 'never' }], 'Thing');
        await nango.batchUpdate([{ id: 'b', late: true }], 'Thing');
        const listed = [];
        for await (const record of nango.listRecords('Thing')) listed.push([record.id, record._nango_metadata.last_action.toLowerCase(), record._nango_metadata.deleted_at]);
        return {
            found: [...found].sort().map(([id, record]) => [id, { list: record.list, deep: record.deep, n: record.n }]), listed,
            noId: await said(() => nango.batchSave([{ name: 'x' }], 'Thing')), model: await said(() => nango.batchSave([{ id: '1' }], 'Other')),
            end: await said(() => nango.trackDeletesEnd('Thing')), strategy: await said(() => nango.setMergingStrategy({ strategy: 'odd' }, 'Thing'))
        };`);
    assert.deepEqual(seen.found, [[3, { n: 1 }], ['a', { list: [3], deep: { x: 2, y: 1 } }]]);
    assert.deepEqual(seen.listed.map(([id, action]) => [String(id), action]).sort(), [['3', 'added'], ['a', 'updated'], ['b', 'deleted'], ['never', 'deleted']]);
    assert.match(seen.listed.find(([id]) => id === 'b')[2], /^2024-01-02T03:04:05/, 'the date that the function gave');
    assert.match(seen.noId.message, /^Failed to save records: /);
    assert.match(seen.model.message, /^Failed to save records: .*Other/);
    assert.match(seen.end.message, /Thing/);
    assert.match(seen.strategy.message, /odd/);
});

test('delete tracking: what was not seen goes, and the mark with it', async () => {
    const seen = await sync(`
        await nango.batchSave([{ id: 'a' }, { id: 'b' }], 'Kept');
        await nango.trackDeletesStart('Kept');
        const none = await nango.trackDeletesEnd('Kept');
        return { none, again: await said(() => nango.trackDeletesEnd('Kept')) };`, 'Kept');
    assert.deepEqual(seen.none, { deletedKeys: [] });
    assert.ok(seen.again.message, 'without a start there is no end');
    const name = `sync-${counter}`;
    await deploy(flow('sync', name, bundle('sync', "await nango.trackDeletesStart('Kept'); await nango.batchSave([{ id: 'a' }], 'Kept'); await nango.setMetadata({ answer: await nango.trackDeletesEnd('Kept') });"), things('Kept')));
    await must('POST', '/connections/metadata', { provider_config_key: 'shop', connection_id: 'c-1', metadata: {} });
    await must('POST', '/sync/trigger', { provider_config_key: 'shop', connection_id: 'c-1', syncs: [name] });
    const ended = await until('the second run', async () => (await must('GET', '/connections/c-1?provider_config_key=shop')).metadata.answer);
    assert.deepEqual(ended, { deletedKeys: ['b'] });
});

test('checkpoints: one per function, versioned, small; nothing saved is nothing to clear', async () => {
    const seen = await act(`
        const none = await nango.getCheckpoint();
        const nothing = await said(() => nango.clearCheckpoint());
        await nango.saveCheckpoint({ at: new Date(0), n: 1, yes: true, gone: undefined });
        const saved = await nango.getCheckpoint();
        const deep = await said(() => nango.saveCheckpoint({ deep: {} }));
        const long = await said(() => nango.saveCheckpoint({ long: 'x'.repeat(4001) }));
        const still = await nango.getCheckpoint();
        await nango.clearCheckpoint();
        return { none, nothing, saved, deep, long, still, cleared: await nango.getCheckpoint() };`);
    assert.deepEqual([seen.none, seen.saved, seen.still, seen.cleared], [null, { at: '1970-01-01T00:00:00.000Z', n: 1, yes: true }, seen.saved, null]);
    assert.match(seen.nothing.message, /checkpoint_conflict/);
    assert.match(seen.deep.message, /^Error saving checkpoint: /);
    assert.match(seen.long.message, /^Error saving checkpoint: /);
    assert.equal(await act('return await nango.getCheckpoint();'), null, 'another function has none');
});

test('locks: the same run may take one again, others wait, and the end of a run frees it', async () => {
    await deploy(flow('action', 'other-lock', bundle('action', "return { taken: await nango.tryAcquireLock({ key: 'k', ttlMs: 60_000 }) };")));
    const held = await act(`
        const first = [await nango.tryAcquireLock({ key: 'k', ttlMs: 60_000 }), await nango.tryAcquireLock({ key: 'k', ttlMs: 60_000 }), (await nango.triggerAction('shop', 'c-2', 'other-lock')).taken];
        const freed = [await nango.releaseLock({ key: 'k' }), await nango.releaseLock({ key: 'k' }), (await nango.triggerAction('shop', 'c-2', 'other-lock')).taken];
        return [...first, ...freed, await nango.tryAcquireLock({ key: 'k', ttlMs: 60_000 })];`);
    assert.deepEqual(held, [true, true, false, true, false, true, true], 'locks of a run that ended are free, and the scope is the environment');
    const tooLong = await act("await nango.tryAcquireLock({ key: 'z', ttlMs: 60_000 }); return said(() => nango.tryAcquireLock({ key: 'x'.repeat(256), ttlMs: 1 }));");
    assert.match(tooLong.message, /lock/i);
    assert.equal(await act("return nango.tryAcquireLock({ key: 'z', ttlMs: 10 });"), true);
});

test('other functions: an action answers or fails as a request does, a sync starts', async () => {
    await deploy(flow('action', 'echo', bundle('action', 'return { got: input };')), flow('action', 'fails', bundle('action', "throw new nango.ActionError({ why: 'no' });")));
    const seen = await act("return [await nango.triggerAction('shop', 'c-2', 'echo', { a: 1 }), await nango.triggerAction('shop', 'c-2', 'echo'), await said(() => nango.triggerAction('shop', 'c-2', 'fails')), await said(() => nango.triggerAction('shop', 'c-2', 'nothing'))];");
    assert.deepEqual(seen.slice(0, 2), [{ got: { a: 1 } }, { got: {} }]);
    assert.deepEqual(seen.slice(2).map((one) => one.status), [500, 404]);
    await deploy(flow('sync', 'woken', bundle('sync', "await nango.setMetadata({ woken: true });"), things('Thing')));
    await act("await nango.triggerSync('shop', 'c-2', 'woken'); await nango.startSync('shop', ['woken'], 'c-2');");
    await until('the sync that was triggered', async () => (await must('GET', '/connections/c-2?provider_config_key=shop')).metadata?.woken);
});

test('uncontrolledFetch: no credentials, redirects by the rules, refusals with a code', async () => {
    const seen = await act(`
        const plain = await nango.uncontrolledFetch({ url: new URL('${upstream.url}/echo'), method: 'POST', headers: { 'x-a': 'b' }, body: 'text' });
        const echo = await plain.clone().json();
        const other = await nango.uncontrolledFetch({ url: new URL('${upstream.url}/see-other'), method: 'POST', body: 'text' });
        const missing = await nango.uncontrolledFetch({ url: new URL('${upstream.url}/missing') });
        return {
            echo, ok: plain.ok, type: plain.headers.get('Content-Type'), size: (await plain.arrayBuffer()).byteLength > 10, after: await other.json(), missing: [missing.ok, missing.status],
            loop: await said(() => nango.uncontrolledFetch({ url: new URL('${upstream.url}/loop') })), file: await said(() => nango.uncontrolledFetch({ url: new URL('file:///etc/passwd') }))
        };`);
    assert.deepEqual([seen.echo.method, seen.echo.raw, seen.echo.headers['x-a'], seen.echo.headers['x-shop-key']], ['POST', 'text', 'b', undefined]);
    assert.deepEqual([seen.ok, seen.type, seen.size, seen.after.method, seen.after.raw, seen.missing], [true, 'application/json', true, 'GET', '', [false, 404]]);
    assert.deepEqual([seen.loop.type, seen.loop.payload.code], ['action_script_runtime_error', 'too_many_redirects']);
    assert.equal(seen.file.payload.code, 'url_not_allowed');
});

test('uncontrolledFetch sends and fails as fetch itself does', async () => {
    const seen = await act(`
        const post = async (more) => (await nango.uncontrolledFetch({ url: new URL('${upstream.url}/echo'), method: 'POST', body: 'text', ...more })).json();
        const failed = await nango.uncontrolledFetch({ url: new URL('http://127.0.0.1:1/') }).catch((e) => [e.name, e.message, e.isAxiosError ?? false, e.cause.code]);
        return {
            sent: (await post({})).headers, own: (await post({ headers: { 'Content-Type': 'text/csv', accept: 'a/b' } })).headers, failed,
            astray: await said(() => nango.uncontrolledFetch({ url: new URL('${upstream.url}/astray') })),
            get: await said(() => nango.uncontrolledFetch({ url: new URL('${upstream.url}/echo'), body: 'x' }))
        };`);
    assert.deepEqual([seen.sent['content-type'], seen.sent.accept], ['text/plain;charset=UTF-8', '*/*']);
    assert.deepEqual([seen.own['content-type'], seen.own.accept], ['text/csv', 'a/b']);
    assert.deepEqual(seen.failed, ['TypeError', 'fetch failed', false, 'ECONNREFUSED']);
    assert.deepEqual([seen.astray.type, seen.astray.payload.code], ['action_script_runtime_error', 'invalid_redirect']);
    assert.match(seen.get.message, /cannot have body/);
});

test('objects as forms: members of members have names, as for callers of the proxy', async () => {
    const headers = { 'content-type': 'application/x-www-form-urlencoded' };
    const data = { a: { b: 1, c: ['x'] }, l: [1, 2], d: '1970-01-01T00:00:00.000Z', s: 'x y' };
    const form = [['a[b]', '1'], ['a[c][]', 'x'], ['d', '1970-01-01T00:00:00.000Z'], ['l[]', '1'], ['l[]', '2'], ['s', 'x y']];
    const parsed = (echo) => [echo.headers['content-type'], [...new URLSearchParams(echo.raw)].sort()];
    const sent = await act(`return (await nango.post({ endpoint: '/echo', headers: ${JSON.stringify(headers)}, data: { ...${JSON.stringify(data)}, d: new Date(0) } })).data;`);
    assert.deepEqual(parsed(sent), ['application/x-www-form-urlencoded', form]);
    const { body } = await api('POST', '/proxy/echo', data, { headers: { ...selected, 'nango-proxy-content-type': headers['content-type'] } });
    assert.deepEqual(parsed(body), parsed(sent));
});

test('a base URL that is given may have placeholders', async () => {
    await must('POST', '/connections/metadata', { provider_config_key: 'shop', connection_id: 'c-1', metadata: { part: 'north' } });
    const url = await act(`return (await nango.get({ endpoint: '/x', baseUrlOverride: '${upstream.url}/\${metadata.part}/\${credentials.apiKey}' })).data.url;`);
    assert.match(url, /^\/north\//);
    assert.doesNotMatch(url, /key-of-c-1/, 'nothing that is secret');
});

test('a pause lets the run under way go on to its end', async () => {
    const name = `sync-${++counter}`;
    await deploy(flow('sync', name, bundle('sync', "for (let n = 0; n < 20; n++) { await nango.batchSave([{ id: 'r' + n }], 'Paused'); await new Promise((done) => setTimeout(done, 50)); }"), things('Paused')));
    const wanted = { provider_config_key: 'shop', connection_id: 'c-1', syncs: [name] };
    const status = async () => (await must('GET', `/sync/status?provider_config_key=shop&connection_id=c-1&syncs=${name}`)).syncs[0];
    await must('POST', '/sync/trigger', wanted);
    await until('the run', async () => (await status()).status === 'RUNNING');
    await must('POST', '/sync/pause', wanted);
    const ended = await until('its end', async () => {
        const now = await status();
        return now.status === 'PAUSED' && now;
    });
    assert.deepEqual([ended.latestExecutionStatus, ended.recordCount.Paused], ['SUCCESS', 20]);
});

test('the log: warnings by default, more by a variable of the environment', async () => {
    const lines = async () => {
        await act("await nango.log('quiet words'); await nango.log('a warning', { a: 1 }, { level: 'warn' }); console.log('unheard'); return 1;");
        const log = await logOf(`act-${counter}`);
        return [log.includes('quiet words'), log.includes('a warning'), log.includes('unheard')];
    };
    assert.deepEqual(await lines(), [false, true, false]);
    await server.cli('env', 'set', 'dev', 'NANGO_LOGGER_LEVEL', 'debug');
    assert.deepEqual(await lines(), [true, true, false]);
    await server.cli('env', 'unset', 'dev', 'NANGO_LOGGER_LEVEL');
});
