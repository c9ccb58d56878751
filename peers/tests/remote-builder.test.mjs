// The remote builder against a built server: compile, dry-run and deploy single functions from their source.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { calls } from '../support/api.mjs';
import { startServer, startUpstream, until } from '../support/server.mjs';

let server;
let upstream;

async function call(method, path, body, key = server.keys.dev) {
    const answer = await fetch(`${server.url}${path}`, {
        method,
        headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json', 'provider-config-key': 'api', 'connection-id': 'c-1' },
        body: body === undefined ? undefined : JSON.stringify(body).replaceAll('UPSTREAM', upstream.url)
    });
    return { status: answer.status, body: await answer.json().catch(() => undefined) };
}

/** The job when it has ended. */
async function ended(kind, accepted) {
    assert.equal(accepted.status, 202, JSON.stringify(accepted.body));
    assert.match(accepted.body.id, /^[0-9a-f-]{36}$/);
    assert.equal(accepted.body.status, 'waiting');
    return until(`${kind} ends`, async () => {
        const { status, body } = await call('GET', `/functions/${kind}/${accepted.body.id}`);
        assert.equal(status, 200);
        return ['success', 'failed'].includes(body.status) && body;
    });
}

const ACTION = `import { createAction } from 'nango';
import * as z from 'zod';
export default createAction({
    description: 'Greets.', version: '1.0.0',
    input: z.object({ name: z.string() }), output: z.object({ text: z.string(), key: z.string() }),
    exec: async (nango, input) => {
        await nango.setMetadata({ greeted: input.name });
        const { data } = await nango.get({ baseUrlOverride: 'UPSTREAM', endpoint: '/greeting', retries: 3 });
        return { text: data.word + ' ' + input.name, key: data.seen };
    }
});
`;

const SYNC = `import { createSync } from 'nango';
import * as z from 'zod';
export default createSync({
    description: 'Things.', version: '1.0.0', frequency: 'every hour', autoStart: false,
    checkpoint: z.object({ page: z.number() }),
    models: { Thing: z.object({ id: z.string() }) },
    exec: async (nango) => {
        const checkpoint = await nango.getCheckpoint();
        const { data } = await nango.get({ baseUrlOverride: 'UPSTREAM', endpoint: '/things', retries: 3 });
        await nango.batchSave(data.things, 'Thing');
        await nango.saveCheckpoint({ page: (checkpoint?.page ?? 0) + 1 });
    }
});
`;

before(async () => {
    upstream = await startUpstream((request) => request.url === '/things'
        ? { body: { things: [{ id: '1' }, { id: '2' }] } }
        : { body: { word: 'Hello', seen: request.headers.authorization } });
    server = await startServer();
    const made = [
        await call('POST', '/integrations', { provider: 'private-api-bearer', unique_key: 'api' }),
        await call('POST', '/connections', { provider_config_key: 'api', connection_id: 'c-1', credentials: { type: 'API_KEY', apiKey: 'sesame' } })
    ];
    for (const { status, body } of made) assert.ok(status < 300, JSON.stringify(body));
});

after(async () => {
    assert.equal(server.panicked(), false);
    await server.stop();
    await upstream.close();
});

test('a build and a job end at their time', async () => {
    const hasty = await startServer({ env: { TENON_FUNCTIONS_BUILD_SECONDS: '5', TENON_FUNCTIONS_REMOTE_JOB_SECONDS: '6' } });
    try {
        const at = calls(() => hasty);
        await at.must('POST', '/integrations', { provider: 'private-api-bearer', unique_key: 'api' });
        await at.must('POST', '/connections', { provider_config_key: 'api', connection_id: 'c-1', credentials: { type: 'API_KEY', apiKey: 'sesame' } });
        const endless = 'for (;;) {}\n' + ACTION;
        const sleepy = ACTION.replace("await nango.setMetadata({ greeted: input.name });", 'await new Promise((done) => setTimeout(done, 60_000));');
        const asked = { integration_id: 'api', function_type: 'action', code: sleepy, connection_id: 'c-1', input: { name: 'Ada' } };
        const { id } = await at.must('POST', '/functions/dryruns', asked);
        const begun = Date.now();
        const refused = await at.api('POST', '/functions/compile', { code: endless });
        assert.deepEqual([refused.status, refused.body.error.code], [504, 'timeout'], refused.text);
        assert.match(refused.body.error.message, /could not be compiled in time/);
        assert.ok(Date.now() - begun >= 4900);
        const job = await until('the dry run ends', async () => {
            const { body } = await at.api('GET', `/functions/dryruns/${id}`);
            return ['success', 'failed'].includes(body.status) && body;
        }, 40_000);
        assert.deepEqual([job.status, job.error.code], ['failed', 'timeout'], JSON.stringify(job));
        assert.ok(job.duration_ms >= 4000 && job.duration_ms < 40_000, `${job.duration_ms}`);
    } finally {
        await hasty.stop();
    }
});

