// Many connections with short tokens, several nodes on one PostgreSQL, and a token server that knows each connection's one
// valid refresh token: a second use of an old one is a double refresh, a call with an ended token a 401.
import { randomUUID } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import http from 'node:http';
import path from 'node:path';
import { freePort, startPostgres, startServer, temporaryFolder } from './server.mjs';

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** The vendor: rotates refresh tokens, counts, and never forgives. */
async function startVendor(lifetimeMs) {
    const accounts = new Map();
    const tokens = new Map();
    const told = { refreshes: 0, reuses: 0, unknown: 0, refused: 0, calls: 0, doubles: 0, gaps: [] };
    const issue = (name) => {
        const account = accounts.get(name);
        account.generation += 1;
        account.refresh = `r.${name}.${account.generation}`;
        const access = `a.${name}.${account.generation}.${randomUUID()}`;
        const ends = Date.now() + lifetimeMs;
        tokens.set(access, ends);
        setTimeout(() => tokens.delete(access), lifetimeMs + 60_000).unref();
        account.ends = ends;
        return { access_token: access, refresh_token: account.refresh, expires_in: lifetimeMs / 1000, token_type: 'bearer' };
    };
    const server = http.createServer((request, response) => {
        const answer = (status, body) => {
            response.writeHead(status, { 'content-type': 'application/json' });
            response.end(JSON.stringify(body));
        };
        if (request.url === '/token') {
            let raw = '';
            request.on('data', (chunk) => (raw += chunk));
            request.on('end', () => {
                const given = new URLSearchParams(raw).get('refresh_token') ?? '';
                const account = accounts.get(given.split('.')[1]);
                if (!account) {
                    told.unknown += 1;
                    return answer(400, { error: 'invalid_grant' });
                }
                if (account.refresh !== given) {
                    told.reuses += 1;
                    return answer(400, { error: 'invalid_grant', error_description: 'The refresh token was used before' });
                }
                told.refreshes += 1;
                // How long the old token still had: below zero, a caller had to wait for the new one.
                const left = account.ends - Date.now();
                // An imported token says nothing about its life and is renewed at its first use.
                if (account.generation > 1) {
                    told.gaps.push(left);
                    // A token is renewed in the last third of its life; before, one of its age was just made.
                    if (left > lifetimeMs / 3 + 1_000) told.doubles += 1;
                }
                account.count += 1;
                answer(200, issue(given.split('.')[1]));
            });
            return;
        }
        request.resume();
        told.calls += 1;
        const ends = tokens.get((request.headers.authorization ?? '').replace('Bearer ', ''));
        if (ends === undefined || ends < Date.now()) {
            told.refused += 1;
            return answer(401, { error: 'the token has ended' });
        }
        answer(200, { ok: true });
    });
    server.keepAliveTimeout = 60_000;
    await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
    return {
        url: `http://127.0.0.1:${server.address().port}`,
        told,
        accounts,
        open(name) {
            accounts.set(name, { generation: 0, count: 0, opened: Date.now() });
            return issue(name);
        },
        close: () => new Promise((resolve) => { server.closeAllConnections(); server.close(resolve); })
    };
}

function call(agent, url, key, connection) {
    return new Promise((resolve) => {
        const request = http.get(`${url}/proxy/me`, {
            agent, headers: { authorization: `Bearer ${key}`, 'provider-config-key': 'storm', 'connection-id': connection, retries: '0' }
        }, (response) => {
            response.resume();
            response.on('end', () => resolve(response.statusCode));
            response.on('error', () => resolve(0));
        });
        request.setTimeout(60_000, () => request.destroy());
        request.on('error', () => resolve(0));
    });
}

/**
 * Runs the storm. Every `periodMs` each connection is called through all nodes at the same moment, evenly spread.
 * Answers counts; `perConnection` are refreshes of each connection.
 */
