// Verdicts of `tenon test`, of our kit for Vitest and of the public one on the same functions and fixtures: the public kit is the measure.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { cp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import { binary, ROOT, temporaryFolder } from '../support/server.mjs';

const run = promisify(execFile);
const peers = path.join(ROOT, 'peers');

const config = (setup) => `import { defineConfig } from 'vitest/config';
export default defineConfig({ test: {
    globals: true, include: ['**/*.test.ts'], setupFiles: './${setup}', testTimeout: 30_000,
    isolate: false, pool: 'threads', poolOptions: { threads: { singleThread: true } }
} });
`;

// What makes a fixture wrong; each changes it in place and says whether it could.
const MISTAKES = [
    (fixture) => {
        const lists = Object.values(fixture.nango?.batchSave ?? {}).filter((records) => records.length > 0);
        lists[0]?.pop();
        return lists.length > 0;
    },
    (fixture) => {
        const lists = Object.values(fixture.nango?.batchSave ?? {}).filter((records) => records.length > 0);
        if (lists.length > 0) lists.at(-1)[0] = { ...lists.at(-1)[0], surplus: 1 };
        return lists.length > 0;
    },
    (fixture) => {
        const { batchSave } = fixture.nango ?? {};
        const model = Object.keys(batchSave ?? {}).find((name) => batchSave[name].length > 0);
        if (model) delete batchSave[model];
        return model !== undefined;
    },
    (fixture) => {
        if (fixture.output === null || typeof fixture.output !== 'object') return false;
        fixture.output = Array.isArray(fixture.output) ? [...fixture.output, 'surplus'] : { ...fixture.output, surplus: 1 };
        return true;
    }
];

let folder;

/** Paths below `at` that `wanted` accepts, without what is linked. */
async function files(at, wanted) {
    const found = await readdir(at, { recursive: true, withFileTypes: true });
    return found.filter((entry) => entry.isFile()).map((entry) => path.join(entry.parentPath, entry.name)).filter((file) => wanted(file) && !file.includes('node_modules')).sort();
}

before(async () => {
    folder = await temporaryFolder('tenon-kit-');
    const fixtures = path.join(peers, 'fixtures', 'kit');
    await cp(fixtures, path.join(folder, 'right'), { recursive: true });
    await cp(fixtures, path.join(folder, 'wrong'), { recursive: true, filter: (source) => !source.startsWith(path.join(fixtures, 'older')) });
    let nth = 0;
    for (const file of await files(path.join(folder, 'wrong'), (name) => name.endsWith('.test.json'))) {
        const fixture = JSON.parse(await readFile(file, 'utf8'));
        const made = MISTAKES.some((_, turn) => MISTAKES[(nth + turn) % MISTAKES.length](fixture));
        nth++;
        if (made) await writeFile(file, JSON.stringify(fixture));
        else await rm(file);
    }
    await writeFile(path.join(folder, 'package.json'), '{ "name": "kit", "private": true, "type": "module" }');
    await symlink(path.join(peers, 'node_modules'), path.join(folder, 'node_modules'));
    for (const half of ['right', 'wrong']) await run(binary(), ['generate:tests'], { cwd: path.join(folder, half) });
    const setup = await readFile(path.join(folder, 'right', 'vitest.setup.ts'), 'utf8');
    await run(binary(), ['init', '--types'], { cwd: folder });
    await writeFile(path.join(folder, 'public.ts'), setup);
    await writeFile(path.join(folder, 'ours.ts'), setup.replace("'nango/test'", "'./.tenon/sdk/test.js'"));
});

after(() => rm(folder, { recursive: true, force: true }));

/** Whether each test file passes in a kit, `public` or `ours`, by its path without ending. */
async function kitVerdicts(kit) {
    const out = path.join(folder, `${kit}.json`);
    await writeFile(path.join(folder, `${kit}.config.ts`), config(`${kit}.ts`));
    const vitest = path.join(peers, 'node_modules', '.bin', 'vitest');
    // Failures are what is asked for here.
    await run(vitest, ['run', '--config', `${kit}.config.ts`, '--reporter=json', `--outputFile=${out}`], { cwd: folder, maxBuffer: 64 << 20 }).catch(() => undefined);
    const { testResults } = JSON.parse(await readFile(out, 'utf8'));
    return new Map(testResults.map(({ name, status, assertionResults }) => {
        const passed = status === 'passed' && assertionResults.length > 0 && assertionResults.every((one) => one.status === 'passed');
        return [path.relative(folder, name).replace(/\.test\.ts$/, ''), passed];
    }));
}

/** Whether each fixture passes in `tenon test`, by the path of its test without ending. */
async function ourVerdicts() {
    const verdicts = new Map();
    for (const half of ['right', 'wrong']) {
        const { stdout } = await run(binary(), ['test', '--json'], { cwd: path.join(folder, half), maxBuffer: 64 << 20 }).catch((failed) => failed);
        for (const { fixture, status, reason } of JSON.parse(stdout).results) {
            const integration = path.basename(path.dirname(path.dirname(fixture)));
            const tests = path.join(half, path.dirname(path.dirname(fixture)), 'tests');
            const name = fixture.includes('/mocks/') ? `${integration}-${path.basename(fixture)}` : path.basename(fixture, '.test.json');
            verdicts.set(path.join(tests, name), { passed: status === 'passed', reason });
        }
    }
    return verdicts;
}

test('what passes in the public kit passes in both of ours, and nothing else', async () => {
    const [kit, own, ours] = await Promise.all([kitVerdicts('public'), kitVerdicts('ours'), ourVerdicts()]);
    assert.ok(kit.size > 200, `${kit.size} test files were run`);
    assert.ok([...kit.values()].filter(Boolean).length > 100, 'the kit accepts the right half');
    const differing = [...kit].filter(([name, passed]) => ours.get(name)?.passed !== passed);
    assert.deepEqual(differing.map(([name, passed]) => `${name}: the kit says ${passed}, we ${JSON.stringify(ours.get(name))}`), []);
    assert.deepEqual([...ours.keys()].filter((name) => !kit.has(name)), [], 'each fixture has its test');
    assert.deepEqual([...own].filter(([name, passed]) => kit.get(name) !== passed), [], 'our kit for Vitest says the same');
    assert.equal(own.size, kit.size);
});
