// The master key turns under load and is killed in the middle; afterwards everything is there, and copies of the database
// open only with the key that belongs to them.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { cp, mkdir, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { binary, startServer, startUpstream, temporaryFolder } from '../support/server.mjs';

const key = () => randomBytes(32).toString('base64');
const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

const providers = (at) => `
[vendor]
name = "Vault"
docs = "https://example.com/docs"

[vault-key]
name = "Key"
categories = ["other"]
auth = "api_key"
api = "${at}"
key_in = "header:x-api-key"

[vault-client]
name = "Client"
categories = ["other"]
auth = "client_credentials"
token = "${at}/token"
api = "${at}"
`;

/** Runs `tenon vault rotate` and kills it after a while. */
function rotateFor(ms, dataDir, env) {
    return new Promise((resolve) => {
        const child = spawn(binary(), ['vault', 'rotate', '--data-dir', dataDir], { env: { ...process.env, ...env }, stdio: 'ignore' });
        const timer = setTimeout(() => child.kill('SIGKILL'), ms);
        child.once('exit', (code) => {
            clearTimeout(timer);
            resolve(code);
        });
    });
}

test('a rotation under load, killed in the middle, loses nothing; an old copy does not open with the new key', async (t) => {
    const folder = await temporaryFolder();
    const [dataDir, dump] = [path.join(folder, 'data'), path.join(folder, 'dump')];
    let issued = 0;
    const upstream = await startUpstream(({ url, headers }) => {
        if (url === '/token') return { body: { access_token: `t-${(issued += 1)}`, expires_in: 3600, token_type: 'bearer' } };
        return { body: { key: headers['x-api-key'], bearer: headers.authorization } };
    });
    t.after(upstream.close);
    await mkdir(path.join(dataDir, 'providers'), { recursive: true });
    await writeFile(path.join(dataDir, 'providers', 'vault.toml'), providers(upstream.url));
    const [old, fresh] = [key(), key()];
    const both = { TENON_SECURITY_MASTER_KEY: fresh, TENON_SECURITY_PREVIOUS_MASTER_KEYS: old };
    let server = await startServer({ dataDir, env: { TENON_SECURITY_MASTER_KEY: old } });
    t.after(async () => {
        if (server.alive()) await server.kill();
        await rm(folder, { recursive: true, force: true });
    });
    const keys = server.keys;
    const api = async (method, where, body, how = {}) => {
        const answer = await fetch(`${server.url}${where}`, {
            method, body: body && JSON.stringify(body),
            headers: { authorization: `Bearer ${how.key ?? keys.dev}`, 'content-type': 'application/json', ...how.headers }
        });
        const text = await answer.text();
        assert.ok(answer.ok, `${method} ${where}: ${answer.status} ${text}`);
        return JSON.parse(text);
    };
    const load = (name) => api('POST', '/connections', {
        provider_config_key: 'k', connection_id: name, credentials: { type: 'API_KEY', apiKey: `key-of-${name}` }
    });
    const call = async (integration, connection) =>
        api('GET', '/proxy/x', undefined, { headers: { 'provider-config-key': integration, 'connection-id': connection } });

    await api('POST', '/integrations', { provider: 'vault-key', unique_key: 'k' });
    await api('POST', '/integrations', { provider: 'vault-client', unique_key: 'c' });
    await load('first');
    await api('POST', '/connections', {
        provider_config_key: 'c', connection_id: 'machine', credentials: { type: 'OAUTH2_CC', client_id: 'i', client_secret: 'the-secret', token: 't-0' }
    });
    for (let index = 0; index < 25; index += 1) await api('POST', '/environments', { name: `e${index}` }, { key: keys.account });
    await server.stop();
    await cp(dataDir, dump, { recursive: true });

    server = await startServer({ dataDir, env: both });
    const made = ['first'];
    let going = true;
    const busy = [
        (async () => {
            for (let index = 0; going; index += 1) {
                await load(`c-${index}`);
                made.push(`c-${index}`);
            }
        })(),
        (async () => {
            while (going) assert.equal((await call('k', made[Math.floor(Math.random() * made.length)])).key.startsWith('key-of-'), true);
        })(),
        (async () => {
            while (going) {
                const read = await api('GET', '/connections/machine?provider_config_key=c&force_refresh=true');
                assert.match(read.credentials.token, /^t-\d+$/);
            }
        })()
    ];
    for (const ms of [40, 80, 120, 160]) {
        await rotateFor(ms, dataDir, both);
        await sleep(20);
    }
    const rest = JSON.parse(await server.cli('vault', 'rotate', '--json'));
    assert.equal(rest.resealed + rest.unchanged, 27);
    going = false;
    await Promise.all(busy);
    assert.ok(made.length > 2, 'connections were made meanwhile');
    const status = JSON.parse(await server.cli('vault', 'status', '--json'));
    assert.deepEqual(status.data_keys, { [status.current]: 27 }, 'nothing is left under the old key');
    await server.kill();

    server = await startServer({ dataDir, env: { TENON_SECURITY_MASTER_KEY: fresh } });
    for (const name of made) assert.equal((await call('k', name)).key, `key-of-${name}`);
    const machine = await api('GET', '/connections/machine?provider_config_key=c&force_refresh=true');
    assert.equal(machine.credentials.client_secret, 'the-secret');
    await server.stop();

    const refused = /sealed by master key [0-9a-f]{16}, which is not configured.*security\.previous_master_keys/s;
    await assert.rejects(startServer({ dataDir: dump, env: { TENON_SECURITY_MASTER_KEY: fresh } }), refused, 'the old copy with the new key');
    await assert.rejects(startServer({ dataDir, env: { TENON_SECURITY_MASTER_KEY: old } }), refused, 'the new database with the old key');
    server = await startServer({ dataDir: dump, env: { TENON_SECURITY_MASTER_KEY: old } });
    assert.equal((await call('k', 'first')).key, 'key-of-first');
});
