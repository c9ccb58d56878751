// What operators do around credentials: provider files that are live, the master key turning, moving in from another
// server.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { after, test } from 'node:test';
import { promisify } from 'node:util';
import { Nango } from '@nangohq/node';
import { startPython } from '../support/python.mjs';
import { binary, startServer, startUpstream, temporaryFolder, until } from '../support/server.mjs';

const run = promisify(execFile);
const stop = [];
after(async () => {
    for (const one of stop.reverse()) await one();
});

const key = () => randomBytes(32).toString('base64');
const entry = (id, api, more = '') => `
[vendor]
name = "Live"
docs = "https://example.com/docs"

[${id}]
name = "Live ${id}"
categories = ["other"]
auth = "api_key"
api = "${api}"
key_in = "header:x-api-key"
${more}`;

/** Runs a command; answers status, output and remarks. */
const tenon = (...args) => run(binary(), args).then(
    ({ stdout, stderr }) => ({ code: 0, stdout, stderr }),
    (error) => ({ code: error.code, stdout: error.stdout, stderr: error.stderr })
);

test('a provider file is live without a restart; a faulty one changes nothing and is explained', async () => {
    const upstream = await startUpstream(({ headers }) => ({ body: { key: headers['x-api-key'] } }));
    stop.push(upstream.close);
    const server = await startServer();
    stop.push(server.stop);
    const folder = path.join(server.dataDir, 'providers');
    await mkdir(folder);
    const nango = new Nango({ host: server.url, apiKey: server.keys.dev });
    const listed = async (id) => (await fetch(`${server.url}/providers/${id}`, { headers: { authorization: `Bearer ${server.keys.dev}` } })).status === 200;
    assert.equal(await listed('live-one'), false);
    await writeFile(path.join(folder, 'live.toml'), entry('live-one', upstream.url));
    await until('the provider is live', () => listed('live-one'));
    await nango.createIntegration({ provider: 'live-one', unique_key: 'live-one' });
    const imported = await fetch(`${server.url}/connections`, {
        method: 'POST', headers: { authorization: `Bearer ${server.keys.dev}`, 'content-type': 'application/json' },
        body: JSON.stringify({ provider_config_key: 'live-one', connection_id: 'c', credentials: { type: 'API_KEY', apiKey: 'k' } })
    });
    assert.equal(imported.status, 201, await imported.text());
    const call = () => nango.get({ endpoint: '/x', providerConfigKey: 'live-one', connectionId: 'c' });
    assert.equal((await call()).data.key, 'k');

    await writeFile(path.join(folder, 'live.toml'), entry('live-one', upstream.url, 'colour = "red"'));
    await until('the fault is in the log', () => server.log().includes('colour'));
    assert.match(server.log(), /live\.toml/);
    assert.equal((await call()).data.key, 'k');
    const checked = await tenon('catalog', 'check', '--providers-dir', folder);
    assert.equal(checked.code, 1);
    assert.match(checked.stdout, /live\.toml:\d+ \[live-one\].*colour/);
    await rm(path.join(folder, 'live.toml'));
    await until('the provider is gone', async () => !(await listed('live-one')));
});

test('the catalogue on the command line: check, list, show, import', async () => {
    assert.equal((await tenon('catalog', 'check')).code, 0);
    const { stdout } = await tenon('catalog', 'list', '--json');
    const providers = stdout.trim().split('\n').map((line) => JSON.parse(line));
    assert.ok(providers.length > 900, String(providers.length));
    for (const one of providers) assert.ok(one.id && one.name && one.auth && Array.isArray(one.synonyms));
    assert.match((await tenon('catalog', 'show', 'hubspot')).stdout, /HubSpot/);
    const folder = await temporaryFolder();
    const yaml = path.join(folder, 'acme.yaml');
    await writeFile(yaml, `
acme:
  display_name: Acme
  categories: [crm]
  auth_mode: OAUTH2
  authorization_url: https://\${connectionConfig.sub}.acme.example/authorize
  token_url: https://\${connectionConfig.sub}.acme.example/token
  docs: https://acme.example/docs
  unheard_of: 1
  connection_config:
    sub: { type: string, title: Subdomain, description: Yours, pattern: '^[a-z]+$', example: demo }
  proxy:
    base_url: https://api.acme.example
`);
    const out = path.join(folder, 'acme.toml');
    const imported = await tenon('catalog', 'import', yaml, '-o', out, '--vendor', 'Acme');
    assert.equal(imported.code, 0, imported.stderr);
    assert.match(imported.stderr, /left out: acme: unheard_of/);
    const shown = await tenon('catalog', 'show', 'acme', '--json', '--providers-dir', folder);
    assert.equal(JSON.parse(shown.stdout).authorization_url, 'https://${connectionConfig.sub}.acme.example/authorize');
});

