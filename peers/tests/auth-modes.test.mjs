// Every authentication mode against servers that we did not write, and, where none exists, against one that checks
// signatures and lifetimes the way the vendor documents them.
import assert from 'node:assert/strict';
import { createHash, createHmac, createPrivateKey, createVerify } from 'node:crypto';
import { createServer } from 'node:http';
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { Nango } from '@nangohq/node';
import OAuth2Server from '@node-oauth/oauth2-server';
import { OAuth2Server as MockServer } from 'oauth2-mock-server';
import { keyPair, providers } from '../support/auth-providers.mjs';
import { startPython } from '../support/python.mjs';
import { cookieJar, freePort, startServer, startUpstream, temporaryFolder } from '../support/server.mjs';

const keys = keyPair();
const stop = [];
const at = {};
let tenon;
let nango;
let git;
let mock;

before(async () => {
    const folder = await temporaryFolder();
    const publicKey = path.join(folder, 'public.pem');
    await writeFile(publicKey, keys.publicKey);
    const started = await Promise.all([
        startPython('oauth_server.py', [publicKey]),
        startPython('mcp_server.py', [], { ready: '/.well-known/oauth-authorization-server' }),
        startPython('moto_server', [], { env: { INITIAL_NO_AUTH_ACTION_COUNT: '6' } }),
        startNodeServer(),
        startVendor(),
        startMock()
    ]);
    [at.authlib, at.mcp, at.moto, at.node, at.git, at.mock] = started.map((one) => one.url);
    stop.push(...started.map((one) => one.stop));
    const own = path.join(folder, 'providers');
    await mkdir(own);
    await writeFile(path.join(own, 'peers.toml'), providers(at));
    tenon = await startServer({ args: ['--providers-dir', own] });
    stop.push(() => tenon.stop());
    nango = new Nango({ host: tenon.url, apiKey: tenon.keys.dev });
});

after(async () => {
    for (const one of stop.reverse()) await one();
});

/** A token endpoint that is strict about clients, made with a framework for them. */
async function startNodeServer() {
    const tokens = new Map();
    const client = { id: 'machine', grants: ['client_credentials', 'password', 'refresh_token'], accessTokenLifetime: 3600 };
    const save = async (token, who, user) => {
        const saved = { ...token, client: who, user };
        tokens.set(token.accessToken, saved);
        if (token.refreshToken) tokens.set(`r ${token.refreshToken}`, saved);
        return saved;
    };
    const oauth = new OAuth2Server({
        model: {
            getClient: async (id, secret) => (id === 'machine' && secret === 'machine-secret' ? client : null),
            getUserFromClient: async () => ({ id: 'machine' }),
            getUser: async (name, password) => (name === 'ann' && password === 'swordfish' ? { id: name } : null),
            saveToken: save,
            getAccessToken: async (token) => tokens.get(token),
            getRefreshToken: async (token) => tokens.get(`r ${token}`),
            revokeToken: async (token) => tokens.delete(`r ${token.refreshToken}`),
            validateScope: async (_user, _client, scope) => scope ?? []
        }
    });
    const upstream = await startUpstream(async ({ method, url, headers, raw }) => {
        const { pathname, searchParams } = new URL(url, 'http://x');
        const request = new OAuth2Server.Request({
            method, headers, query: Object.fromEntries(searchParams), body: Object.fromEntries(new URLSearchParams(raw))
        });
        const response = new OAuth2Server.Response({});
        try {
            if (pathname === '/token') await oauth.token(request, response);
            else return { body: { user: (await oauth.authenticate(request, response)).user.id } };
        } catch (error) {
            if (!response.body?.error) return { status: error.code ?? 500, body: { error: error.name, error_description: error.message } };
        }
        return { status: response.status, headers: response.headers, body: response.body };
    });
    return { url: upstream.url, stop: upstream.close };
}

async function startMock() {
    mock = new MockServer();
    await mock.issuer.keys.generate('RS256');
    await mock.start(await freePort(), '127.0.0.1');
    return { url: `http://127.0.0.1:${mock.address().port}`, stop: () => mock.stop() };
}

