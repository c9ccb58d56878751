// Rules around connecting: which browser may finish what it began, where secrets of webhooks are kept, what a developer sets
// once for every connection.
import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { get } from 'node:http';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { Nango } from '@nangohq/node';
import { binary, cookieJar, startServer, startUpstream, temporaryFolder } from '../support/server.mjs';

const run = promisify(execFile);
const stop = [];
let folder;
let vendor;
let tenon;
let nango;

/** A vendor whose consent page sends the browser straight back, and whose API answers with the headers of the call. */
async function startVendor() {
    return startUpstream(async ({ url, headers }) => {
        const { pathname, searchParams } = new URL(url, 'http://vendor.test');
        if (pathname === '/authorize') {
            return { status: 302, headers: { location: `${searchParams.get('redirect_uri')}?state=${searchParams.get('state')}&code=c-1` } };
        }
        if (pathname === '/token') return { body: { access_token: 'at-1', expires_in: 3600 } };
        return { body: { headers } };
    });
}

const providers = (at) => `
[vendor]
name = "Rules"
docs = "https://rules.example/docs"

[rules]
name = "Rules"
categories = ["crm"]
auth = "oauth2"
authorize = "${at}/authorize"
token = "${at}/token"
api = "${at}"
headers = { x-developer-token = "\${config.developer_token}" }
config.developer_token = { automatic = true, secret = true }

[rules-mcp]
name = "Rules (MCP)"
categories = ["mcp"]
auth = "mcp_oauth2"
authorize = "${at}/authorize"
token = "${at}/token"
register = "static"
api = "${at}"

[rules-recipe]
name = "Rules (recipe)"
categories = ["crm"]
auth = "api_key"
key_in = "bearer"
api = "${at}"
webhook = { signature = { scheme = "hmac", header = "x-rules-signature" }, event = "type", match = [{ value = "account", config = "account" }] }
`;

const start = (more = {}) => startServer({ args: ['--providers-dir', folder], ...more });

before(async () => {
    vendor = await startVendor();
    folder = path.join(await temporaryFolder(), 'providers');
    await mkdir(folder);
    await writeFile(path.join(folder, 'rules.toml'), providers(vendor.url));
    tenon = await start({ env: { TENON_SERVER_BROWSER_BINDING: 'always' } });
    stop.push(() => tenon.stop(), () => vendor.close());
    nango = new Nango({ host: tenon.url, apiKey: tenon.keys.dev });
    await rulesIntegration(nango);
});

after(async () => {
    for (const one of stop) await one();
});

const rulesIntegration = (client) => client.createIntegration({
    provider: 'rules', unique_key: 'rules', credentials: { type: 'OAUTH2', client_id: 'id', client_secret: 'secret' }
});

const startOf = async (server, client) => {
    const session = await client.createConnectSession({ end_user: { id: 'u-1' }, allowed_integrations: ['rules'] });
    return `${server.url}/oauth/connect/rules?connect_session_token=${session.data.token}`;
};

/** The address that the vendor sends a browser back to, after the first browser went away to it. */
async function callbackOf(server, client, browse) {
    const left = await browse(await startOf(server, client));
    return (await fetch(left.headers.get('location'), { redirect: 'manual' })).headers.get('location');
}

const count = async (client) => (await client.listConnections({ integrationId: 'rules' })).connections.length;

async function api(method, where, body) {
    const answer = await fetch(`${tenon.url}${where}`, {
        method, headers: { authorization: `Bearer ${tenon.keys.dev}`, 'content-type': 'application/json' }, body: body && JSON.stringify(body)
    });
    return { status: answer.status, body: await answer.json() };
}

test('a browser that did not begin an authorisation cannot finish it', async () => {
    const sent = await callbackOf(tenon, nango, cookieJar(tenon.url));
    // Somebody else follows the link: their account must not end up in the connection of whoever passed it on.
    const stranger = await fetch(sent, { headers: { 'accept-language': 'de' } });
    const page = await stranger.text();
    assert.equal(stranger.status, 400);
    assert.match(page, /gehört zu einem anderen Browser/);
    assert.match(page, /state_cookie_err/);
    assert.equal(await count(nango), 0, 'nothing is connected');
    assert.equal(vendor.seen.filter(({ url }) => url === '/token').length, 0, 'the code is not used');
    const browse = cookieJar(tenon.url);
    const own = await callbackOf(tenon, nango, browse);
    assert.equal((await browse(own)).status, 200);
    assert.equal(await count(nango), 1);
    assert.equal((await browse(own)).status, 400, 'a state is good for one return');
});