test('the master key turns while calls go on; a command and a key management service hand it over', async () => {
    const folder = await temporaryFolder();
    const dataDir = path.join(folder, 'data');
    const upstream = await startUpstream(({ headers }) => ({ body: { key: headers['x-api-key'] } }));
    stop.push(upstream.close);
    await mkdir(path.join(dataDir, 'providers'), { recursive: true });
    await writeFile(path.join(dataDir, 'providers', 'live.toml'), entry('live-two', upstream.url));
    const [old, fresh] = [key(), key()];
    const both = { TENON_SECURITY_MASTER_KEY: fresh, TENON_SECURITY_PREVIOUS_MASTER_KEYS: old };
    let server = await startServer({ dataDir, env: { TENON_SECURITY_MASTER_KEY: old } });
    const keys = server.keys;
    let nango = new Nango({ host: server.url, apiKey: keys.dev });
    await nango.createIntegration({ provider: 'live-two', unique_key: 'live-two' });
    const imported = await fetch(`${server.url}/connections`, {
        method: 'POST', headers: { authorization: `Bearer ${keys.dev}`, 'content-type': 'application/json' },
        body: JSON.stringify({ provider_config_key: 'live-two', connection_id: 'c', credentials: { type: 'API_KEY', apiKey: 'k' } })
    });
    assert.equal(imported.status, 201, await imported.text());
    await server.stop();
    server = await startServer({ dataDir, env: both });
    nango = new Nango({ host: server.url, apiKey: keys.dev });
    const call = () => nango.get({ endpoint: '/x', providerConfigKey: 'live-two', connectionId: 'c' });
    let going = true;
    let calls = 0;
    const load = (async () => {
        while (going) {
            assert.equal((await call()).data.key, 'k');
            calls += 1;
        }
    })();
    const rotated = JSON.parse(await server.cli('vault', 'rotate', '--json'));
    assert.ok(rotated.resealed > 0);
    assert.equal(JSON.parse(await server.cli('vault', 'rotate', '--json')).resealed, 0);
    const status = JSON.parse(await server.cli('vault', 'status', '--json'));
    assert.deepEqual(Object.keys(status.data_keys), [status.current]);
    going = false;
    await load;
    assert.ok(calls > 0);
    await server.stop();

    server = await startServer({ dataDir, env: { TENON_SECURITY_MASTER_KEY_COMMAND: `printf %s '${fresh}'` } });
    nango = new Nango({ host: server.url, apiKey: keys.dev });
    assert.equal((await call()).data.key, 'k');
    await server.stop();

    const moto = await startPython('moto_server');
    stop.push(moto.stop);
    const kms = async (target, body) => {
        const answer = await fetch(`${moto.url}/`, {
            method: 'POST',
            headers: {
                'content-type': 'application/x-amz-json-1.1', 'x-amz-target': `TrentService.${target}`,
                authorization: 'AWS4-HMAC-SHA256 Credential=none/20260101/us-east-1/kms/aws4_request, SignedHeaders=host, Signature=0'
            },
            body: JSON.stringify(body)
        });
        assert.equal(answer.status, 200);
        return answer.json();
    };
    const made = await kms('CreateKey', {});
    const sealed = await kms('Encrypt', { KeyId: made.KeyMetadata.KeyId, Plaintext: fresh });
    const blob = path.join(folder, 'master-key.kms');
    await writeFile(blob, sealed.CiphertextBlob);
    const env = {
        TENON_SECURITY_MASTER_KEY_KMS_FILE: blob, TENON_SECURITY_KMS_REGION: 'us-east-1', TENON_SECURITY_KMS_ENDPOINT: moto.url,
        TENON_SECURITY_KMS_ACCESS_KEY_ID: 'id', TENON_SECURITY_KMS_SECRET_ACCESS_KEY: 'secret'
    };
    server = await startServer({ dataDir, env });
    stop.push(server.stop);
    nango = new Nango({ host: server.url, apiKey: keys.dev });
    assert.equal((await call()).data.key, 'k');
});

