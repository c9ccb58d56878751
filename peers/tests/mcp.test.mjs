// MCP clients that we did not write, against a deployed action: the TypeScript and Python SDKs, the Inspector's command
// line and the conformance suite. Nodes that share a database answer one client in turn.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, readFile, readdir, writeFile } from 'node:fs/promises';
import http from 'node:http';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { ROOT, startPostgres, startServer, temporaryFolder } from '../support/server.mjs';
import { connectShop, startShop } from '../support/shop.mjs';
import { deployShop } from '../support/functions.mjs';

const run = promisify(execFile);
const BIN = path.join(ROOT, 'peers', 'node_modules', '.bin');

let postgres;
let nodes = [];
let shop;

const headersFor = (key = nodes[0].keys.dev) => ({
    Authorization: `Bearer ${key}`, 'Connection-Id': 'c-1', 'Provider-Config-Key': 'shop'
});

async function connect(url = nodes[0].url, headers = headersFor()) {
    const client = new Client({ name: 'peers', version: '1' });
    await client.connect(new StreamableHTTPClientTransport(new URL(`${url}/mcp`), { requestInit: { headers } }));
    return client;
}

before(async () => {
    postgres = await startPostgres();
    shop = await startShop();
    const folder = await temporaryFolder();
    const env = { TENON_SECURITY_MASTER_KEY: Buffer.alloc(32, 7).toString('base64') };
    for (const name of ['one', 'two']) {
        nodes.push(await startServer({ env, databaseUrl: postgres.url, dataDir: path.join(folder, name) }));
    }
    await connectShop(nodes[0], shop, 'c-1');
    await deployShop(nodes[0]);
});

after(async () => {
    for (const node of nodes) await node.stop();
    await shop?.close();
    await postgres?.stop();
});

test('the TypeScript SDK lists and calls', async () => {
    const client = await connect();
    assert.equal(client.getServerVersion().name, 'Nango Connection Tools MCP server');
    const { tools } = await client.listTools();
    assert.deepEqual(tools.map((tool) => tool.name).sort(), ['create-order', 'refuse']);
    const create = tools.find((tool) => tool.name === 'create-order');
    assert.equal(create.description, 'Creates an order.');
    assert.deepEqual(create.inputSchema, { type: 'object', properties: { total: { type: 'number' } }, required: ['total'] });
    const { content } = await client.callTool({ name: 'create-order', arguments: { total: 12 } });
    assert.deepEqual(JSON.parse(content[0].text), { id: '77', total: 12 });
    assert.equal(shop.seen.at(-1).headers['x-shop-key'], 'shop-key');
    await client.ping();
    await client.close();
});

test('bad arguments never reach the provider', async () => {
    const client = await connect();
    const before = shop.seen.length;
    for (const args of [{ total: 'twelve' }, {}, { total: null }]) {
        await assert.rejects(client.callTool({ name: 'create-order', arguments: args }), (error) => {
            assert.equal(error.code, -32602);
            assert.match(error.message, /invalid_action_input/);
            assert.match(error.message, /total/);
            return true;
        });
    }
    assert.equal(shop.seen.length, before);
    await client.close();
});

test('failures carry the reason', async () => {
    const client = await connect();
    await assert.rejects(client.callTool({ name: 'refuse', arguments: {} }), /the shop is closed/);
    await assert.rejects(client.callTool({ name: 'nothing', arguments: {} }), /Action nothing not found/);
    await client.close();
    await assert.rejects(connect(nodes[0].url, { ...headersFor(), 'Connection-Id': 'nobody' }), /unknown_connection/);
    await assert.rejects(connect(nodes[0].url, headersFor('00000000-0000-4000-8000-000000000000')), /unknown_account|401/);
});

test('a key opens the tools with the scope for them alone', async () => {
    const key = async (scope) => JSON.parse(await nodes[0].cli('keys', 'create', '--environment', 'dev', '--name', scope, '--scope', scope, '--json')).secret;
    const client = await connect(nodes[0].url, headersFor(await key('environment:mcp')));
    assert.equal((await client.listTools()).tools.length, 2);
    await client.close();
    await assert.rejects(connect(nodes[0].url, headersFor(await key('environment:actions:execute'))), /environment:mcp|403/);
});

