// What is peculiar to the webhooks of single vendors, and to the bodies and paths that they are sent with.
import assert from 'node:assert/strict';
import { createHmac, randomUUID } from 'node:crypto';
import { after, before, test } from 'node:test';
import { Nango } from '@nangohq/node';
import { startServer, startUpstream, until } from '../support/server.mjs';

const oauth = { type: 'OAUTH2', access_token: 'token' };
let server;
let receiver;
let environment;

async function must(method, where, body) {
    const answer = await fetch(`${server.url}${where}`, {
        method, headers: { authorization: `Bearer ${server.keys.dev}`, 'content-type': 'application/json' }, body: JSON.stringify(body)
    });
    assert.ok(answer.ok, `${answer.status} ${await answer.clone().text()}`);
    return answer.json();
}

/** An integration of a provider with one connection, `c`. */
async function connected(key, { provider = key, secret, credentials, ...connection }) {
    const oauthApp = { type: 'OAUTH2', client_id: 'id', client_secret: 'client', ...(secret && { webhook_secret: secret }) };
    await must('POST', '/integrations', { unique_key: key, provider, forward_webhooks: true, ...(credentials === undefined && { credentials: oauthApp }) });
    await must('POST', '/connections', { provider_config_key: key, connection_id: 'c', credentials: credentials ?? oauth, ...connection });
}

const send = (key, body, headers = {}, query = '') =>
    fetch(`${server.url}/webhook/${environment}/${key}${query}`, { method: 'POST', headers: { 'content-type': 'application/json', ...headers }, body: typeof body === 'string' ? body : JSON.stringify(body) });

/** What the receiver gets for a message: payload and connection, or the raw body without one. */
async function passedOn(...message) {
    const before = receiver.seen.length;
    const answer = await send(...message);
    assert.equal(answer.status, 200, await answer.text());
    await until('the message to be passed on', () => receiver.seen.length > before);
    const { raw, headers } = receiver.seen[before];
    const body = JSON.parse(raw);
    return { raw, headers, payload: body.type === 'forward' ? body.payload : body, connection: body.connectionId };
}

async function refused(code, ...message) {
    const before = receiver.seen.length;
    const answer = await send(...message);
    const body = await answer.json();
    assert.deepEqual([answer.status, answer.headers.get('tenon-error-code'), Object.keys(body)], [401, code, ['error']]);
    await new Promise((resolve) => setTimeout(resolve, 200));
    assert.equal(receiver.seen.length, before, 'nothing of it is passed on');
}

before(async () => {
    [server, receiver] = await Promise.all([startServer(), startUpstream(() => ({ body: { ok: true } }))]);
    environment = JSON.parse(await server.cli('env', 'show', 'dev', '--json')).uuid;
    await server.cli('env', 'settings', 'dev', '--webhook-url', `${receiver.url}/hook`, '--on-auth-creation', 'false');
});

after(async () => {
    assert.equal(server.panicked(), false);
    await Promise.all([server.stop(), receiver.close()]);
});

test('Microsoft: notifications count that carry the secret of their subscription', async () => {
    await connected('graph', { provider: 'microsoft-oauth2-cc', credentials: { type: 'OAUTH2_CC', client_id: 'i', client_secret: 's', token: 't' }, connection_config: { tenantId: 'T1' } });
    await must('PATCH', '/integrations/graph', { custom: { webhookSecret: 'ws' } });
    const item = (id, clientState) => ({ changeType: 'created', tenantId: 'T1', id, ...(clientState && { clientState }) });
    const mixed = await passedOn('graph', { value: [item('forged', 'bad'), item('real', 'ws'), item('bare')] });
    assert.deepEqual(mixed.payload.value.map((one) => one.id), ['real']);
    await refused('webhook_invalid_signature', 'graph', { value: [item('forged', 'bad')] });
    const echo = await send('graph', {}, {}, '?validationToken=hello');
    assert.equal(await echo.text(), 'hello');
});

test('GitLab: the token or a signature of the connection that the URL names', async () => {
    const secret = `whsec_${Buffer.from('gitlab-secret').toString('base64')}`;
    await connected('gitlab', { connection_config: {}, metadata: { webhookSecret: secret } });
    const body = JSON.stringify({ object_kind: 'push' });
    const named = '?nangoConnectionId=c';
    assert.equal((await passedOn('gitlab', body, { 'x-gitlab-token': secret }, named)).connection, 'c');
    await refused('webhook_invalid_signature', 'gitlab', body, { 'x-gitlab-token': 'wrong' }, named);
    const [id, time] = ['msg_1', String(Math.floor(Date.now() / 1000))];
    const signature = `v1,${createHmac('sha256', 'gitlab-secret').update(`${id}.${time}.${body}`).digest('base64')}`;
    const signed = { 'webhook-id': id, 'webhook-timestamp': time, 'webhook-signature': signature };
    assert.equal((await passedOn('gitlab', body, signed, named)).connection, 'c');
    await refused('webhook_invalid_signature', 'gitlab', `${body} `, signed, named);
    await refused('webhook_missing_signature', 'gitlab', body, {}, named);
    // Without a connection there is no secret to check with, and nothing is passed on.
    const before = receiver.seen.length;
    for (const query of ['', '?nangoConnectionId=nobody']) assert.equal((await send('gitlab', body, { 'x-gitlab-token': secret }, query)).status, 200);
    await must('POST', '/connections', { provider_config_key: 'gitlab', connection_id: 'bare', credentials: oauth });
    await refused('webhook_invalid_signature', 'gitlab', body, { 'x-gitlab-token': 'any' }, '?nangoConnectionId=bare');
    assert.equal(receiver.seen.length, before);
});