test('tenon migrate nango takes over integrations and connections, and goes on after an interruption', async () => {
    const source = await startServer();
    stop.push(source.stop);
    const from = new Nango({ host: source.url, apiKey: source.keys.dev });
    await from.createIntegration({
        provider: 'github', unique_key: 'gh', display_name: 'Hub',
        credentials: { type: 'OAUTH2', client_id: 'ci', client_secret: 'cs', scopes: 'repo,user' }
    });
    await from.createIntegration({ provider: 'unauthenticated', unique_key: 'open' });
    const put = async (body) => {
        const answer = await fetch(`${source.url}/connections`, {
            method: 'POST', headers: { authorization: `Bearer ${source.keys.dev}`, 'content-type': 'application/json' }, body: JSON.stringify(body)
        });
        assert.equal(answer.status, 201, await answer.text());
    };
    for (let index = 0; index < 120; index += 1) {
        await put({
            provider_config_key: 'gh', connection_id: `c-${index}`,
            credentials: { type: 'OAUTH2', access_token: `at-${index}`, refresh_token: `rt-${index}` },
            metadata: { index }, tags: { plan: 'pro' }, connection_config: { site: `s-${index}` }
        });
    }
    await put({ provider_config_key: 'open', connection_id: 'o', credentials: { type: 'NONE' } });
    const target = await startServer();
    stop.push(target.stop);
    const migrate = async (...more) => {
        const done = await tenon('migrate', 'nango', '--data-dir', target.dataDir, '--from', source.url, '--json', ...more);
        return { ...JSON.parse(done.stdout || '{}'), code: done.code, stderr: done.stderr };
    };

    const planned = await migrate('--key', source.keys.dev, '--dry-run');
    assert.deepEqual([planned.integrations.created, planned.connections.created], [2, 121]);
    const to = new Nango({ host: target.url, apiKey: target.keys.dev });
    assert.equal((await to.listIntegrations()).configs.length, 0);

    const first = await migrate('--key', source.keys.dev, '--integration', 'open');
    assert.deepEqual([first.integrations.created, first.connections.created], [1, 1]);
    const all = await migrate('--key', source.keys.dev);
    assert.deepEqual(all.failures, []);
    assert.deepEqual([all.integrations.created, all.integrations.kept], [1, 1]);
    assert.deepEqual([all.connections.created, all.connections.kept], [120, 1]);
    const again = await migrate('--key', source.keys.dev);
    assert.deepEqual([again.connections.created, again.connections.kept, again.connections.renewed], [0, 1, 120]);

    const moved = await to.getConnection('gh', 'c-17', false, true);
    const kept = await from.getConnection('gh', 'c-17', false, true);
    assert.equal(kept.credentials.refresh_token, 'rt-17');
    for (const field of ['connection_id', 'provider_config_key', 'metadata', 'tags', 'connection_config']) {
        assert.deepEqual(moved[field], kept[field], field);
    }
    // The source goes on renewing: the refresh token stays there.
    assert.deepEqual([moved.credentials.access_token, moved.credentials.refresh_token], ['at-17', undefined]);
    const { data } = await to.getIntegration({ uniqueKey: 'gh' }, { include: ['credentials'] });
    assert.equal(data.credentials.client_secret, 'cs');
    assert.equal(data.display_name, 'Hub');

    const wrong = await migrate('--key', 'not-a-key');
    assert.equal(wrong.code, 1);
    assert.match(wrong.error.message, /401/);
});

