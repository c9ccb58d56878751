// Functions made by `createFunction`, with each of their triggers, deployed by both command lines.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import { ROOT, binary, startServer, until } from '../support/server.mjs';
import { connectShop, shopProject, startShop } from '../support/shop.mjs';

const run = promisify(execFile);
const SECRET = 'hub-secret';

let server;
let shop;
let project;
let environment;

const made = (declared, exec) => `import { createFunction } from 'nango/experimental';
import * as z from 'zod';
const Order = z.object({ id: z.string(), note: z.string().optional() });
export const unused = undefined as unknown as typeof Order;
export default createFunction({ description: 'A function.', ${declared}, exec: async (nango, trigger) => { ${exec} } });
`.replace(/^export const unused.*\n/m, '');
const needs = 'requires: { connection: true, outbound: true }';
const keeps = 'data: { models: { Order } }';

const SHOP = {
    quote: made(`input: z.object({ total: z.number() }), output: z.object({ id: z.string(), total: z.number(), has: z.array(z.string()) }), ${needs}`,
        `const { data } = await (nango as any).post({ endpoint: '/orders', data: { total: trigger.input.total } });
         return { id: String(data.id), total: data.total, has: [trigger.kind, trigger.connection!.connectionId, typeof (nango as any).batchSave, nango.getVariant()] };`),
    keep: made(`input: z.object({ id: z.string() }), ${keeps}, ${needs}`, `await nango.batchSave([{ id: trigger.input.id }], 'Order');`),
    bare: made(`requires: { connection: true, outbound: false }`, `const shown = await nango.getConnection();
        return { open: ['credentials', 'metadata', 'provider'].filter((name) => name in shown), has: ['get', 'getToken', 'triggerAction', 'triggerSync', 'startSync', 'getMetadata'].filter((name) => name in nango) };`),
    ask: made(`requires: { connection: true, outbound: false, invoke: true }`, `return nango.invoke('quote', { input: { total: 7 } });`),
    slow: made(`limits: { concurrency: { perConnection: 1 } }, ${needs}`, `const { data } = await nango.get({ endpoint: '/busy' }); return data;`),
    hourly: made(`trigger: { kind: 'schedule', frequency: 'every hour', autoStart: true }, data: { models: { Hour: Order }, checkpoint: z.object({ last: z.string() }) }, ${needs}`,
        `await nango.batchSave([{ id: trigger.kind }], 'Hour'); await nango.saveCheckpoint({ last: 'x' });`),
    greet: made(`trigger: { kind: 'event', events: ['post-connection-creation', 'validate-connection'] }, data: { models: { Greeting: Order } }, ${needs}`,
        `await nango.batchSave([{ id: trigger.event! }], 'Greeting');`)
};
const HUB = {
    changed: made(`trigger: { kind: 'http', subscriptions: ['contact.creation'] }, data: { models: { Contact: Order } }, ${needs}`,
        `await nango.batchSave([{ id: String(trigger.request.body.objectId), note: trigger.request.event }], 'Contact');`),
    joined: made(`trigger: { kind: 'http', subscriptions: ['contact.propertyChange'], debounce: { keyBy: 'objectId', windowMs: 1500, take: 'all' } }, data: { models: { Burst: Order } }, ${needs}`,
        `await nango.batchSave([{ id: String(trigger.request.body.objectId), note: trigger.coalesced!.map((one) => one.body.eventId).join() }], 'Burst');`)
};

async function api(method, where, body, headers = {}) {
    const answer = await fetch(`${server.url}${where}`, {
        method,
        headers: { authorization: `Bearer ${server.keys.dev}`, 'content-type': 'application/json', ...headers },
        body: body === undefined ? undefined : JSON.stringify(body)
    });
    return { status: answer.status, body: await answer.json().catch(() => null) };
}

const records = async (model, key = 'shop', id = 'c-1') => {
    const { body } = await api('GET', `/records?model=${model}`, undefined, { 'provider-config-key': key, 'connection-id': id });
    return Object.fromEntries((body.records ?? []).map((one) => [one.id, one.note ?? one._nango_metadata.last_action]));
};
const invoke = (name, more = {}) => api('POST', '/functions/invocations', { integration_id: 'shop', connection_id: 'c-1', name, invocation_type: 'wait', ...more });

