// `tenon functions`, `tenon pull` and `tenon doctor`, as a person and as a program use them.
import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { binary, startServer, temporaryFolder, until } from '../support/server.mjs';
import { connectShop, startShop } from '../support/shop.mjs';

let server;
let shop;
let project;

const action = (factor) => `import { createAction } from 'nango';
import * as z from 'zod';

export default createAction({
    description: 'Multiplies.',
    input: z.object({ n: z.number() }),
    output: z.number(),
    exec: async (nango, input) => input.n * ${factor}
});
`;
const FILE = 'shop/actions/times.ts';

function tenon(...args) {
    const env = { ...process.env, NO_COLOR: '1', TENON_HOST: server.url, TENON_SECRET_KEY_DEV: server.keys.dev };
    return new Promise((resolve) => {
        const child = execFile(binary(), args, { cwd: project, env }, (error, stdout, stderr) => resolve({ code: error?.code ?? 0, stdout, stderr }));
        child.stdin.end();
    });
}

async function json(...args) {
    const done = await tenon(...args, '--json');
    return { code: done.code, out: JSON.parse(done.stdout || assert.fail(done.stderr)) };
}

const write = (factor) => writeFile(path.join(project, FILE), action(factor));

async function deploy(factor) {
    await write(factor);
    const done = await json('deploy', 'dev', '--auto-confirm', '--no-typecheck');
    assert.equal(done.code, 0, JSON.stringify(done.out));
}

async function call(n) {
    const answer = await fetch(`${server.url}/action/trigger`, {
        method: 'POST',
        headers: { authorization: `Bearer ${server.keys.dev}`, 'content-type': 'application/json', 'provider-config-key': 'shop', 'connection-id': 'c-1' },
        body: JSON.stringify({ action_name: 'times', input: { n } })
    });
    return answer.json();
}

before(async () => {
    [shop, server, project] = await Promise.all([startShop(), startServer(), temporaryFolder('tenon-commands-')]);
    await connectShop(server, shop, 'c-1');
    await mkdir(path.join(project, 'shop', 'actions'), { recursive: true });
    await writeFile(path.join(project, 'index.ts'), `import './${FILE.replace('.ts', '.js')}';\n`);
});

after(async () => {
    assert.equal(server.panicked(), false);
    await server.stop();
    await shop.close();
});

test('list, show and diff', async () => {
    assert.equal((await tenon('functions', 'list')).stderr.trim(), 'Nothing is deployed.');
    await deploy(2);
    await deploy(3);
    const listed = await json('functions', 'list');
    assert.deepEqual(listed.out.functions.map((one) => [one.integration, one.name, one.type]), [['shop', 'times', 'action']]);
    assert.match((await tenon('functions', 'list', '--integration', 'shop')).stdout, /action\s+shop\/times/);
    const shown = await json('functions', 'show', 'shop', 'times');
    assert.deepEqual(shown.out.versions.map((one) => [one.version, one.current]), [['2', true], ['1', false]]);
    assert.match((await tenon('functions', 'show', 'shop', 'times')).stdout, /→\s+2/);

    const same = await json('functions', 'diff', 'shop', 'times');
    const newest = { version: '2', hash: shown.out.versions[0].hash };
    assert.deepEqual(same, { code: 0, out: { equal: true, old: newest, new: null, changes: [] } });
    await write(5);
    const changed = await tenon('functions', 'diff', 'shop', 'times');
    assert.equal(changed.code, 1);
    assert.match(changed.stdout, /^- .*input\.n \* 3$/m);
    assert.match(changed.stdout, /^\+ .*input\.n \* 5$/m);
    const versions = await json('functions', 'diff', 'shop', 'times', '1', '2');
    assert.deepEqual(versions.out.changes.map((one) => (one.removed ?? one.added).trim()), ['exec: async (nango, input) => input.n * 2', 'exec: async (nango, input) => input.n * 3']);
});

test('rollback: with a yes, to the code before or to a named version', async () => {
    assert.equal(await call(10), 30);
    const silent = await json('functions', 'rollback', 'shop', 'times');
    assert.equal(silent.code, 11);
    assert.match(silent.out.error.message, /--yes/);
    const hashes = Object.fromEntries((await json('functions', 'show', 'shop', 'times')).out.versions.map((one) => [one.version, one.hash]));
    assert.deepEqual(await json('functions', 'rollback', 'shop', 'times', '--yes'), { code: 0, out: { ok: true, from: '2', from_hash: hashes[2], version: '1', hash: hashes[1] } });
    assert.equal(await call(10), 20);
    const again = await json('functions', 'rollback', 'shop', 'times', '--yes', '--to', '1');
    assert.equal(again.code, 11);
    assert.match(again.out.error.message, /version_deployed_already/);
    const named = await tenon('functions', 'rollback', 'shop', 'times', '--yes', '--to', hashes[2].slice(0, 7));
    assert.match(named.stdout, new RegExp(`is at version 2 \\(${hashes[2].slice(0, 12)}\\) again; it was at version 1 \\(`));
    assert.equal(await call(10), 30);
    const unknown = await json('functions', 'rollback', 'shop', 'times', '--yes', '--to', '99');
    assert.equal(unknown.code, 11);
    assert.match(unknown.out.error.message, /version_not_found/);
    const shown = await json('functions', 'show', 'shop', 'times');
    assert.deepEqual(shown.out.versions.map((one) => one.version), ['2', '1', '2', '1']);
});