test('the binding can be turned off where cookies do not come back', async () => {
    const loose = await start({ env: { TENON_SERVER_BROWSER_BINDING: 'never' } });
    try {
        const client = new Nango({ host: loose.url, apiKey: loose.keys.dev });
        await rulesIntegration(client);
        const callback = await callbackOf(loose, client, cookieJar(loose.url));
        assert.equal((await fetch(callback)).status, 200);
        assert.equal(await count(client), 1);
    } finally {
        await loose.stop();
    }
});

test('a window that opens at another name of this machine moves to the public one, where the cookie counts', async () => {
    const begin = await startOf(tenon, nango);
    const other = begin.replace('127.0.0.1', 'localhost');
    // fetch() has a say of its own in that header.
    const [moved] = await once(get(other, { headers: { 'sec-fetch-mode': 'navigate' } }), 'response');
    moved.resume();
    assert.deepEqual([moved.statusCode, moved.headers.location], [302, begin]);
    const program = await fetch(other, { redirect: 'manual' });
    assert.match(program.headers.get('location'), /\/authorize/, 'programs are not sent around');
});

test('the webhook secret of an integration with API keys: as a field, as a free value, on the command line', async () => {
    const body = JSON.stringify({ triggerEvent: 'BOOKING_CREATED', nangoConnectionId: 'c-1' });
    const deliver = async (key, secret) => {
        const { data } = await nango.getIntegration({ uniqueKey: key }, { include: ['webhook'] });
        const signature = createHmac('sha256', secret).update(body).digest('hex');
        const headers = { 'content-type': 'application/json', 'x-cal-signature-256': signature };
        return (await fetch(data.webhook_url, { method: 'POST', headers, body })).status;
    };
    const integration = (key, more) => api('POST', '/integrations', { provider: 'cal-com-v2', unique_key: key, ...more });
    assert.equal((await integration('field', { webhook_secret: 'one' })).status, 200);
    assert.equal((await integration('free', { custom: { webhookSecret: 'two', kept: '1' } })).status, 200);
    assert.equal((await integration('long', { webhook_secret: 'x'.repeat(256) })).status, 400);
    assert.equal((await integration('long', { custom: { webhookSecret: 'x'.repeat(256) } })).status, 400);
    assert.equal(await deliver('field', 'wrong'), 401);
    assert.equal(await deliver('field', 'one'), 200);
    assert.equal(await deliver('free', 'wrong'), 401);
    assert.equal(await deliver('free', 'two'), 200);

    const env = { ...process.env, TENON_HOST: tenon.url, TENON_SECRET_KEY: tenon.keys.dev };
    const child = spawn(binary(), ['integrations', 'set', 'free', '--webhook-secret', '-'], { env });
    child.stdin.end('three\n');
    assert.equal(await new Promise((done) => child.on('close', done)), 0);
    assert.equal(await deliver('free', 'two'), 401);
    assert.equal(await deliver('free', 'three'), 200);
    const shown = await api('GET', '/config/free?include_creds=true');
    assert.deepEqual(shown.body.config.custom, { kept: '1', webhookSecret: 'three' }, 'other free values stay');
    assert.equal((await api('PATCH', '/integrations/free', { webhook_secret: '' })).status, 200);
    assert.equal(await deliver('free', 'whatever'), 200, 'without a secret there is nothing to check');

    const database = await readFile(path.join(tenon.dataDir, 'tenon.db'), 'latin1').catch(() => '');
    assert.ok(!database.includes('three'), 'sealed');
});

test('a provider of your own that declares webhooks has an address for them', async () => {
    await nango.createIntegration({ provider: 'rules-recipe', unique_key: 'recipe' });
    const { data } = await nango.getIntegration({ uniqueKey: 'recipe' }, { include: ['webhook'] });
    assert.match(data.webhook_url, /\/webhook\/[0-9a-f-]{36}\/recipe$/);
});

test('what a developer sets once reaches every connection, and an end user\'s form does not ask for it', async () => {
    assert.equal((await api('PATCH', '/integrations/rules', { custom: { developer_token: 'dev-1' } })).status, 200);
    const headersOf = async (connectionId) => {
        const answer = await nango.proxy({ method: 'GET', endpoint: '/me', providerConfigKey: 'rules', connectionId });
        return answer.data.headers;
    };
    const browse = cookieJar(tenon.url);
    await browse(await callbackOf(tenon, nango, browse));
    const { connections } = await nango.listConnections({ integrationId: 'rules' });
    assert.equal((await headersOf(connections[0].connection_id))['x-developer-token'], 'dev-1');
    const imported = (config) => api('POST', '/connections', {
        provider_config_key: 'rules', connection_id: 'imported', credentials: { type: 'OAUTH2', access_token: 't' }, ...config
    });
    assert.equal((await imported()).status, 201);
    assert.equal((await headersOf('imported'))['x-developer-token'], 'dev-1');
    assert.equal((await imported({ connection_config: { developer_token: 'own' } })).status, 201);
    assert.equal((await headersOf('imported'))['x-developer-token'], 'own', 'a value of the connection wins');
});

