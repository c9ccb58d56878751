// Deploys the fixture project with our own command line.
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { binary } from './server.mjs';
import { shopProject } from './shop.mjs';

const run = promisify(execFile);

/** Deploys the shop's functions; answers the project's folder. */
export async function deployShop(server) {
    const project = await shopProject();
    const env = { ...process.env, NO_COLOR: '1', NANGO_HOSTPORT: server.url, NANGO_SECRET_KEY_DEV: server.keys.dev };
    await run(binary(), ['deploy', 'dev', '--auto-confirm', '--allow-destructive'], { cwd: project, env });
    return project;
}
