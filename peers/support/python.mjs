// Python peers: a virtual environment of their own, made when a test needs it first.
import { execFile, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { ROOT, freePort, until } from './server.mjs';

const run = promisify(execFile);
const PEERS = path.join(ROOT, 'peers');
const VENV = process.env.TENON_PEERS_VENV ?? path.join(PEERS, '.cache', 'python');

/** Path of a program of the environment. */
export async function python(program = 'python') {
    const file = path.join(VENV, 'bin', program);
    if (!existsSync(file)) {
        try {
            await run('python3', ['-m', 'venv', VENV]);
            const pip = path.join(VENV, 'bin', 'pip');
            await run(pip, ['install', '--quiet', '-r', path.join(PEERS, 'requirements.txt')], { maxBuffer: 1 << 26 });
        } catch (error) {
            await rm(VENV, { recursive: true, force: true });
            throw error;
        }
    }
    return file;
}

/** Starts `support/python/<script>` with a free port as its argument: {url, port, log(), stop()}. */
export async function startPython(script, args = [], { ready = '/', env = {} } = {}) {
    const port = await freePort();
    const program = script.endsWith('.py') ? await python() : await python(script);
    const own = script.endsWith('.py')
        ? [path.join(PEERS, 'support', 'python', script), String(port), ...args]
        : [...args, '-H', '127.0.0.1', '-p', String(port)];
    const child = spawn(program, own, { env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
    let log = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (log = (log + chunk).slice(-20_000)));
    const ended = new Promise((resolve) => child.once('exit', resolve));
    const url = `http://127.0.0.1:${port}`;
    await until(`${script} answers`, async () => {
        if (child.exitCode !== null) throw new Error(`${script} ended:\n${log}`);
        return fetch(`${url}${ready}`).then(() => true, () => false);
    }, 60_000);
    return {
        url,
        port,
        log: () => log,
        stop: async () => {
            child.kill('SIGTERM');
            await ended;
        }
    };
}
