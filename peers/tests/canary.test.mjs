// Marked secrets go through every flow, well and badly; afterwards the marks are looked for wherever a secret must not
// be: the log of the process at its most talkative, operations and messages, error answers, webhooks, every byte on disk.
// A vendor that repeats what it is sent stands on the other side.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { providers } from '../support/auth-providers.mjs';
import { files, markBook, startEcho } from '../support/canary.mjs';
import { shopProject } from '../support/shop.mjs';
import { binary, cookieJar, startPostgres, startServer, startUpstream, temporaryFolder, until } from '../support/server.mjs';

const run = promisify(execFile);
const json = { 'content-type': 'application/json' };

const more = (at) => `
[peer-secret-config]
name = "Peer with a secret in its configuration"
categories = ["other"]
auth = "api_key"
api = "${at}"
key_in = "header:x-api-key"
headers = { x-site = "\${config.siteSecret}" }
config.siteSecret = { label = "Site secret", secret = true }
probe = "GET /whoami"

[peer-query-key]
name = "Peer with a key in its address"
categories = ["other"]
auth = "api_key"
api = "${at}"
key_in = "query:sig"
probe = "GET /whoami"

[peer-hook]
name = "Peer that sends a shared secret"
categories = ["other"]
auth = "oauth2"
authorize = "${at}/authorize"
token = "${at}/token"
api = "${at}"

[peer-hook.webhook]
signature = { scheme = "equals", header = "x-shared", secret = "webhook" }
event = "body:kind"
`;

const actions = {
    logs: `await nango.log('the key', { whole: connection, text: JSON.stringify(connection) });
        await nango.log(JSON.stringify(connection.credentials));
        await nango.log('env ' + JSON.stringify(env), { env });
        console.log(JSON.stringify(connection), integration, env);
        const token = await nango.getToken();
        await nango.log('token ' + (typeof token === 'string' ? token : JSON.stringify(token)));`,
    throws: 'throw new Error(`cannot use ${JSON.stringify(connection)} ${JSON.stringify(env)}`);',
    refuses: 'throw new nango.ActionError({ type: "bad", message: `no ${connection.credentials.apiKey}`, all: JSON.stringify(connection) });',
    calls: `await nango.get({ endpoint: '/fail', headers: { 'x-other': connection.credentials.apiKey }, params: { q: connection.credentials.apiKey }, retries: 0 });`,
    elsewhere: `await nango.uncontrolledFetch({ url: new URL(env.find((one: any) => one.name === 'OUTSIDE').value + '/fail?k=' + connection.credentials.apiKey), headers: { authorization: 'Bearer ' + connection.credentials.apiKey } });
        throw new Error('x');`
};

/** Deploys an action for each way in which a function may leak what it holds. */
async function deployLeaks(server) {
    const project = await shopProject();
    const folder = path.join(project, 'peer-key', 'actions');
    await mkdir(folder, { recursive: true });
    for (const [name, body] of Object.entries(actions)) {
        await writeFile(path.join(folder, `${name}.ts`), `import { createAction } from 'nango';
import * as z from 'zod';
export default createAction({
    description: 'Leaks.', version: '1.0.0', input: z.void(), output: z.void(),
    exec: async (nango) => {
        const connection: any = await nango.getConnection();
        const integration: any = await nango.getIntegration({ include: ['credentials'] });
        const env: any = await nango.getEnvironmentVariables();
        if (!connection || !integration || !env) return;
        ${body}
    }
});
`);
    }
    await writeFile(path.join(project, 'index.ts'), Object.keys(actions).map((name) => `import './peer-key/actions/${name}.js';\n`).join(''));
    const env = { ...process.env, NO_COLOR: '1', NANGO_HOSTPORT: server.url, NANGO_SECRET_KEY_DEV: server.keys.dev };
    await run(binary(), ['deploy', 'dev', '--auto-confirm', '--allow-destructive', '--no-typecheck'], { cwd: project, env });
}