async function write(functions) {
    for (const [integration, files] of Object.entries(functions)) {
        await rm(path.join(project, integration), { recursive: true, force: true });
        await mkdir(path.join(project, integration, 'functions'), { recursive: true });
        for (const [name, text] of Object.entries(files)) await writeFile(path.join(project, integration, 'functions', `${name}.ts`), text);
    }
    const all = Object.entries(functions).flatMap(([integration, files]) => Object.keys(files).map((name) => `import './${integration}/functions/${name}.js';\n`));
    await writeFile(path.join(project, 'index.ts'), all.join(''));
}

async function tenon(...args) {
    const env = { ...process.env, NO_COLOR: '1', NANGO_HOSTPORT: server.url, NANGO_SECRET_KEY_DEV: server.keys.dev };
    return JSON.parse((await run(binary(), [...args, '--json'], { cwd: project, env })).stdout);
}
const deploy = (...more) => tenon('deploy', 'dev', '--auto-confirm', '--allow-destructive', '--no-typecheck', ...more);

before(async () => {
    shop = await startShop();
    server = await startServer();
    environment = JSON.parse(await server.cli('env', 'show', 'dev', '--json')).uuid;
    await connectShop(server, shop, 'c-1');
    const hub = await api('POST', '/integrations', { unique_key: 'hub', provider: 'hubspot', credentials: { type: 'OAUTH2', client_id: 'id', client_secret: SECRET } });
    assert.equal(hub.status, 200, JSON.stringify(hub.body));
    const portal = await api('POST', '/connections', { provider_config_key: 'hub', connection_id: 'portal', credentials: { type: 'OAUTH2', access_token: 't' }, connection_config: { portalId: '1' } });
    assert.ok(portal.status < 300, JSON.stringify(portal.body));
    project = await shopProject();
    await mkdir(path.join(project, '.nango'), { recursive: true });
    await writeFile(path.join(project, '.env'), '');
});

after(async () => {
    assert.equal(server.panicked(), false);
    await server.stop();
    await shop.close();
});

test('the official command line deploys what it knows', async () => {
    const quote = SHOP.quote.replace('const Order = z.object({ id: z.string(), note: z.string().optional() });\n', '');
    await write({ shop: { quote } });
    const nango = path.join(ROOT, 'peers', 'node_modules', '.bin', 'nango');
    const env = { ...process.env, CI: '1', NANGO_CLI_UPGRADE_MODE: 'ignore', NO_COLOR: '1', NANGO_HOSTPORT: server.url, NANGO_SECRET_KEY_DEV: server.keys.dev };
    const args = ['deploy', 'dev', '--auto-confirm', '--allow-destructive', '--no-telemetry', '--no-dependency-update', '--no-interactive'];
    const done = await run(process.execPath, [nango, ...args], { cwd: project, env }).catch((error) => assert.fail(`${error.stdout}${error.stderr}`));
    assert.match(done.stdout + done.stderr, /shop → quote/);
    const answer = await invoke('quote', { input: { total: 3 } });
    assert.deepEqual(answer, { status: 200, body: { status: 'success', output: { id: '77', total: 3, has: ['none', 'c-1', 'undefined', 'base'] } } });
});

test('a project with all triggers is planned and deployed', async () => {
    await write({ shop: SHOP, hub: HUB });
    const plan = await deploy('--plan');
    assert.deepEqual(plan.plan.updatedFunctions.map((one) => one.name), ['quote']);
    assert.equal(plan.plan.newFunctions.length, 8);
    assert.equal((await deploy()).deployed.length, 9);
    const again = await deploy('--plan');
    assert.deepEqual(again.plan, { newFunctions: [], updatedFunctions: [], deletedFunctions: [] });
    const { body } = await api('GET', '/integrations/shop/functions?limit=100');
    const kinds = Object.fromEntries(body.data.map((one) => [`${one.name} ${one.event ?? ''}`.trim(), [one.type, one.trigger.kind]]));
    assert.deepEqual(kinds, {
        quote: ['action', 'none'], keep: ['action', 'none'], bare: ['action', 'none'], ask: ['action', 'none'], slow: ['action', 'none'], hourly: ['sync', 'schedule'],
        'greet post-connection-creation': ['on-event', 'event'], 'greet validate-connection': ['on-event', 'event']
    });
});

