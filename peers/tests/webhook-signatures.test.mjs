// Vendors' own code signs webhooks; our routes take those and refuse altered ones.
import assert from 'node:assert/strict';
import { createHash, createHmac, generateKeyPairSync } from 'node:crypto';
import { after, before, test } from 'node:test';
import { Signature as HubspotSignature } from '@hubspot/api-client';
import { Webhooks } from '@octokit/webhooks';
import { isValidSlackRequest } from '../support/slack.mjs';
import { startServer, startUpstream, until } from '../support/server.mjs';

let server;
let receiver;
let environment;

const post = (where, body, method = 'POST') => fetch(`${server.url}${where}`, {
    method,
    headers: { authorization: `Bearer ${server.keys.dev}`, 'content-type': 'application/json' },
    body: JSON.stringify(body)
});

async function must(promise) {
    const answer = await promise;
    assert.ok(answer.ok, `${answer.status} ${await answer.clone().text()}`);
    return answer.json();
}

const integration = (unique_key, provider, credentials, more = {}) => must(post('/integrations', { unique_key, provider, credentials, forward_webhooks: true, ...more }));
const connection = (provider_config_key, connection_id, credentials, connection_config = {}) =>
    must(post('/connections', { provider_config_key, connection_id, credentials, connection_config }));
const oauth = { type: 'OAUTH2', access_token: 'token' };

/** Sends a webhook as the provider would. */
const send = (key, raw, headers) => fetch(`${server.url}/webhook/${environment}/${key}`, { method: 'POST', headers: { 'content-type': 'application/json', ...headers }, body: raw });

async function deliver(key, raw, headers) {
    const answer = await send(key, raw, headers);
    return { status: answer.status, text: await answer.text() };
}

/** What the receiver got since `from`, without the news about connections. */
const forwards = (from) => receiver.seen.slice(from).map((one) => JSON.parse(one.raw)).filter((body) => body.type === 'forward' || !('from' in body));

async function forwarded(from, count) {
    await until(`${count} forwards`, () => forwards(from).length >= count);
    return forwards(from);
}

async function refusedWithout(key, raw, headers, code) {
    const before = receiver.seen.length;
    const answer = await send(key, raw, headers);
    const body = await answer.json();
    assert.deepEqual([answer.status, answer.headers.get('tenon-error-code')], [401, code]);
    assert.deepEqual(Object.keys(body), ['error']);
    assert.equal(typeof body.error, 'string');
    await new Promise((resolve) => setTimeout(resolve, 300));
    assert.deepEqual(forwards(before), []);
}

before(async () => {
    server = await startServer();
    receiver = await startUpstream(() => ({ body: { ok: true } }));
    environment = JSON.parse(await server.cli('env', 'show', 'dev', '--json')).uuid;
    await server.cli('env', 'settings', 'dev', '--webhook-url', `${receiver.url}/hook`);
});

after(async () => {
    await server?.stop();
    await receiver?.close();
});

test('GitHub: X-Hub-Signature-256 by @octokit/webhooks', async () => {
    const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048, privateKeyEncoding: { type: 'pkcs1', format: 'pem' }, publicKeyEncoding: { type: 'spki', format: 'pem' } });
    const app = { app_id: '12345', app_link: 'https://github.com/apps/acme', private_key: privateKey };
    await integration('gh', 'github-app', { type: 'APP', ...app });
    const secret = createHash('sha256').update(`${app.app_id}${app.private_key}${app.app_link}`).digest('hex');
    const raw = JSON.stringify({ action: 'opened', installation: { id: 77 }, issue: { title: 'é ü' } });
    const github = new Webhooks({ secret });
    const signature = await github.sign(raw);
    assert.ok(await github.verify(raw, signature));
    const headers = (given, id) => ({ 'x-github-event': 'issues', 'x-github-delivery': id, ...(given && { 'x-hub-signature-256': given }) });
    const before = receiver.seen.length;
    assert.deepEqual(await deliver('gh', raw, headers(signature, 'd-1')), { status: 200, text: '{"status":"success"}' });
    const [got] = await forwarded(before, 1);
    // No installation is connected, so the body goes to the environment's receiver as it came.
    assert.deepEqual(got, JSON.parse(raw));
    // GitHub sends a delivery again under its old number; it counts once.
    assert.equal((await deliver('gh', raw, headers(signature, 'd-1'))).status, 200);

    await refusedWithout('gh', raw.replace('opened', 'closed'), headers(signature, 'd-2'), 'webhook_invalid_signature');
    await refusedWithout('gh', JSON.stringify(JSON.parse(raw), null, 1), headers(signature, 'd-3'), 'webhook_invalid_signature');
    await refusedWithout('gh', raw, headers(await new Webhooks({ secret: 'other' }).sign(raw), 'd-4'), 'webhook_invalid_signature');
    await refusedWithout('gh', raw, headers(undefined, 'd-5'), 'webhook_missing_signature');
    assert.equal(forwards(before).length, 1);
});