test('any node answers any request', async () => {
    const ask = async (node, message, headers = {}) => {
        const answer = await fetch(`${node.url}/mcp`, {
            method: 'POST',
            headers: { ...headersFor(), 'Content-Type': 'application/json', Accept: 'application/json, text/event-stream', ...headers },
            body: JSON.stringify({ jsonrpc: '2.0', id: 1, ...message })
        });
        assert.equal(answer.headers.get('mcp-session-id'), null);
        const text = await answer.text();
        return { status: answer.status, body: JSON.parse(text.replace(/^[\s\S]*?data: /, '')) };
    };
    // No handshake at all, as the revisions before 2026-07-28 allow it here.
    for (const node of [...nodes, ...nodes]) {
        const { body } = await ask(node, { method: 'tools/call', params: { name: 'create-order', arguments: { total: 1 } } }, { 'MCP-Protocol-Version': '2025-11-25' });
        assert.deepEqual(JSON.parse(body.result.content[0].text), { id: '77', total: 1 });
    }
    // Revision 2026-07-28: every request says who asks.
    const _meta = {
        'io.modelcontextprotocol/protocolVersion': '2026-07-28',
        'io.modelcontextprotocol/clientInfo': { name: 'peers', version: '1' },
        'io.modelcontextprotocol/clientCapabilities': {}
    };
    const stateless = (node, method, params = {}, headers = {}) =>
        ask(node, { method, params: { ...params, _meta } }, { 'MCP-Protocol-Version': '2026-07-28', 'Mcp-Method': method, ...headers });
    const discovered = await stateless(nodes[0], 'server/discover');
    assert.ok(discovered.body.result.supportedVersions.includes('2026-07-28'));
    const listed = await stateless(nodes[1], 'tools/list');
    assert.equal(listed.body.result.resultType, 'complete');
    assert.equal(listed.body.result.cacheScope, 'private');
    const call = { name: 'create-order', arguments: { total: 3 } };
    const called = await stateless(nodes[0], 'tools/call', call, { 'Mcp-Name': 'create-order' });
    assert.deepEqual(JSON.parse(called.body.result.content[0].text), { id: '77', total: 3 });
    const before = shop.seen.length;
    const mismatched = await stateless(nodes[1], 'tools/call', call, { 'Mcp-Name': 'refuse' });
    assert.deepEqual([mismatched.status, mismatched.body.error.code], [400, -32020]);
    assert.equal((await stateless(nodes[1], 'ping')).status, 404);
    assert.equal(shop.seen.length, before);
});

/** The configurations that docs/guides/agents.md prints, as the agents read them: each with its address and its headers. */
async function printedConfigurations(variables) {
    const guide = await readFile(path.join(ROOT, 'docs', 'guides', 'agents.md'), 'utf8');
    const block = (section, language) => {
        const text = guide.split(`\n## ${section}\n`)[1].split('\n## ')[0].match(new RegExp(`\`\`\`${language}\n([^]*?)\`\`\``))[1];
        return text.replaceAll('http://localhost:3003', variables.address).replaceAll('"acme"', '"c-1"').replaceAll('"hubspot"', '"shop"');
    };
    const expand = (headers, pattern) => Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, value.replace(pattern, (_, variable) => variables[variable])]));
    const toml = 'import json, sys, tomllib; print(json.dumps(tomllib.loads(sys.stdin.read())))';
    const python = run('python3', ['-c', toml]);
    python.child.stdin.end(block('Codex', 'toml'));
    const codex = JSON.parse((await python).stdout).mcp_servers['acme-hubspot'];
    const claude = JSON.parse(block('Claude Code', 'json')).mcpServers['acme-hubspot'];
    assert.equal(claude.type, 'http');
    const cursor = JSON.parse(block('Cursor', 'json')).mcpServers['acme-hubspot'];
    return {
        Codex: { url: codex.url, headers: { ...codex.http_headers, Authorization: `Bearer ${variables[codex.bearer_token_env_var]}` } },
        'Claude Code': { url: claude.url, headers: expand(claude.headers, /\$\{(\w+)\}/g) },
        Cursor: { url: cursor.url, headers: expand(cursor.headers, /\$\{env:(\w+)\}/g) }
    };
}

test('configurations of Codex, Claude Code and Cursor, as the guide prints them, list and call', async () => {
    const key = JSON.parse(await nodes[0].cli('keys', 'create', '--environment', 'dev', '--name', 'agent', '--scope', 'environment:mcp', '--json')).secret;
    const found = await printedConfigurations({ address: nodes[0].url, TENON_AGENT_KEY: key });
    for (const [agent, { url, headers }] of Object.entries(found)) {
        const client = new Client({ name: agent, version: '1' });
        await client.connect(new StreamableHTTPClientTransport(new URL(url), { requestInit: { headers } }));
        assert.deepEqual((await client.listTools()).tools.map((tool) => tool.name).sort(), ['create-order', 'refuse'], agent);
        const { content } = await client.callTool({ name: 'create-order', arguments: { total: 4 } });
        assert.deepEqual(JSON.parse(content[0].text), { id: '77', total: 4 }, agent);
        await client.close();
    }
});