/** One server with everything around it; `walk` is what customers and attackers do, `search` what an auditor does. */
async function world(t, databaseUrl) {
    const book = markBook();
    const vendor = await startEcho(book);
    const receiver = await startUpstream(() => ({ body: { ok: true } }));
    const folder = await temporaryFolder();
    const own = path.join(folder, 'providers');
    await mkdir(own);
    const at = Object.fromEntries(['authlib', 'node', 'mock', 'moto', 'git', 'mcp'].map((name) => [name, vendor.url]));
    await writeFile(path.join(own, 'peers.toml'), providers(at) + more(vendor.url));
    const masterKey = book.add('master key', randomBytes(32).toString('hex'));
    const options = {
        databaseUrl, keepLog: true, cores: true, args: ['--providers-dir', own], dataDir: path.join(folder, 'data'),
        env: { TENON_LOGS_LEVEL: 'trace', RUST_BACKTRACE: '1', TENON_SECURITY_MASTER_KEY: masterKey }
    };
    const server = await startServer(options);
    t.after(async () => {
        if (server.alive()) await server.kill();
        await vendor.close();
        await receiver.close();
        await rm(folder, { recursive: true, force: true });
    });
    book.add('api key', server.keys.dev);
    const answers = [];

    /** A call of our own API; refusals are kept, answers that the contract fills with credentials are not. */
    async function api(method, where, body, { key = server.keys.dev, headers = {}, raw = false } = {}) {
        const answer = await fetch(`${server.url}${where}`, {
            method, redirect: 'manual',
            headers: { ...(key && { authorization: `Bearer ${key}` }), ...(body !== undefined && json), ...headers },
            body: body === undefined || raw ? body : JSON.stringify(body)
        });
        const text = await answer.text();
        // A refused refresh answers with the connection as it is, credentials included: so the contract wants it.
        const told = text.replace(/"connection":\{.*\}\}/s, '');
        if (answer.status >= 400) answers.push(`${method} ${where.split('?')[0]} ${answer.status} ${told}`);
        return { status: answer.status, text, headers: answer.headers, body: text.startsWith('{') ? JSON.parse(text) : text };
    }
    const must = async (...call) => {
        const answer = await api(...call);
        assert.ok(answer.status < 300, `${call.slice(0, 2).join(' ')}: ${answer.status} ${answer.text}`);
        return answer.body;
    };
    const session = async (key, config) => (await must('POST', '/connect/sessions', {
        end_user: { id: 'u-1' }, allowed_integrations: [key], integrations_config_defaults: { [key]: { connection_config: config } }
    })).data.token;

    /** Connects through a form, or through a popup when there is no route. */
    async function connect({ key, route, body, config = {}, visit = (url) => url }) {
        const token = book.add('connect session', await session(key, config));
        if (route) return api('POST', `${route}/${key}?connect_session_token=${token}`, body(), { key: null });
        let url = `${server.url}/oauth/connect/${key}?connect_session_token=${token}`;
        const browse = cookieJar(server.url);
        for (let hop = 0; hop < 10; hop += 1) {
            const answer = await browse(url);
            const next = answer.headers.get('location');
            if (!next) {
                const text = await answer.text();
                answers.push(`popup ${key} ${answer.status} ${text.replace(token, '')}`);
                return { status: answer.status, text };
            }
            url = visit(new URL(next, url).href);
        }
        throw new Error(`the popup of ${key} does not end`);
    }
    return { book, vendor, receiver, server, answers, api, must, connect };
}