test('HubSpot: versions 1, 2 and 3 by @hubspot/api-client', async () => {
    const clientSecret = 'hub-secret';
    await integration('hub', 'hubspot', { type: 'OAUTH2', client_id: 'id', client_secret: clientSecret });
    await connection('hub', 'portal-1', oauth, { portalId: '1' });
    await connection('hub', 'portal-2', oauth, { portalId: '2' });
    const raw = JSON.stringify([
        { eventId: 1, subscriptionType: 'contact.propertyChange', portalId: 1, objectId: 5, occurredAt: 20 },
        { eventId: 2, subscriptionType: 'contact.creation', portalId: 1, objectId: 5, occurredAt: 10 },
        { eventId: 3, subscriptionType: 'contact.creation', portalId: 2, objectId: 6, occurredAt: 30 }
    ]);
    const shown = await fetch(`${server.url}/integrations/hub?include=webhook`, { headers: { authorization: `Bearer ${server.keys.dev}` } });
    const url = (await shown.json()).data.webhook_url;
    const signed = (version, body = raw, over = {}) => {
        const timestamp = over.timestamp ?? Date.now();
        const signature = HubspotSignature.getSignature('POST', version, { clientSecret: over.secret ?? clientSecret, requestBody: body, url: over.url ?? url, timestamp });
        return version === 'v3'
            ? { 'x-hubspot-signature-v3': signature, 'x-hubspot-request-timestamp': String(timestamp) }
            : { 'x-hubspot-signature': signature, 'x-hubspot-signature-version': version };
    };
    for (const version of ['v1', 'v2', 'v3']) {
        const before = receiver.seen.length;
        assert.equal((await deliver('hub', raw, signed(version))).status, 200, version);
        const got = await forwarded(before, 2);
        const events = Object.fromEntries(got.map((one) => [one.connectionId, one.payload.map((event) => event.eventId)]));
        assert.deepEqual(events, { 'portal-1': [1, 2], 'portal-2': [3] }, 'as they came');
        await refusedWithout('hub', raw.replace('"objectId":5', '"objectId":7'), signed(version), 'webhook_invalid_signature');
        await refusedWithout('hub', raw, signed(version, raw, { secret: 'other' }), 'webhook_invalid_signature');
    }
    await refusedWithout('hub', raw, signed('v3', raw, { timestamp: Date.now() - 301_000 }), 'webhook_invalid_signature');
    await refusedWithout('hub', raw, signed('v3', raw, { url: `${url}x` }), 'webhook_invalid_signature');
    // The first version was also computed over the body as JSON writes it again.
    const pretty = JSON.stringify(JSON.parse(raw), null, 2);
    const again = receiver.seen.length;
    assert.equal((await deliver('hub', pretty, signed('v1'))).status, 200);
    await forwarded(again, 2);
    await refusedWithout('hub', pretty, signed('v2'), 'webhook_invalid_signature');
    await refusedWithout('hub', raw, { ...signed('v1'), 'x-hubspot-signature-v3': 'AAAA', 'x-hubspot-request-timestamp': String(Date.now()) }, 'webhook_invalid_signature');
    await refusedWithout('hub', raw, {}, 'webhook_missing_signature');
});