test('a version that is written down names many codes, and is refused with their hashes', async () => {
    const written = (factor) => writeFile(path.join(project, FILE), action(factor).replace("description:", "version: '1.0.0',\n    description:"));
    for (const factor of [40, 41]) {
        await written(factor);
        assert.equal((await json('deploy', 'dev', '--auto-confirm', '--no-typecheck')).code, 0);
    }
    const { versions } = (await json('functions', 'show', 'shop', 'times')).out;
    const earlier = versions.find((one) => one.version === '1.0.0' && !one.current).hash.slice(0, 12);
    for (const command of [['rollback', '--yes', '--to', '1.0.0'], ['diff', '1.0.0', '1.0.0']]) {
        const refused = await tenon('functions', command[0], 'shop', 'times', ...command.slice(1));
        assert.notEqual(refused.code, 0);
        assert.match(refused.stderr, new RegExp(`${earlier} of 20.*version_ambiguous`), command[0]);
    }
    assert.equal((await tenon('pull', 'shop', 'times', '--force', '--function-version', earlier)).code, 0);
    assert.match(await readFile(path.join(project, FILE), 'utf8'), /input\.n \* 40/);
    assert.equal((await json('functions', 'rollback', 'shop', 'times', '--yes', '--to', earlier)).code, 0);
    assert.equal(await call(1), 40);
    await deploy(3);
});

test('input and output of a hosted action are not held against their schemas', async () => {
    assert.equal(await call('4'), 12);
    assert.equal(await call('four'), null);
});

test('disable and enable: a function that is off is refused, stays off over deploys, and says so', async () => {
    assert.deepEqual(await json('functions', 'disable', 'shop', 'times'), { code: 0, out: { ok: true, enabled: false } });
    const run = (name) => fetch(`${server.url}/action/trigger`, {
        method: 'POST',
        headers: { authorization: `Bearer ${server.keys.dev}`, 'content-type': 'application/json', 'provider-config-key': 'shop', 'connection-id': 'c-1' },
        body: JSON.stringify({ action_name: name, input: { n: 1 } })
    }).then(async (answer) => [answer.status, (await answer.json()).error?.code]);
    assert.deepEqual(await run('times'), [404, 'disabled_resource']);
    assert.deepEqual(await run('nothing'), [404, 'not_found']);
    await deploy(7);
    assert.deepEqual(await run('times'), [404, 'disabled_resource']);
    assert.match((await tenon('functions', 'list')).stdout, /shop\/times\s+disabled/);
    assert.match((await tenon('functions', 'enable', 'shop', 'times')).stdout, /shop\/times is on in the environment dev/);
    assert.equal(await call(1), 7);
    const unknown = await json('functions', 'disable', 'shop', 'nothing');
    assert.equal(unknown.code, 1);
    assert.match(unknown.out.error.message, /not found/);
    const wrong = await fetch(`${server.url}/integrations/shop/functions/times`, {
        method: 'PATCH', headers: { authorization: `Bearer ${server.keys.dev}`, 'content-type': 'application/json' }, body: '{"on":true}'
    });
    assert.equal(wrong.status, 400);
    assert.deepEqual((await wrong.json()).error.errors.map((one) => one.path.join('.')), ['enabled', '']);
    await deploy(3);
    await write(5);
});

test('pull brings sources back, and never over work that is not deployed', async () => {
    const kept = await tenon('pull', 'shop', 'times');
    assert.equal(kept.code, 1);
    assert.match(kept.stderr, /exists and differs/);
    assert.equal(await readFile(path.join(project, FILE), 'utf8'), action(5));
    assert.deepEqual((await json('pull', 'shop', 'times', '--force')).out, { path: FILE, changed: true, listed: false, missing_imports: [] });
    assert.equal(await readFile(path.join(project, FILE), 'utf8'), action(3));
    assert.equal((await json('pull', 'shop', 'times', '--force', '--function-version', '1')).code, 0);
    assert.equal(await readFile(path.join(project, FILE), 'utf8'), action(2));
    assert.equal((await json('pull', 'shop', 'times', '-a', '-f', '--env', 'dev')).out.path, FILE);
    for (const kind of [['-s'], ['--on-event'], ['--type', 'sync']]) {
        const none = await tenon('pull', 'shop', 'times', '-f', ...kind);
        assert.equal(none.code, 1, none.stderr);
    }
    const empty = await temporaryFolder('tenon-pull-');
    await writeFile(path.join(empty, 'index.ts'), '');
    assert.equal((await json('pull', 'shop', 'times', '--dir', empty)).out.listed, true);
    assert.match(await readFile(path.join(empty, 'index.ts'), 'utf8'), /import '\.\/shop\/actions\/times\.js';/);
});

