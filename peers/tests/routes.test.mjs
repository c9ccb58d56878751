// Every route of the API description against requests that are wrong in every way we know: the answer is a refusal in
// the envelope, never an error of the server, and the server lives on.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, test } from 'node:test';
import { each, send, sendBytes } from '../support/http.mjs';
import { connectionHeaders, credentialsOf, operationsOf, targetOf } from '../support/routes.mjs';
import { readRepositoryFile, startServer, startUpstream } from '../support/server.mjs';

const BODY_BYTES_MAX = 100_000;
const JSON_TYPE = ['content-type', 'application/json'];
/** Pages and plain texts for browsers. */
const NO_ENVELOPE = /^(\/oauth\/connect|\/oauth\/callback|\/app-auth\/connect|\/ready$)/;

let server;
let upstream;
let operations;
let keys;

before(async () => {
    operations = operationsOf(JSON.parse(await readRepositoryFile('crates/api/openapi.json')));
    server = await startServer({ env: { TENON_SERVER_BODY_BYTES_MAX: String(BODY_BYTES_MAX) } });
    upstream = await startUpstream(() => ({ body: { ok: true } }));
    const post = async (path, body) => {
        const headers = { authorization: `Bearer ${server.keys.dev}`, 'content-type': 'application/json' };
        const answer = await fetch(server.url + path, { method: 'POST', headers, body: JSON.stringify(body) });
        assert.ok(answer.ok, await answer.clone().text());
        return answer.json();
    };
    await post('/integrations', { provider: 'private-api-bearer', unique_key: 'api' });
    await post('/connections', { provider_config_key: 'api', connection_id: 'c-1', credentials: { type: 'API_KEY', apiKey: 'k-1' } });
    const session = async () => (await post('/connect/sessions', { end_user: { id: 'u-1' } })).data.token;
    const lasting = await session();
    keys = { key: server.keys.dev, account: server.keys.account, session: async () => lasting, fresh: session };
});

after(async () => {
    await server?.stop();
    await upstream?.close();
});

/** What is wrong with an answer to a bad request; empty when nothing is. */
function complaints(operation, answer, expected) {
    const found = [];
    const { status } = answer;
    if (status === 0) found.push(`no answer: ${answer.text}`);
    // Some features are described as not offered.
    if (status >= 500 && !([501, 503].includes(status) && operation?.responses[status])) found.push(`${status}`);
    if (expected !== undefined && ![expected].flat().includes(status)) found.push(`${status} instead of ${expected}`);
    const bare = operation && (operation.method === 'HEAD' || NO_ENVELOPE.test(operation.path));
    if (status >= 400 && !bare) {
        let code;
        try {
            const body = JSON.parse(answer.text);
            // Answers to messages of the Model Context Protocol have the envelope of JSON-RPC, with numbers as codes.
            const remote = operation?.path === '/mcp' && body.jsonrpc === '2.0' && Number.isInteger(body.error?.code);
            code = remote ? String(body.error.code) : body.error?.code ?? (operation?.path === '/v1/{path}' && status === 404 && body.message);
        } catch {
            code = undefined;
        }
        if (typeof code !== 'string' || !code) found.push(`${status} without envelope`);
    }
    return found.length ? [`${found.join(', ')}: ${answer.text.slice(0, 120)}`] : [];
}