/** Every way to connect, with the marks that go in. */
function ways({ book, server, vendor }) {
    const { mark, pem } = book;
    const state = (url) => new URL(url).searchParams.get('state');
    const install = (more) => (url) => (url.startsWith('https://apps.example.com') ? `${server.url}${more(state(url))}` : url);
    const app = () => ({ app_id: '4711', app_link: 'https://apps.example.com/peer', private_key: pem('app key', 'pkcs1') });
    const once = (value) => () => value;
    return [
        { key: 'peer-key', route: '/api-auth/api-key', body: once({ apiKey: mark('api-key') }) },
        { key: 'peer-query-key', route: '/api-auth/api-key', body: once({ apiKey: mark('query-key') }) },
        { key: 'peer-secret-config', route: '/api-auth/api-key', body: once({ apiKey: mark('other-key') }), config: { siteSecret: mark('config-secret') } },
        { key: 'peer-basic', route: '/api-auth/basic', body: once({ username: 'ann', password: mark('password') }) },
        { key: 'peer-assertion', route: '/auth/two-step', body: once({ account: 'ann', assertionOption: { privateKey: pem('assertion key') } }) },
        { key: 'peer-client', route: '/oauth2/auth', body: once({ client_id: 'machine', client_secret: mark('cc-secret') }) },
        { key: 'peer-client-basic', route: '/oauth2/auth', body: once({ client_id: 'machine', client_secret: mark('cc-basic') }) },
        { key: 'peer-password', route: '/auth/two-step', body: once({ username: 'ann', password: mark('two-step') }) },
        { key: 'peer-odd', integration: { credentials: { type: 'OAUTH2', client_id: 'c', client_secret: mark('client-secret'), webhook_secret: mark('webhook-secret') } } },
        {
            key: 'peer-aws', route: '/auth/aws-sigv4', body: once({ role_arn: 'arn:aws:iam::123456789012:role/Reader' }), integration: {
                integration_config: {
                    service: 'iam', defaultRegion: 'us-east-1', awsAccessKeyId: 'AKIAEXAMPLE', awsSecretAccessKey: mark('aws-key'), sts_endpoint: `${vendor.url}/`
                }
            }
        },
        { key: 'peer-jwt', route: '/auth/jwt', body: once({ privateKey: pem('jwt key') }) },
        { key: 'peer-session', route: '/auth/bill', body: once({ username: 'ann', organization_id: 'o', dev_key: mark('dev-key'), password: mark('bill-password') }) },
        { key: 'peer-wsse', route: '/auth/signature', body: once({ type: 'SIGNATURE', username: 'ann', password: mark('wsse') }) },
        {
            key: 'peer-tba', route: '/auth/tba', body: once({ token_id: 'ti', token_secret: mark('tba') }), config: { accountId: '1' },
            integration: { credentials: { type: 'TBA', client_id: 'ck', client_secret: mark('tba-client') } }
        },
        { key: 'peer-oauth1', integration: { credentials: { type: 'OAUTH1', client_id: 'ck', client_secret: mark('consumer') } } },
        {
            key: 'peer-app', integration: { credentials: { type: 'APP', ...app() } },
            visit: install((state) => `/app-auth/connect?state=${state}&installation_id=42&setup_action=install`)
        },
        {
            key: 'peer-app-user', integration: { credentials: { type: 'CUSTOM', client_id: 'c', client_secret: mark('app-client'), ...app() } },
            visit: install((state) => `/oauth/callback?state=${state}&installation_id=42&setup_action=install&code=${mark('app-code')}`)
        },
        {
            key: 'peer-plugin', integration: { custom: { app_link: 'https://plugins.example.com/install', username: 'ann', password: mark('plugin') } },
            visit: (url) => (url.startsWith('https://plugins.example.com')
                ? `${server.url}/oauth/callback?payload=${new URL(url).searchParams.get('payload')}&website_id=w-1` : url)
        },
        { key: 'peer-mcp-known' },
        { key: 'mcp-generic', config: { mcp_server_url: `${vendor.url}/mcp` } }
    ];
}

/** Connects, calls, renews and loses a connection of one kind, with a vendor in every mood. */
async function live(here, way) {
    const { vendor, must, api, connect } = here;
    await must('POST', '/integrations', { provider: way.key, unique_key: way.key, ...way.integration });
    for (vendor.mood of vendor.moods) await connect(way);
    vendor.mood = 'good';
    const made = await connect(way);
    const listed = (await must('GET', `/connections?integrationId=${way.key}`)).connections;
    assert.ok(listed.length >= 1, `${way.key} is connected: ${made.status} ${made.text}`);
    const id = encodeURIComponent(listed[0].connection_id);
    const ours = { 'provider-config-key': way.key, 'connection-id': listed[0].connection_id, retries: '0' };
    for (const where of ['/ok', '/fail', '/fail.json', '/login-page', '/whoami']) {
        const answer = await fetch(`${here.server.url}/proxy${where}?api_token=${here.book.mark('parameter')}`, {
            method: 'POST',
            headers: {
                authorization: `Bearer ${here.server.keys.dev}`, ...ours, ...json,
                'nango-proxy-authorization': `Bearer ${here.book.mark('own-bearer')}`, 'nango-proxy-x-api-key': here.book.mark('own-key')
            },
            body: JSON.stringify({ password: here.book.mark('body-password') })
        });
        await answer.text();
    }
    const read = () => api('GET', `/connections/${id}?provider_config_key=${way.key}&force_refresh=true&refresh_token=true`);
    await read();
    for (vendor.mood of vendor.moods) await read();
    // A plain read and a call after the failures: what they are told comes from the database.
    await api('GET', `/connections/${id}?provider_config_key=${way.key}`);
    await api('GET', '/proxy/ok', undefined, { headers: ours });
    vendor.mood = 'good';
    await read();
}

