// A stand-in for a coding agent: a program that reads nothing but `--json` outputs and exit codes, and goes from an empty
// folder to a deployed function that works. Once on its own machine, once over the API of the remote builder.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { binary, startServer, temporaryFolder, until } from '../support/server.mjs';
import { connectShop, startShop } from '../support/shop.mjs';

let server;
let shop;
let parent;

before(async () => {
    [shop, server, parent] = await Promise.all([startShop(), startServer(), temporaryFolder('tenon-agent-')]);
    await connectShop(server, shop, 'c-1');
});

after(async () => {
    assert.equal(server.panicked(), false);
    await server.stop();
    await shop.close();
    await rm(parent, { recursive: true, force: true });
});

/** Runs a command as an agent does: {code, out}, `out` the one JSON document on standard output. */
function tenon(cwd, ...args) {
    const env = { ...process.env, TENON_HOST: server.url, NANGO_HOSTPORT: server.url, TENON_SECRET_KEY_DEV: server.keys.dev, NANGO_SECRET_KEY_DEV: server.keys.dev, NO_COLOR: '1' };
    return new Promise((resolve, reject) => {
        const child = execFile(binary(), [...args, '--json'], { cwd, env, maxBuffer: 32 << 20 }, (error, stdout, stderr) => {
            try {
                resolve({ code: error?.code ?? 0, out: JSON.parse(stdout) });
            } catch {
                reject(new Error(`tenon ${args.join(' ')} printed no JSON:\n${stdout}\n${stderr}`));
            }
        });
        child.stdin.end();
    });
}

async function api(method, where, body) {
    const answer = await fetch(`${server.url}${where}`, {
        method,
        headers: { authorization: `Bearer ${server.keys.dev}`, 'content-type': 'application/json', 'provider-config-key': 'shop', 'connection-id': 'c-1' },
        body: body === undefined ? undefined : JSON.stringify(body)
    });
    return { status: answer.status, body: await answer.json() };
}

const source = (description, exec) => `import { createAction } from 'nango';
import * as z from 'zod';

export default createAction({
    description: '${description}',
    version: '1.0.0',
    input: z.object({ total: z.number() }),
    output: z.object({ id: z.string(), total: z.number() }),
    exec: async (nango, input) => {
        ${exec}
    }
});
`;
const FORGETS_TO_AWAIT = "nango.log('ordering'); const response = await nango.post({ endpoint: '/orders', data: input }); return { id: String(response.data.id), total: response.data.total };";
const RETURNS_A_NUMBER = "const response = await nango.post({ endpoint: '/orders', data: input }); return { id: response.data.id, total: response.data.total } as any;";
const RIGHT = "const response = await nango.post({ endpoint: '/orders', data: input }); return { id: String(response.data.id), total: response.data.total };";