test('the Inspector lists and calls', async () => {
    const home = await temporaryFolder('tenon-inspector-');
    const headers = Object.entries(headersFor()).flatMap(([name, value]) => ['--header', `${name}: ${value}`]);
    const inspect = async (...args) => {
        const command = [path.join(BIN, 'mcp-inspector'), '--cli', `${nodes[0].url}/mcp`, '--transport', 'http', ...headers, ...args];
        const done = await run(process.execPath, command, { env: { ...process.env, HOME: home, MCP_CATALOG_PATH: path.join(home, 'mcp.json') } });
        return JSON.parse(done.stdout);
    };
    const listed = await inspect('--method', 'tools/list', '--strict');
    assert.deepEqual(listed.tools.map((tool) => tool.name).sort(), ['create-order', 'refuse']);
    const called = await inspect('--method', 'tools/call', '--tool-name', 'create-order', '--tool-arg', 'total=5');
    assert.deepEqual(JSON.parse(called.content[0].text), { id: '77', total: 5 });
});

test('the Python SDK lists and calls', async () => {
    const folder = path.join(ROOT, 'peers', '.venv-mcp');
    const python = path.join(folder, 'bin', 'python');
    if (!existsSync(python)) await run('python3', ['-m', 'venv', folder]);
    await run(python, ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', 'mcp==1.30.0']);
    const script = path.join(await temporaryFolder('tenon-python-'), 'client.py');
    await writeFile(script, `
import asyncio, json, sys
from mcp import ClientSession
from mcp.client.streamable_http import streamablehttp_client

async def main(url, headers):
    async with streamablehttp_client(url, headers=headers) as (read, write, _):
        async with ClientSession(read, write) as session:
            started = await session.initialize()
            tools = await session.list_tools()
            result = await session.call_tool("create-order", {"total": 9})
            print(json.dumps({
                "version": started.protocolVersion,
                "tools": sorted(tool.name for tool in tools.tools),
                "text": result.content[0].text,
            }))

asyncio.run(main(sys.argv[1], json.loads(sys.argv[2])))
`);
    const done = await run(python, [script, `${nodes[0].url}/mcp`, JSON.stringify(headersFor())]);
    const seen = JSON.parse(done.stdout);
    assert.deepEqual(seen.tools, ['create-order', 'refuse']);
    assert.match(seen.version, /^2025-/);
    assert.deepEqual(JSON.parse(seen.text), { id: '77', total: 9 });
});

// The suite cannot send headers of its own, so a small proxy adds them; Host and Origin stay as they were sent.
async function headerProxy(target, headers) {
    const { hostname, port } = new URL(target);
    const proxy = http.createServer((request, response) => {
        const onward = http.request({ hostname, port, path: request.url, method: request.method, headers: { ...request.headers, ...headers } }, (answer) => {
            response.writeHead(answer.statusCode, answer.headers);
            answer.pipe(response);
        });
        onward.on('error', () => response.destroy());
        request.pipe(onward);
    });
    await new Promise((resolve) => proxy.listen(0, '127.0.0.1', resolve));
    return { url: `http://127.0.0.1:${proxy.address().port}`, close: () => { proxy.closeAllConnections(); proxy.close(); } };
}

for (const scenario of ['server-initialize', 'ping', 'tools-list', 'server-sse-multiple-streams', 'dns-rebinding-protection']) {
    test(`conformance: ${scenario}`, async () => {
        const proxy = await headerProxy(nodes[0].url, headersFor());
        const out = await temporaryFolder('tenon-conformance-');
        await mkdir(out, { recursive: true });
        try {
            await run(process.execPath, [path.join(BIN, 'conformance'), 'server', '--url', `${proxy.url}/mcp`, '--scenario', scenario, '-o', out]);
        } catch (error) {
            assert.fail(`${error.stdout}\n${error.stderr}`);
        } finally {
            proxy.close();
        }
        // A scenario without checks would pass as well.
        const files = (await readdir(out, { recursive: true })).filter((name) => name.endsWith('checks.json'));
        const checks = (await Promise.all(files.map(async (name) => JSON.parse(await readFile(path.join(out, name), 'utf8'))))).flat();
        assert.ok(checks.length > 0);
        for (const check of checks) assert.notEqual(check.status, 'FAILURE', `${check.name}: ${check.errorMessage}`);
    });
}