/** A vendor that checks what it is sent: app installations, sessions, keys, signatures. */
async function startVendor() {
    git = { installations: 0, rotations: 0, refused: 0, refreshToken: 'ghr_0', userToken: 'ghu_0', tokens: new Set() };
    const jwt = (token) => {
        const [header, payload, signature] = token.split('.');
        const good = createVerify('RSA-SHA256').update(`${header}.${payload}`).verify(keys.publicKey, signature ?? '', 'base64url');
        return good ? JSON.parse(Buffer.from(payload, 'base64url')) : null;
    };
    const upstream = await startUpstream(({ method, url, headers, raw }) => {
        const { pathname } = new URL(url, 'http://x');
        const bearer = (headers.authorization ?? '').replace('Bearer ', '');
        const now = Math.floor(Date.now() / 1000);
        if (pathname.startsWith('/app/installations/')) {
            const claims = jwt(bearer);
            if (!claims || claims.exp - claims.iat > 600 || claims.exp < now || claims.iss !== '4711') {
                git.refused += 1;
                return { status: 401, body: { message: 'A JSON web token could not be decoded' } };
            }
            git.installations += 1;
            const token = `ghs_${git.installations}`;
            git.tokens.add(token);
            return { status: 201, body: { token, expires_at: new Date((now + 3600) * 1000).toISOString() } };
        }
        if (pathname === '/login/oauth/access_token') {
            const form = new URLSearchParams(raw);
            if (form.get('grant_type') === 'refresh_token') {
                if (form.get('refresh_token') !== git.refreshToken) {
                    git.refused += 1;
                    return { body: { error: 'bad_refresh_token', error_description: 'The refresh token passed is incorrect or expired.' } };
                }
                git.rotations += 1;
            }
            git.refreshToken = `ghr_${git.rotations}x`;
            git.userToken = `ghu_${git.rotations}x`;
            return {
                body: {
                    access_token: git.userToken, expires_in: 28800, refresh_token: git.refreshToken,
                    refresh_token_expires_in: 15897600, token_type: 'bearer', scope: ''
                }
            };
        }
        if (pathname === '/login') {
            const body = JSON.parse(raw);
            if (body.password !== 'swordfish') return { status: 401, body: [{ code: 'BDC_1101', message: 'Invalid password' }] };
            return { body: { sessionId: `s-${body.organizationId}-${body.devKey}`, userId: 'u-1' } };
        }
        if (pathname === '/whoami') {
            const basic = Buffer.from((headers.authorization ?? '').replace('Basic ', ''), 'base64').toString();
            const good = headers['x-api-key'] === 'right' || basic === 'ann:swordfish';
            return good ? { body: { ok: true } } : { status: 401, body: { error: 'no' } };
        }
        return { body: { method, url, headers, raw, jwt: bearer.includes('.') ? jwt(bearer) : null } };
    });
    return { url: upstream.url, stop: upstream.close };
}

const integrate = (provider, more = {}) => nango.createIntegration({ provider, unique_key: provider, ...more });

async function session(key, config = {}) {
    const made = await nango.createConnectSession({
        end_user: { id: 'u-1' }, allowed_integrations: [key], integrations_config_defaults: { [key]: { connection_config: config } }
    });
    return made.data.token;
}

/** Posts a form; answers status and body. */
async function form(route, key, body, config = {}) {
    const token = await session(key, config);
    const answer = await fetch(`${tenon.url}${route}/${key}?connect_session_token=${token}`, {
        method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body)
    });
    const text = await answer.text();
    return { status: answer.status, body: text.startsWith('{') ? JSON.parse(text) : text };
}

/** Follows a popup to its end; `visit` stands in for pages that a person would use. */
async function popup(key, { config = {}, visit = (url) => url } = {}) {
    let url = `${tenon.url}/oauth/connect/${key}?connect_session_token=${await session(key, config)}`;
    const hops = [];
    const browse = cookieJar(tenon.url);
    for (let hop = 0; hop < 10; hop += 1) {
        hops.push(url);
        const answer = await browse(url);
        const next = answer.headers.get('location');
        if (!next) return { status: answer.status, page: await answer.text(), hops };
        url = visit(new URL(next, url).href);
    }
    throw new Error('the popup does not end');
}

