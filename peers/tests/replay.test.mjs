// Recorded runs: production runs are sampled, replayed by the command line offline, and stepped through.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { calls } from '../support/api.mjs';
import { binary, startServer, startUpstream, temporaryFolder, until } from '../support/server.mjs';
import { connectShop } from '../support/shop.mjs';

const KEY = 'shop-key-MARKED-51e2c0';
const COOKIE = 'cookie-MARKED-9a77bb01';
const TOKEN = 'token-MARKED-c0ffee4411';
const VARIABLE = 'variable-MARKED-77ab33';
const PASSWORD = 'pw-MARKED';
const MARKED = [/MARKED/, new RegExp(Buffer.from(KEY).toString('base64').slice(2, 20)), new RegExp(encodeURIComponent('MARKED'))];
const ORDERS = Array.from({ length: 25 }, (_, index) => ({ id: String(1000 + index), total: index * 2 }));

let server;
let upstream;
let project;
let folder;

const BUSY = `import { createAction } from 'nango';
import * as z from 'zod';
import crypto from 'crypto';

export default createAction({
    description: 'Takes what it can from chance.',
    input: z.object({ n: z.number(), password: z.string() }),
    output: z.any(),
    exec: async (nango, input) => {
        const seen: string[] = [];
        const note = (what: string) => seen.push(what + ' ' + Date.now() + ' ' + Math.random() + ' ' + performance.now());
        const pause = (ms: number) => new Promise<void>((resolve) => setTimeout(() => { note('timer ' + ms); resolve(); }, ms));
        const ask = async (ms: number) => { const { data } = await nango.get({ endpoint: '/slow', params: { ms: String(ms), n: String(input.n) } }); note('answer ' + data.ms); return data; };
        note('start');
        const token = await nango.getToken();
        const connection = await nango.getConnection();
        const variables = await nango.getEnvironmentVariables();
        const [first] = await Promise.all([ask(60), pause(40), ask(5), pause(3), ask(25)]);
        const cookie = (await nango.get({ endpoint: '/login' })).headers['set-cookie'];
        const echo = await nango.post({ endpoint: '/echo', data: { id: crypto.randomUUID(), token, password: input.password, session: first.access_token, variable: variables?.[0]?.value, type: connection.credentials.type, key: 'k=' + (connection.credentials as any).apiKey + ';', signed: crypto.createHmac('sha256', String((connection.credentials as any).apiKey)).update('x').digest('hex'), basic: btoa('user:' + (connection.credentials as any).apiKey) }, headers: { 'x-trace': crypto.randomBytes(8).toString('hex'), cookie: String(cookie) } });
        await nango.log('hello ' + new Date().toISOString() + ' ' + seen.length);
        return { seen, id: crypto.randomUUID(), n: crypto.randomInt(1000), echo: echo.data, last: Date.now() };
    }
});
`;

const SYNC = `import { createSync } from 'nango';
import * as z from 'zod';

export default createSync({
    description: 'Orders by pages.',
    version: '1.0.0',
    frequency: 'every hour',
    autoStart: false,
    models: { Order: z.object({ id: z.string(), total: z.number(), at: z.string() }) },
    checkpoint: z.object({ after: z.string() }),
    exec: async (nango) => {
        let after = (await nango.getCheckpoint())?.after ?? '';
        for (;;) {
            const { data } = await nango.get({ endpoint: '/orders', params: { after, limit: '10' } });
            if (data.orders.length === 0) break;
            await nango.batchSave(data.orders.map((order: any) => ({ id: order.id, total: order.total, at: new Date().toISOString() })), 'Order');
            after = data.orders[data.orders.length - 1].id;
            await nango.saveCheckpoint({ after });
        }
    }
});
`;

const BROKEN = `import { createAction } from 'nango';
import * as z from 'zod';

export default createAction({
    description: 'Fails on what the provider says.',
    input: z.object({ id: z.string() }),
    output: z.any(),
    exec: async (nango, input) => {
        const { data } = await nango.get({ endpoint: '/orders', params: { after: input.id, limit: '1' } });
        return { total: data.orders[0].customer.total };
    }
});
`;

