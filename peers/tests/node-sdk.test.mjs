// The official @nangohq/node against the built server: every method that needs no deployed function.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Nango } from '@nangohq/node';
import { startServer, startUpstream, until } from '../support/server.mjs';

let server;
let upstream;
let nango;
let receiver;

const refused = (status, code) => (error) => {
    assert.equal(error.response?.status, status, JSON.stringify(error.response?.data));
    assert.equal(error.response?.data?.error?.code, code);
    return true;
};

before(async () => {
    server = await startServer();
    upstream = await startUpstream((request) => {
        if (request.url.startsWith('/fail')) return { status: 418, body: { reason: 'teapot' } };
        return { body: { method: request.method, url: request.url, headers: request.headers, raw: request.raw } };
    });
    receiver = await startUpstream(() => ({ body: { ok: true } }));
    nango = new Nango({ host: server.url, apiKey: server.keys.dev });
});

after(async () => {
    await server?.stop();
    await upstream?.close();
    await receiver?.close();
});

test('providers', async () => {
    const found = await nango.listProviders({ search: 'hubspot' });
    assert.ok(found.data.some((provider) => provider.name === 'hubspot'));
    assert.equal((await nango.getProvider({ provider: 'github' })).data.auth_mode, 'OAUTH2');
    await assert.rejects(nango.getProvider({ provider: 'no-such' }), refused(404, 'not_found'));
    assert.deepEqual((await nango.getProviderTemplates({ provider: 'unauthenticated' })).data, []);
});

test('integrations', async () => {
    const made = await nango.createIntegration({
        provider: 'github', unique_key: 'gh', credentials: { type: 'OAUTH2', client_id: 'id', client_secret: 'secret', scopes: 'repo' }
    });
    assert.equal(made.data.unique_key, 'gh');
    const listed = await nango.listIntegrations();
    assert.ok(listed.configs.some((one) => one.unique_key === 'gh'));
    const read = await nango.getIntegration({ uniqueKey: 'gh' }, { include: ['credentials'] });
    assert.equal(read.data.credentials.client_secret, 'secret');
    const changed = await nango.updateIntegration({ uniqueKey: 'gh' }, { display_name: 'Our GitHub' });
    assert.equal(changed.data.display_name, 'Our GitHub');
    await assert.rejects(nango.createIntegration({ provider: 'github', unique_key: 'gh' }), refused(400, 'invalid_body'));
    assert.equal((await nango.deleteIntegration('gh')).status, 200);
    await assert.rejects(nango.getIntegration({ uniqueKey: 'gh' }), refused(404, 'not_found'));
    await assert.rejects(nango.createQuickstartIntegration({ provider: 'github', unique_key: 'q' }), refused(400, 'invalid_body'));
});

async function connection(id, extra = {}) {
    const answer = await fetch(`${server.url}/connections`, {
        method: 'POST',
        headers: { authorization: `Bearer ${server.keys.dev}`, 'content-type': 'application/json' },
        body: JSON.stringify({ provider_config_key: 'api', connection_id: id, credentials: { type: 'API_KEY', apiKey: 'k-1' }, ...extra })
    });
    assert.equal(answer.status, 201, await answer.clone().text());
    return answer.json();
}

test('connections, metadata and tags', async () => {
    await nango.createIntegration({ provider: 'private-api-bearer', unique_key: 'api' });
    await connection('c-1', { tags: { team: 'blue' }, end_user: { id: 'u-1', email: 'ann@example.com' } });
    await connection('c-2');
    const listed = await nango.listConnections({ integrationId: 'api', tags: { team: 'blue' } });
    assert.deepEqual(listed.connections.map((one) => one.connection_id), ['c-1']);
    assert.equal((await nango.listConnections('c-2')).connections.length, 1);
    const read = await nango.getConnection('api', 'c-1');
    assert.equal(read.credentials.apiKey, 'k-1');
    assert.deepEqual(await nango.getToken('api', 'c-1'), { type: 'API_KEY', apiKey: 'k-1' });
    await nango.setMetadata('api', 'c-1', { a: 1, b: { c: 2 } });
    await nango.updateMetadata('api', ['c-1', 'c-2'], { d: 3 });
    assert.deepEqual(await nango.getMetadata('api', 'c-1'), { a: 1, b: { c: 2 }, d: 3 });
    assert.deepEqual(await nango.getMetadata('api', 'c-2'), { d: 3 });
    assert.deepEqual(await nango.patchConnection({ connectionId: 'c-2', provider_config_key: 'api' }, { tags: { tier: '1' } }), { success: true });
    await assert.rejects(nango.setMetadata('api', 'nobody', {}), refused(404, 'unknown_connection'));
    await assert.rejects(nango.getConnection('api', 'nobody'), refused(404, 'not_found'));
    await assert.rejects(nango.getConnection('nothing', 'c-1'), refused(400, 'unknown_provider_config'));
    assert.equal((await nango.deleteConnection('api', 'c-2')).status, 200);
    await assert.rejects(nango.deleteConnection('api', 'c-2'), refused(400, 'unknown_connection'));
});

