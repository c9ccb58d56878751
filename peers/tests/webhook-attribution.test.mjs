// Received webhooks find their connection among many, quickly, and by what is true now on any node.
import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { each } from '../support/http.mjs';
import { startPostgres, startServer, startUpstream, temporaryFolder, until } from '../support/server.mjs';

const CONNECTIONS = Number(process.env.WEBHOOK_CONNECTIONS ?? 250);
const WEBHOOKS = Number(process.env.WEBHOOK_COUNT ?? 200);
const SECRET = 'the-webhook-secret';

const provider = `
[vendor]
name = "Hooked"
docs = "https://example.com/docs"

[hooked]
name = "Hooked"
categories = ["other"]
auth = "oauth2"
authorize = "https://hooked.example.com/authorize"
token = "https://hooked.example.com/token"
api = "https://hooked.example.com"

[hooked.webhook]
signature = { scheme = "hmac", header = "x-hooked" }
event = "kind"
match = [{ value = "account.id", config = "accountId" }, { value = "team", metadata = "teams" }]
`;

async function attribution(t, databaseUrl, nodes) {
    const folder = await temporaryFolder();
    const own = path.join(folder, 'providers');
    await mkdir(own);
    await writeFile(path.join(own, 'hooked.toml'), provider);
    const env = { TENON_SECURITY_MASTER_KEY: Buffer.alloc(32, 3).toString('base64') };
    const servers = [];
    const receiver = await startUpstream(() => ({ body: { ok: true } }));
    t.after(async () => {
        for (const server of servers) await server.stop();
        await receiver.close();
        await rm(folder, { recursive: true, force: true });
    });
    for (let node = 0; node < nodes; node += 1) {
        servers.push(await startServer({ databaseUrl, dataDir: path.join(folder, `data-${node}`), env, args: ['--providers-dir', own] }));
    }
    const [first] = servers;
    const last = servers.at(-1);
    const key = first.keys.dev;
    const api = async (server, method, where, body) => {
        const answer = await fetch(`${server.url}${where}`, {
            method, headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' }, body: body && JSON.stringify(body)
        });
        assert.ok(answer.ok, `${method} ${where} ${answer.status} ${await answer.clone().text()}`);
        return answer.json();
    };
    await first.cli('env', 'settings', 'dev', '--webhook-url', `${receiver.url}/hook`, '--on-auth-creation', 'false');
    const environment = JSON.parse(await first.cli('env', 'show', 'dev', '--json')).uuid;
    await api(first, 'POST', '/integrations', {
        provider: 'hooked', unique_key: 'hooked', forward_webhooks: true,
        credentials: { type: 'OAUTH2', client_id: 'c', client_secret: 's', webhook_secret: SECRET }
    });
    const connect = (server, name, account, metadata = {}) => api(server, 'POST', '/connections', {
        provider_config_key: 'hooked', connection_id: name, credentials: { type: 'OAUTH2', access_token: 'a' },
        connection_config: { accountId: account }, metadata
    });
    await each(Array.from({ length: CONNECTIONS }, (_, index) => index), (index) => connect(first, `c-${index}`, String(index)));
    const deliver = async (server, body) => {
        const raw = JSON.stringify(body);
        const answer = await fetch(`${server.url}/webhook/${environment}/hooked`, {
            method: 'POST', body: raw,
            headers: { 'content-type': 'application/json', 'x-hooked': createHmac('sha256', SECRET).update(raw).digest('hex') }
        });
        assert.equal(answer.status, 200, await answer.text());
    };
    const forwards = () => receiver.seen.map((one) => JSON.parse(one.raw)).filter((body) => body.type === 'forward' || body.marker);
    const of = (marker) => forwards().filter((body) => (body.payload ?? body).marker === marker).map((body) => body.connectionId);
    let markers = 0;
    /** The connections that a message reached. */
    const reached = async (server, body, count = 1) => {
        const marker = `m-${(markers += 1)}`;
        await deliver(server, { kind: 'x', marker, ...body });
        await until(`${marker} is passed on`, () => of(marker).length >= count);
        return of(marker).sort();
    };

    const began = Date.now();
    await each(Array.from({ length: WEBHOOKS }, (_, index) => index), (index) =>
        deliver(index % 2 ? first : last, { kind: 'x', marker: `b-${index}`, account: { id: index % CONNECTIONS } }));
    await until('all are passed on', () => forwards().length >= WEBHOOKS, 120_000);
    const took = Date.now() - began;
    t.diagnostic(`${WEBHOOKS} webhooks over ${CONNECTIONS} connections: ${took} ms`);
    for (let index = 0; index < WEBHOOKS; index += 17) assert.deepEqual(of(`b-${index}`), [`c-${index % CONNECTIONS}`]);

    // What another node has just written counts at once.
    await connect(last, 'new', 'fresh');
    assert.deepEqual(await reached(first, { account: { id: 'fresh' } }), ['new']);
    await connect(first, 'new', 'moved');
    assert.deepEqual(await reached(last, { account: { id: 'moved' } }), ['new']);
    assert.deepEqual(await reached(last, { account: { id: 'fresh' } }), [undefined]);
    await connect(last, 'twin', 'moved');
    assert.deepEqual(await reached(first, { account: { id: 'moved' } }, 2), ['new', 'twin']);
    await api(first, 'DELETE', '/connections/new?provider_config_key=hooked');
    assert.deepEqual(await reached(last, { account: { id: 'moved' } }), ['twin']);
    await connect(first, 'teams', 'none', { teams: ['red', 'blue'] });
    assert.deepEqual(await reached(last, { team: 'blue' }), ['teams']);
    return took;
}

test('webhooks find their connection (SQLite)', (t) => attribution(t, undefined, 1));

test('webhooks find their connection, whichever node wrote it (PostgreSQL)', async (t) => {
    const postgres = await startPostgres();
    t.after(postgres.stop);
    await attribution(t, postgres.url, 2);
});