async function connected(key) {
    const { connections } = await nango.listConnections({ integrationId: key });
    assert.equal(connections.length, 1, `connections of ${key}`);
    return connections[0].connection_id;
}

const call = (key, connectionId, endpoint, more = {}) =>
    nango.proxy({ method: 'GET', endpoint, providerConfigKey: key, connectionId, retries: 0, ...more });

const failure = (promise) => promise.then(() => assert.fail('a refusal was expected'), (error) => error.response);

test('OAuth 1.0a: temporary credentials, consent, signed calls (Authlib)', async () => {
    await integrate('peer-oauth1', { credentials: { type: 'OAUTH1', client_id: 'consumer', client_secret: 'consumer-secret/with+odd=characters' } });
    const done = await popup('peer-oauth1');
    assert.equal(done.status, 200, done.page);
    assert.match(done.page, /success|connected/i);
    const id = await connected('peer-oauth1');
    const answer = await call('peer-oauth1', id, '/things', { params: { q: 'a b&c=d+e~', z: '*' } });
    assert.deepEqual(answer.data, { user: 'ann', path: 'things', query: { q: ['a b&c=d+e~'], z: ['*'] } });
    const posted = await call('peer-oauth1', id, '/things?x=1', { method: 'POST', data: { a: 1 } });
    assert.equal(posted.data.user, 'ann');
    const held = await nango.getConnection('peer-oauth1', id);
    assert.equal(held.credentials.type, 'OAUTH1');
});

test('OAuth 1.0a: a wrong consumer secret is refused before the browser leaves', async () => {
    await nango.createIntegration({
        provider: 'peer-oauth1', unique_key: 'wrong-oauth1', credentials: { type: 'OAUTH1', client_id: 'consumer', client_secret: 'other' }
    });
    const done = await popup('wrong-oauth1');
    assert.equal(done.hops.length, 1);
    assert.match(done.page, /request token/i);
});

test('token exchange with a JWT assertion; the key is used once and not stored (Authlib)', async () => {
    await integrate('peer-assertion');
    const account = 'service@example.com';
    const wrong = await form('/auth/two-step', 'peer-assertion', { account, assertionOption: { privateKey: keyPair().privateKey } });
    assert.equal(wrong.status, 400, JSON.stringify(wrong.body));
    assert.equal(wrong.body.error.code, 'two_step_credentials_fetch_error');
    const right = await form('/auth/two-step', 'peer-assertion', { account, assertionOption: { privateKey: keys.privateKey } });
    assert.equal(right.status, 200, JSON.stringify(right.body));
    const id = right.body.connectionId;
    assert.deepEqual((await call('peer-assertion', id, '/api')).data, { ok: true });
    const held = await nango.getConnection('peer-assertion', id, true, true);
    assert.ok(!JSON.stringify(held).includes('PRIVATE KEY'));
    assert.deepEqual((await call('peer-assertion', id, '/api')).data, { ok: true });
});

for (const key of ['peer-client', 'peer-client-basic']) {
    test(`client credentials: ${key} (@node-oauth/oauth2-server)`, async () => {
        await integrate(key);
        const wrong = await form('/oauth2/auth', key, { client_id: 'machine', client_secret: 'guess' });
        assert.equal(wrong.status, 400);
        assert.equal(wrong.body.error.code, 'client_credentials_fetch_error');
        assert.ok(!JSON.stringify(wrong.body).includes('guess'));
        const right = await form('/oauth2/auth', key, { client_id: 'machine', client_secret: 'machine-secret' });
        assert.equal(right.status, 200, JSON.stringify(right.body));
        assert.equal((await call(key, right.body.connectionId, '/me')).data.user, 'machine');
        const before = await nango.getToken(key, right.body.connectionId);
        const renewed = await nango.getToken(key, right.body.connectionId, true);
        assert.notEqual(JSON.stringify(renewed), JSON.stringify(before));
    });
}