test('calls: output, records, other functions, one at a time, later', async () => {
    assert.equal((await invoke('quote', { input: { total: 'three' } })).body.error.code, 'validation_error');
    assert.deepEqual((await invoke('ask')).body.output.total, 7);
    assert.deepEqual((await invoke('bare')).body.output, { open: ['provider'], has: [] }, 'what was not declared is not there');
    assert.equal((await invoke('keep', { input: { id: 'k-1' } })).status, 200);
    assert.equal((await invoke('keep', { input: { id: 'k-2' } })).status, 200);
    assert.deepEqual(await records('Order'), { 'k-1': 'ADDED', 'k-2': 'ADDED' });
    const later = await invoke('quote', { input: { total: 9 }, invocation_type: 'no_wait' });
    assert.equal(later.status, 202);
    const result = await until('the later call', async () => {
        const answer = await api('GET', later.body.statusUrl);
        return answer.status === 200 && answer.body;
    });
    assert.equal(result.total, 9);
    const busy = await Promise.all([invoke('slow'), invoke('slow'), invoke('slow')]);
    assert.ok(busy.every((one) => one.status === 424), JSON.stringify(busy));
    for (const [name, code, status] of [['hourly', 'invalid_invocation', 400], ['greet', 'invalid_invocation', 400], ['absent', 'unknown_function', 404]]) {
        const answer = await invoke(name);
        assert.deepEqual([answer.status, answer.body.error.code], [status, code]);
    }
    assert.equal((await invoke('quote', { connection_id: 'nobody' })).body.error.code, 'connection_not_found');
});

test('a function that is off is refused with its own code', async () => {
    const turn = (enabled) => api('PATCH', '/integrations/shop/functions/quote', { enabled });
    assert.equal((await turn(false)).body.data.enabled, false);
    const refused = await invoke('quote', { input: { total: 3 } });
    assert.deepEqual([refused.status, refused.body.error.code], [403, 'function_disabled']);
    assert.equal((await turn(true)).status, 200);
    assert.equal((await invoke('quote', { input: { total: 3 } })).status, 200);
});

test('schedules and events start functions', async () => {
    await until('the schedule', async () => (await records('Hour')).schedule);
    await connectShop(server, shop, 'c-2');
    const greeted = await until('the events', async () => {
        const found = await records('Greeting', 'shop', 'c-2');
        return Object.keys(found).length === 2 && found;
    });
    assert.deepEqual(Object.keys(greeted).sort(), ['post-connection-creation', 'validate-connection']);
});

test('messages start functions, and a burst becomes one run', async () => {
    const deliver = async (events) => {
        const raw = JSON.stringify(events.map((event, index) => ({ portalId: 1, occurredAt: index, ...event })));
        const signature = createHash('sha256').update(SECRET + raw).digest('hex');
        const answer = await fetch(`${server.url}/webhook/${environment}/hub`, {
            method: 'POST', body: raw,
            headers: { 'content-type': 'application/json', 'x-hubspot-signature': signature, 'x-hubspot-signature-version': 'v1' }
        });
        assert.equal(answer.status, 200, await answer.text());
    };
    await deliver([{ eventId: 1, subscriptionType: 'contact.creation', objectId: 5 }, { eventId: 2, subscriptionType: 'contact.propertyChange', objectId: 5 }]);
    await deliver([{ eventId: 3, subscriptionType: 'contact.propertyChange', objectId: 6 }]);
    await deliver([{ eventId: 4, subscriptionType: 'contact.propertyChange', objectId: 5 }]);
    await until('the message', async () => (await records('Contact', 'hub', 'portal'))[5] === 'contact.creation');
    const bursts = await until('the windows', async () => {
        const found = await records('Burst', 'hub', 'portal');
        return Object.keys(found).length === 2 && found;
    });
    assert.deepEqual(bursts, { 5: '2,4', 6: '3' });
});

test('what a deploy does not name is removed, in its scope only', async () => {
    await write({ shop: { quote: SHOP.quote }, hub: HUB });
    const done = await deploy('--integration', 'shop');
    assert.deepEqual(done.plan.deletedFunctions.map((one) => one.name).sort(), ['ask', 'bare', 'greet', 'hourly', 'keep', 'slow']);
    assert.equal((await invoke('keep')).body.error.code, 'unknown_function');
    const { body } = await api('GET', '/integrations/hub/functions');
    assert.equal(body.data.length, 2);
});
