// The loop in README.md, as printed, on the playground that it names.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { after, test } from 'node:test';
import { ROOT, binary, temporaryFolder, until } from '../support/server.mjs';

const stop = [];
after(async () => {
    for (const one of stop.reverse()) await one();
});

/** Runs a script in a shell that finds the binary; answers status and output, errors included. */
function shell(script, { cwd, env = {}, input = '' }) {
    return new Promise((resolve) => {
        const found = { ...process.env, NO_COLOR: '1', PATH: `${path.dirname(binary())}:${process.env.PATH}`, ...env };
        const child = spawn('bash', ['-euo', 'pipefail', '-c', `exec 2>&1\n${script}`], { cwd, env: found });
        let output = '';
        child.stdout.on('data', (chunk) => (output += chunk));
        child.once('exit', (code) => resolve({ code, output }));
        child.stdin.end(input);
    });
}

test('the loop of a function works as the README prints it', { timeout: 180_000 }, async () => {
    const readme = await readFile(path.join(ROOT, 'README.md'), 'utf8');
    const section = readme.split('## Write a function')[1].split('\n## ')[0];
    const block = section.match(/```sh\n([^]*?)```/)[1];
    assert.ok(block.trim().split('\n').length <= 10, 'ten lines at most');
    const command = section.match(/`tenon (quickstart [^`]*)`/)[1].split(' ');

    const cwd = await temporaryFolder('tenon-readme-');
    const playground = spawn(binary(), command, { cwd, stdio: ['ignore', 'pipe', 'inherit'] });
    stop.push(() => new Promise((resolve) => { playground.once('exit', resolve); playground.kill('SIGTERM'); }));
    let said = '';
    playground.stdout.on('data', (chunk) => (said += chunk));
    const line = await until('the playground is ready', () => said.includes('Still serving') && said.match(/^ *export (.*)$/m), 120_000);
    const env = Object.fromEntries(line[1].split(' ').map((pair) => pair.split(/=(.*)/).slice(0, 2)));
    assert.deepEqual(Object.keys(env), ['TENON_HOST', 'TENON_SECRET_KEY_DEV', 'CONNECTION']);

    const { code, output } = await shell(block, { cwd, env, input: 'y\n' });
    assert.equal(code, 0, output);
    assert.match(output, /"created": true/);
    assert.match(output, /3 passed/);
    assert.match(output, /Deployed 1 function/);
    assert.match(output, /"created":false/);
    assert.match(output, /create-contact/);

    // The three commands that the playground prints work, too.
    const commands = said.slice(said.indexOf('Try next')).match(/^ {2}curl [^]*?(?=\n {2}#|\n\n)/gm);
    assert.equal(commands.length, 3);
    for (const one of commands) {
        const done = await shell(`curl() { command curl --fail-with-body -s "$@"; }\n${one}`, { cwd, env });
        assert.equal(done.code, 0, done.output);
        assert.ok(Object.keys(JSON.parse(done.output)).length > 0);
    }
});
