// The kit for tests that `tenon init` writes: what `tenon generate:tests` makes runs in Vitest as it is, with no package of another hand.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import { binary, ROOT, temporaryFolder } from '../support/server.mjs';

const run = promisify(execFile);
const packages = path.join(ROOT, 'peers', 'node_modules');

const ACTION = `import { createAction } from 'nango';
import * as z from 'zod';

export default createAction({
    description: 'Renames an item.',
    input: z.object({ id: z.string(), name: z.string() }),
    output: z.object({ id: z.string(), name: z.string(), found: z.boolean() }),
    exec: async (nango, input) => {
        const { data } = await nango.zodValidateInput({ zodSchema: z.any(), input });
        const known = await nango.get({ endpoint: 'items/' + data.id, params: { fields: ['id', 'name'], none: undefined }, headers: { 'X-Version': '2' } });
        const saved = await nango.proxy({ method: 'PATCH', endpoint: '/items', data: { name: data.name } });
        return { id: saved.data.id, name: saved.data.name, found: known.status === 200 };
    }
});
`;

const SYNC = `import { createSync } from 'nango';
import * as z from 'zod';

const Item = z.object({ id: z.string() });

export default createSync({
    description: 'Items, as every kind of pages.',
    frequency: 'every hour',
    models: { Item },
    exec: async (nango) => {
        const { site } = await nango.getMetadata();
        const kinds: any[] = [
            { endpoint: '/cursor', paginate: { type: 'cursor', cursor_path_in_response: 'meta.next', cursor_name_in_request: 'after', response_path: 'items', limit: 1, limit_name_in_request: 'size' } },
            { endpoint: '/link', params: { site }, paginate: { type: 'link', link_rel_in_response_header: 'next' } },
            { endpoint: '/offset', method: 'POST', data: { site }, paginate: { type: 'offset', offset_name_in_request: 'page.start', response_path: 'items' } }
        ];
        for (const kind of kinds) {
            for await (const page of nango.paginate<any>(kind)) {
                await nango.batchSave(page.map(({ id }) => ({ id })), 'Item');
                await nango.saveCheckpoint({ last: page.at(-1).id });
            }
        }
        await nango.batchDelete([{ id: String((await nango.getCheckpoint())?.['last']) }], 'Item');
    }
});
`;

const renamed = {
    input: { id: 'a', name: 'New' },
    output: { id: 'a', name: 'New', found: true },
    api: {
        get: { '/items/a': [{ response: {}, request: { params: { fields: 'id' } } }, { response: { id: 'a' }, status: 200, request: { params: { fields: 'id,name' }, headers: { 'x-version': '2' } } }] },
        patch: { items: { response: { id: 'a', name: 'New' }, request: { data: { name: 'New' } } } }
    }
};

const ids = (...names) => names.map((id) => ({ id }));
const items = {
    nango: { getMetadata: { site: 'x' }, batchSave: { Item: ids('c1', 'c2', 'l1', 'l2', 'o1', 'o2') }, batchDelete: { Item: ids('o2') } },
    api: {
        get: {
            '/cursor': [
                { response: { items: ids('c1'), meta: { next: ' n ' } }, request: { params: { size: '1' } } },
                { response: { items: ids('c2'), meta: { next: '' } }, request: { params: { after: 'n', size: '1' } } }
            ],
            '/link': [
                { response: ids('l1'), headers: { link: '<https://api.example/link?page=0>; rel="prev", <https://api.example/link?page=2>; rel="next"' }, request: { params: { site: 'x' } } },
                { response: ids('l2'), request: { params: { page: '2' } } }
            ]
        },
        post: {
            '/offset': [
                // sha1 of {"method":"post","endpoint":"offset","params":[],"headers":[],"data":"{\"site\":\"x\",\"page\":{\"start\":0}}"}
                { response: { items: ids('o1', 'o2') }, hash: 'a8764c2dc9b22fedcdac4898fa7f0931112625ad' },
                { response: { items: [] }, request: { data: { site: 'x', page: { start: 2 } } } }
            ]
        }
    }
};

let folder;

