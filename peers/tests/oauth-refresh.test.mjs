// A certified OAuth server with rotating refresh tokens (reuse revokes the grant), and two nodes on one PostgreSQL.
import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { Nango } from '@nangohq/node';
import { freePort, startPostgres, startServer, temporaryFolder } from '../support/server.mjs';
import { logIn, startOidc } from '../support/oidc.mjs';

const LIFETIME_S = 4;

let postgres;
let oidc;
let nodes = [];
let clients = [];

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

before(async () => {
    postgres = await startPostgres();
    const ports = [await freePort(), await freePort()];
    const oidcPort = await freePort();
    oidc = await startOidc({
        port: oidcPort,
        redirectUri: `http://127.0.0.1:${ports[0]}/oauth/callback`,
        accessTokenSeconds: LIFETIME_S
    });
    const folder = await temporaryFolder();
    const providers = path.join(folder, 'providers');
    await mkdir(providers);
    await writeFile(path.join(providers, 'certified.toml'), `
[vendor]
name = "Certified"
docs = "https://example.com/docs"

[certified]
name = "Certified OAuth server"
categories = ["other"]
auth = "oauth2"
authorize = "${oidc.issuer}/auth"
token = "${oidc.issuer}/token"
api = "${oidc.issuer}"
`);
    const env = { TENON_SECURITY_MASTER_KEY: Buffer.alloc(32, 7).toString('base64') };
    for (const port of ports) {
        nodes.push(await startServer({
            port, env, databaseUrl: postgres.url, dataDir: path.join(folder, `node-${port}`), args: ['--providers-dir', providers]
        }));
    }
    clients = nodes.map((node) => new Nango({ host: node.url, apiKey: nodes[0].keys.dev }));
});

after(async () => {
    for (const node of nodes) await node.stop();
    await oidc?.close();
    await postgres?.stop();
});

async function connect() {
    const [nango] = clients;
    await nango.createIntegration({
        provider: 'certified', unique_key: 'certified',
        credentials: { type: 'OAUTH2', client_id: 'tenon', client_secret: 'a-secret-of-at-least-32-characters-0123456789', scopes: 'openid,offline_access' }
    });
    const session = await nango.createConnectSession({
        end_user: { id: 'u-1' },
        integrations_config_defaults: { certified: { authorization_params: { prompt: 'consent' } } }
    });
    const done = await logIn(`${nodes[0].url}/oauth/connect/certified?connect_session_token=${session.data.token}`);
    assert.equal(done.status, 200, done.page);
    const { connections } = await nango.listConnections({ integrationId: 'certified' });
    assert.equal(connections.length, 1);
    return connections[0].connection_id;
}

test('one refresh for 50 concurrent calls on two nodes, ten times in a row', async () => {
    const connectionId = await connect();
    const call = (nango) => nango.get({ endpoint: '/me', providerConfigKey: 'certified', connectionId });
    assert.equal((await call(clients[0])).data.sub, 'ann');
    for (let round = 0; round < 11; round += 1) {
        await sleep((LIFETIME_S + 0.3) * 1000);
        const before = oidc.counts.refreshed;
        const answers = await Promise.all(Array.from({ length: round === 0 ? 50 : 4 }, (_, index) => call(clients[index % 2])));
        assert.ok(answers.every((answer) => answer.status === 200 && answer.data.sub === 'ann'));
        assert.equal(oidc.counts.refreshed - before, 1, `round ${round}`);
    }
    assert.equal(oidc.counts.refused, 0);
});

test('a revoked grant is an error that says so, once', async () => {
    const { connections } = await clients[0].listConnections({ integrationId: 'certified' });
    const connectionId = connections[0].connection_id;
    const read = await clients[0].getConnection('certified', connectionId, false, true);
    // Using a refresh token twice makes the server revoke everything that came from the same consent.
    const reuse = () => fetch(`${oidc.issuer}/token`, {
        method: 'POST',
        headers: { 'content-type': 'application/x-www-form-urlencoded' },
        body: new URLSearchParams({
            grant_type: 'refresh_token', refresh_token: read.credentials.refresh_token, client_id: 'tenon',
            client_secret: 'a-secret-of-at-least-32-characters-0123456789'
        })
    });
    assert.equal((await reuse()).status, 200);
    assert.equal((await reuse()).status, 400);
    await sleep((LIFETIME_S + 0.3) * 1000);
    await assert.rejects(clients[1].getConnection('certified', connectionId), (error) => {
        assert.ok([400, 424].includes(error.response.status), String(error.response.status));
        assert.equal(error.response.data.error.code, 'invalid_credentials');
        return true;
    });
    const refusedBefore = oidc.counts.refused;
    // The cool-down keeps a second call from asking the provider again.
    await assert.rejects(clients[0].getConnection('certified', connectionId));
    assert.equal(oidc.counts.refused, refusedBefore);
    const listed = await clients[0].listConnections({ integrationId: 'certified' });
    assert.equal(listed.connections[0].errors[0]?.type, 'auth');
});