test('password grant with a rotating refresh token (@node-oauth/oauth2-server)', async () => {
    await integrate('peer-password');
    const wrong = await form('/auth/two-step', 'peer-password', { username: 'ann', password: 'guess' });
    assert.equal(wrong.status, 400);
    const right = await form('/auth/two-step', 'peer-password', { username: 'ann', password: 'swordfish' });
    assert.equal(right.status, 200, JSON.stringify(right.body));
    const id = right.body.connectionId;
    for (let round = 0; round < 11; round += 1) {
        await nango.getConnection('peer-password', id, true);
        assert.equal((await call('peer-password', id, '/me')).data.user, 'ann');
    }
});

test('odd answers of a code exchange (oauth2-mock-server)', async () => {
    await integrate('peer-odd', { credentials: { type: 'OAUTH2', client_id: 'c', client_secret: 's' } });
    mock.service.once('beforeResponse', (response) => {
        response.body = { access_token: 'odd', expires_in: '3600', refresh_token: 'r', instance_url: 'https://na1.example.com' };
    });
    const done = await popup('peer-odd');
    assert.equal(done.status, 200, done.page);
    const id = await connected('peer-odd');
    const held = await nango.getConnection('peer-odd', id);
    assert.equal(held.connection_config.instance_url, 'https://na1.example.com');
    const life = new Date(held.credentials.expires_at) - Date.now();
    assert.ok(life > 3_500_000 && life < 3_700_000, `an hour given as text, got ${life} ms`);
    // A moment as numeric text, under another content type.
    const moment = Math.floor(Date.now() / 1000) + 7200;
    mock.service.once('beforeResponse', (response) => {
        response.body = { access_token: 'odd-2', expires_at: String(moment) };
    });
    const renewed = await nango.getConnection('peer-odd', id, true, true);
    assert.equal(renewed.credentials.access_token, 'odd-2');
    assert.equal(Math.floor(new Date(renewed.credentials.expires_at) / 1000), moment);
    assert.equal(renewed.credentials.refresh_token, 'r', 'the old refresh token is kept');
    // A refusal in a 200.
    mock.service.once('beforeResponse', (response) => {
        response.statusCode = 200;
        response.body = { error: 'invalid_grant', error_description: 'Token revoked' };
    });
    const refused = await failure(nango.getConnection('peer-odd', id, true));
    assert.ok([400, 424].includes(refused.status), String(refused.status));
    assert.match(JSON.stringify(refused.data), /Token revoked|invalid_credentials/);
});

/** One call of moto's query API that nobody checks: it stands for what an administrator did before. */
async function aws(service, fields) {
    const answer = await fetch(`${at.moto}/`, {
        method: 'POST',
        headers: {
            'content-type': 'application/x-www-form-urlencoded',
            authorization: `AWS4-HMAC-SHA256 Credential=none/20260101/us-east-1/${service}/aws4_request, SignedHeaders=host, Signature=0`
        },
        body: new URLSearchParams({ Version: '2010-05-08', ...fields }).toString()
    });
    const text = await answer.text();
    assert.equal(answer.status, 200, text);
    return (name) => text.match(new RegExp(`<${name}>([^<]+)`))?.[1];
}