test('environments and keys on the command line: make, replace, revoke, remove', async () => {
    const server = await startServer();
    stop.push(server.stop);
    const works = async (secret) => (await fetch(`${server.url}/integrations`, { headers: { authorization: `Bearer ${secret}` } })).status;
    const fails = (...command) => server.cli(...command).then(() => assert.fail('it was accepted'), (error) => error.stderr);

    const made = JSON.parse(await server.cli('env', 'create', 'staging', '--json'));
    assert.equal(await works(made.secret), 200);
    assert.match(await fails('env', 'create', 'staging'), /already exists/);
    assert.match(await fails('env', 'create', 'No spaces!'), /name/);

    const ci = JSON.parse(await server.cli('keys', 'create', '-e', 'staging', '--name', 'ci', '--scope', 'environment:integrations:*', '--json'));
    const next = JSON.parse(await server.cli('keys', 'rotate', String(ci.id), '-e', 'staging', '--old-works-for', '4s', '--json'));
    assert.deepEqual([next.name, next.scopes], ['ci', ci.scopes]);
    assert.deepEqual([await works(ci.secret), await works(next.secret)], [200, 200]);
    const listed = JSON.parse(await server.cli('keys', 'list', '-e', 'staging', '--json'));
    assert.match(listed.find((one) => one.id === ci.id).name, /^ci \(replaced, …/);
    assert.ok(listed.find((one) => one.id === ci.id).ends_at);
    assert.match(await fails('keys', 'rotate', String(ci.id), '-e', 'staging'), /replaced already/);
    assert.match(await fails('keys', 'rotate', '999', '-e', 'staging'), /not found/);
    assert.match(await fails('keys', 'rotate', String(next.id), '--old-works-for', 'soon'), /24h/);
    await until('the old key has ended', async () => (await works(ci.secret)) === 401);
    assert.equal(await works(next.secret), 200);
    await server.cli('keys', 'revoke', String(next.id), '-e', 'staging');
    await until('the key is revoked', async () => (await works(next.secret)) === 401);

    const before = await server.cli('keys', 'signing-key', '-e', 'staging');
    assert.notEqual(await server.cli('keys', 'signing-key', '-e', 'staging', '--rotate'), before);
    assert.match(await fails('env', 'delete', 'staging'), /--yes/);
    await server.cli('env', 'delete', 'staging', '--yes');
    await until('its key opens nothing', async () => (await works(made.secret)) === 403);
    assert.match(await fails('env', 'delete', 'prod', '--yes'), /cannot be deleted/);
});

test('tenon migrate nango --hand-over: one owner of each refresh token, whenever it is interrupted', async () => {
    // A vendor that forgives no second use.
    const grants = new Map();
    let reuses = 0;
    const upstream = await startUpstream(({ url, raw, headers }) => {
        if (url !== '/token') return { body: { bearer: headers.authorization } };
        const given = new URLSearchParams(raw).get('refresh_token');
        const [name, generation] = given.split('.');
        if (grants.get(name) !== Number(generation)) {
            reuses += 1;
            return { status: 400, body: { error: 'invalid_grant' } };
        }
        grants.set(name, Number(generation) + 1);
        return { body: { access_token: `${name}-${Number(generation) + 1}`, refresh_token: `${name}.${Number(generation) + 1}`, expires_in: 3600, token_type: 'bearer' } };
    });
    stop.push(upstream.close);
    const folder = await temporaryFolder();
    await writeFile(path.join(folder, 'moving.toml'), `
[vendor]
name = "Moving"
docs = "https://example.com/docs"

[moving]
name = "Moving"
categories = ["other"]
auth = "oauth2"
authorize = "${upstream.url}/authorize"
token = "${upstream.url}/token"
api = "${upstream.url}"
`);
    process.env.TENON_CATALOG_PROVIDERS_DIR = folder;
    stop.push(() => delete process.env.TENON_CATALOG_PROVIDERS_DIR);
    const [source, target] = [await startServer(), await startServer()];
    stop.push(source.stop, target.stop);
    const ask = async (server, method, where, body) => {
        const answer = await fetch(`${server.url}${where}`, {
            method, headers: { authorization: `Bearer ${server.keys.dev}`, 'content-type': 'application/json' }, body: body && JSON.stringify(body)
        });
        return { status: answer.status, body: await answer.json() };
    };
    const show = (server, id, more = '') => ask(server, 'GET', `/connections/${id}?provider_config_key=moving&refresh_token=true${more}`);
    const migrate = async (...more) => {
        const done = await tenon('migrate', 'nango', '--data-dir', target.dataDir, '--from', source.url, '--json', ...more);
        return { ...JSON.parse(done.stdout || '{}'), code: done.code, stderr: done.stderr };
    };
    await ask(source, 'POST', '/integrations', { provider: 'moving', unique_key: 'moving', credentials: { type: 'OAUTH2', client_id: 'c', client_secret: 's' } });
    for (const name of ['a', 'b', 'c']) {
        grants.set(name, 0);
        const made = await ask(source, 'POST', '/connections', {
            provider_config_key: 'moving', connection_id: name, metadata: { of: name }, tags: { plan: name }, connection_config: { site: name },
            credentials: { type: 'OAUTH2', access_token: `${name}-0`, refresh_token: `${name}.0`, expires_at: new Date(Date.now() + 3_600_000).toISOString() }
        });
        assert.equal(made.status, 201);
    }

    const key = ['--key', source.keys.dev];
    const copied = await migrate(...key);
    assert.equal(copied.connections.created, 3, copied.stderr + copied.failures);
    const forced = await show(target, 'a', '&force_refresh=true');
    assert.deepEqual([forced.status, forced.body.error.payload.code], [424, 'refresh_belongs_to_source']);
    assert.ok(forced.body.error.message.includes(source.url), forced.body.error.message);
    assert.ok(!JSON.stringify(forced.body).includes('a.0'), 'the refresh token stays at the source');
    // The source renews; another run brings the newest.
    assert.equal((await show(source, 'a', '&force_refresh=true')).body.credentials.access_token, 'a-1');
    assert.equal((await migrate(...key)).connections.renewed, 3);
    assert.equal((await show(target, 'a')).body.credentials.access_token, 'a-1');

    const narrow = JSON.parse(await source.cli('keys', 'create', '--name', 'reader', '--scope', 'environment:integrations:*', '--scope', 'environment:connections:list', '--scope', 'environment:connections:read', '--scope', 'environment:connections:read_credentials', '--json'));
    const refused = await migrate('--key', narrow.secret, '--hand-over');
    assert.equal(refused.code, 1);
    assert.equal(refused.failures.length, 3, refused.stderr + refused.failures);
    assert.match(refused.failures[0], /still renews it/);
    // Stored here and not taken away there: nothing is renewed here yet.
    assert.equal((await show(target, 'b', '&force_refresh=true')).status, 424);
    assert.equal((await show(source, 'b', '&force_refresh=true')).body.credentials.access_token, 'b-1');

    const done = await migrate(...key, '--hand-over');
    assert.deepEqual([done.code, done.connections.handed_over, done.failures], [0, 3, []]);
    assert.deepEqual((await migrate(...key, '--hand-over')).connections, { created: 0, kept: 3, failed: 0, renewed: 0, handed_over: 0 });
    for (const [name, next] of [['a', 'a-2'], ['b', 'b-2'], ['c', 'c-1']]) {
        assert.equal((await show(target, name, '&force_refresh=true')).body.credentials.access_token, next);
        const left = await show(source, name);
        assert.equal(left.body.credentials.refresh_token, undefined);
        assert.deepEqual([left.body.metadata, left.body.tags, left.body.connection_config.site], [{ of: name }, { plan: name }, name]);
    }
    assert.equal(reuses, 0);
});
