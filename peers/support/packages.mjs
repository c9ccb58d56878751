// Functions that import packages from npm: the fixture project, its installation, and how to run its functions on both sides.
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { ROOT, binary } from './server.mjs';

const run = promisify(execFile);

/** The folder with the packages. */
export const fixture = path.join(ROOT, 'peers', 'fixtures', 'packages');

/** Installs what the fixture's lock file names, once. */
export async function install() {
    if (existsSync(path.join(fixture, 'node_modules', '.package-lock.json'))) return;
    await run('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'], { cwd: fixture });
}

/** The text of an action around imports and the body of `exec`. */
export const action = (head, body) => `import { createAction } from 'nango';
import * as z from 'zod';
${head}

export default createAction({
    description: 'Uses packages.',
    input: z.any(),
    output: z.any(),
    exec: async (nango, input) => {
        ${body}
    }
});
`;

/** Writes functions, by name, into a project of the integration `shop`. */
export async function write(folder, functions) {
    await mkdir(path.join(folder, 'shop', 'actions'), { recursive: true });
    for (const [name, text] of Object.entries(functions)) await writeFile(path.join(folder, 'shop', 'actions', `${name}.ts`), text);
    await writeFile(path.join(folder, 'index.ts'), Object.keys(functions).map((name) => `import './shop/actions/${name}.js';\n`).join(''));
}

/** Runs the command line in a project. */
export function tenon(server, cwd, ...args) {
    const env = { ...process.env, NO_COLOR: '1', TZ: 'UTC', TENON_HOST: server.url, TENON_SECRET_KEY_DEV: server.keys.dev };
    return new Promise((resolve) => {
        const child = execFile(binary(), args, { cwd, env, maxBuffer: 1 << 26 }, (error, stdout, stderr) => resolve({ code: error?.code ?? 0, stdout, stderr }));
        child.stdin.end();
    });
}

/** Runs a deployed action. */
export async function trigger(server, name, input = {}) {
    const answer = await fetch(`${server.url}/action/trigger`, {
        method: 'POST',
        headers: { authorization: `Bearer ${server.keys.dev}`, 'content-type': 'application/json', 'provider-config-key': 'shop', 'connection-id': 'c-1' },
        body: JSON.stringify({ action_name: name, input })
    });
    return answer.json();
}