/** Sends `wrong(operation)` (requests with `what`, and `expected` statuses) to every operation. */
async function walk(wrong, filter = () => true) {
    const violations = [];
    let sent = 0;
    await each(operations.filter(filter), async (operation) => {
        // Ending the session is what this one is for.
        const own = operation.name === 'DELETE /connect/session' ? { ...keys, session: keys.fresh } : keys;
        for (const request of await wrong(operation)) {
            const { headers, query } = request.anonymous ? { headers: [], query: [] } : await credentialsOf(operation, own);
            const answer = await send(server.port, {
                method: operation.method,
                target: request.target ?? targetOf(operation, request.path, [...query, ...(request.query ?? [])]),
                headers: [...headers, ...(request.plain ? [] : connectionHeaders(operation, upstream.url)), ...(request.headers ?? [])],
                body: request.body,
                length: request.length
            });
            sent += 1;
            const expected = typeof request.expected === 'function' ? request.expected(operation) : request.expected;
            violations.push(...complaints(operation, answer, expected).map((text) => `${operation.name} ${request.what}: ${text}`));
        }
    });
    assert.ok(sent > 0);
    assert.equal((await fetch(`${server.url}/health`)).status, 200);
    assert.ok(server.alive(), server.log());
    assert.ok(!server.panicked(), server.log());
    assert.equal(violations.length, 0, violations.sort().join('\n'));
}

const secured = (operation) => operation.schemes.size > 0;
/** Routes that read a body, if only to refuse it; others may hang up on one. */
const reads = (operation) => operation.gated || operation.hasBody || operation.path.startsWith('/proxy');

test('without credentials', () => walk(() => [{ what: 'no credentials', anonymous: true, expected: 401 }], secured));

test('with wrong credentials', () =>
    walk((operation) => {
        const wrong = [randomUUID(), 'nonsense', `nango_connect_session_${'0'.repeat(64)}`, 'nango_connect_session_', 'nango_sbx_v1_x.y.z', '', 'a'.repeat(8000), '\u00ff\u00fe'];
        if (operation.schemes.has('connectSessionInQuery')) {
            return wrong.map((token) => ({ what: `token ${token.slice(0, 30)}`, anonymous: true, query: [`connect_session_token=${encodeURIComponent(token)}`], expected: 401 }));
        }
        const headers = [...wrong.map((token) => `Bearer ${token}`), 'Basic dXNlcjpwYXNz', 'bearer x', 'Bearer', ''];
        return headers.map((value) => ({ what: `authorization ${value.slice(0, 30)}`, anonymous: true, headers: [['authorization', value]], expected: 401 }));
    }, secured));

test('with credentials of another scheme', () =>
    walk(async ({ schemes, ofAccount }) => {
        const session = await keys.session();
        const bearer = (token) => [['authorization', `Bearer ${token}`]];
        const wrong = [];
        if (schemes.has('apiKey') && !schemes.has('connectSession')) {
            wrong.push({ what: 'a session', anonymous: true, headers: bearer(session), expected: 401 });
            wrong.push({ what: 'a session in the query', anonymous: true, query: [`connect_session_token=${session}`], expected: 401 });
            const other = ofAccount ? keys.key : keys.account;
            wrong.push({ what: 'the other family of keys', anonymous: true, plain: true, headers: bearer(other), expected: (operation) => (operation.hasBody || operation.path === '/v1/{path}' || operation.responses['403'] ? [403, 404] : 403) });
        }
        if (!schemes.has('apiKey') && schemes.has('connectSession')) wrong.push({ what: 'a key', anonymous: true, headers: bearer(keys.key), expected: 401 });
        if (schemes.has('connectSessionInQuery')) {
            wrong.push({ what: 'a key', anonymous: true, query: [`connect_session_token=${keys.key}`], expected: 401 });
            wrong.push({ what: 'a session as bearer', anonymous: true, headers: bearer(session), expected: 401 });
            wrong.push({ what: 'a public key', anonymous: true, query: [`public_key=${randomUUID()}`], expected: 401 });
        }
        return wrong;
    }, secured));

/** A wrong body: routes that read JSON only refuse it with `status`. */
const asJson = (what, body, status) => ({ what, body, headers: [JSON_TYPE], expected: ({ gated }) => (gated ? status : undefined) });