test('AWS: a role is assumed and calls are signed (moto checks the signatures)', async () => {
    const everything = (action) => JSON.stringify({ Version: '2012-10-17', Statement: [{ Effect: 'Allow', Action: action, Resource: '*' }] });
    const trust = JSON.stringify({ Version: '2012-10-17', Statement: [{ Effect: 'Allow', Action: 'sts:AssumeRole', Principal: { AWS: '*' } }] });
    await aws('iam', { Action: 'CreateUser', UserName: 'platform' });
    const key = await aws('iam', { Action: 'CreateAccessKey', UserName: 'platform' });
    await aws('iam', { Action: 'PutUserPolicy', UserName: 'platform', PolicyName: 'p', PolicyDocument: everything('*') });
    const role = await aws('iam', { Action: 'CreateRole', RoleName: 'Reader', AssumeRolePolicyDocument: trust });
    await aws('iam', { Action: 'PutRolePolicy', RoleName: 'Reader', PolicyName: 'p', PolicyDocument: everything('*') });
    const config = (secret) => ({
        service: 'iam', defaultRegion: 'us-east-1', awsAccessKeyId: key('AccessKeyId'), awsSecretAccessKey: secret, sts_endpoint: `${at.moto}/`
    });
    await nango.createIntegration({ provider: 'peer-aws', unique_key: 'wrong-aws', integration_config: config('x'.repeat(40)) });
    const refused = await form('/auth/aws-sigv4', 'wrong-aws', { role_arn: role('Arn') });
    assert.equal(refused.status, 502, JSON.stringify(refused.body));
    assert.match(JSON.stringify(refused.body), /SignatureDoesNotMatch/);
    await integrate('peer-aws', { integration_config: config(key('SecretAccessKey')) });
    const made = await form('/auth/aws-sigv4', 'peer-aws', { role_arn: role('Arn') });
    assert.equal(made.status, 200, JSON.stringify(made.body));
    const id = made.body.connectionId;
    const list = await call('peer-aws', id, '/', {
        method: 'POST', data: 'Action=ListUsers&Version=2010-05-08', headers: { 'content-type': 'application/x-www-form-urlencoded' }
    });
    assert.match(String(list.data), /platform/);
    const first = await nango.getConnection('peer-aws', id);
    assert.equal(first.credentials.type, 'AWS_SIGV4');
    const renewed = await nango.getConnection('peer-aws', id, true);
    assert.notEqual(renewed.credentials.session_token, first.credentials.session_token);
    assert.equal(renewed.credentials.external_id, first.credentials.external_id);
});

const tool = { jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'add', arguments: { a: 2, b: 3 } } };
const mcpHeaders = { accept: 'application/json, text/event-stream' };

test('MCP found by discovery: registration, PKCE, resource, calls, refresh, revocation (fastmcp)', async () => {
    await integrate('mcp-generic');
    const seen = [];
    const done = await popup('mcp-generic', {
        config: { mcp_server_url: `${at.mcp}/mcp` },
        visit: (url) => {
            seen.push(url);
            return url;
        }
    });
    assert.equal(done.status, 200, done.page);
    const authorize = new URL(seen[0]).searchParams;
    assert.equal(authorize.get('code_challenge_method'), 'S256');
    assert.equal(authorize.get('resource'), `${at.mcp}/mcp`);
    const id = await connected('mcp-generic');
    const initialize = {
        jsonrpc: '2.0', id: 0, method: 'initialize',
        params: { protocolVersion: '2025-06-18', capabilities: {}, clientInfo: { name: 'peer', version: '1' } }
    };
    const begun = await call('mcp-generic', id, '', { method: 'POST', data: initialize, headers: mcpHeaders });
    const live = { ...mcpHeaders, 'mcp-session-id': begun.headers['mcp-session-id'], 'mcp-protocol-version': '2025-06-18' };
    await call('mcp-generic', id, '', { method: 'POST', data: { jsonrpc: '2.0', method: 'notifications/initialized' }, headers: live });
    const answer = await call('mcp-generic', id, '', { method: 'POST', data: tool, headers: live });
    assert.match(JSON.stringify(answer.data), /"?5"?/);
    const first = await nango.getConnection('mcp-generic', id, false, true);
    assert.equal(first.credentials.type, 'OAUTH2');
    const renewed = await nango.getConnection('mcp-generic', id, true, true);
    assert.notEqual(renewed.credentials.access_token, first.credentials.access_token);
    await nango.deleteConnection('mcp-generic', id);
});

/** An MCP server whose metadata lies. */
async function liar(documents) {
    const server = createServer((request, response) => {
        const own = `http://127.0.0.1:${server.address().port}`;
        const found = documents(own)[request.url];
        response.writeHead(found ? 200 : request.url === '/mcp' ? 401 : 404, { 'content-type': 'application/json' });
        response.end(JSON.stringify(found ?? {}));
    });
    await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
    stop.push(() => new Promise((resolve) => server.close(resolve)));
    return `http://127.0.0.1:${server.address().port}/mcp`;
}

