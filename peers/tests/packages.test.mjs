// Packages from npm in functions: the same code gives the same results in the sandbox and in Node.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { cp, mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { cases } from '../fixtures/packages/cases.mjs';
import { ROOT, binary, startServer, temporaryFolder } from '../support/server.mjs';
import { connectShop, startShop } from '../support/shop.mjs';

const run = promisify(execFile);
const fixture = path.join(ROOT, 'peers', 'fixtures', 'packages');
const HEAD = "import { createAction } from 'nango';\nimport * as z from 'zod';\n";

let server;
let shop;
let project;

const action = (head, body) => `${HEAD}${head}\n\nexport default createAction({
    description: 'Uses packages.',
    input: z.object({}),
    output: z.any(),
    exec: async (nango, input) => {
        ${body}
    }
});
`;

async function write(folder, functions) {
    await mkdir(path.join(folder, 'shop', 'actions'), { recursive: true });
    for (const [name, text] of Object.entries(functions)) await writeFile(path.join(folder, 'shop', 'actions', `${name}.ts`), text);
    await writeFile(path.join(folder, 'index.ts'), Object.keys(functions).map((name) => `import './shop/actions/${name}.js';\n`).join(''));
}

function tenon(cwd, ...args) {
    const env = { ...process.env, NO_COLOR: '1', TZ: 'UTC', TENON_HOST: server.url, TENON_SECRET_KEY_DEV: server.keys.dev };
    return new Promise((resolve) => {
        const child = execFile(binary(), args, { cwd, env, maxBuffer: 1 << 26 }, (error, stdout, stderr) => resolve({ code: error?.code ?? 0, stdout, stderr }));
        child.stdin.end();
    });
}

async function trigger(name) {
    const answer = await fetch(`${server.url}/action/trigger`, {
        method: 'POST',
        headers: { authorization: `Bearer ${server.keys.dev}`, 'content-type': 'application/json', 'provider-config-key': 'shop', 'connection-id': 'c-1' },
        body: JSON.stringify({ action_name: name, input: {} })
    });
    return answer.json();
}

before(async () => {
    if (!existsSync(path.join(fixture, 'node_modules', '.package-lock.json'))) {
        await run('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'], { cwd: fixture });
    }
    [shop, server, project] = await Promise.all([startShop(), startServer(), temporaryFolder('tenon-packages-')]);
    await connectShop(server, shop, 'c-1');
    await cp(fixture, project, { recursive: true, verbatimSymlinks: true });
    await write(project, Object.fromEntries(Object.entries(cases).map(([name, [head, body]]) => [name, action(head, body)])));
    const done = await tenon(project, 'deploy', 'dev', '--auto-confirm', '--no-typecheck', '--json');
    assert.equal(done.code, 0, done.stdout + done.stderr);
});

after(async () => {
    assert.equal(server.panicked(), false);
    await server.stop();
    await shop.close();
});

for (const [name, [head, body]] of Object.entries(cases)) {
    test(`${name} gives what Node gives`, async () => {
        const file = path.join(project, `node-${name}.mjs`);
        await writeFile(file, `${head}\nexport default async () => { ${body} };\n`);
        const expected = await (await import(pathToFileURL(file))).default();
        assert.deepEqual(await trigger(name), JSON.parse(JSON.stringify(expected)));
    });
}

test('packages that need Node are refused by name, where they need it', async () => {
    const folder = await temporaryFolder('tenon-packages-');
    await mkdir(path.join(folder, 'node_modules', 'needy'), { recursive: true });
    await writeFile(path.join(folder, 'node_modules', 'needy', 'index.js'), "const fs = require('node:fs');\nmodule.exports = () => fs.readFileSync('/etc/passwd');\n");
    await write(folder, { needs: action("import needy from 'needy';", 'return needy();') });
    const compiled = await tenon(folder, 'compile', '--no-typecheck');
    assert.notEqual(compiled.code, 0);
    const text = compiled.stdout + compiled.stderr;
    assert.match(text, /the package `needy` needs `node:fs`/);
    assert.match(text, /node_modules\/needy\/index\.js:1/);
});

test('the remote builder has no packages, and says so', async () => {
    const answer = await fetch(`${server.url}/functions/compile`, {
        method: 'POST',
        headers: { authorization: `Bearer ${server.keys.dev}`, 'content-type': 'application/json' },
        body: JSON.stringify({ code: action("import _ from 'lodash';", 'return _.chunk([1], 1);') })
    });
    assert.equal(answer.status, 400);
    const { error } = await answer.json();
    assert.equal(error.code, 'compilation_error');
    assert.match(error.message, /`lodash` cannot be imported by a function that comes alone: there is no node_modules here/);
});

test('an error inside of a package is shown with its place there', async () => {
    const folder = await temporaryFolder('tenon-packages-');
    await mkdir(path.join(folder, 'shop', 'tests'), { recursive: true });
    await mkdir(path.join(folder, 'node_modules', 'fails'), { recursive: true });
    await writeFile(path.join(folder, 'node_modules', 'fails', 'index.js'), "module.exports = function broken() {\n    throw new Error('from inside');\n};\n");
    await write(folder, { broken: action("import fails from 'fails';", 'return fails();') });
    await writeFile(path.join(folder, 'shop', 'tests', 'broken.test.json'), JSON.stringify({ input: {}, output: {}, nango: {}, api: {} }));
    const tested = await tenon(folder, 'test');
    assert.notEqual(tested.code, 0);
    assert.match(tested.stdout + tested.stderr, /from inside/);
});