test('from an empty folder to a deployed function, on this machine', async () => {
    const made = await tenon(parent, 'init', 'project');
    assert.equal(made.code, 0);
    const project = path.join(parent, 'project');
    const created = await tenon(project, 'create', 'shop', 'place-order', '--action');
    assert.equal(created.code, 0);
    const file = path.join(project, created.out.created);

    // Only this function: the examples of `init` belong to another integration.
    await writeFile(path.join(project, 'index.ts'), `import './shop/actions/place-order.js';\n`);

    // The first attempt is wrong; the finding says where, and what to write.
    await writeFile(file, source('Places an order', FORGETS_TO_AWAIT));
    const findings = await tenon(project, 'compile', '--check');
    assert.equal(findings.code, 10);
    const finding = findings.out.diagnostics.find((one) => one.code === 'method_need_await');
    assert.ok(finding, JSON.stringify(findings.out));
    assert.equal(finding.location.file, 'shop/actions/place-order.ts');
    assert.equal(finding.location.line, 10);
    assert.match(finding.hint, /await nango\.log/);

    // The second compiles, and a dry run against the real account shows that its output is not what it declares.
    await writeFile(file, source('Places an order', RETURNS_A_NUMBER));
    assert.equal((await tenon(project, 'compile', '--check')).code, 0);
    const dry = await tenon(project, 'dryrun', 'place-order', 'c-1', '--input', '{"total": 12}', '--validate');
    assert.equal(dry.code, 12);
    assert.match(JSON.stringify(dry.out), /invalid_action_output/);

    // The third is right. Recorded, replayed, planned, deployed.
    await writeFile(file, source('Places an order', RIGHT));
    const saved = await tenon(project, 'dryrun', 'place-order', 'c-1', '--input', '{"total": 12}', '--save');
    assert.equal(saved.code, 0, JSON.stringify(saved.out));
    const fixture = JSON.parse(await readFile(path.join(project, 'shop', 'tests', 'place-order.test.json'), 'utf8'));
    assert.deepEqual(fixture.output, { id: '77', total: 12 });
    const tested = await tenon(project, 'test');
    assert.equal(tested.code, 0);
    assert.deepEqual([tested.out.total, tested.out.passed, tested.out.failed], [1, 1, 0]);

    const plan = await tenon(project, 'deploy', 'dev', '--plan');
    assert.equal(plan.code, 0);
    assert.deepEqual(plan.out.plan.newActions.map((one) => one.name), ['place-order']);
    assert.equal(plan.out.applied, false);
    const deployed = await tenon(project, 'deploy', 'dev', '--auto-confirm');
    assert.equal(deployed.code, 0, JSON.stringify(deployed.out));
    assert.deepEqual(deployed.out.deployed.map((one) => one.name), ['place-order']);

    const called = await api('POST', '/action/trigger', { action_name: 'place-order', input: { total: 30 } });
    assert.deepEqual(called, { status: 200, body: { id: '77', total: 30 } });
});

test('a change that breaks a fixture is seen before it is deployed', async () => {
    const project = path.join(parent, 'project');
    const file = path.join(project, 'shop', 'actions', 'place-order.ts');
    await writeFile(file, source('Places an order', RIGHT.replace('total: response.data.total', 'total: response.data.total + 1')));
    const tested = await tenon(project, 'test');
    assert.notEqual(tested.code, 0);
    assert.equal(tested.out.failed, 1);
    assert.match(tested.out.results[0].reason, /output/);
    const wrongKey = await tenon(project, 'deploy', 'dev', '--auto-confirm', '--api-key', '00000000-0000-4000-8000-000000000000');
    assert.equal(wrongKey.code, 11);
    assert.equal(wrongKey.out.ok, false);
    assert.ok(wrongKey.out.error.message.length > 10);
});

test('from nothing to a deployed function, over the API', async () => {
    const broken = await api('POST', '/functions/compile', { code: source('Refunds an order', FORGETS_TO_AWAIT) });
    assert.equal(broken.status, 400);
    assert.equal(broken.body.error.code, 'compilation_error');
    assert.match(broken.body.error.message, /await nango\.log/);

    const code = source('Refunds an order', RIGHT);
    assert.equal((await api('POST', '/functions/compile', { code })).status, 200);
    const ended = async (kind, body) => {
        const accepted = await api('POST', `/functions/${kind}`, body);
        assert.equal(accepted.status, 202, JSON.stringify(accepted.body));
        return until(`the ${kind}`, async () => {
            const { body: job } = await api('GET', `/functions/${kind}/${accepted.body.id}`);
            return ['success', 'failed'].includes(job.status) && job;
        });
    };
    const wanted = { integration_id: 'shop', function_type: 'action', code };
    const dry = await ended('dryruns', { ...wanted, connection_id: 'c-1', input: { total: 5 } });
    assert.equal(dry.status, 'success', JSON.stringify(dry));
    assert.deepEqual(dry.result, { id: '77', total: 5 });
    const deployment = await ended('deployments', { type: 'function', function_name: 'refund-order', ...wanted });
    assert.equal(deployment.status, 'success', JSON.stringify(deployment));
    assert.deepEqual(deployment.deployed_functions, [{ name: 'refund-order', version: '1.0.0' }]);

    const listed = await api('GET', '/integrations/shop/functions?type=action');
    assert.deepEqual(listed.body.data.map((one) => [one.name, one.source]), [['place-order', 'repo'], ['refund-order', 'standalone']]);
    const called = await api('POST', '/action/trigger', { action_name: 'refund-order', input: { total: 8 } });
    assert.deepEqual(called, { status: 200, body: { id: '77', total: 8 } });
});