const { api } = calls(() => server);

const trigger = (name, input) => api('POST', '/action/trigger', { action_name: name, input }, { headers: { 'provider-config-key': 'shop', 'connection-id': 'c-1' } });
const lastRun = async (kind, name) => {
    const { body } = await api('GET', `/logs/operations?kind=${kind}&limit=20`);
    return body.operations.find((one) => one.function === name && one.ended_at !== null);
};
const recordingOf = async (kind, name) =>
    until(`the recording of ${name}`, async () => {
        const run = await lastRun(kind, name);
        if (run === undefined) return undefined;
        const answer = await api('GET', `/functions/runs/${run.id}/recording`);
        return answer.status === 200 ? { id: run.id, ...answer } : undefined;
    });

function tenon(...args) {
    // No address of the server: what has been fetched needs none.
    const env = { ...process.env, NO_COLOR: '1', TENON_HOST: server.url, TENON_SECRET_KEY_DEV: server.keys.dev };
    return new Promise((resolve) => {
        const child = execFile(binary(), args, { cwd: project, env, maxBuffer: 64 << 20 }, (error, stdout, stderr) => resolve({ code: error?.code ?? 0, stdout, stderr }));
        child.stdin.end();
    });
}
const write = (name, text) => writeFile(path.join(project, 'shop', name), text);

async function deploy() {
    const done = await tenon('deploy', 'dev', '--auto-confirm', '--allow-destructive', '--no-typecheck');
    assert.equal(done.code, 0, done.stdout + done.stderr);
}

before(async () => {
    upstream = await startUpstream(async (request) => {
        const url = new URL(request.url, 'http://shop');
        if (url.pathname === '/slow') {
            await sleep(Number(url.searchParams.get('ms')));
            return { body: { ms: url.searchParams.get('ms'), access_token: TOKEN, you: request.headers['x-shop-key'] } };
        }
        if (url.pathname === '/login') return { headers: { 'set-cookie': `sid=${COOKIE}; Path=/; HttpOnly` }, body: { ok: true } };
        if (url.pathname === '/echo') return { body: { got: JSON.parse(request.raw), headers: request.headers } };
        if (url.pathname === '/orders') {
            const rest = ORDERS.filter((order) => order.id > (url.searchParams.get('after') ?? ''));
            return { body: { orders: rest.slice(0, Number(url.searchParams.get('limit'))) } };
        }
        return { status: 404, body: { error: 'nothing here' } };
    });
    [server, project, folder] = await Promise.all([
        startServer({ env: { TENON_FUNCTIONS_RECORD: 'all' } }),
        temporaryFolder('tenon-replay-'),
        temporaryFolder('tenon-recordings-')
    ]);
    const env = await server.cli('env', 'set', 'dev', 'API_SECRET', VARIABLE);
    assert.doesNotMatch(env, /error/);
    const shop = { url: upstream.url };
    await connectShop(server, shop, 'other');
    const made = await api('POST', '/connections', { provider_config_key: 'shop', connection_id: 'c-1', credentials: { type: 'API_KEY', apiKey: KEY }, metadata: { region: 'north' } });
    assert.ok(made.status < 300, made.text);
    await mkdir(path.join(project, 'shop', 'actions'), { recursive: true });
    await mkdir(path.join(project, 'shop', 'syncs'), { recursive: true });
    await writeFile(path.join(project, 'index.ts'), "import './shop/actions/busy.js';\nimport './shop/actions/broken.js';\nimport './shop/syncs/orders.js';\n");
    await Promise.all([write('actions/busy.ts', BUSY), write('actions/broken.ts', BROKEN), write('syncs/orders.ts', SYNC)]);
    await deploy();
});

after(async () => {
    assert.equal(server.panicked(), false);
    await server.stop();
    await upstream.close();
});