test('malformed JSON', () =>
    walk(() => ['{"a":', '{', '[1,', '{"a":1}}', '{a:1}', "{'a':1}", '\u0000', '{"a":\u0001}', 'undefined', '{"a":1e}', Buffer.from([0x7b, 0xff, 0xfe]), Buffer.from('\ufeff\ufeff{}'), '{"a":"\\ud80"}', '{"a":1e999}']
        .map((body) => asJson(JSON.stringify(body.toString()), body, 400))));

/** A list where an object is wanted. The token of beacons is in the body; two routes refuse whatever they are sent. */
function listStatus({ gated, needsBody, path, responses }) {
    if (!gated || !needsBody) return undefined;
    if (path === '/connect/telemetry') return 401;
    // A batch of messages; an empty one is accepted, as recorded.
    if (path === '/mcp') return undefined;
    return responses['200'] || responses['201'] || responses['400'] ? 400 : undefined;
}

test('JSON of the wrong type', () =>
    walk((operation) => [
        ...['"text"', 'null', '17', 'true', '1e400', '   '].map((body) => asJson(body, body, 400)),
        ...['[]', '[1]', '[[]]', '["a"]'].map((body) => ({ ...asJson(body, body), expected: listStatus(operation) })),
        ...['{}', '{"__proto__":{"a":1},"constructor":1}', '{"":""}', '{"a":1,"a":2}'].map((body) => asJson(body, body))
    ]));

test('known members of every wrong type', async () => {
    const document = JSON.parse(await readRepositoryFile('crates/api/openapi.json'));
    const resolve = (value) => (value?.$ref ? value.$ref.slice(2).split('/').reduce((at, part) => at[part], document) : value);
    const wrong = [null, true, -1, 1e300, 9007199254740993, '', '\u0000', 'x'.repeat(5000), '💥', [], [null], [[[]]], {}, { type: 'OAUTH2' }, { type: 5 }, { id: null }];
    // Ids of the examples lead to what there is.
    const known = { provider_config_key: 'api', connection_id: 'c-1', integration_id: 'api', allowed_integrations: ['api'] };
    await walk((operation) => {
        const body = resolve(document.paths[operation.path][operation.method.toLowerCase()].requestBody);
        const { schema, example = {} } = body?.content?.['application/json'] ?? {};
        const whole = { ...example };
        for (const name of Object.keys(whole)) if (known[name]) whole[name] = known[name];
        if (operation.path === '/connections' && operation.method === 'POST') whole.credentials = { type: 'API_KEY', apiKey: 'k' };
        const spoilt = Object.keys(resolve(schema)?.properties ?? {}).flatMap((name) => wrong.map((value) => [`${name}=`, value, { ...whole, [name]: value }]));
        // One level deeper, where the example goes there.
        for (const [name, inner] of Object.entries(whole)) {
            if (inner === null || typeof inner !== 'object' || Array.isArray(inner)) continue;
            for (const member of [...Object.keys(inner), 'other']) for (const value of wrong) spoilt.push([`${name}.${member}=`, value, { ...whole, [name]: { ...inner, [member]: value } }]);
        }
        return spoilt.map(([what, value, request]) => asJson(`${what}${JSON.stringify(value).slice(0, 40)}`, JSON.stringify(request)));
    }, (operation) => operation.gated && operation.hasBody);
});

test('deep nesting', () => {
    const depth = 20_000;
    const deep = ['['.repeat(depth) + ']'.repeat(depth), '{"a":'.repeat(depth / 2) + '1' + '}'.repeat(depth / 2), '['.repeat(depth), `{"input":${'['.repeat(depth)}${']'.repeat(depth)}}`];
    const query = `${'a[b]'.padEnd(4000, '[c]')}=1`;
    return walk(() => [...deep.map((body) => asJson(`${body.slice(0, 12)}… ${depth} deep`, body, 400)), { what: 'a deep query', query: [query] }], reads);
});

