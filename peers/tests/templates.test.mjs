// Function templates: the library itself, the command line, the routes, and one of them run for real.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { cp, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { ROOT, binary, startServer, startUpstream, temporaryFolder, until } from '../support/server.mjs';

const PROVIDERS = [
    'airtable', 'github', 'google-calendar', 'google-mail', 'google-sheet', 'hubspot', 'intercom', 'jira', 'linear', 'notion',
    'outlook', 'salesforce', 'slack', 'stripe', 'zendesk'
];

let folder;
let upstream;
let server;
/** What the fake vendor holds, and what happens to requests. */
const vendor = { token: 'first', records: ['recA', 'recB', 'recC'], onSecondPage: async () => {} };

/** Runs the binary: {code, out, err}. */
function tenon(args, { cwd = folder, env = {} } = {}) {
    return new Promise((resolve) => {
        execFile(binary(), args, { cwd, env: { ...process.env, ...env }, maxBuffer: 64 << 20 }, (error, out, err) =>
            resolve({ code: error ? error.code : 0, out, err })
        );
    });
}

async function tested(args, options) {
    const { out, err } = await tenon(['test', ...args, '--json'], options);
    assert.ok(out, err);
    return JSON.parse(out);
}

async function call(method, where, body, headers = {}) {
    const answer = await fetch(`${server.url}${where}`, {
        method,
        headers: { authorization: `Bearer ${server.keys.dev}`, 'content-type': 'application/json', ...headers },
        body: body === undefined ? undefined : JSON.stringify(body)
    });
    return { status: answer.status, body: await answer.json().catch(() => undefined) };
}

before(async () => {
    folder = await temporaryFolder('tenon-templates-');
    // Airtable, as far as the sync of records goes: pages of two, and a token that may be replaced at any moment.
    upstream = await startUpstream(async (request) => {
        const url = new URL(request.url, 'http://vendor');
        if (url.pathname === '/token') {
            vendor.token = 'second';
            return { body: { access_token: 'second', refresh_token: 'r-2', expires_in: 3600 } };
        }
        if (url.pathname !== '/v0/app1/People') return { status: 404, body: {} };
        const offset = url.searchParams.get('offset') ?? '';
        if (offset) await vendor.onSecondPage();
        if (request.headers.authorization !== `Bearer ${vendor.token}`) return { status: 401, body: { error: 'AUTHENTICATION_REQUIRED' } };
        const from = offset ? Number(offset.slice(3)) : 0;
        const page = vendor.records.slice(from, from + 2).map((id) => ({ id, createdTime: '2026-03-02T09:00:00.000Z', fields: { Name: id } }));
        return { body: { records: page, ...(from + 2 < vendor.records.length && { offset: `itr${from + 2}` }) } };
    });
    const providers = path.join(folder, 'providers');
    await mkdir(providers);
    await writeFile(path.join(providers, 'airtable.toml'), `
[vendor]
name = "Airtable"
docs = "https://airtable.com/developers/web/api"

[airtable]
name = "Airtable"
categories = ["productivity"]
auth = "oauth2"
authorize = "${upstream.url}/authorize"
token = "${upstream.url}/token"
api = "${upstream.url}"
`);
    server = await startServer({ args: ['--providers-dir', providers] });
});

after(async () => {
    assert.equal(server.panicked(), false);
    await server.stop();
    await upstream.close();
    await rm(folder, { recursive: true, force: true });
});

test('every template does what its fixtures say, also killed, refused and with items that move', async () => {
    const report = await tested(['--torture', path.join(ROOT, 'templates')]);
    const wrong = report.results.filter((result) => result.status !== 'passed');
    assert.deepEqual(wrong, []);
    const functions = new Set(report.results.map((result) => result.function));
    assert.deepEqual([...new Set([...functions].map((name) => name.split('/')[0]))], PROVIDERS);
    for (const name of functions) {
        const kinds = new Set(report.results.filter((result) => result.function === name).map((result) => result.torture));
        const wanted = name.includes('/syncs/') ? [undefined, 'crash', 'outage', 'token'] : [undefined];
        for (const kind of wanted) assert.ok(kinds.has(kind), `${name} was not tested for ${kind}`);
    }
    const places = (kind) => report.results.filter((result) => result.torture === kind).reduce((sum, result) => sum + result.places, 0);
    assert.ok(places('crash') > 250, `${places('crash')} crashes`);
    assert.ok(places('pages') > 20, `${places('pages')} moved items`);
});