test('an action comes out the same: clock, randomness, ids, timers and answers in their order', async () => {
    const ran = await trigger('busy', { n: 7, password: PASSWORD });
    assert.equal(ran.status, 200, ran.text);
    for (const secret of [KEY, COOKIE, TOKEN, VARIABLE, PASSWORD]) assert.ok(ran.text.includes(secret), `the function itself has seen ${secret}`);
    const { id, body } = await recordingOf('action', 'busy');
    const requests = upstream.seen.length;
    const done = await tenon('replay', id);
    assert.equal(done.code, 0, done.stdout + done.stderr);
    assert.match(done.stdout, /^same: \d+ calls and \d+ log lines?, and the end$/m);
    assert.match(done.stderr, /Not compared, because they are computed from credentials.*: step \d+: POST \/echo/);
    assert.equal(upstream.seen.length, requests, 'nothing is sent');
    const again = JSON.parse((await tenon('replay', id, '--json')).stdout);
    assert.deepEqual([again.same, again.code, again.ended_with_recording], [true, 'recorded', false]);
    const { seen, id: uuid, n, last } = ran.body;
    const output = again.outcome.output;
    assert.deepEqual({ seen: output.seen, id: output.id, n: output.n, last: output.last }, { seen, id: uuid, n, last });
    assert.equal(body.run.function, 'busy');
    assert.equal(body.connection.metadata.region, 'north');
});

test('no secret is in a recording, wherever it came from', async () => {
    const { id, text, body } = await recordingOf('action', 'busy');
    for (const pattern of MARKED) assert.doesNotMatch(text, pattern);
    assert.ok(body.secrets_withheld >= 4, `${body.secrets_withheld}`);
    const file = path.join(folder, 'busy.json');
    const saved = await tenon('replay', id, '--save', file);
    assert.equal(saved.code, 0, saved.stderr);
    for (const args of [['debug', file, '--whole'], ['debug', file, '--json'], ['replay', file, '--json']]) {
        const { stdout, stderr } = await tenon(...args);
        for (const pattern of MARKED) assert.doesNotMatch(stdout + stderr, pattern);
    }
    assert.doesNotMatch(await readFile(file, 'utf8'), /MARKED/);
});

test('a sync of several pages comes out the same, and its steps are told', async () => {
    const headers = { 'provider-config-key': 'shop', 'connection-id': 'c-1' };
    const started = await api('POST', '/sync/trigger', { provider_config_key: 'shop', connection_id: 'c-1', syncs: ['orders'] }, { headers });
    assert.ok(started.status < 300, started.text);
    const { id, body } = await recordingOf('sync', 'orders');
    assert.equal(body.steps.filter((step) => step.call?.request.op === 'http').length, 4);
    const done = await tenon('replay', id);
    assert.equal(done.code, 0, done.stdout + done.stderr);
    assert.match(done.stdout, /^same: 11 calls/m);

    const told = await tenon('debug', id);
    assert.equal(told.code, 0, told.stderr);
    assert.match(told.stdout, /Step 1 of \d+ .*sync orders of shop begins, connection c-1/);
    assert.match(told.stdout, /GET \/orders\?after=1009&limit=10 → 200/);
    assert.match(told.stdout, /batchSave Order \(10 records\)/);
    assert.match(told.stdout, /records: 10 first written in this run/);
    assert.match(told.stdout, /info: Successfully batch saved 10 records \(10 modified\)/);
    assert.match(told.stdout, /\{"after":"1009"\} → \{"after":"1019"\}/);
    assert.match(told.stdout, /the run succeeded/);
    const { steps } = JSON.parse((await tenon('debug', id, '--json')).stdout);
    assert.deepEqual(steps.filter((step) => step.kind === 'checkpoint').map((step) => step.after?.after), [undefined, '1009', '1019', '1024']);
    const only = await tenon('debug', id, '--only', 'checkpoint');
    assert.doesNotMatch(only.stdout, /GET \/orders/);
});