before(async () => {
    folder = await temporaryFolder('tenon-test-kit-');
    await run(binary(), ['init'], { cwd: folder });
    for (const name of ['vitest', 'zod']) await symlink(path.join(packages, name), path.join(folder, 'node_modules', name));
    for (const kind of ['actions', 'syncs', 'tests']) await mkdir(path.join(folder, 'acme', kind), { recursive: true });
    await writeFile(path.join(folder, 'acme/actions/rename.ts'), ACTION);
    await writeFile(path.join(folder, 'acme/syncs/items.ts'), SYNC);
});

after(() => rm(folder, { recursive: true, force: true }));

/** Writes fixtures by name. */
const fixtures = (all) => Promise.all(Object.entries(all).map(([name, fixture]) => writeFile(path.join(folder, 'acme/tests', `${name}.test.json`), JSON.stringify(fixture))));

/** Whether each test passed, by `file: title`, with what was complained about. */
async function verdicts() {
    const out = path.join(folder, 'report.json');
    await run(path.join(packages, '.bin', 'vitest'), ['run', '--reporter=json', `--outputFile=${out}`], { cwd: folder }).catch(() => undefined);
    const { testResults } = JSON.parse(await readFile(out, 'utf8'));
    const all = testResults.flatMap(({ name, message, assertionResults }) => [
        ...(message ? [[path.basename(name), message]] : []),
        ...assertionResults.map((one) => [`${path.basename(name)}: ${one.title}`, one.status === 'passed' || one.failureMessages.join('\n')])
    ]);
    return Object.fromEntries(all);
}

test('generated tests pass with the kit of the project, and fail for what is wrong', async () => {
    await fixtures({ rename: renamed, items });
    const before = await readFile(path.join(folder, 'package.json'), 'utf8');
    const { stdout } = await run(binary(), ['generate:tests'], { cwd: folder });
    assert.match(stdout, /package\.json: vitest was added; run npm install/);
    const manifest = await readFile(path.join(folder, 'package.json'), 'utf8');
    assert.equal(manifest.replace(/,\n +"vitest": "[^"]+"/, '').replace(/ +"vitest": "[^"]+",\n/, ''), before, 'nothing else changed');
    assert.ok(JSON.parse(manifest).devDependencies.vitest);
    assert.doesNotMatch((await run(binary(), ['generate:tests'], { cwd: folder })).stdout, /vitest was added/);

    assert.deepEqual(await verdicts(), {
        'acme-rename.test.ts: answers the recorded output': true,
        'acme-items.test.ts: saves the recorded records': true,
        'acme-items.test.ts: deletes the recorded records': true
    });

    const unanswered = { ...renamed, api: { ...renamed.api, patch: {} } };
    await fixtures({ rename: unanswered, items: { ...items, nango: { ...items.nango, batchSave: { Item: ids('c1') } } } });
    const wrong = await verdicts();
    assert.match(wrong['acme-rename.test.ts: answers the recorded output'], /rename\.test\.json holds no answer to PATCH \/items \(hash [0-9a-f]{40}\)/);
    assert.match(wrong['acme-items.test.ts: saves the recorded records'], /to strictly equal/);
    assert.equal(wrong['acme-items.test.ts: deletes the recorded records'], true);
});

const PAGED = `import { createSync } from 'nango';
import * as z from 'zod';

const Item = z.object({ id: z.string() });

export default createSync({
    description: 'Items of a provider, in its own pages.',
    frequency: 'every hour',
    models: { Item },
    exec: async (nango) => {
        for await (const page of nango.paginate<any>({ endpoint: '/list'PAGINATE })) await nango.batchSave(page, 'Item');
    }
});
`;

/** Places files below the project's folder; what is no text becomes JSON. */
async function place(files) {
    for (const [name, content] of Object.entries(files)) {
        const file = path.join(folder, name);
        await mkdir(path.dirname(file), { recursive: true });
        await writeFile(file, typeof content === 'string' ? content : JSON.stringify(content));
    }
}