test('proxy', async () => {
    const call = (over) => ({ endpoint: '/echo', providerConfigKey: 'api', connectionId: 'c-1', baseUrlOverride: upstream.url, ...over });
    const got = await nango.get(call({ params: { q: 'x y' }, headers: { 'X-Custom': 'yes' } }));
    assert.equal(got.data.headers.authorization, 'Bearer k-1');
    assert.equal(got.data.headers['x-custom'], 'yes');
    assert.match(got.data.url, /^\/echo\?q=x(\+|%20)y$/);
    for (const verb of ['post', 'put', 'patch', 'delete']) {
        const sent = await nango[verb](call({ data: { verb } }));
        assert.equal(sent.data.method, verb.toUpperCase());
        assert.deepEqual(JSON.parse(sent.data.raw), { verb });
    }
    await assert.rejects(nango.get(call({ endpoint: '/fail' })), (error) => {
        assert.equal(error.response.status, 418);
        assert.deepEqual(error.response.data, { reason: 'teapot' });
        return true;
    });
    await assert.rejects(nango.get(call({ connectionId: 'nobody' })), refused(400, 'server_error'));
});

test('connect sessions', async () => {
    const session = await nango.createConnectSession({ end_user: { id: 'u-2' }, allowed_integrations: ['api'] });
    assert.match(session.data.token, /^nango_connect_session_[a-f0-9]{64}$/);
    assert.ok(session.data.connect_link.includes(session.data.token));
    const reconnect = await nango.createReconnectSession({ connection_id: 'c-1', integration_id: 'api' });
    assert.ok(reconnect.data.token);
    await assert.rejects(nango.createConnectSession({ end_user: { id: 'u' }, allowed_integrations: ['nope'] }), refused(400, 'invalid_body'));
});

test('environment variables and functions that do not exist', async () => {
    await server.cli('env', 'set', 'dev', 'REGION', 'eu');
    assert.deepEqual(await nango.getEnvironmentVariables(), [{ name: 'REGION', value: 'eu' }]);
    assert.deepEqual(await nango.getScriptsConfig(), []);
    assert.deepEqual((await nango.listFunctions({ uniqueKey: 'api' })).data, []);
    await assert.rejects(nango.getFunction({ uniqueKey: 'api', name: 'nope' }), refused(404, 'not_found'));
    await assert.rejects(nango.triggerAction('api', 'c-1', 'nope'), refused(404, 'not_found'));
    await assert.rejects(nango.triggerSync('api', ['nope'], 'c-1'), refused(400, 'no_syncs_found'));
    await assert.rejects(nango.listRecords({ providerConfigKey: 'api', connectionId: 'nobody', model: 'Thing' }), refused(400, 'unknown_connection'));
    await assert.rejects(nango.getAsyncActionResult({ id: '00000000-0000-4000-8000-000000000000' }), refused(404, 'not_found'));
});

test('webhooks carry signatures that the SDK accepts', async () => {
    await server.cli('env', 'settings', 'dev', '--webhook-url', `${receiver.url}/hook`);
    const signingKey = await server.cli('keys', 'signing-key', '--environment', 'dev');
    // Settings that another process changed are seen within seconds.
    await new Promise((resolve) => setTimeout(resolve, 6000));
    const verifier = new Nango({ host: server.url, apiKey: server.keys.dev, webhookSigningKey: signingKey });
    await connection('c-hook');
    const delivery = await until('the creation webhook', () => receiver.seen.find((one) => one.raw.includes('c-hook')));
    assert.equal(verifier.verifyIncomingWebhookRequest(delivery.raw, delivery.headers), true);
    assert.equal(verifier.verifyIncomingWebhookRequest(`${delivery.raw} `, delivery.headers), false);
    assert.equal(verifier.verifyWebhookSignature(delivery.headers['x-nango-signature'], JSON.parse(delivery.raw)), true);
    const body = JSON.parse(delivery.raw);
    assert.deepEqual([body.from, body.type, body.operation, body.success], ['nango', 'auth', 'creation', true]);
});

test('wrong and narrow keys', async () => {
    const stranger = new Nango({ host: server.url, apiKey: '11111111-1111-4111-8111-111111111111' });
    await assert.rejects(stranger.listConnections(), refused(401, 'unknown_account'));
    const narrow = JSON.parse(await server.cli('keys', 'create', '--name', 'narrow', '--scope', 'environment:proxy', '--json'));
    await assert.rejects(new Nango({ host: server.url, apiKey: narrow.secret }).listConnections(), refused(403, 'forbidden'));
});