test('Shopify: the first label of the shop is the connection\'s', async () => {
    await connected('shopify', { connection_config: { subdomain: 'acme' } });
    const body = JSON.stringify({ id: 1 });
    const headers = { 'x-shopify-hmac-sha256': createHmac('sha256', 'client').update(body).digest('base64'), 'x-shopify-topic': 'orders/create', 'x-shopify-shop-domain': 'acme.myshopify.com' };
    assert.equal((await passedOn('shopify', body, headers)).connection, 'c');
});

test('Google: the headers are the payload', async () => {
    await connected('google-calendar', { metadata: { googleCalendarWatchResourceUris: ['https://x/y'] } });
    const { payload, connection } = await passedOn('google-calendar', '', { 'x-goog-resource-state': 'exists', 'x-goog-resource-uri': 'https://x/y', authorization: 'Bearer secret' });
    assert.deepEqual([payload['x-goog-resource-state'], payload.authorization, connection], ['exists', undefined, 'c']);
});

test('Fillout: each item of a list finds its own connection', async () => {
    await connected('fillout', { connection_config: { base_url: 'https://api.fillout.com' }, metadata: { formId: 'f2' } });
    const { payload, connection } = await passedOn('fillout', [{ formId: 'f1', type: 'x' }, { formId: 'f2', type: 'y' }]);
    assert.deepEqual([payload, connection], [[{ formId: 'f2', type: 'y' }], 'c']);
});

test('Streak needs its token, Notion may send the key that it will sign with', async () => {
    await must('POST', '/integrations', { unique_key: 'streak', provider: 'streak', forward_webhooks: true });
    await refused('webhook_missing_token', 'streak', { event: 'x' });
    assert.deepEqual((await passedOn('streak', { event: 'x' }, { 'x-streak-webhook-token': 'tok' })).payload, { event: 'x' });
    await connected('notion', { secret: 'ws', connection_config: { workspace_id: 'W' } });
    assert.deepEqual((await passedOn('notion', { verification_token: 'secret_x' })).payload, { verification_token: 'secret_x' });
    await refused('webhook_missing_signature', 'notion', { type: 'page.created', workspace_id: 'W' });
    await refused('webhook_missing_signature', 'notion', { verification_token: 'x', type: 'page.created', workspace_id: 'W' });
});

test('forms are read with nesting, numbers are written as JavaScript writes them', async () => {
    await connected('plain', { provider: 'unauthenticated', credentials: { type: 'NONE' } });
    const form = await passedOn('plain', 'connectionId=c&a=1&a=2&b[]=1&b[]=2&c[d]=3', { 'content-type': 'application/x-www-form-urlencoded' });
    assert.deepEqual([form.payload, form.connection], [{ connectionId: 'c', a: ['1', '2'], b: ['1', '2'], c: { d: '3' } }, 'c']);
    const { raw, headers } = await passedOn('plain', '{"connectionId":"c","amount":10.0,"exp":1e3,"part":0.5,"cut":"\\ud83d"}');
    assert.match(raw, /"amount":10,"connectionId":"c","cut":"\ufffd","exp":1000,"part":0\.5/);
    const webhookSigningKey = (await server.cli('keys', 'signing-key', '--environment', 'dev')).trim();
    const sdk = new Nango({ host: server.url, apiKey: server.keys.dev, webhookSigningKey });
    assert.equal(sdk.verifyWebhookSignature(headers['x-nango-signature'], JSON.parse(raw)), true);
});

test('what is no message is refused before anything else is looked at', async () => {
    for (const text of ['"x"', '5', 'null', '{']) {
        const answer = await send('plain', text);
        assert.deepEqual([answer.status, (await answer.json()).error.code], [400, 'invalid_json'], text);
    }
    const issues = async (where) => {
        const answer = await fetch(`${server.url}/webhook/${where}`, { method: 'POST' });
        const { error } = await answer.json();
        return [answer.status, error.code, error.errors?.map((one) => [one.code, one.path[0]])];
    };
    const bad = [400, 'invalid_uri_params'];
    assert.deepEqual(await issues(`${environment}/a%2Fb`), [...bad, [['invalid_format', 'providerConfigKey']]]);
    assert.deepEqual(await issues(`${environment}/${'a'.repeat(256)}`), [...bad, [['too_big', 'providerConfigKey']]]);
    assert.deepEqual(await issues('abc/!'), [...bad, [['invalid_format', 'environmentUuid'], ['invalid_format', 'providerConfigKey']]]);
    assert.deepEqual((await issues(`${randomUUID()}/plain`)).slice(0, 2), [404, 'unknown_environment']);
});