test('compiles', async () => {
    const { status, body } = await call('POST', '/functions/compile', { code: ACTION });
    assert.equal(status, 200, JSON.stringify(body));
    assert.equal(body.bundle_size_bytes, Buffer.byteLength(body.bundled_js));
    assert.match(body.bundled_js, /Hello|greeting/);
    assert.ok(!Number.isNaN(Date.parse(body.compiled_at)));
});

test('explains what does not compile', async () => {
    const wrong = [
        ['a syntax error', 'export default createAction({', /syntax_error|error/],
        ['a forbidden import', ACTION.replace("'zod'", "'node:fs'"), /disallowed_import/],
        ['another file', `import x from '../../../etc/hostname';\n${ACTION}\nexport const other = x;`, /import_not_found/],
        ['a throw while it is loaded', `${ACTION}\nthrow new Error('at load');`, /./],
        ['deep nesting', `const x = ${'('.repeat(400_000)}1${')'.repeat(400_000)};`, /./]
    ];
    for (const [what, code, message] of wrong) {
        const { status, body } = await call('POST', '/functions/compile', { code });
        assert.equal(status, 400, `${what}: ${status}`);
        assert.equal(body.error.code, 'compilation_error', what);
        assert.match(body.error.message, message, what);
        assert.doesNotMatch(body.error.message, /(^|\s)\/(home|root|work|tmp)\//, what);
    }
    assert.equal((await call('GET', '/integrations')).status, 200);
});

test('bad input', async () => {
    const bodies = [{}, { code: '' }, { code: 1 }, { code: ACTION, more: 1 }, { code: `//${'x'.repeat(1 << 20)}` }];
    for (const body of bodies) assert.equal((await call('POST', '/functions/compile', body)).body.error.code, 'invalid_body');
    const dry = { integration_id: 'api', function_type: 'action', code: ACTION, connection_id: 'c-1' };
    for (const wrong of [{ function_type: 'on-event' }, { checkpoint: 1 }, { last_sync_date: 'yesterday' }, { more: 1 }, { code: '' }]) {
        const answer = await call('POST', '/functions/dryruns', { ...dry, ...wrong });
        assert.equal(answer.body.error.code, 'invalid_body', JSON.stringify(wrong));
    }
    assert.deepEqual(
        await Promise.all([
            call('POST', '/functions/dryruns', { ...dry, integration_id: 'none' }),
            call('POST', '/functions/dryruns', { ...dry, connection_id: 'none' }),
            call('GET', '/functions/dryruns/none'),
            call('GET', '/functions/deployments/6a1d8a1e-0b7e-4d0c-9df4-0f4c1c1f3a55'),
            call('POST', '/functions/deployments', { type: 'template', integration_id: 'api', template: 'x' })
        ].map(async (answer) => { const { status, body } = await answer; return [status, body.error.code]; })),
        [[404, 'integration_not_found'], [404, 'connection_not_found'], [404, 'dryrun_not_found'], [404, 'deployment_not_found'], [404, 'template_not_found']]
    );
});

test('dry-runs an action and stores nothing', async () => {
    const accepted = await call('POST', '/functions/dryruns', {
        integration_id: 'api', function_type: 'action', code: ACTION, connection_id: 'c-1', input: { name: 'Ada' }
    });
    const job = await ended('dryruns', accepted);
    assert.equal(job.status, 'success', JSON.stringify(job));
    assert.deepEqual(job.result, { text: 'Hello Ada', key: 'Bearer sesame' });
    assert.equal(job.integration_id, 'api');
    const connection = await call('GET', '/connections/c-1?provider_config_key=api');
    assert.deepEqual(connection.body.metadata ?? {}, {});
    assert.equal((await call('POST', '/action/trigger', { action_name: 'dry-run', input: {} })).status, 404);
    // Another environment does not see it.
    const foreign = await call('GET', `/functions/dryruns/${accepted.body.id}`, undefined, server.keys.prod);
    assert.deepEqual([foreign.status, foreign.body.error.code], [404, 'dryrun_not_found']);
});

test('a dry run tells what does not fit, and no secret', async () => {
    const code = ACTION.replace('await nango.setMetadata({ greeted: input.name });', "await nango.log('the key ' + JSON.stringify(await nango.getToken()));").replace("data.word + ' ' + input.name", '7 as any');
    const job = await ended('dryruns', await call('POST', '/functions/dryruns', { integration_id: 'api', function_type: 'action', code, connection_id: 'c-1', input: { name: 5 } }));
    assert.equal(job.status, 'success', JSON.stringify(job));
    assert.deepEqual(job.validation.map((one) => [one.code, one.path]), [['invalid_action_input', '/name'], ['invalid_action_output', '/text']]);
    assert.match(job.output, /warn {2}does not fit the schema ActionInput_api_dryrun: \/name: 5 is not of type "string"/);
    assert.match(job.output, /the key .*\[redacted\]/);
    assert.doesNotMatch(job.output, /sesame/);
});

test('dry-runs a sync and stores nothing', async () => {
    const body = { integration_id: 'api', function_type: 'sync', code: SYNC, connection_id: 'c-1', checkpoint: { page: 4 } };
    const job = await ended('dryruns', await call('POST', '/functions/dryruns', body));
    assert.equal(job.status, 'success', JSON.stringify(job));
    assert.deepEqual(job.result.records.Thing.counts, { saved: 2, updated: 0, deleted: 0 });
    assert.deepEqual(job.result.records.Thing.saved, [{ id: '1' }, { id: '2' }]);
    assert.deepEqual(job.result.checkpoint, { page: 5 });
    const records = await call('GET', '/records?model=Thing');
    assert.deepEqual(records.body.records ?? [], []);
    const again = await ended('dryruns', await call('POST', '/functions/dryruns', { ...body, checkpoint: undefined }));
    assert.deepEqual(again.result.checkpoint, { page: 1 });
});

test('failures of a dry run are told', async () => {
    const dry = (code, function_type = 'action') =>
        call('POST', '/functions/dryruns', { integration_id: 'api', function_type, code, connection_id: 'c-1' }).then((answer) => ended('dryruns', answer));
    const broken = await dry('export default');
    assert.deepEqual([broken.status, broken.error.code], ['failed', 'compilation_error']);
    const other = await dry(ACTION, 'sync');
    assert.deepEqual([other.status, other.error.code], ['failed', 'compilation_error']);
    const thrown = await dry(ACTION.replace('await nango.setMetadata', "throw new nango.ActionError({ message: 'no luck' }); await nango.setMetadata"));
    assert.deepEqual([thrown.status, thrown.error.code], ['failed', 'dryrun_error']);
    assert.match(thrown.error.message, /no luck/);
});

test('deploys one function, which then runs', async () => {
    const deploy = (more) => call('POST', '/functions/deployments', {
        type: 'function', integration_id: 'api', function_name: 'greet', function_type: 'action', code: ACTION, ...more
    });
    const job = await ended('deployments', await deploy());
    assert.equal(job.status, 'success', JSON.stringify(job));
    assert.equal(job.function_name, 'greet');
    assert.deepEqual(job.deployed_functions, [{ name: 'greet', version: '1.0.0' }]);
    const ran = await call('POST', '/action/trigger', { action_name: 'greet', input: { name: 'Bob' } });
    assert.deepEqual(ran.body, { text: 'Hello Bob', key: 'Bearer sesame' });
    const next = await ended('deployments', await deploy({ version: '2.0.0' }));
    assert.deepEqual(next.deployed_functions, [{ name: 'greet', version: '2.0.0' }]);
    const broken = await ended('deployments', await deploy({ code: 'nonsense(' }));
    assert.deepEqual([broken.status, broken.error.code], ['failed', 'compilation_error']);
    assert.equal((await call('POST', '/action/trigger', { action_name: 'greet', input: { name: 'Bob' } })).status, 200);
});

test('what a repository deployed is not written over, and bodies are strict', async () => {
    const flow = { type: 'action', syncName: 'kept', providerConfigKey: 'api', models: [], runs: null, track_deletes: false, fileBody: { js: "module.exports = { default: { type: 'action', exec: async () => 'from the repository' } };", ts: '' } };
    const made = await call('POST', '/sync/deploy', { flowConfigs: [flow], reconcile: false, debug: false, deployMode: 'single', sdkVersion: '0.71.4-zero', nangoYamlBody: '', source: 'repo' });
    assert.equal(made.status, 200, JSON.stringify(made.body));
    const wanted = { type: 'function', integration_id: 'api', function_name: 'kept', function_type: 'action', code: ACTION };
    for (const more of [{}, { allow_destructive: true }]) {
        const refused = await call('POST', '/functions/deployments', { ...wanted, ...more });
        assert.deepEqual([refused.status, refused.body.error.code], [400, 'invalid_request'], 'also where losses are allowed');
    }
    assert.equal((await call('POST', '/action/trigger', { action_name: 'kept' })).body, 'from the repository');
    for (const wrong of [{ type: 'bundle' }, { type: undefined }, { function_type: 'on-event' }, { function_name: 'a b' }, { version: 1 }, { allow_destructive: 'yes' }, { template: 'x' }, { code: undefined }]) {
        const answer = await call('POST', '/functions/deployments', { ...wanted, function_name: 'new', ...wrong });
        assert.deepEqual([answer.status, answer.body.error.code], [400, 'invalid_body'], JSON.stringify(wrong));
    }
});

test('what a job tells, and what a dry run is given', async () => {
    const code = SYNC.replace("const checkpoint =", "const { greeting } = await nango.getMetadata<any>(); await nango.batchSave([{ id: greeting + ' ' + nango.lastSyncDate!.toISOString() }], 'Thing'); const checkpoint =");
    const body = { integration_id: 'api', function_type: 'sync', code, connection_id: 'c-1', metadata: { greeting: 'hi' }, last_sync_date: '2026-01-02T03:04:05.000Z' };
    const job = await ended('dryruns', await call('POST', '/functions/dryruns', body));
    assert.equal(job.status, 'success', JSON.stringify(job));
    assert.deepEqual(job.result.records.Thing.saved[0], { id: 'hi 2026-01-02T03:04:05.000Z' });
    assert.deepEqual(Object.keys(job).sort(), ['completed_at', 'created_at', 'duration_ms', 'function_type', 'id', 'integration_id', 'output', 'result', 'started_at', 'status', 'updated_at']);
    assert.deepEqual([job.integration_id, job.function_type, typeof job.output, typeof job.duration_ms], ['api', 'sync', 'string', 'number']);
    const deployed = await ended('deployments', await call('POST', '/functions/deployments', { type: 'function', integration_id: 'api', function_name: 'told', function_type: 'action', code: ACTION }));
    assert.deepEqual([deployed.function_name, deployed.deployed, deployed.deployed_functions], ['told', true, [{ name: 'told', version: '1.0.0' }]]);
});

test('dropping models has to be allowed', async () => {
    const deploy = (code, more) => call('POST', '/functions/deployments', {
        type: 'function', integration_id: 'api', function_name: 'things', function_type: 'sync', code, ...more
    }).then((answer) => ended('deployments', answer));
    assert.equal((await deploy(SYNC)).status, 'success');
    const renamed = SYNC.replaceAll('Thing:', 'Item:').replaceAll("'Thing'", "'Item'");
    const refused = await deploy(renamed);
    assert.deepEqual([refused.status, refused.error.code], ['failed', 'invalid_request']);
    assert.match(refused.error.message, /Thing/);
    assert.equal((await deploy(renamed, { allow_destructive: true })).status, 'success');
});

test('functions of an integration are listed by type, name and page, read with their source, and removed', async () => {
    const listed = async (query) => {
        const { status, body } = await call('GET', `/integrations/api/functions?${query}`);
        return status === 200 ? [body.data.map((one) => `${one.name} ${one.type} ${one.source}`), body.pagination] : body.error.code;
    };
    assert.deepEqual(await listed(''), [['greet action standalone', 'kept action repo', 'told action standalone', 'things sync standalone'], { total: 4, page: 0, limit: 20 }]);
    assert.deepEqual(await listed('type=sync'), [['things sync standalone'], { total: 1, page: 0, limit: 20 }]);
    assert.deepEqual(await listed('search=KEP'), [['kept action repo'], { total: 1, page: 0, limit: 20 }]);
    assert.deepEqual(await listed('limit=3&page=1'), [['things sync standalone'], { total: 4, page: 1, limit: 3 }]);
    for (const wrong of ['type=webhook', 'limit=101', 'limit=0', 'page=-1', 'x=1']) assert.equal(await listed(wrong), 'invalid_query_params', wrong);
    const read = (rest) => call('GET', `/integrations/api/functions/${rest}`);
    assert.deepEqual([(await read('greet')).body.data.description, (await read('greet?type=sync')).status, (await read('nope')).status], ['Greets.', 404, 404]);
    assert.equal((await read('greet/code')).body.code, ACTION.replaceAll('UPSTREAM', upstream.url));
    const remove = async (rest) => { const { status, body } = await call('DELETE', `/integrations/api/functions/${rest}`); return [status, body.error?.code ?? body.data.success]; };
    assert.deepEqual(await remove('kept?type=action'), [400, 'function_managed_by_deploy']);
    assert.deepEqual(await remove('greet'), [400, 'invalid_query_params']);
    assert.deepEqual(await remove('nope?type=action'), [404, 'not_found']);
    assert.deepEqual(await remove('told?type=action'), [200, true]);
    assert.equal((await read('told')).status, 404);
});
