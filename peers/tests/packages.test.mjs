// Packages from npm in functions: the same code gives the same results in the sandbox and in Node.
import assert from 'node:assert/strict';
import { cp, mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { cases } from '../fixtures/packages/cases.mjs';
import { action, fixture, install, tenon, trigger, write } from '../support/packages.mjs';
import { ROOT, startServer, temporaryFolder } from '../support/server.mjs';
import { connectShop, startShop } from '../support/shop.mjs';

let server;
let shop;
let project;

before(async () => {
    await install();
    [shop, server, project] = await Promise.all([startShop(), startServer(), temporaryFolder('tenon-packages-')]);
    await connectShop(server, shop, 'c-1');
    await cp(fixture, project, { recursive: true, verbatimSymlinks: true });
    await cp(path.join(ROOT, 'peers', 'node_modules', 'jose'), path.join(project, 'node_modules', 'jose'), { recursive: true });
    await write(project, Object.fromEntries(Object.entries(cases).map(([name, [head, body]]) => [name, action(head, body)])));
    const done = await tenon(server, project, 'deploy', 'dev', '--auto-confirm', '--no-typecheck', '--json');
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
        assert.deepEqual(await trigger(server, name), JSON.parse(JSON.stringify(expected)));
    });
}

test('packages that need Node are refused by name, where they need it', async () => {
    const folder = await temporaryFolder('tenon-packages-');
    await mkdir(path.join(folder, 'node_modules', 'needy'), { recursive: true });
    await writeFile(path.join(folder, 'node_modules', 'needy', 'index.js'), "const fs = require('node:fs');\nmodule.exports = () => fs.readFileSync('/etc/passwd');\n");
    await write(folder, { needs: action("import needy from 'needy';", 'return needy();') });
    const compiled = await tenon(server, folder, 'compile', '--no-typecheck');
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
    const tested = await tenon(server, folder, 'test');
    assert.notEqual(tested.code, 0);
    assert.match(tested.stdout + tested.stderr, /from inside/);
});
