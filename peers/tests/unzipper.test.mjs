// The `unzipper` module of functions next to the package of that name, on archives made by Python and by Info-ZIP.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdir, readFile, readdir, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import { action, fixture, install, tenon, trigger, write } from '../support/packages.mjs';
import { ROOT, startServer, startUpstream, temporaryFolder } from '../support/server.mjs';
import { connectShop, startShop } from '../support/shop.mjs';

const run = promisify(execFile);
const READ = `const found = []; for (const file of directory.files) if (file.type === 'File') { const bytes = await file.buffer(); found.push([file.path, file.uncompressedSize, bytes.length, bytes.subarray(0, 40).toString()]); } else found.push([file.path, file.type]); return found;`;

let server;
let shop;
let folder;
let upstream;
let original;

before(async () => {
    await install();
    original = createRequire(path.join(fixture, 'package.json'))('unzipper');
    [shop, server, folder] = await Promise.all([startShop(), startServer(), temporaryFolder('tenon-zips-')]);
    await connectShop(server, shop, 'c-1');
    await run('python3', [path.join(ROOT, 'peers', 'support', 'python', 'zips.py'), folder]);
    await mkdir(path.join(folder, 'files', 'sub'), { recursive: true });
    await writeFile(path.join(folder, 'files', 'one.txt'), 'one');
    await writeFile(path.join(folder, 'files', 'sub', 'two.txt'), 'two'.repeat(1000));
    await run('zip', ['-q', '-r', path.join(folder, 'infozip.zip'), '.'], { cwd: path.join(folder, 'files') }).catch(() => {});
    const project = await temporaryFolder('tenon-unzipper-');
    const fetched = "const answer = await nango.uncontrolledFetch({ url: new URL(input.url) }); const bytes = Buffer.from(await answer.arrayBuffer());";
    await write(project, {
        open: action("import unzipper from 'unzipper';", `${fetched} const directory = await unzipper.Open.buffer(bytes); ${READ}`),
        named: action("import { Open } from 'unzipper';", `const directory = await Open.url(undefined, input.url); ${READ}`),
        count: action("import * as unzipper from 'unzipper';", `${fetched} return (await unzipper.Open.buffer(bytes)).files.length;`),
        parse: action("import unzipper from 'unzipper';", `${fetched} const names = []; const parse = unzipper.Parse(); parse.on('entry', (entry) => { names.push(entry.path); entry.autodrain(); }); parse.end(bytes); await parse.promise(); return names;`)
    });
    const done = await tenon(server, project, 'deploy', 'dev', '--auto-confirm', '--no-typecheck', '--json');
    assert.equal(done.code, 0, done.stdout + done.stderr);
    const files = Object.fromEntries(await Promise.all((await readdir(folder)).filter((name) => name.endsWith('.zip')).map(async (name) => [`/${name}`, await readFile(path.join(folder, name))])));
    upstream = await startUpstream((request) => (files[request.url] ? { status: 200, body: files[request.url], headers: { 'content-type': 'application/zip' } } : { status: 404, body: {} }));
});

after(async () => {
    await upstream.close();
    assert.equal(server.panicked(), false);
    await server.stop();
    await shop.close();
});

const open = (name, how = 'open') => trigger(server, how, { url: `${upstream.url}/${name}` });

for (const name of ['deflated.zip', 'stored.zip', 'zip64.zip', 'descriptors.zip', 'empty.zip', 'infozip.zip']) {
    test(`${name} holds what the package finds in it`, async (t) => {
        const bytes = await readFile(path.join(folder, name)).catch(() => null);
        if (bytes === null) return t.skip('there is no zip command');
        const directory = await original.Open.buffer(bytes);
        const expected = [];
        for (const file of directory.files) {
            if (file.type !== 'File') expected.push([file.path, file.type]);
            else {
                const content = await file.buffer();
                expected.push([file.path, file.uncompressedSize, content.length, content.subarray(0, 40).toString()]);
            }
        }
        assert.deepEqual(await open(name), expected);
        assert.deepEqual(await open(name, 'named'), expected);
        assert.deepEqual(await open(name, 'parse'), expected.map(([path]) => path));
    });
}

test('an archive behind a program, which the package does not read', async () => {
    assert.deepEqual(await open('before.zip'), await open('deflated.zip'));
});

test('an archive with more than 65,535 entries', async () => {
    assert.equal(await open('many.zip', 'count'), 65_600);
});

for (const [name, words] of [
    ['bomb.zip', /big\.bin would be 104857600 bytes/],
    ['liar.zip', /holds more than its directory says/],
    ['cut.zip', /FILE_ENDED/],
    ['broken.zip', /The archive is damaged/],
    ['moved.zip', /directory is not where it says/]
]) {
    test(`${name} ends with a sentence`, async () => {
        const answer = await open(name);
        assert.match(answer.error?.payload?.message ?? JSON.stringify(answer), words);
    });
}