/** Requests that are refused, each with a secret where no secret belongs. */
async function refusals({ book, api, server }) {
    const { mark } = book;
    const secret = () => mark('refused');
    await api('GET', '/connections', undefined, { key: secret() });
    await api('GET', '/connections', undefined, { key: null, headers: { authorization: `Basic ${Buffer.from(`${secret()}:`).toString('base64')}` } });
    await api('GET', `/connections/x?provider_config_key=none&token=${secret()}`);
    await api('POST', '/connections', { provider_config_key: 'peer-key', credentials: { type: 'API_KEY', apiKey: { wrong: secret() } } });
    await api('POST', '/connections', { provider_config_key: 'peer-key', credentials: { type: secret(), api: secret() } });
    await api('POST', '/connections', { provider_config_key: 'nowhere', credentials: { type: 'OAUTH2', access_token: secret() } });
    await api('POST', '/connections', `{"credentials": {"apiKey": "${secret()}"`, { raw: true });
    await api('POST', '/integrations', { provider: 'github', unique_key: 'bad key!', credentials: { type: 'OAUTH2', client_id: 'c', client_secret: secret() } });
    await api('POST', '/integrations', { provider: 'nowhere', unique_key: 'n', credentials: { type: 'OAUTH2', client_id: 'c', client_secret: secret() } });
    await api('POST', '/integrations', { provider: 'github-app', unique_key: 'n', credentials: { type: 'APP', app_id: '1', app_link: 'x', private_key: secret() } });
    await api('POST', `/api-auth/api-key/peer-key?connect_session_token=${secret()}&apiKey=${secret()}`, { apiKey: secret() }, { key: null });
    await api('POST', '/api-auth/basic/peer-basic', { username: { wrong: 1 }, password: secret() });
    await api('POST', `/auth/jwt/peer-jwt?hmac=${secret()}`, { privateKey: secret() });
    await api('GET', `/oauth/callback?state=${secret()}&code=${secret()}`, undefined, { key: null });
    await api('GET', `/oauth/connect/peer-odd?connect_session_token=${secret()}`, undefined, { key: null });
    await api('GET', `/nowhere/${'x'}?access_token=${secret()}`);
    await api('POST', '/proxy/x', { a: 1 }, { headers: { 'provider-config-key': 'none', 'connection-id': 'none', 'nango-proxy-authorization': secret() } });
    await api('POST', '/proxy/x', { a: 1 }, { headers: { 'provider-config-key': 'peer-key', 'connection-id': 'none', 'nango-proxy-authorization': secret(), 'base-url-override': `http://user:${secret()}@127.0.0.1:1` } });
    await api('POST', '/connect/sessions', { end_user: { id: 'u' }, allowed_integrations: ['none'], integrations_config_defaults: { none: { connection_config: { oauth_client_secret_override: secret() } } } });
    await api('POST', '/action/trigger', { action_name: 'none', input: { password: secret() } }, { headers: { 'provider-config-key': 'peer-key', 'connection-id': 'none' } });
    await api('POST', '/mcp', { jsonrpc: '2.0', id: 1, method: secret() }, { key: secret() });
    assert.ok(server.alive());
}

/** What functions may do with what they hold. */
async function functions(here) {
    const { must, api, server, book } = here;
    await server.cli('env', 'set', 'dev', 'MAIL_PASSWORD', book.mark('environment-variable'));
    await server.cli('env', 'set', 'dev', 'OUTSIDE', here.vendor.url);
    await deployLeaks(server);
    const { connections } = await must('GET', '/connections?integrationId=peer-key');
    for (const action_name of Object.keys(actions)) {
        const answer = await api('POST', '/action/trigger', { action_name }, {
            headers: { 'provider-config-key': 'peer-key', 'connection-id': connections[0].connection_id }
        });
        assert.ok(action_name === 'logs' ? answer.status < 300 : answer.status >= 400, `${action_name} ${answer.status} ${answer.text}`);
    }
}

/** A provider's webhook whose header is the secret itself; one that is taken and one that is not. */
async function webhooks(here) {
    const { must, server, book, api } = here;
    const secret = book.mark('shared-secret');
    await must('POST', '/integrations', { provider: 'peer-hook', unique_key: 'peer-hook', forward_webhooks: true, credentials: { type: 'OAUTH2', client_id: 'c', client_secret: book.mark('hook-client'), webhook_secret: secret } });
    await must('POST', '/connections', { provider_config_key: 'peer-hook', connection_id: 'h', credentials: { type: 'OAUTH2', access_token: book.mark('hook-token') } });
    const environment = JSON.parse(await server.cli('env', 'show', 'dev', '--json')).uuid;
    for (const given of [secret, book.mark('wrong-shared-secret')]) {
        await api('POST', `/webhook/${environment}/peer-hook?token=${book.mark('webhook-query')}`, { kind: 'x' }, { key: null, headers: { 'x-shared': given } });
    }
}