export async function tokenStorm({ connections, seconds, nodes, tokenSeconds, periodMs, say = () => {} }) {
    const postgres = await startPostgres();
    const vendor = await startVendor(tokenSeconds * 1000);
    const folder = await temporaryFolder('tenon-storm-');
    const own = path.join(folder, 'providers');
    await mkdir(own);
    await writeFile(path.join(own, 'storm.toml'), `
[vendor]
name = "Storm"
docs = "https://example.com/docs"

[storm]
name = "Short tokens"
categories = ["other"]
auth = "oauth2"
authorize = "${vendor.url}/authorize"
token = "${vendor.url}/token"
api = "${vendor.url}"
`);
    const servers = [];
    const agent = new http.Agent({ keepAlive: true, maxSockets: 200 });
    try {
        for (let node = 0; node < nodes; node += 1) {
            servers.push(await startServer({
                port: await freePort(), databaseUrl: postgres.url, dataDir: path.join(folder, `node-${node}`),
                env: { TENON_SECURITY_MASTER_KEY: Buffer.alloc(32, 9).toString('base64') }, args: ['--providers-dir', own]
            }));
        }
        const key = servers[0].keys.dev;
        const post = async (where, body) => {
            const answer = await fetch(`${servers[0].url}${where}`, {
                method: 'POST', headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' }, body: JSON.stringify(body)
            });
            if (!answer.ok) throw new Error(`${where}: ${answer.status} ${await answer.text()}`);
        };
        await post('/integrations', { provider: 'storm', unique_key: 'storm', credentials: { type: 'OAUTH2', client_id: 'c', client_secret: 's' } });
        const names = Array.from({ length: connections }, (_, index) => `c${index}`);
        const opening = [...names];
        await Promise.all(Array.from({ length: 8 }, async () => {
            for (let name = opening.pop(); name; name = opening.pop()) {
                const token = vendor.open(name);
                await post('/connections', {
                    provider_config_key: 'storm', connection_id: name,
                    credentials: {
                        type: 'OAUTH2', access_token: token.access_token, refresh_token: token.refresh_token,
                        expires_at: new Date(Date.now() + tokenSeconds * 1000).toISOString()
                    }
                });
            }
        }));
        say(`${connections} connections on ${nodes} nodes`);
        // Tokens that ended during the set-up are not part of what is measured; their refreshes are counted all the same.
        const statuses = {};
        const began = Date.now();
        const running = new Set();
        const latencies = [];
        let lag = 0;
        for (let tick = 0; Date.now() - began < seconds * 1000; tick += 1) {
            const due = began + (tick * periodMs) / connections;
            const wait = due - Date.now();
            if (wait > 1) await sleep(wait);
            lag = Math.max(lag, -wait);
            const name = names[tick % connections];
            for (const server of servers) {
                const at = Date.now();
                const one = call(agent, server.url, key, name).then((status) => {
                    statuses[status] = (statuses[status] ?? 0) + 1;
                    latencies.push(Date.now() - at);
                    running.delete(one);
                });
                running.add(one);
            }
            if (running.size > 2_000) await Promise.race(running);
            if (tick % (connections * 3) === 0) say(`${Math.round((Date.now() - began) / 1000)} s ${JSON.stringify(statuses)} refreshes ${vendor.told.refreshes}`);
        }
        await Promise.all(running);
        latencies.sort((a, b) => a - b);
        const perConnection = [...vendor.accounts.values()].map((account) => account.count);
        const { gaps, ...told } = vendor.told;
        gaps.sort((a, b) => a - b);
        return {
            ...told, statuses, perConnection, seconds: (Date.now() - began) / 1000, lag,
            early: { least: gaps[0], median: gaps[gaps.length >> 1], most: gaps.at(-1) },
            latency: { p50: latencies[latencies.length >> 1], p99: latencies[Math.floor(latencies.length * 0.99)], most: latencies.at(-1) },
            panicked: servers.some((server) => server.panicked())
        };
    } finally {
        agent.destroy();
        for (const server of servers) await server.stop();
        await vendor.close();
        await postgres.stop();
    }
}