test('wrong content type', () =>
    walk(() => [
        ...['text/plain', 'application/xml', 'application/vnd.api+json', 'application/x-www-form-urlencoded', '*/*', 'json'].map((type) => ({ what: type, body: '{}', headers: [['content-type', type]], expected: ({ gated }) => (gated ? 415 : undefined) })),
        ...['', 'multipart/form-data', 'multipart/form-data; boundary=', `multipart/form-data; boundary=${'b'.repeat(5000)}`, 'application/json; charset=utf-7', 'APPLICATION/JSON', 'application/jsonp', '\u00ff'].map((type) => ({ what: `type ${type.slice(0, 40)}`, body: '{}', headers: [['content-type', type]] })),
        { what: 'two types', body: '{}', headers: [JSON_TYPE, ['content-type', 'text/plain']] },
        { what: 'no type', body: '{"a":1}' }
    ]));

test('empty body', () =>
    walk(() => [
        { what: 'empty with a length', body: '', headers: [JSON_TYPE] },
        { what: 'empty in chunks', body: '', length: false, headers: [JSON_TYPE] },
        { what: 'none', headers: [JSON_TYPE] },
        { what: 'none at all' },
        { what: 'an encoding', body: '{}', headers: [JSON_TYPE, ['content-encoding', 'gzip']] }
    ]));

test('a body beyond the limit', () => {
    const body = `{"a":"${'x'.repeat(BODY_BYTES_MAX)}"}`;
    const expected = (operation) => (operation.gated || (operation.hasBody && operation.responses['413']) ? 413 : undefined);
    return walk(() => [
        { what: 'with a length', body, headers: [JSON_TYPE], expected },
        { what: 'in chunks', body, length: false, headers: [JSON_TYPE], expected },
        { what: 'without credentials', anonymous: true, body, headers: [JSON_TYPE] }
    ], reads);
});

test('odd headers', () =>
    walk((operation) => {
        const names = ['Accept-Language', 'Cookie', 'Referer', 'X-Odd', ...operation.parameters.filter((one) => one.in === 'header').map((one) => one.name)];
        const values = ['', ' ', 'a'.repeat(8000), '\u00ff\u00fe\u0080', '%00%ff', '../../etc/passwd', '-1', '99999999999999999999', '1e999', 'NaN', 'Infinity', 'null', '{}', 'http://', 'file:///etc/passwd', 'a,b;c="d'];
        // Without another base, calls go to the provider's own.
        const fits = (name, value) => name !== 'Base-Url-Override' || value.trim() !== '';
        const one = [...new Set(names)].flatMap((name) => values.filter((value) => fits(name, value)).map((value) => ({ what: `${name}: ${value.slice(0, 20)}`, plain: true, headers: [...connectionHeaders(operation, upstream.url).filter(([other]) => other !== name), [name, value]] })));
        const repeated = [...new Set(names)].map((name) => ({ what: `${name} repeated`, headers: [[name, 'a'], [name, 'b'], [name, 'c']] }));
        const many = { what: '80 headers', headers: Array.from({ length: 80 }, (_, at) => [`x-${at}`, 'v'.repeat(200)]) };
        const twice = secured(operation) ? [{ what: 'authorization repeated', headers: [['authorization', 'Bearer x']] }] : [];
        return [...one, ...repeated, ...twice, many];
    }));

