// The official `nango` command line against the built server: init, compile, deploy, dryrun; then the deployed
// functions through the official Node SDK.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import { Nango } from '@nangohq/node';
import { ROOT, startServer, startUpstream, temporaryFolder, until } from '../support/server.mjs';
import { connectShop, shopProject, startShop } from '../support/shop.mjs';

const run = promisify(execFile);
const NANGO = path.join(ROOT, 'peers', 'node_modules', '.bin', 'nango');

let server;
let shop;
let receiver;
let project;
let nango;

const cli = async (args, { cwd = project, env = {} } = {}) => {
    const options = {
        cwd,
        maxBuffer: 32 << 20,
        env: {
            ...process.env, CI: '1', NANGO_CLI_UPGRADE_MODE: 'ignore', NO_COLOR: '1',
            NANGO_HOSTPORT: server.url, NANGO_SECRET_KEY_DEV: server.keys.dev, ...env
        }
    };
    try {
        const running = run(process.execPath, [NANGO, ...args, '--no-telemetry', '--no-dependency-update', '--no-interactive'], options);
        // A dry run with many results asks whether to show more, whatever the flags say.
        running.child.stdin.end('n\n');
        const done = await running;
        return done.stdout + done.stderr;
    } catch (error) {
        throw new Error(`nango ${args.join(' ')} ended with ${error.code}:\n${error.stdout}\n${error.stderr}`);
    }
};

before(async () => {
    shop = await startShop();
    receiver = await startUpstream(() => ({ body: { ok: true } }));
    server = await startServer();
    nango = new Nango({ host: server.url, apiKey: server.keys.dev });
    await connectShop(server, shop, 'c-1');
    project = await shopProject();
});

after(async () => {
    await server?.stop();
    await shop?.close();
    await receiver?.close();
});

test('init makes a project that compiles', async () => {
    const parent = await temporaryFolder('tenon-init-');
    // `--copy` leaves out the installation of packages; the peers' own are linked in instead.
    await cli(['init', 'fresh', '--copy'], { cwd: parent });
    const fresh = path.join(parent, 'fresh');
    assert.ok(existsSync(path.join(fresh, 'index.ts')));
    await symlink(path.join(ROOT, 'peers', 'node_modules'), path.join(fresh, 'node_modules'));
    await cli(['compile'], { cwd: fresh });
    assert.ok(existsSync(path.join(fresh, '.nango', 'nango.json')));
});

test('compile, deploy and run', async () => {
    await mkdir(path.join(project, '.nango'), { recursive: true });
    await writeFile(path.join(project, '.env'), '');
    await cli(['compile']);
    const definitions = JSON.parse(await readFile(path.join(project, '.nango', 'nango.json'), 'utf8'));
    assert.equal(definitions[0].providerConfigKey, 'shop');
    const printed = await cli(['deploy', 'dev', '--auto-confirm', '--allow-destructive']);
    assert.match(printed, /deployed/i);
    const functions = await nango.listFunctions({ uniqueKey: 'shop' });
    assert.deepEqual(functions.data.map((one) => one.name).sort(), ['connected', 'create-order', 'orders', 'refuse']);
});

test('actions through the SDK', async () => {
    assert.deepEqual(await nango.triggerAction('shop', 'c-1', 'create-order', { total: 12 }), { id: '77', total: 12 });
    assert.equal(shop.seen.at(-1).headers['x-shop-key'], 'shop-key');
    await assert.rejects(nango.triggerAction('shop', 'c-1', 'refuse'), (error) => {
        assert.equal(error.response.status, 500);
        assert.equal(error.response.data.error.code, 'action_script_runtime_error');
        assert.deepEqual(error.response.data.error.payload, { type: 'closed', message: 'the shop is closed' });
        return true;
    });
    const later = await nango.triggerActionAsync('shop', 'c-1', 'create-order', { total: 3 });
    const result = await until('the asynchronous action', () => nango.getAsyncActionResult({ id: later.id }).catch(() => null));
    assert.deepEqual(result, { id: '77', total: 3 });
});

