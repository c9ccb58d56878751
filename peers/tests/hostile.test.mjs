// Functions that try to get secrets or requests out, to get out themselves, or to use up the machine, against a server with its
// ordinary rules: only one address of this machine, the provider's, is allowed. Each is contained, and each leaves an entry in
// the operations log. (Scripts against the sandbox itself are in crates/runtime/tests/hostile.)
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { after, before, test } from 'node:test';
import { calls } from '../support/api.mjs';
import { startServer, startUpstream, until } from '../support/server.mjs';

const OURS = 'canary-of-this-environment';
const THEIRS = 'canary-of-another-environment';

let server;
let provider;
let thief;
const stolen = [];

const { api, must } = calls(() => server);

/** Everything that the log has about the newest run of a function. */
async function logged(name) {
    const found = await until(`a log entry of ${name}`, async () => {
        const { operations, data } = await must('GET', `/logs/operations?search=${name}&limit=20`);
        const all = (operations ?? data).filter((one) => one.function === name);
        return all.length > 0 && all.every((one) => one.state !== 'running') && all;
    });
    const whole = [];
    for (const operation of found) whole.push(await must('GET', `/logs/operations/${operation.id}`));
    return { state: found[0].state, text: JSON.stringify(whole) };
}

const LINK_LOCAL = 'http://169.254.169.254/latest/meta-data/';
const outcome = (work) => `try { const r = await (async () => { ${work} })(); return { got: r ?? null }; } catch (e) { return { refused: String(e.payload?.code ?? e.code ?? e.message), message: String(e.payload?.message ?? e.message), headers: JSON.stringify(e.config?.headers ?? null), request: JSON.stringify(e.request ?? null) }; }`;
const fetching = (url) => outcome(`const r = await nango.uncontrolledFetch({ url: new URL(${JSON.stringify(url)}) }); return r.status;`);
const getting = (config) => outcome(`const r = await nango.get(${JSON.stringify(config)}); return r.status;`);