test('odd queries', () =>
    walk((operation) => {
        const values = ['', '%00', '%', '%zz', '%ff%fe', '-1', '0', '99999999999999999999', '1e999', 'NaN', '%F0%9F%92%A5', 'x'.repeat(3000), '*', ',', ',,,', '::', '%25', "'%22;--", 'true', '2026-13-45', '2026-01-01T00:00:00Z'];
        const declared = operation.parameters.filter((one) => one.in === 'query').map((one) => one.name);
        const names = [...new Set([...declared, 'unknown', 'connection_id'])];
        const one = names.flatMap((name) => values.map((value) => ({ what: `${name}=${value.slice(0, 20)}`, query: [`${name}=${value}`] })));
        const shapes = names.flatMap((name) => [[`${name}=a`, `${name}=b`], [`${name}[]=a`], [`${name}[x]=a`], [`${name}[x][y]=a`], [`${name}[0]=a`, `${name}[100]=b`, `${name}=c`], [`${name}[x]=a`, `${name}=b`], [name]].map((query) => ({ what: query.join('&'), query })));
        const whole = [['&&&'], ['='], ['=a'], ['[]=a'], ['[a]=b'], ['a[=b'], ['a]=b'], ['?'], ['__proto__[a]=b'], Array.from({ length: 1500 }, (_, at) => `k${at}=v`), [`long=${'x'.repeat(20_000)}`]].map((query) => ({ what: query.join('&').slice(0, 30), query }));
        return [...one, ...shapes, ...whole];
    }));

const ODD_IDS = ['..%2f', '..%2f..%2fetc%2fpasswd', '%2e%2e', '..', '.', '%2F', '%5C', '%00', '%0d%0aX:%20y', '%', '%zz', '%ff%fe', '%c3%28', '%ed%a0%80', '%F0%9F%92%A5', 'x'.repeat(300), 'x'.repeat(9000), '%20', '+', 'a%20b', '%22%27%3B--', 'constructor', '__proto__', '0', '-1', '99999999999999999999', '1e3', 'null', randomUUID(), '00000000-0000-0000-0000-000000000000', '{id}', '*', '%7B%7D', ';', 'a;b=c', ':a', '~', '@'];

test('unknown and odd ids', () =>
    walk((operation) => {
        const members = [...operation.path.matchAll(/\{(\w+)\}/g)].map((found) => found[1]);
        return members.flatMap((name) => ODD_IDS.map((id) => ({ what: `${name}=${id.slice(0, 30)}`, path: { [name]: id } })));
    }, (operation) => operation.path.includes('{')));

test('unsupported methods', async () => {
    const methods = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'TRACE', 'PROPFIND', 'QUERY', 'PURGE'];
    const violations = [];
    const paths = [...new Set(operations.map((one) => one.path)), '/nothing/here', '/proxyx', '/%00', '//', '/%ff'];
    await each(paths, async (path) => {
        const known = new Set(operations.filter((one) => one.path === path).map((one) => one.method));
        if (known.has('GET')) known.add('HEAD');
        for (const method of methods.filter((one) => !known.has(one))) {
            const like = operations.find((one) => one.path === path) ?? { path, method, responses: {}, parameters: [] };
            const headers = [['authorization', `Bearer ${keys.key}`]];
            const answer = await send(server.port, { method, target: targetOf({ ...like, method: 'DELETE' }), headers });
            // Where any method goes on to the provider, odd ones may be refused later.
            const any = /^\/(proxy|v1)/.test(path);
            const covered = path === '/action/trigger' && ['GET', 'HEAD'].includes(method);
            const expected = method === 'OPTIONS' ? 204 : any || covered ? undefined : [404, 405];
            violations.push(...complaints({ ...like, method }, answer, expected).map((text) => `${method} ${path}: ${text}`));
        }
    });
    assert.equal(violations.length, 0, violations.sort().join('\n'));
});