test('changed code differs, and it is said where; a fix can be tried', async () => {
    const { id } = await recordingOf('sync', 'orders');
    const same = await tenon('replay', id, '--dir', '.');
    assert.equal(same.code, 0, same.stdout + same.stderr);
    await write('syncs/orders.ts', SYNC.replace('total: order.total,', 'total: order.total + 1,'));
    const changed = await tenon('replay', id, '--dir', '.');
    assert.equal(changed.code, 14, changed.stdout + changed.stderr);
    assert.match(changed.stdout, /different at step \d+: batchSave Order \(10 records\): request\.records\[0\]\.total is 1, expected 0/);
    assert.match(changed.stdout, /^ {2}- +"total": 0/m);
    assert.match(changed.stdout, /2 differences more; --all shows them/);
    await write('syncs/orders.ts', SYNC.replace("limit: '10'", "limit: '20'"));
    const json = await tenon('replay', id, '--dir', '.', '--json');
    assert.equal(json.code, 14);
    assert.match(JSON.parse(json.stdout).differences[0].place, /GET \/orders/);

    const ran = await trigger('broken', { id: '1003' });
    assert.equal(ran.status, 500, ran.text);
    const broken = await recordingOf('action', 'broken');
    const again = await tenon('replay', broken.id);
    assert.equal(again.code, 0, again.stdout + again.stderr);
    assert.match((await tenon('debug', broken.id)).stdout, /the run failed: .*total/);
    await write('actions/broken.ts', BROKEN.replace('data.orders[0].customer.total', 'data.orders[0].total'));
    const fixed = JSON.parse((await tenon('replay', broken.id, '--dir', '.', '--json')).stdout);
    assert.deepEqual(fixed.outcome, { output: { total: 8 } });
    assert.deepEqual(fixed.differences.map((one) => one.place), ['the end']);
    await write('actions/broken.ts', BROKEN.replace('data.orders[0].customer.total', "(await nango.get({ endpoint: '/totals' })).data"));
    const further = await tenon('replay', broken.id, '--dir', '.');
    assert.equal(further.code, 14, further.stderr);
    assert.match(further.stdout, /^further: the code gets past the place where the recorded run failed, and asks GET \/totals/m);
    await write('actions/broken.ts', 'export default 1;');
    assert.equal((await tenon('replay', broken.id, '--dir', '.')).code, 10);
});

test('recordings belong to their environment, and what is missing is explained', async () => {
    const { id } = await recordingOf('action', 'busy');
    const foreign = await api('GET', `/functions/runs/${id}/recording`, undefined, { key: server.keys.prod });
    assert.deepEqual([foreign.status, foreign.body.error.code], [404, 'not_found']);
    const nobody = await api('GET', `/functions/runs/${id}/recording`, undefined, { key: 'a0a0a0a0-0000-4000-8000-000000000000' });
    assert.equal(nobody.status, 401);
    const unknown = await api('GET', '/functions/runs/0000000000000/recording');
    assert.deepEqual([unknown.status, unknown.body.error.code], [404, 'not_found']);
    const { body } = await api('GET', '/logs/operations?limit=100');
    const other = body.operations.find((one) => !['action', 'sync'].includes(one.kind) && one.ended_at);
    const none = await api('GET', `/functions/runs/${other.id}/recording`);
    assert.deepEqual([none.status, none.body.error.code], [404, 'recording_not_found']);
    const wrong = await tenon('replay', 'no-such-file.json');
    assert.equal(wrong.code, 1);
    assert.match(wrong.stderr, /neither a file nor the id of a run/);
    const file = path.join(folder, 'foreign.json');
    await writeFile(file, '{"format":"something"}');
    assert.match((await tenon('debug', file)).stderr, /not a recording of a run/);
});