test('dev compiles and deploys each save, and shows runs', async () => {
    const env = { ...process.env, NO_COLOR: '1', TENON_HOST: server.url, TENON_SECRET_KEY_DEV: server.keys.dev };
    const dev = spawn(binary(), ['dev', '--json', '--no-typecheck'], { cwd: project, env, stdio: ['ignore', 'pipe', 'pipe'] });
    const events = [];
    let rest = '';
    dev.stdout.on('data', (chunk) => {
        const lines = (rest + chunk).split('\n');
        rest = lines.pop();
        events.push(...lines.filter(Boolean).map((line) => JSON.parse(line)));
    });
    const wait = (what, check) => until(what, () => events.find(check));
    try {
        await write(7);
        await wait('the first deploy', (one) => one.event === 'deployed');
        await until('the new code', async () => (await call(10)) === 70);
        await wait('the run', (one) => one.event === 'run' && one.run.function === 'times');
        events.length = 0;
        await writeFile(path.join(project, FILE), action(8).replace('input.n', 'input.('));
        await wait('the finding', (one) => one.event === 'compiled' && one.result.ok === false);
        assert.equal(await call(10), 70);
        events.length = 0;
        await write(9);
        await wait('the next deploy', (one) => one.event === 'deployed');
        assert.equal(await call(10), 90);
        // Asked to stop in the middle of a round, not while it sleeps, it ends all the same.
        process.kill(server.pid, 'SIGSTOP');
        await setTimeout(1_000);
        dev.kill('SIGINT');
        await until('the end of tenon dev', () => dev.exitCode !== null, 5_000);
        assert.equal(dev.exitCode, 0);
    } finally {
        process.kill(server.pid, 'SIGCONT');
        dev.kill('SIGKILL');
    }
    const away = await tenon('dev', '--host', 'https://tenon.example.com');
    assert.equal(away.code, 1);
    assert.match(away.stderr, /--remote/);
});

test('doctor says what is in the way and what to do', async () => {
    const state = ({ out }) => Object.fromEntries(out.checks.map((one) => [one.check, one.state]));
    const good = await json('doctor');
    assert.equal(good.code, 0, JSON.stringify(good.out));
    assert.equal(state(good).key, 'ok');
    assert.equal(state(good).types, 'warning');
    const wrong = await json('doctor', '--api-key', '00000000-0000-4000-8000-000000000000');
    assert.equal(wrong.code, 1);
    assert.equal(state(wrong).key, 'failed');
    assert.match(wrong.out.checks.find((one) => one.check === 'key').remedy, /keys list/);
    const away = await json('doctor', '--host', 'http://127.0.0.1:9');
    assert.deepEqual([away.code, state(away).server], [1, 'failed']);
    assert.match((await tenon('doctor')).stdout, /✓\s+server/);
});

test('GET /scripts/config has an entry per integration, also for two of one provider', async () => {
    const headers = { authorization: `Bearer ${server.keys.dev}`, 'content-type': 'application/json' };
    const made = await fetch(`${server.url}/integrations`, {
        method: 'POST', headers,
        body: JSON.stringify({ provider: 'private-api-generic', unique_key: 'shop-two', integration_config: { keyPlacement: 'header', keyName: 'x-shop-key', valueTemplate: '${apiKey}', baseUrl: shop.url } })
    });
    assert.ok(made.ok, await made.text());
    await mkdir(path.join(project, 'shop-two', 'actions'), { recursive: true });
    await writeFile(path.join(project, 'shop-two', 'actions', 'halve.ts'), action(0.5));
    await writeFile(path.join(project, 'index.ts'), `import './${FILE.replace('.ts', '.js')}';\nimport './shop-two/actions/halve.js';\n`);
    await deploy(2);
    const config = await (await fetch(`${server.url}/scripts/config`, { headers })).json();
    assert.deepEqual(config.map((one) => [one.providerConfigKey, one.provider, one.actions.map((flow) => flow.name)]).sort(), [
        ['shop', 'private-api-generic', ['times']],
        ['shop-two', 'private-api-generic', ['halve']]
    ]);
});