test('lists are paged as the provider pages them that the folder is called after', async () => {
    const answers = (api, records) => ({ nango: { batchSave: { Item: ids(...records) } }, api: { get: { '/list': api } } });
    const linked = { response: ids('l1'), headers: { link: '<https://api.github.com/list?page=2>; rel="next"' }, request: {} };
    await place({
        'hubspot/syncs/list.ts': PAGED.replace('PAGINATE', ', paginate: { limit: 1 }'),
        'hubspot/tests/list.test.json': answers(
            [
                { response: { results: ids('h1'), paging: { next: { after: 'n' } } }, request: { params: { limit: '1' } } },
                { response: { results: ids('h2') }, request: { params: { after: 'n', limit: '1' } } }
            ],
            ['h1', 'h2']
        ),
        'github-ours/syncs/list.ts': PAGED.replace('PAGINATE', ''),
        'github-ours/tests/list.test.json': answers([linked, { response: ids('l2'), request: { params: { page: '2' } } }], ['l1', 'l2']),
        'nobody/syncs/list.ts': PAGED.replace('PAGINATE', ''),
        'nobody/tests/list.test.json': answers([], [])
    });
    await run(binary(), ['generate:tests'], { cwd: folder });
    const found = await verdicts();
    assert.equal(found['hubspot-list.test.ts: saves the recorded records'], true);
    assert.equal(found['github-ours-list.test.ts: saves the recorded records'], true);
    assert.match(found['nobody-list.test.ts: saves the recorded records'], /how the provider pages its lists is not known/);
});

test('older fixtures, a file per value and per request, are read', async () => {
    const identity = (params, more) => ({ requestIdentity: { method: 'get', endpoint: 'list', params, headers: [['accept', 'text/xml']], ...more } });
    const cursor = ", headers: { Accept: 'text/xml', Host: 'h' }, params: { limit: 2 }, paginate: { type: 'cursor', cursor_name_in_request: 'after', cursor_path_in_response: 'next', response_path: 'items' }";
    await place({
        'older/actions/rename.ts': ACTION,
        'older/mocks/rename/input.json': { id: 'a', name: 'New' },
        'older/mocks/rename/output.json': { id: 'a', name: 'New', found: false },
        'older/mocks/nango/get/proxy/items/a/rename.json': { id: 'a' },
        'older/mocks/nango/patch/proxy/items/rename.json': { id: 'a', name: 'New' },
        'older/syncs/list.ts': PAGED.replace('PAGINATE', cursor),
        'older/mocks/list/Item/batchSave.json': ids('a', 'b'),
        'older/mocks/nango/get/proxy/list/list/one.json': { ...identity([['limit', 2]]), headers: {}, status: 200, response: { items: ids('a'), next: ' n' } },
        'older/mocks/nango/get/proxy/list/list/two.json': { ...identity([['after', 'n'], ['limit', 2]]), headers: {}, response: { items: ids('b') } },
        // Without headers there is only the first page, whatever it says about more.
        'older/syncs/first.ts': PAGED.replace('PAGINATE', cursor),
        'older/mocks/first/Item/batchSave.json': ids('a'),
        'older/mocks/nango/get/proxy/list/first.json': { items: ids('a'), next: 'n' },
        'older/actions/lost.ts': ACTION,
        'older/mocks/lost/input.json': { id: '../../../lost/input', name: 'New' },
        'older/mocks/lost/output.json': {}
    });
    const { stdout } = await run(binary(), ['generate:tests', '--integration', 'older'], { cwd: folder });
    assert.match(stdout, /older\/tests\/older-rename\.test\.ts/);
    const found = await verdicts();
    assert.equal(found['older-rename.test.ts: answers the recorded output'], true);
    assert.equal(found['older-list.test.ts: saves the recorded records'], true);
    assert.equal(found['older-first.test.ts: saves the recorded records'], true);
    assert.match(found['older-lost.test.ts: answers the recorded output'], /mocks\/lost holds no answer to GET /);
    const { stdout: report } = await run(binary(), ['test', 'older', '--json'], { cwd: folder }).catch((error) => error);
    const results = Object.fromEntries(JSON.parse(report).results.map((one) => [one.function, one.status]));
    assert.deepEqual(results, { 'older/actions/rename': 'passed', 'older/actions/lost': 'failed', 'older/syncs/first': 'passed', 'older/syncs/list': 'passed' });
});