test('what no HTTP client sends', async () => {
    const violations = [];
    const check = async (what, bytes, statuses) => {
        const { status, text } = await sendBytes(server.port, bytes);
        if (!statuses.includes(status)) violations.push(`${what}: ${status} ${text.slice(0, 80)}`);
    };
    const host = 'Host: 127.0.0.1\r\n';
    const auth = `Authorization: Bearer ${keys.key}\r\n`;
    const end = 'Connection: close\r\n\r\n';
    const binary = (text) => Buffer.from(text, 'latin1');
    await check('NUL in a header', binary(`GET /connections HTTP/1.1\r\n${host}X-A: a\0b\r\n${end}`), [400]);
    await check('bytes in a target', binary(`GET /connections/\xff\xfe?provider_config_key=api HTTP/1.1\r\n${host}${auth}${end}`), [400, 404]);
    await check('an emoji in a target', Buffer.from(`GET /connections/💥?provider_config_key=api HTTP/1.1\r\n${host}${auth}${end}`), [400, 404]);
    await check('a space in a target', binary(`GET /connections/a b HTTP/1.1\r\n${host}${auth}${end}`), [400, 404]);
    await check('a quote in a target', binary(`GET /connections/a"b?provider_config_key=api HTTP/1.1\r\n${host}${auth}${end}`), [400, 404]);
    await check('no path', binary(`GET  HTTP/1.1\r\n${host}${end}`), [400]);
    await check('an absolute target', binary(`GET http://elsewhere.example/health HTTP/1.1\r\n${host}${end}`), [200, 400, 404]);
    await check('an asterisk', binary(`OPTIONS * HTTP/1.1\r\n${host}${end}`), [204, 400, 404]);
    await check('CONNECT', binary(`CONNECT elsewhere.example:443 HTTP/1.1\r\nHost: elsewhere.example:443\r\n${end}`), [400, 404, 405]);
    await check('CONNECT to the proxy', binary(`CONNECT proxy:80 HTTP/1.1\r\n${host}${auth}${end}`), [400, 404, 405]);
    await check('a target beyond 64 KiB', binary(`GET /connections?a=${'x'.repeat(70_000)} HTTP/1.1\r\n${host}${auth}${end}`), [414]);
    await check('a header beyond all limits', binary(`GET /connections HTTP/1.1\r\n${host}X-A: ${'x'.repeat(600_000)}\r\n${end}`), [431]);
    await check('hundreds of headers', binary(`GET /connections HTTP/1.1\r\n${host}${'X-A: b\r\n'.repeat(500)}${end}`), [431]);
    await check('two lengths', binary(`POST /connections HTTP/1.1\r\n${host}${auth}Content-Length: 2\r\nContent-Length: 3\r\n${end}{}`), [400]);
    await check('a negative length', binary(`POST /connections HTTP/1.1\r\n${host}${auth}Content-Length: -1\r\n${end}`), [400]);
    await check('a length beyond numbers', binary(`POST /connections HTTP/1.1\r\n${host}${auth}Content-Type: application/json\r\nContent-Length: 99999999999999999999999\r\n${end}`), [400, 413]);
    await check('a broken chunk', binary(`POST /connections HTTP/1.1\r\n${host}${auth}Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n${end}zz\r\n{}`), [400]);
    await check('a webhook with a broken chunk', binary(`POST /webhook/${randomUUID()}/api HTTP/1.1\r\n${host}Transfer-Encoding: chunked\r\n${end}zz\r\n{}`), [400]);
    await check('a proxied broken chunk', binary(`POST /proxy/echo HTTP/1.1\r\n${host}${auth}Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n${end}zz\r\n{}`), [400]);
    await check('an unknown protocol', binary('GET / SPDY/9\r\n\r\n'), [400]);
    assert.equal(violations.length, 0, violations.sort().join('\n'));
    assert.equal((await fetch(`${server.url}/health`)).status, 200);
    assert.ok(!server.panicked(), server.log());
});

test('the default limit of a body is what the description says', async () => {
    const own = await startServer();
    try {
        const announced = `POST /connections HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${own.keys.dev}\r\nContent-Type: application/json\r\nContent-Length: ${78_643_200 + 1}\r\nConnection: close\r\n\r\n`;
        const { status, text } = await sendBytes(own.port, Buffer.concat([Buffer.from(announced), Buffer.alloc(78_643_200 + 1, 0x20)]), 60_000);
        assert.equal(status, 413, text);
        assert.match(text, /body_too_large/);
    } finally {
        await own.stop();
    }
});