test('Slack: v0 by @slack/bolt', async () => {
    const signingSecret = 'slack-signing-secret';
    await integration('slack', 'slack', { type: 'OAUTH2', client_id: 'id', client_secret: 'secret', webhook_secret: signingSecret });
    await connection('slack', 'team', oauth, { 'team.id': 'T1' });
    const signed = (body, over = {}) => {
        const time = over.time ?? Math.floor(Date.now() / 1000);
        const headers = {
            'x-slack-request-timestamp': String(time),
            'x-slack-signature': `v0=${createHmac('sha256', over.secret ?? signingSecret).update(`v0:${time}:${body}`).digest('hex')}`
        };
        return headers;
    };
    // Bolt exports the check alone; a signature that it accepts is one of Slack's.
    const accepts = (body, headers) => isValidSlackRequest({
        signingSecret, body, headers: { ...headers, 'x-slack-request-timestamp': Number(headers['x-slack-request-timestamp']) }
    });

    const hello = JSON.stringify({ type: 'url_verification', token: 't', challenge: 'chal-1' });
    assert.ok(accepts(hello, signed(hello)));
    assert.deepEqual(await deliver('slack', hello, signed(hello)), { status: 200, text: 'chal-1' });
    await refusedWithout('slack', hello, signed(hello, { secret: 'other' }), 'webhook_invalid_signature');

    const raw = JSON.stringify({ type: 'event_callback', team_id: 'T1', event_id: 'Ev1', event: { type: 'message', text: 'hi' }, challenge: 'not one' });
    const before = receiver.seen.length;
    const good = signed(raw);
    assert.ok(accepts(raw, good));
    assert.equal((await deliver('slack', raw, good)).text, '{"status":"success"}');
    assert.equal((await forwarded(before, 1))[0].connectionId, 'team');

    for (const [body, headers] of [
        [raw.replace('hi', 'ho'), good],
        [raw, signed(raw, { secret: 'other' })],
        [raw, signed(raw, { time: Math.floor(Date.now() / 1000) - 301 })]
    ]) {
        assert.ok(!accepts(body, headers));
        await refusedWithout('slack', body, headers, 'webhook_invalid_signature');
    }
    await refusedWithout('slack', raw, {}, 'webhook_missing_signature');

    // Interactions come as a form; the answer to a submitted dialogue is shown, so it is empty.
    const form = `payload=${encodeURIComponent(JSON.stringify({ type: 'view_submission', team: { id: 'T1' } }))}`;
    const formHeaders = { ...signed(form), 'content-type': 'application/x-www-form-urlencoded' };
    const from = receiver.seen.length;
    assert.deepEqual(await deliver('slack', form, formHeaders), { status: 200, text: '' });
    const [submitted] = await forwarded(from, 1);
    assert.deepEqual([submitted.connectionId, submitted.payload.type], ['team', 'view_submission']);
});

test('any provider of the catalogue: HMAC-SHA256 of the raw body', async () => {
    const secret = 'linear-secret';
    await integration('linear', 'linear', { type: 'OAUTH2', client_id: 'id', client_secret: 'secret', webhook_secret: secret });
    await connection('linear', 'org', oauth, { organizationId: 'o-1' });
    const raw = JSON.stringify({ type: 'Issue', organizationId: 'o-1', data: { a: 1 } });
    const sign = (body) => ({ 'linear-signature': createHmac('sha256', secret).update(body).digest('hex') });
    const before = receiver.seen.length;
    assert.equal((await deliver('linear', raw, sign(raw))).status, 200);
    assert.equal((await forwarded(before, 1))[0].connectionId, 'org');
    await refusedWithout('linear', raw.replace('1', '2'), sign(raw), 'webhook_invalid_signature');
    await refusedWithout('linear', raw, {}, 'webhook_missing_signature');
    // Without a secret nothing can be checked, and this vendor always signs.
    await integration('linear-bare', 'linear', { type: 'OAUTH2', client_id: 'id', client_secret: 'secret' });
    await refusedWithout('linear-bare', raw, sign(raw), 'webhook_invalid_signature');
});

test('refusals are in the log', async () => {
    // Entries are written behind.
    const shown = await until('the log', async () => {
        const text = await server.cli('logs', '--failed', '--kind', 'webhook', '--json');
        return /Refused webhook from github-app/.test(text) && text;
    });
    assert.match(shown, /does not match the body/);
});
