// Throw-away Tenon servers for tests that drive the built binary from outside.
import { spawn, execFile } from 'node:child_process';
import { createServer } from 'node:http';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** Root of the repository. */
export const ROOT = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..', '..');

/** Path of the binary under test: TENON_BIN, else the newest that is built. */
export function binary() {
    if (process.env.TENON_BIN) return process.env.TENON_BIN;
    const target = process.env.CARGO_TARGET_DIR ?? path.join(ROOT, 'target');
    for (const profile of ['debug', 'release']) {
        const file = path.join(target, profile, 'tenon');
        if (existsSync(file)) return file;
    }
    throw new Error('no tenon binary; run `cargo build` first or set TENON_BIN');
}

/** A free loopback port. */
export function freePort() {
    return new Promise((resolve, reject) => {
        const probe = net.createServer();
        probe.once('error', reject);
        probe.listen(0, '127.0.0.1', () => {
            const { port } = probe.address();
            probe.close(() => resolve(port));
        });
    });
}

/** A folder that the caller removes. */
export function temporaryFolder(prefix = 'tenon-') {
    return mkdtemp(path.join(os.tmpdir(), prefix));
}

/** A throw-away PostgreSQL server: {url, dir, stop()}. */
export async function startPostgres() {
    const dir = await temporaryFolder('tenon-pg-');
    const script = path.join(ROOT, 'scripts', 'postgres');
    const { stdout } = await run(script, ['start', dir]);
    return { url: stdout.trim(), dir, stop: () => run(script, ['stop', dir]) };
}

/** A browser's memory of one server: `fetch` without redirects, with the cookies that the server has set. */
export function cookieJar(server) {
    const jar = new Map();
    return async (url) => {
        const own = new URL(url).origin === new URL(server).origin;
        const cookie = [...jar].map((pair) => pair.join('=')).join('; ');
        const answer = await fetch(url, { redirect: 'manual', headers: own && cookie ? { cookie } : {} });
        if (own) {
            for (const line of answer.headers.getSetCookie()) {
                const [, name, value] = /^([^=]+)=([^;]*)/.exec(line);
                jar.set(name, value);
            }
        }
        return answer;
    };
}

/** Waits until `check` answers something truthy. */
export async function until(what, check, timeoutMs = 20_000) {
    const deadline = Date.now() + timeoutMs;
    for (;;) {
        const value = await check();
        if (value) return value;
        if (Date.now() > deadline) throw new Error(`timed out: ${what}`);
        await new Promise((resolve) => setTimeout(resolve, 50));
    }
}

/**
 * Starts `tenon serve`; addresses of this machine are allowed unless `privateAddresses` is false. `dataDir` and `databaseUrl` may
 * be shared by several servers (nodes).
 * Answers {url, keys, cli(args), stop(), kill(signal)}; `panicked()` holds over the whole life, `log()` is the end of the log
 * (all of it with `keepLog`).
 */
export async function startServer({
    args = [], env = {}, databaseUrl, dataDir, port, keepLog = false, cores = false, privateAddresses = true
} = {}) {
    const bin = binary();
    const own = dataDir ?? path.join(await temporaryFolder(), 'data');
    const listen = port ?? (await freePort());
    const common = ['--data-dir', own, ...(databaseUrl ? ['--database-url', databaseUrl] : [])];
    const command = ['serve', ...common, '--port', String(listen), ...(privateAddresses ? ['--allow-private-addresses'] : []), ...args];
    // With `cores`, as on a machine that writes core files.
    const start = cores ? ['sh', ['-c', 'ulimit -c unlimited; exec "$0" "$@"', bin, ...command]] : [bin, command];
    const child = spawn(...start, {
        env: { ...process.env, ...env },
        stdio: ['ignore', 'pipe', 'pipe']
    });
    let out = '';
    let log = '';
    let panicked = false;
    child.stdout.on('data', (chunk) => (out += chunk));
    child.stderr.on('data', (chunk) => {
        log += chunk;
        panicked ||= log.includes('panicked at');
        if (!keepLog) log = log.slice(-20_000);
    });
    const url = `http://127.0.0.1:${listen}`;
    const ended = new Promise((resolve) => child.once('exit', resolve));
    await until('the server is healthy', async () => {
        if (child.exitCode !== null) throw new Error(`the server ended:\n${log}`);
        return fetch(`${url}/health`).then((answer) => answer.ok, () => false);
    });
    // What was printed before the server listened may still be in the pipe. Where its store was there before, nothing is printed.
    for (let tries = dataDir || databaseUrl ? 10 : 250; tries > 0 && !/^\s+account\s+\S+$/m.test(out); tries--) await delay(20);
    const keys = Object.fromEntries([...out.matchAll(/^\s+(\w+)\s+([0-9a-f-]{36})$/gm)].map((found) => [found[1], found[2]]));
    return {
        url,
        keys,
        port: listen,
        dataDir: own,
        pid: child.pid,
        log: () => log,
        out: () => out,
        panicked: () => panicked,
        alive: () => child.exitCode === null && child.signalCode === null,
        cli: async (...command) => {
            const how = { env: { ...process.env, ...env }, maxBuffer: 64 << 20 };
            return (await run(bin, [command[0], ...common, ...command.slice(1)], how)).stdout.trim();
        },
        kill: async (signal = 'SIGKILL') => {
            child.kill(signal);
            await ended;
        },
        stop: async () => {
            child.kill('SIGTERM');
            await ended;
            if (!dataDir) await rm(path.dirname(own), { recursive: true, force: true });
        }
    };
}

/**
 * A small outside world: `handler(request, body)` answers {status?, headers?, body?}; every request is kept in `seen`.
 */
export async function startUpstream(handler) {
    const seen = [];
    // Long targets are passed on, so they must be readable here.
    const server = createServer({ maxHeaderSize: 1 << 20 }, (request, response) => {
        const chunks = [];
        request.on('data', (chunk) => chunks.push(chunk));
        request.on('end', async () => {
            const raw = Buffer.concat(chunks);
            const entry = { method: request.method, url: request.url, headers: request.headers, raw: raw.toString() };
            seen.push(entry);
            const answer = (await handler(entry)) ?? {};
            const isReady = typeof answer.body === 'string' || Buffer.isBuffer(answer.body);
            const body = answer.body === undefined ? '' : isReady ? answer.body : JSON.stringify(answer.body);
            const kind = isReady ? 'text/plain' : 'application/json';
            response.writeHead(answer.status ?? 200, { 'content-type': kind, ...answer.headers });
            response.end(body);
        });
    });
    await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
    return {
        url: `http://127.0.0.1:${server.address().port}`,
        seen,
        close: () => new Promise((resolve) => { server.closeAllConnections(); server.close(resolve); })
    };
}

/** Reads a file of the repository. */
export const readRepositoryFile = (name) => readFile(path.join(ROOT, name), 'utf8');
