// How requests are read, whatever they ask for: paths, queries, headers and bodies as JavaScript servers read them.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib';
import { startPostgres, startServer } from '../support/server.mjs';

let postgres;
let server;
let key;

const selected = { 'connection-id': 'c', 'provider-config-key': 'k' };

/** Status, code, and the issues as `code path`. */
async function ask(method, where, { body, headers = {} } = {}) {
    const json = body === undefined ? {} : { 'content-type': 'application/json' };
    const answer = await fetch(`${server.url}${where}`, { method, headers: { authorization: `Bearer ${key}`, ...json, ...headers }, body });
    const { error = {} } = await answer.json();
    return [answer.status, error.code, (error.errors ?? []).map((issue) => `${issue.code} ${issue.path.join('.')}`)];
}

before(async () => {
    postgres = await startPostgres();
    server = await startServer({ databaseUrl: postgres.url });
    key = server.keys.dev;
});

after(async () => {
    assert.equal(server.panicked(), false);
    await server.stop();
    await postgres.stop();
});

test('bodies: none, empty, compressed, with marks and half characters', async () => {
    const trigger = (options) => ask('POST', '/action/trigger', { headers: selected, ...options });
    assert.deepEqual(await trigger({}), [400, 'invalid_body', ['invalid_type ']]);
    assert.deepEqual(await trigger({ body: '' }), [400, 'invalid_body', ['invalid_type action_name']]);
    const body = JSON.stringify({ action_name: 'a b' });
    const wrong = [400, 'invalid_body', ['invalid_format action_name']];
    assert.deepEqual(await trigger({ body: `\ufeff${body}` }), wrong);
    assert.deepEqual(await trigger({ body: '{"action_name":"a \\ud800"}' }), wrong);
    for (const [encoding, bytes] of [['gzip', gzipSync(body)], ['deflate', deflateSync(body)], ['br', brotliCompressSync(body)]]) {
        assert.deepEqual(await trigger({ body: bytes, headers: { ...selected, 'content-encoding': encoding } }), wrong, encoding);
    }
    assert.deepEqual((await trigger({ body, headers: { ...selected, 'content-encoding': 'gzip' } })).slice(0, 2), [400, 'invalid_body']);
    assert.deepEqual((await trigger({ body, headers: { ...selected, 'content-encoding': 'zstd' } })).slice(0, 2), [415, 'unsupported_content_encoding']);
    const bomb = gzipSync(Buffer.alloc(300 << 20, ' '));
    assert.deepEqual((await trigger({ body: bomb, headers: { ...selected, 'content-encoding': 'gzip' } })).slice(0, 2), [413, 'body_too_large']);
});

test('paths: fixed members in any case, no character NUL', async () => {
    assert.deepEqual((await ask('POST', '/Action/TRIGGER', { body: '{}', headers: selected })).slice(0, 2), [400, 'invalid_body']);
    assert.deepEqual(await ask('GET', '/integrations/none/Functions?page=x'), [400, 'invalid_query_params', ['invalid_type page']]);
    for (const where of ['/connections?search=%00', '/integrations/k/functions?search=a%00', '/integrations/k/functions/a%00b', '/records?model=Item&ids=a%00b']) {
        assert.deepEqual(await ask('GET', where, { headers: selected }), [400, 'invalid_request', []], where);
    }
    const tags = { provider: 'unauthenticated', unique_key: 'k', display_name: 'a\u0000b' };
    assert.equal((await ask('POST', '/integrations', { body: JSON.stringify(tags) }))[0], 400, 'and none in bodies');
});

test('queries: numbers are what Number makes of them', async () => {
    const records = (query) => ask('GET', `/records?model=Item&${query}`, { headers: selected });
    assert.deepEqual(await records('limit='), [400, 'invalid_query_params', ['too_small limit']]);
    assert.deepEqual(await records('limit=x'), [400, 'invalid_query_params', ['invalid_type limit']]);
    for (const query of ['limit=0x10', 'limit[]=2', 'limit=%202%20', 'limit=1e2']) {
        assert.deepEqual((await records(query)).slice(0, 2), [400, 'unknown_connection'], query);
    }
    assert.deepEqual((await records('limit=1&limit=2')).slice(2), [['invalid_type limit']]);
    assert.deepEqual((await records('modified_after=2099-02-30T00:00:00Z')).slice(2), [['invalid_format modified_after']]);
    assert.deepEqual((await records('modified_after=2026-13-01T00:00:00Z')).slice(2), [['invalid_format modified_after', 'custom modified_after']]);
    assert.deepEqual(await ask('POST', '/functions/compile?x=1', { body: '{}' }), [400, 'invalid_query_params', ['unrecognized_keys ']]);
    assert.deepEqual(await ask('GET', '/action/00000000-0000-4000-0000-000000000000'), [400, 'invalid_uri_params', ['invalid_format id']]);
});

test('headers of a trigger are checked, and keys of the account told what they lack', async () => {
    const body = JSON.stringify({ syncs: ['ops'] });
    const bad = { 'connection-id': 'c*1', 'provider-config-key': 'a*a' };
    assert.deepEqual(await ask('POST', '/sync/trigger', { body, headers: bad }), [400, 'invalid_headers', ['invalid_format provider-config-key', 'invalid_format connection-id']]);
    const account = await server.cli('keys', 'create', '--account', '--name', 'requests').then((text) => /[0-9a-f]{8}-[0-9a-f-]{27}/.exec(text)[0]);
    for (const [method, where, scope] of [['GET', '/records', 'records:read'], ['POST', '/sync/trigger', 'syncs:execute'], ['POST', '/mcp', 'mcp']]) {
        const answer = await fetch(`${server.url}${where}`, { method, headers: { authorization: `Bearer ${account}` } });
        assert.deepEqual((await answer.json()).error.message, `Insufficient scope. Required: environment:${scope}`);
    }
});