async function walk(here) {
    const { server, receiver, must, book } = here;
    await server.cli('env', 'settings', 'dev', '--webhook-url', `${receiver.url}/hook?x=1`, '--webhook-url-secondary', `${receiver.url}/second`);
    for (const way of ways(here)) await live(here, way);
    await functions(here);
    await webhooks(here);
    await refusals(here);
    const rotated = await must('POST', '/environment/webhook-signing-key/rotate');
    book.add('signing key', rotated.data.webhook_signing_key);
    // A second life of one connection, so that rotated and deleted values are in the log of the database, too.
    for (const key of ['peer-odd', 'peer-basic']) {
        const { connections } = await must('GET', `/connections?integrationId=${key}`);
        await must('DELETE', `/connections/${encodeURIComponent(connections[0].connection_id)}?provider_config_key=${key}`);
    }
    await must('PATCH', '/integrations/peer-odd', { credentials: { type: 'OAUTH2', client_id: 'c', client_secret: book.mark('second-client-secret') } });
}

async function logsOf({ must, server }) {
    const texts = [];
    let cursor = '';
    for (let page = 0; page < 200; page += 1) {
        const answer = await must('GET', `/logs/operations?limit=100${cursor}`);
        texts.push(['logs API', JSON.stringify(answer)]);
        for (const { id } of answer.operations) texts.push([`logs API ${id}`, JSON.stringify(await must('GET', `/logs/operations/${id}`))]);
        if (!answer.next_cursor) break;
        cursor = `&cursor=${encodeURIComponent(answer.next_cursor)}`;
    }
    assert.ok(texts.length > 100, `${texts.length} operations were read`);
    texts.push(['tenon logs', await server.cli('logs', '--messages', '--limit', '2000')]);
    texts.push(['tenon logs --json', await server.cli('logs', '--messages', '--json', '--limit', '2000')]);
    texts.push(['tenon webhooks', await server.cli('webhooks', 'list')]);
    return texts;
}

function report(book, places) {
    const all = new Set();
    for (const [place, content] of places) {
        for (const found of book.found(content)) all.add(`${found} in ${place}`);
    }
    if (process.env.CANARY_REPORT) writeFileSync(process.env.CANARY_REPORT, JSON.stringify({ found: [...all], places: places.map(([place, content]) => [place, String(content)]) }));
    assert.deepEqual([...all], []);
}

async function prove(t, databaseUrl, databaseDir) {
    const here = await world(t, databaseUrl);
    const { server, book } = here;
    await walk(here);
    await until('auth webhooks have arrived', () => here.receiver.seen.some((one) => /"operation":"refresh"/.test(one.raw)));
    await until('the webhook was passed on', () => here.receiver.seen.some((one) => /"type":"forward"/.test(one.raw)));
    const places = await logsOf(here);
    // The receiver may see its own address and our signature, made with a key that it knows; never the key.
    for (const one of here.receiver.seen) places.push(['an outgoing webhook', `${one.url} ${JSON.stringify(one.headers)} ${one.raw}`]);
    for (const answer of here.answers) places.push([`an answer: ${answer.slice(0, 70)}`, answer]);
    const limits = await readFile(`/proc/${server.pid}/limits`, 'utf8');
    assert.match(limits, /Max core file size\s+0\s/, 'a crash leaves no memory on disk');
    await server.kill('SIGABRT');
    places.push(['standard error', server.log()]);
    places.push(['standard output', server.out().replace(server.keys.dev, '')]);
    for (const [name, bytes] of await files(server.dataDir)) places.push([`file ${name}`, bytes]);
    if (databaseDir) {
        for (const [name, bytes] of await files(databaseDir)) places.push([`database file ${name}`, bytes]);
    }
    report(book, places);
    // The search itself must be able to find something.
    assert.notDeepEqual(book.found(`x ${Buffer.from(`ab ${server.keys.dev} c`).toString('base64')}`), []);
}

test('marked secrets are found nowhere (SQLite)', (t) => prove(t));

test('marked secrets are found nowhere (PostgreSQL)', async (t) => {
    const postgres = await startPostgres();
    t.after(postgres.stop);
    await prove(t, postgres.url, postgres.dir);
});