test('what loses records is found', async () => {
    const place = path.join(folder, 'broken');
    const cases = [
        // The token is kept before the deletion is done with: a run that dies in between starts from a page that is half way.
        ['google-calendar', 'events', "                await nango.saveCheckpoint({ sync_token: '', page_token: '' });\n", '', /crash/],
        // The checkpoint is ahead of the records.
        ['airtable', 'records', /( +)(await nango\.batchSave\(page.*;\n)( +offset = .*;\n +await nango\.saveCheckpoint.*;\n)/, '$3$1$2', /crash|outage/],
        // The token is carried by the function, and nobody renews it.
        ['google-mail', 'labels', "'/gmail/v1/users/me/labels', retries", "'/gmail/v1/users/me/labels', headers: { authorization: 'Bearer x' }, retries", /token/],
        // What fails is taken for nothing.
        ['notion', 'pages', 'if (!state.cursor || (error', "if ((error as { response?: { status: number } }).response?.status === 503) return;\n                if (!state.cursor || (error", null],
        // Pages are taken for disjoint.
        [
            'slack', 'users', "await nango.batchSave(data.members", "for (const { id } of data.members) if (seen.has(id)) throw new Error(id); else seen.add(id);\nawait nango.batchSave(data.members",
            /pages/, 'const seen = new Set<string>();\n'
        ]
    ];
    for (const [provider, name, from, to, torture, head = ''] of cases) {
        await rm(place, { recursive: true, force: true });
        await cp(path.join(ROOT, 'templates', provider), path.join(place, provider), { recursive: true });
        const file = path.join(place, provider, 'syncs', `${name}.ts`);
        const source = await readFile(file, 'utf8');
        const changed = source.replace(from, to) + head;
        assert.notEqual(changed, source, `${provider}/${name} has changed; so must this test`);
        await writeFile(file, changed);
        const plain = await tested([place, '--filter', `${provider}/syncs/${name}`]);
        assert.equal(plain.failed, 0, `${provider}/${name}: ${JSON.stringify(plain.results)}`);
        const tortured = await tested(['--torture', place, '--filter', `${provider}/syncs/${name}`]);
        const found = tortured.results.filter((result) => result.status === 'failed' && result.torture).map((result) => result.torture);
        if (torture) assert.match(found.join(' '), torture, `${provider}/${name}: ${JSON.stringify(tortured.results)}`);
        else assert.equal(tortured.failed, 0, 'a run that ends early and leaves its checkpoint is made up for by the next one');
    }
});

test('the command line lists, shows and adds', async () => {
    const list = JSON.parse((await tenon(['templates', 'list', '--json'])).out).templates;
    assert.deepEqual([...new Set(list.map((template) => template.provider))], PROVIDERS);
    assert.ok(list.length >= 55 && list.every((template) => template.description.length > 10));
    const own = JSON.parse((await tenon(['templates', 'list', '--provider', 'hubspot', '--json'])).out).templates;
    assert.deepEqual(own.map(({ type, name }) => `${type} ${name}`), ['sync companies', 'sync contacts', 'sync deals', 'action create-contact', 'action update-deal']);
    assert.match((await tenon(['templates', 'show', 'hubspot/contacts'])).out, /createSync\(/);
    const unknown = await tenon(['templates', 'show', 'hubspot/nothing']);
    assert.equal(unknown.code, 1);
    assert.match(unknown.err, /hubspot has companies, contacts/);

    const project = path.join(folder, 'project');
    await mkdir(project);
    await writeFile(path.join(project, 'index.ts'), '');
    const added = await tenon(['templates', 'add', 'hubspot/contacts', 'hubspot/create-contact', '--integration', 'hubspot-eu', '--json'], { cwd: project });
    assert.equal(added.code, 0, added.err);
    assert.equal(await readFile(path.join(project, 'index.ts'), 'utf8'), "import './hubspot-eu/syncs/contacts.js';\nimport './hubspot-eu/actions/create-contact.js';\n");
    const report = await tested([], { cwd: project });
    assert.deepEqual([report.total, report.passed], [4, 4]);
    const compiled = await tenon(['compile', '--no-typecheck', '--json'], { cwd: project });
    assert.equal(compiled.code, 0, compiled.out + compiled.err);

    await writeFile(path.join(project, 'hubspot-eu/syncs/contacts.ts'), '// mine');
    const refused = await tenon(['templates', 'add', 'hubspot/contacts', '--integration', 'hubspot-eu'], { cwd: project });
    assert.equal(refused.code, 1);
    assert.match(refused.err, /nothing was written: hubspot-eu\/syncs\/contacts\.ts/);
});

test('the server lists templates and deploys them', async () => {
    const { status, body } = await call('GET', '/providers/airtable/templates');
    assert.equal(status, 200, JSON.stringify(body));
    assert.deepEqual(body.data.map((template) => `${template.type} ${template.name}`), ['sync bases', 'sync records', 'action create-record', 'action update-record']);
    const records = body.data[1];
    assert.deepEqual(
        { runs: records.runs, auto_start: records.auto_start, returns: records.returns, input: records.input, scopes: records.scopes },
        { runs: 'every hour', auto_start: false, returns: ['Record'], input: 'SyncMetadata_airtable_records', scopes: ['data.records:read'] }
    );
    assert.ok(records.json_schema.definitions.Record.properties.fields);
    assert.ok(!('id' in records) && !('enabled' in records) && !('source' in records));
    assert.deepEqual((await call('GET', '/providers/unauthenticated/templates')).body, { data: [] });

    const made = await call('POST', '/integrations', {
        provider: 'airtable', unique_key: 'tables', credentials: { type: 'OAUTH2', client_id: 'id', client_secret: 'secret' }
    });
    assert.equal(made.status, 200, JSON.stringify(made.body));
    const deploy = (template, more) => call('POST', '/functions/deployments', { type: 'template', integration_id: 'tables', template, ...more });
    const missing = await deploy('nothing');
    assert.deepEqual([missing.status, missing.body.error.code], [404, 'template_not_found']);
    assert.match(missing.body.error.message, /bases, records/);
    assert.equal((await deploy('records', { function_type: 'action' })).body.error.code, 'template_not_found');

    const first = await deploy('records', { function_type: 'sync' });
    assert.deepEqual([first.status, first.body.status], [202, 'success'], JSON.stringify(first.body));
    const job = await call('GET', `/functions/deployments/${first.body.id}`);
    assert.deepEqual(
        { status: job.body.status, name: job.body.function_name, type: job.body.function_type, deployed: job.body.deployed, functions: job.body.deployed_functions },
        { status: 'success', name: 'records', type: 'sync', deployed: true, functions: [{ name: 'records', version: '1.0.0' }] }
    );
    const again = await deploy('records');
    assert.deepEqual([again.status, again.body.error.code], [409, 'template_already_deployed']);
    const shown = await call('GET', '/integrations/tables/functions/records');
    assert.equal(shown.body.data.source, 'catalog');

    const env = { TENON_HOST: server.url, TENON_SECRET_KEY_DEV: server.keys.dev };
    const done = await tenon(['templates', 'deploy', 'airtable/create-record', '--integration', 'tables', '--json'], { env });
    assert.equal(done.code, 0, done.err + done.out);
    assert.deepEqual(JSON.parse(done.out).deployed_functions, [{ name: 'create-record', version: '1.0.0' }]);
    const twice = await tenon(['templates', 'deploy', 'airtable/create-record', '--integration', 'tables', '--json'], { env });
    assert.equal(twice.code, 11);
    assert.equal(JSON.parse(twice.out).error.code, 'template_already_deployed');
});

test('a deployed template goes on when its token is replaced in the middle of a run', async () => {
    const made = await call('POST', '/connections', {
        provider_config_key: 'tables', connection_id: 'c-1', metadata: { base_id: 'app1', table: 'People' },
        credentials: { type: 'OAUTH2', access_token: 'first', refresh_token: 'r-1', expires_at: new Date(Date.now() + 3600_000).toISOString() }
    });
    assert.ok(made.status < 300, JSON.stringify(made.body));
    let replaced = 0;
    vendor.onSecondPage = async () => {
        if (replaced++ > 0) return;
        const fresh = await call('GET', '/connections/c-1?provider_config_key=tables&force_refresh=true');
        assert.equal(fresh.body.credentials.access_token, 'second', JSON.stringify(fresh.body));
    };
    const headers = { 'connection-id': 'c-1', 'provider-config-key': 'tables' };
    const records = async () => (await call('GET', '/records?model=Record', undefined, headers)).body.records ?? [];
    const live = async () => (await records()).filter((record) => record._nango_metadata.last_action !== 'DELETED').map((record) => record.id).sort();
    const started = await call('POST', '/sync/start', { provider_config_key: 'tables', connection_id: 'c-1', syncs: ['records'] });
    assert.equal(started.status, 200, JSON.stringify(started.body));
    await until('all records are there', async () => (await live()).length === 3);
    assert.deepEqual(await live(), ['recA', 'recB', 'recC']);
    assert.equal(replaced, 2, 'the second page was asked for twice');
    const tokens = upstream.seen.filter(({ url }) => url.startsWith('/v0/')).map(({ headers }) => headers.authorization.slice(7));
    assert.deepEqual(tokens, ['first', 'first', 'second']);

    // What the vendor deletes is deleted by the next run.
    vendor.records = ['recA', 'recC'];
    await until('the deletion is seen', async () => {
        // Where the first run has not ended yet, this starts none.
        const triggered = await call('POST', '/sync/trigger', { provider_config_key: 'tables', connection_id: 'c-1', syncs: ['records'] });
        assert.equal(triggered.status, 200, JSON.stringify(triggered.body));
        return (await live()).length === 2;
    });
    assert.deepEqual(await live(), ['recA', 'recC']);
});