test('MCP discovery refuses metadata of another resource or another issuer', async () => {
    const metadata = (issuer) => ({
        issuer, authorization_endpoint: `${issuer}/authorize`, token_endpoint: `${issuer}/token`, code_challenge_methods_supported: ['S256']
    });
    const resource = await liar((own) => ({
        '/.well-known/oauth-protected-resource/mcp': { resource: 'http://elsewhere.example/mcp', authorization_servers: [own] },
        '/.well-known/oauth-authorization-server': metadata(own)
    }));
    const issuer = await liar((own) => ({
        '/.well-known/oauth-protected-resource/mcp': { resource: `${own}/mcp`, authorization_servers: [own] },
        '/.well-known/oauth-authorization-server': { ...metadata(own), issuer: 'http://elsewhere.example' }
    }));
    const noPkce = await liar((own) => ({
        '/.well-known/oauth-protected-resource/mcp': { resource: `${own}/mcp`, authorization_servers: [own] },
        '/.well-known/oauth-authorization-server': { ...metadata(own), code_challenge_methods_supported: ['plain'] }
    }));
    for (const [url, why] of [[resource, /wrong_resource/], [issuer, /wrong_issuer/], [noPkce, /PKCE/]]) {
        const done = await popup('mcp-generic', { config: { mcp_server_url: url } });
        assert.equal(done.hops.length, 1);
        assert.match(done.page, why);
    }
});

test('an MCP server of the catalogue registers us once for the integration (fastmcp)', async () => {
    await integrate('peer-mcp-known');
    const first = await popup('peer-mcp-known');
    assert.equal(first.status, 200, first.page);
    const second = await popup('peer-mcp-known');
    assert.equal(second.status, 200, second.page);
    const client = (done) => new URL(done.hops[1]).searchParams.get('client_id');
    assert.ok(client(first));
    assert.equal(client(first), client(second));
});

const rsa = createPrivateKey(keys.privateKey).export({ type: 'pkcs1', format: 'pem' });
const app = { app_id: '4711', app_link: 'https://apps.example.com/peer', private_key: rsa };
const state = (url) => new URL(url).searchParams.get('state');

test('app installation: a signed token buys an hour, renewed before it ends', async () => {
    await integrate('peer-app', { credentials: { type: 'APP', ...app } });
    const visit = (url) => (url.startsWith('https://apps.example.com')
        ? `${tenon.url}/app-auth/connect?state=${state(url)}&installation_id=42&setup_action=install` : url);
    const done = await popup('peer-app', { visit });
    assert.equal(done.status, 200, done.page);
    const id = await connected('peer-app');
    assert.equal((await call('peer-app', id, '/repos')).data.headers.authorization, `Bearer ghs_${git.installations}`);
    const before = git.installations;
    await nango.getConnection('peer-app', id, true);
    assert.equal(git.installations, before + 1);
    assert.equal(git.refused, 0);
});

test('app installation with a user: the rotating refresh token survives eleven refreshes', async () => {
    await integrate('peer-app-user', { credentials: { type: 'CUSTOM', client_id: 'c', client_secret: 's', ...app } });
    const visit = (url) => (url.startsWith('https://apps.example.com')
        ? `${tenon.url}/oauth/callback?state=${state(url)}&installation_id=42&setup_action=install&code=c-1` : url);
    const done = await popup('peer-app-user', { visit });
    assert.equal(done.status, 200, done.page);
    const id = await connected('peer-app-user');
    for (let round = 0; round < 11; round += 1) await nango.getConnection('peer-app-user', id, true);
    assert.equal(git.rotations, 11);
    assert.equal(git.refused, 0);
    git.refreshToken = 'revoked';
    const refused = await failure(nango.getConnection('peer-app-user', id, true));
    assert.ok([400, 424].includes(refused.status));
});

test('keys, passwords and nothing: a wrong one is refused with nothing stored', async () => {
    for (const [key, route, wrong, right] of [
        ['peer-key', '/api-auth/api-key', { apiKey: 'wrong' }, { apiKey: 'right' }],
        ['peer-basic', '/api-auth/basic', { username: 'ann', password: 'guess' }, { username: 'ann', password: 'swordfish' }]
    ]) {
        await integrate(key);
        const refused = await form(route, key, wrong);
        assert.equal(refused.status, 400);
        assert.equal(refused.body.error.code, 'connection_test_failed');
        assert.equal((await nango.listConnections({ integrationId: key })).connections.length, 0);
        const made = await form(route, key, right);
        assert.equal(made.status, 200, JSON.stringify(made.body));
        assert.equal((await call(key, made.body.connectionId, '/whoami')).data.ok, true);
    }
    await integrate('peer-none');
    const made = await form('/auth/unauthenticated', 'peer-none', {});
    assert.equal(made.status, 200);
    assert.equal((await call('peer-none', made.body.connectionId, '/x')).data.headers.authorization, undefined);
});