test('syncs and records through the SDK', async () => {
    await server.cli('env', 'settings', 'dev', '--webhook-url', `${receiver.url}/hook`);
    // Settings that another process changed are seen within seconds.
    await new Promise((resolve) => setTimeout(resolve, 6000));
    const where = { providerConfigKey: 'shop', connectionId: 'c-1', model: 'Order' };
    assert.deepEqual((await nango.listRecords(where)).records, []);
    await nango.triggerSync('shop', ['orders'], 'c-1');
    const status = await until('the first run', async () => {
        const { syncs } = await nango.syncStatus('shop', '*', 'c-1');
        return syncs[0]?.latestExecutionStatus === 'SUCCESS' && syncs[0];
    });
    assert.equal(status.recordCount.Order, 25);
    assert.deepEqual(status.checkpoint, { after: '1024' });
    const listed = [];
    let cursor;
    do {
        const page = await nango.listRecords({ ...where, limit: 10, ...(cursor ? { cursor } : {}) });
        listed.push(...page.records);
        cursor = page.next_cursor;
    } while (cursor);
    assert.deepEqual(listed.map((record) => record.id).sort(), shop.orders.map((order) => order.id).sort());
    assert.ok(listed.every((record) => record._nango_metadata.last_action === 'ADDED'));
    const hook = await until('the sync webhook', () => receiver.seen.find((one) => one.raw.includes('"type":"sync"')));
    assert.deepEqual(JSON.parse(hook.raw).responseResults, { added: 25, updated: 0, deleted: 0 });

    shop.orders.push({ id: '2000', total: 5 });
    await nango.triggerSync('shop', [{ name: 'orders', variant: 'base' }], 'c-1');
    await until('the second run', async () => (await nango.syncStatus('shop', ['orders'], 'c-1')).syncs[0].recordCount.Order === 26);
    const fresh = await nango.listRecords({ ...where, cursor: listed.at(-1)._nango_metadata.cursor });
    assert.deepEqual(fresh.records.map((record) => record.id), ['2000']);
    const pruned = await nango.pruneRecords({ ...where, untilCursor: listed[4]._nango_metadata.cursor });
    assert.equal(pruned.count, 5);

    assert.equal((await nango.createSyncVariant({ provider_config_key: 'shop', connection_id: 'c-1', name: 'orders', variant: 'eu' })).variant, 'eu');
    assert.equal((await nango.deleteSyncVariant({ provider_config_key: 'shop', connection_id: 'c-1', name: 'orders', variant: 'eu' })).success, true);
    assert.equal((await nango.updateSyncConnectionFrequency('shop', 'orders', 'c-1', 'every 2 hours')).frequency, '2 hours');
    await nango.startSync('shop', ['orders'], 'c-1');
    await nango.pauseSync('shop', ['orders'], 'c-1');
});

test('on-event functions run for new connections', async () => {
    await connectShop(server, shop, 'c-2');
    await until('the mark', async () => (await nango.getMetadata('shop', 'c-2'))?.greeted === true);
});

test('dry runs change nothing', async () => {
    const action = await cli(['dryrun', 'create-order', 'c-1', '-e', 'dev', '--input', '{"total": 4}']);
    assert.match(action, /"total": 4/);
    await connectShop(server, shop, 'c-3');
    const sync = await cli(['dryrun', 'orders', 'c-3', '-e', 'dev']);
    assert.match(sync, /Order/);
    assert.deepEqual((await nango.listRecords({ providerConfigKey: 'shop', connectionId: 'c-3', model: 'Order' })).records, []);
});

test('pull brings the source back', async () => {
    const code = await nango.getFunctionCode({ uniqueKey: 'shop', name: 'refuse' });
    assert.match(code.code, /the shop is closed/);
});