test('a dry run that is saved is a recording too', async () => {
    await Promise.all([write('actions/busy.ts', BUSY), write('actions/broken.ts', BROKEN), write('syncs/orders.ts', SYNC)]);
    const input = JSON.stringify({ n: 7, password: PASSWORD });
    const dry = await tenon('dryrun', 'busy', 'c-1', '--input', input, '--save');
    assert.equal(dry.code, 0, dry.stderr);
    const file = path.join('shop', 'tests', 'busy.recording.json');
    assert.match(dry.stderr, /Recorded as .*busy\.recording\.json; `tenon debug/);
    for (const pattern of MARKED) assert.doesNotMatch(await readFile(path.join(project, file), 'utf8'), pattern);
    const requests = upstream.seen.length;
    const done = await tenon('replay', file);
    assert.equal(done.code, 0, done.stdout + done.stderr);
    const failed = await tenon('dryrun', 'broken', 'c-1', '--input', '{"id":"1003"}', '--save');
    assert.equal(failed.code, 12, failed.stderr);
    const again = await tenon('replay', path.join('shop', 'tests', 'broken.recording.json'));
    assert.equal(again.code, 0, again.stdout + again.stderr);
    assert.equal(upstream.seen.length, requests + 1, 'only the dry run itself asked the provider');
});

test('by default failed runs are kept; a long one is truncated and says so; off keeps nothing', async () => {
    const settings = {
        failures: {},
        small: { TENON_FUNCTIONS_RECORD: 'all', TENON_FUNCTIONS_RECORD_MAX_MB: '1' },
        off: { TENON_FUNCTIONS_RECORD: 'off' }
    };
    const big = `import { createAction } from 'nango';
import * as z from 'zod';
export default createAction({ description: 'Much.', input: z.object({ fail: z.boolean() }), output: z.any(), exec: async (nango, input) => {
    for (let i = 0; i < 4; i++) await nango.post({ endpoint: '/echo', data: { i, text: 'x'.repeat(200000) } });
    if (input.fail) throw new Error('as asked');
    return Math.random();
} });
`;
    await write('actions/big.ts', big);
    await writeFile(path.join(project, 'index.ts'), "import './shop/actions/big.js';\n");
    const main = server;
    const found = {};
    for (const [name, env] of Object.entries(settings)) {
        server = await startServer({ env });
        try {
            await connectShop(server, { url: upstream.url }, 'c-1');
            await deploy();
            await trigger('big', { fail: false });
            await trigger('big', { fail: true });
            await until('both runs are logged', async () => (await api('GET', '/logs/operations?kind=action')).body.operations.filter((one) => one.ended_at).length === 2);
            const { body } = await api('GET', '/logs/operations?kind=action');
            found[name] = {};
            for (const operation of body.operations) {
                const read = () => api('GET', `/functions/runs/${operation.id}/recording`);
                let answer = await read();
                if (operation.meta?.recorded) answer = await until('it is stored', async () => ((answer = await read()).status === 200 ? answer : undefined));
                found[name][operation.state] = answer.status === 200 ? answer.body : answer.body.error;
                if (name === 'small' && operation.state === 'failed') {
                    const done = await tenon('replay', operation.id);
                    assert.equal(done.code, 0, done.stdout + done.stderr);
                    assert.match(done.stderr, /truncated: it was full before the run ended/);
                }
            }
        } finally {
            await server.stop();
            server = main;
        }
    }
    assert.equal(found.failures.failed.format, 'tenon-recording');
    assert.equal(found.failures.failed.run.kept_for, 'failure');
    assert.equal(found.failures.failed.truncated, undefined);
    assert.equal(found.failures.success.code, 'recording_not_found');
    assert.match(found.failures.success.message, /functions\.record/);
    assert.ok(found.small.failed.truncated.steps > 0);
    assert.equal(found.small.success.format, 'tenon-recording');
    assert.deepEqual([found.off.failed.code, found.off.success.code], ['recording_not_found', 'recording_not_found']);
    assert.match(found.off.failed.message, /off on this server/);
});