// Name, source of `exec`, and what is wanted: `refused` (a pattern of the refusal), `got` (a value), or `fails`.
const scripts = (at) => [
    // Addresses
    ['fetch-loopback', fetching(at.loopback), { refused: /url_not_allowed/ }],
    ['fetch-localhost', fetching(at.localhost), { refused: /url_not_allowed/ }],
    ['fetch-any', fetching('http://0.0.0.0:80/'), { refused: /url_not_allowed/ }],
    ['fetch-v6', fetching('http://[::1]:80/'), { refused: /url_not_allowed/ }],
    ['fetch-mapped-v6', fetching('http://[::ffff:127.0.0.2]:80/'), { refused: /url_not_allowed/ }],
    ['fetch-decimal', fetching('http://2130706434/'), { refused: /url_not_allowed/ }],
    ['fetch-octal', fetching('http://0177.0.0.02/'), { refused: /url_not_allowed/ }],
    ['fetch-private', fetching('http://10.0.0.1/'), { refused: /url_not_allowed/ }],
    ['fetch-metadata', fetching(LINK_LOCAL), { refused: /url_not_allowed/ }],
    ['fetch-metadata-name', fetching('http://metadata.google.internal/'), { refused: /url_not_allowed/ }],
    ['fetch-file', fetching('file:///etc/passwd'), { refused: /url_not_allowed|Invalid|protocol/i }],
    ['fetch-gopher', fetching('gopher://127.0.0.2/'), { refused: /url_not_allowed|Invalid|protocol/i }],
    ['proxy-elsewhere', getting({ endpoint: '/x', baseUrlOverride: at.loopback, retries: 0 }), { refused: /./ }],
    ['proxy-metadata', getting({ endpoint: LINK_LOCAL, baseUrlOverride: 'http://169.254.169.254', retries: 0 }), { refused: /./ }],
    // A redirect must not go where a request may not
    ['redirect-loopback', getting({ endpoint: `/to?u=${encodeURIComponent(at.loopback)}` }), { refused: /./ }],
    ['redirect-metadata', getting({ endpoint: `/to?u=${encodeURIComponent(LINK_LOCAL)}` }), { refused: /./ }],
    ['redirect-file', getting({ endpoint: '/to?u=file%3A%2F%2F%2Fetc%2Fpasswd' }), { refused: /./ }],
    ['redirect-loop', getting({ endpoint: '/loop' }), { refused: /redirect|ERR_FR/i }],
    ['redirect-fetch', fetching(`${at.provider}/to?u=${encodeURIComponent(at.loopback)}`), { refused: /url_not_allowed/ }],
    // Names: there is no resolver, and a name that leads nowhere is not looked up by the function
    ['dns-module', `return require('dns');`, { fails: /not allowed/ }],
    ['dns-promises', `return require('node:dns/promises');`, { fails: /not allowed/ }],
    ['dns-of-the-secret', fetching('http://secret-in-a-name.localhost/'), { refused: /url_not_allowed/ }],
    ['dns-socket', `return require('net').connect(53);`, { fails: /not allowed/ }],
    // Headers
    ['header-newline', getting({ endpoint: '/ok', headers: { 'x-a': 'a\r\nx-injected: 1' } }), { refused: /./ }],
    ['header-name', getting({ endpoint: '/ok', headers: { 'x a: b\r\nx-injected': '1' } }), { refused: /./ }],
    ['header-host', outcome(`const r = await nango.get({ endpoint: '/echo', headers: { host: '127.0.0.2' } }); return r.data.host === '127.0.0.2';`), { got: false }],
    ['header-length', outcome(`const r = await nango.post({ endpoint: '/echo', headers: { 'content-length': '3', 'transfer-encoding': 'chunked' }, data: { a: 1 } }); return r.data['content-length'] === '3';`), { got: false }],
    ['header-read-back', outcome(`const r = await nango.get({ endpoint: '/ok' }); return JSON.stringify([r.config, r.request, r.headers]).includes('canary');`), { got: false }],
    ['header-on-error', outcome(`try { await nango.get({ endpoint: '/bad' }); } catch (e) { return [JSON.stringify(e.config), JSON.stringify(e.request), String(e.stack), JSON.stringify(e.response?.config)].join().includes('canary'); }`), { got: false }],
    // Texts of errors and logs
    ['error-with-token', `throw new Error('token: ' + JSON.stringify(Object.keys(nango)));`, { fails: /token:/ }],
    ['error-stack', `throw new Error('where am I');`, { fails: /where am I/, without: /\/(root|home|usr|tmp|var|work)\// }],
    ['error-deep', `let p = {}; for (let i = 0; i < 1e4; i++) p = { p }; throw new nango.ActionError(p);`, { fails: /./ }],
    ['log-forged', `nango.setLogger({ level: 'debug' }); await nango.log('fine\\n2026-01-01 ERROR forged\\u001b[2J\\u001b]0;x\\u0007', { level: 'info' }); return { got: null };`, { got: null }],
    ['log-authorization', `nango.setLogger({ level: 'debug' }); await nango.log('call', { authorization: 'Bearer ${OURS}', Authorization: '${OURS}', nested: { access_token: '${OURS}', password: '${OURS}' } }, { level: 'info' }); return { got: null };`, { got: null }],
    ['log-flood', `nango.setLogger({ level: 'debug' }); for (let i = 0; i < 20000; i++) await nango.log('x'.repeat(200)); return { got: null };`, { got: null }],
    ['log-cycle', `const a = {}; a.a = a; await nango.log(a, a, { level: 'error' }); return { got: null };`, { got: null }],
    // Other environments
    ['other-connection', outcome(`return await nango.getConnection('theirs', 'their-1');`), { refused: /./ }],
    ['other-proxy', outcome(`return (await nango.get({ endpoint: '/ok', providerConfigKey: 'theirs', connectionId: 'their-1' })).status;`), { refused: /./ }],
    ['other-action', outcome(`return await nango.triggerAction('theirs', 'their-1', 'their-action');`), { refused: /./ }],
    ['other-sync', outcome(`return await nango.triggerSync('theirs', 'their-1', 'x');`), { refused: /./ }],
    ['other-variables', outcome(`return JSON.stringify(await nango.getEnvironmentVariables()).includes('${THEIRS}');`), { got: false }],
    ['other-lock', outcome(`return [await nango.tryAcquireLock({ key: 'shared', ttlMs: 60000 }), await nango.tryAcquireLock({ key: 'x'.repeat(300), ttlMs: 1 }).catch(() => 'refused')].join();`), { got: 'true,refused' }],
    ['inner-client', `return nango.nango;`, { fails: /not allowed/ }],
    ['platform-key', outcome(`return [typeof process, typeof globalThis.secretKey, JSON.stringify(nango.syncConfig).includes('secret')].join();`), { got: 'undefined,undefined,false' }],
    // Amounts
    ['spin', `for (;;) {}`, { fails: /./, slow: true }],
    ['answer-too-large', `return 'x'.repeat(3 << 20);`, { fails: /script_output_too_large/ }],
    ['call-yourself', `return await nango.triggerAction('api', 'c-1', 'call-yourself');`, { fails: /./, slow: true, once: true }],
    ['spin-that-catches', `for (;;) { try { for (;;) {} } catch {} }`, { fails: /./ }],
    ['spin-in-microtasks', `for (;;) await null;`, { fails: /./ }],
    ['spin-in-a-generator', `function* g() { for (;;) yield 1; } for (const x of g()); return 1;`, { fails: /./ }],
    ['spin-in-a-pattern', `return /^(a+)+$/.test('a'.repeat(60) + '!');`, { fails: /./ }],
    ['spin-in-to-json', `return { toJSON() { for (;;) {} } };`, { fails: /./ }],
    ['big-integers', `let n = 3n; for (;;) n = n * n;`, { fails: /./ }],
    ['memory-of-arrays', `const a = []; for (;;) a.push(new Array(1e5).fill(a));`, { fails: /./ }],
    ['memory-of-texts', `const a = []; for (let i = 0; ; i++) a.push('x'.repeat(1 << 20) + i);`, { fails: /./ }],
    ['memory-of-buffers', `const a = []; for (;;) a.push(new Uint8Array(1 << 26));`, { fails: /./ }],
    ['deep-recursion', `const f = () => 1 + f(); return f();`, { fails: /./ }],
    ['timers', `for (let i = 0; i < 1e6; i++) setTimeout(() => {}, 1e9); return await new Promise(() => {});`, { fails: /./ }],
    ['calls-at-once', `await Promise.all(Array.from({ length: 1e5 }, () => nango.getMetadata())); return 1;`, { fails: /./ }],
    ['never-settles', `return await new Promise(() => {});`, { fails: /./ }],
    // Ways out of the engine
    ['eval', `return globalThis['ev' + 'al']('1 + 1');`, { fails: /./ }],
    ['function-from-text', `return nango.get['con' + 'structor']('return 1')();`, { fails: /./ }],
    ['files', `return require('fs').readFileSync('/etc/passwd', 'utf8');`, { fails: /not allowed/ }],
    ['processes', `return require('node:child_process').execSync('id').toString();`, { fails: /not allowed/ }],
    ['inner-modules', `return require('internal/bootstrap/loaders');`, { fails: /not allowed/ }],
    ['module-at-run-time', `return Object.keys(await import('node:fs'));`, { fails: /./ }],
    ['shared-memory', `return Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);`, { fails: /./ }],
    ['prototype', outcome(`Object.prototype.polluted = 'yes'; Array.prototype.map = () => 'mine'; return (await nango.getMetadata()).polluted ?? null;`), { refused: /./ }],
    ['getter-on-the-answer', `return { get secret() { throw new Error('read me'); } };`, { fails: /./ }],
    ['proxy-as-answer', `return new Proxy({}, { get() { for (;;) {} }, ownKeys() { for (;;) {} } });`, { fails: /./ }]
];

before(async () => {
    provider = await startUpstream((request) => {
        const url = new URL(request.url, 'http://provider');
        if (url.pathname === '/to') return { status: 302, headers: { location: url.searchParams.get('u') } };
        if (url.pathname === '/loop') return { status: 302, headers: { location: '/loop' } };
        if (url.pathname === '/echo') return { body: { ...request.headers, 'x-key': undefined } };
        if (url.pathname === '/bad') return { status: 400, body: { error: 'bad' } };
        return { body: { ok: true } };
    });
    thief = createServer((request, response) => {
        stolen.push(`${request.headers.host} ${request.url}`);
        response.end('thanks');
    });
    await new Promise((resolve) => thief.listen(0, '0.0.0.0', resolve));
    server = await startServer({ privateAddresses: false, env: { TENON_EGRESS_ALLOW_HOSTS: '127.0.0.1', TENON_FUNCTIONS_ACTION_CPU_SECONDS: '1' } });
    const generic = { provider: 'private-api-generic', integration_config: { keyPlacement: 'header', keyName: 'x-key', valueTemplate: '${apiKey}', baseUrl: provider.url } };
    await must('POST', '/integrations', { ...generic, unique_key: 'api' });
    await must('POST', '/connections', { provider_config_key: 'api', connection_id: 'c-1', credentials: { type: 'API_KEY', apiKey: OURS } });
    const theirs = { key: server.keys.prod };
    await must('POST', '/integrations', { ...generic, unique_key: 'theirs' }, theirs);
    await must('POST', '/connections', { provider_config_key: 'theirs', connection_id: 'their-1', credentials: { type: 'API_KEY', apiKey: THEIRS } }, theirs);
});

after(async () => {
    assert.equal(server.panicked(), false);
    await server.stop();
    await provider.close();
    thief.closeAllConnections();
    thief.close();
});

test('every attempt is contained and logged', { timeout: 400_000 }, async (t) => {
    const port = thief.address().port;
    const all = scripts({ loopback: `http://127.0.0.2:${port}/stolen`, localhost: `http://localhost:${port}/stolen`, provider: provider.url });
    const flows = all.map(([name, source]) => ({
        type: 'action', syncName: name, providerConfigKey: 'api', models: [], runs: null, track_deletes: false,
        fileBody: { js: `module.exports = { default: { type: 'action', exec: async (nango, input) => { ${source} } } };`, ts: '' }
    }));
    await must('POST', '/sync/deploy', { flowConfigs: flows, reconcile: false, debug: false, deployMode: 'single', sdkVersion: '0.71.4-zero', nangoYamlBody: '' });
    for (const [name, , wanted] of all) {
        await t.test(name, async () => {
            const answer = await api('POST', '/action/trigger', { action_name: name }, { headers: { 'provider-config-key': 'api', 'connection-id': 'c-1' } });
            if (wanted.fails) {
                assert.ok(answer.status >= 400, `${name} succeeded: ${answer.text}`);
                assert.match(answer.text, wanted.fails);
            } else {
                assert.equal(answer.status, 200, answer.text);
                if (wanted.refused) assert.match(answer.body.refused ?? `not refused: ${answer.text}`, wanted.refused);
                else assert.deepEqual(answer.body.got, wanted.got, answer.text);
            }
            if (wanted.without) assert.doesNotMatch(answer.text, wanted.without);
            const log = await logged(name);
            assert.equal(log.state === 'success', !wanted.fails, log.text.slice(0, 2000));
            for (const canary of [OURS, THEIRS]) {
                assert.ok(!answer.text.includes(canary), `the answer holds a secret: ${answer.text}`);
                assert.ok(!log.text.includes(canary), `the log holds a secret: ${log.text.slice(0, 4000)}`);
            }
            assert.deepEqual(stolen, []);
        });
    }
});

test('reading a secret by its name is written into the log', async () => {
    const js = `module.exports = { default: { type: 'action', exec: async (nango) => { const token = await nango.getToken(); return typeof token; } } };`;
    const flow = { type: 'action', syncName: 'reads-the-token', providerConfigKey: 'api', models: [], runs: null, track_deletes: false, fileBody: { js, ts: '' } };
    await must('POST', '/sync/deploy', { flowConfigs: [flow], reconcile: false, debug: false, deployMode: 'single', sdkVersion: '0.71.4-zero', nangoYamlBody: '' });
    await must('POST', '/action/trigger', { action_name: 'reads-the-token' }, { headers: { 'provider-config-key': 'api', 'connection-id': 'c-1' } });
    const { text } = await logged('reads-the-token');
    assert.match(text, /read the credentials of connection 'c-1'/);
    assert.ok(!text.includes(OURS));
});