test('an MCP server whose clients are registered by hand takes a client', async () => {
    const given = { type: 'MCP_OAUTH2', client_id: 'by-hand', client_secret: 's', scopes: 'read' };
    assert.equal((await api('POST', '/integrations', { provider: 'rules-mcp', unique_key: 'mcp', credentials: given })).status, 200);
    const shown = await api('GET', '/integrations/mcp?include=credentials');
    assert.deepEqual(shown.body.data.credentials, given);
    const session = await nango.createConnectSession({ end_user: { id: 'u-1' }, allowed_integrations: ['mcp'] });
    const left = await fetch(`${tenon.url}/oauth/connect/mcp?connect_session_token=${session.data.token}`, { redirect: 'manual' });
    assert.equal(new URL(left.headers.get('location')).searchParams.get('client_id'), 'by-hand');
    const wrong = await api('PATCH', '/integrations/mcp', { credentials: { ...given, type: 'OAUTH2' } });
    assert.equal(wrong.status, 400);
});

test('integrations on the command line: made, shown, changed, removed', async () => {
    const env = { ...process.env, TENON_HOST: tenon.url, TENON_SECRET_KEY: tenon.keys.dev };
    const cli = (...args) => run(binary(), ['integrations', ...args], { env });
    const refused = (...args) => cli(...args).then(() => assert.fail('a refusal was expected'), (error) => error.stderr);
    await cli('create', 'made', '--provider', 'rules', '--client-id', 'a', '--client-secret', 'b', '--scopes', 'x,y');
    await cli('set', 'made', '--scopes', 'z', '--custom', 'one=1', '--name', 'Made');
    await cli('set', 'made', '--custom', 'two=2');
    const { stdout } = await cli('show', 'made', '--credentials', '--json');
    const { integration } = JSON.parse(stdout);
    assert.deepEqual(integration.credentials, { type: 'OAUTH2', client_id: 'a', client_secret: 'b', scopes: 'z', webhook_secret: null });
    assert.equal(integration.display_name, 'Made');
    assert.deepEqual((await api('GET', '/config/made?include_creds=true')).body.config.custom, { one: '1', two: '2' });
    assert.match(await refused('create', 'other', '--provider', 'rules'), /pass --client-id and --client-secret/);
    assert.match(await refused('create', 'other', '--provider', 'nothing'), /catalog list --search/);
    assert.match(await refused('set', 'made'), /nothing to change/);
    assert.match(await refused('set', 'made', '--app-id', '1'), /have no app_id; they take client_id/);
    assert.match(await refused('create', 'made', '--provider', 'rules', '--client-id', 'a', '--client-secret', 'b'), /uniqueKey: /);
    assert.match(await refused('delete', 'made'), /--yes/);
    await cli('delete', 'made', '--yes');
    assert.match(await refused('show', 'made'), /does not exist/);
});

test('the catalogue shows what is used, and what is only listed', async () => {
    const { stdout } = await run(binary(), ['catalog', 'show', 'hubspot']);
    assert.match(stdout, /^token +https:\/\/api\.hubapi\.com\/oauth\/2026-03\/token$/m);
    assert.match(stdout, /^listed as +token_url = https:\/\/api\.hubapi\.com\/oauth\/v1\/token, .*not used$/m);
    const listed = await api('GET', '/providers/hubspot');
    assert.equal(listed.body.data.token_url, 'https://api.hubapi.com/oauth/v1/token');
    const { stdout: requests } = await run(binary(), ['catalog', 'show', 'revolut-business', '--requests']);
    assert.match(requests, /"iss":"tenon\.example","sub":"client","aud":"https:\/\/revolut\.com"/);
    const { stdout: own } = await run(binary(), ['catalog', 'show', 'rules', '--requests', '--providers-dir', folder]);
    assert.match(own, new RegExp(`POST ${vendor.url}/token`));
});

test('the public file of the incumbent\'s format is imported whole, and what it lacks here is named', async () => {
    const file = fileURLToPath(new URL('../node_modules/@nangohq/providers/providers.yaml', import.meta.url));
    const output = path.join(await temporaryFolder(), 'imported.toml');
    const { stderr } = await run(binary(), ['catalog', 'import', file, '-o', output], { maxBuffer: 1 << 24 });
    assert.ok(Number(/^(\d+) entries written/m.exec(stderr)[1]) > 1000, stderr);
    assert.match(stderr, /^left out: apple-calendar: credentials_verification_script, as .* is code that is not here$/m);
});