test('self-signed tokens, sessions, WSSE and token-based signatures arrive as their schemes say', async () => {
    await integrate('peer-jwt');
    const signed = await form('/auth/jwt', 'peer-jwt', { privateKey: keys.privateKey });
    assert.equal(signed.status, 200, JSON.stringify(signed.body));
    const claims = (await call('peer-jwt', signed.body.connectionId, '/x')).data.jwt;
    assert.equal(claims.iss, 'peer');
    assert.equal(claims.exp - claims.iat, 300);

    await integrate('peer-session');
    const login = { username: 'ann', organization_id: 'o', dev_key: 'd' };
    assert.equal((await form('/auth/bill', 'peer-session', { ...login, password: 'guess' })).status, 400);
    const logged = await form('/auth/bill', 'peer-session', { ...login, password: 'swordfish' });
    assert.equal(logged.status, 200, JSON.stringify(logged.body));
    const { headers } = (await call('peer-session', logged.body.connectionId, '/x')).data;
    assert.equal(headers.sessionid, 's-o-d');
    assert.equal(headers.devkey, 'd');

    await integrate('peer-wsse');
    const wsse = await form('/auth/signature', 'peer-wsse', { type: 'SIGNATURE', username: 'ann', password: 'secret' });
    assert.equal(wsse.status, 200, JSON.stringify(wsse.body));
    const token = (await call('peer-wsse', wsse.body.connectionId, '/x')).data.headers['x-wsse'];
    const part = (name) => token.match(new RegExp(`${name}="([^"]+)"`))[1];
    const digest = createHash('sha1').update(part('Nonce') + part('Created') + 'secret').digest('hex');
    assert.equal(part('PasswordDigest'), Buffer.from(digest).toString('base64'));

    await integrate('peer-tba', { credentials: { type: 'TBA', client_id: 'ck', client_secret: 'cs' } });
    const tba = await form('/auth/tba', 'peer-tba', { token_id: 'ti', token_secret: 'ts' }, { accountId: '123-sb1' });
    assert.equal(tba.status, 200, JSON.stringify(tba.body));
    const sent = (await call('peer-tba', tba.body.connectionId, '/x?b=2&a=1')).data;
    const auth = Object.fromEntries([...sent.headers.authorization.matchAll(/(\w+)="([^"]*)"/g)].map((m) => [m[1], decodeURIComponent(m[2])]));
    assert.equal(auth.realm, '123_SB1');
    const encode = (text) => encodeURIComponent(text).replace(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`);
    const { realm: _realm, oauth_signature: signature, ...fields } = auth;
    const pairs = Object.entries({ ...fields, a: '1', b: '2' }).map(([name, value]) => `${encode(name)}=${encode(value)}`).sort();
    const base = ['GET', encode(`${at.git}/x`), encode(pairs.join('&'))].join('&');
    assert.equal(signature, createHmac('sha256', 'cs&ts').update(base).digest('base64'));
});

test('plugin installation: the integration holds the credentials, the callback names the account', async () => {
    await integrate('peer-plugin', { custom: { app_link: 'https://plugins.example.com/install', username: 'ann', password: 'swordfish' } });
    const visit = (url) => (url.startsWith('https://plugins.example.com')
        ? `${tenon.url}/oauth/callback?payload=${new URL(url).searchParams.get('payload')}&website_id=w-1` : url);
    const done = await popup('peer-plugin', { visit });
    assert.equal(done.status, 200, done.page);
    const id = await connected('peer-plugin');
    const held = await nango.getConnection('peer-plugin', id);
    assert.equal(held.credentials.type, 'BASIC');
    assert.equal(held.connection_config.website_id, 'w-1');
    assert.equal((await call('peer-plugin', id, '/whoami')).data.ok, true);
});
