// The test kit: stand-ins for `nango` that answer from a recorded fixture. Loaded by tests that Vitest runs.
import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { vi } from 'vitest';

import { pages } from './test-paginate.js';

/** Longer bodies are known by their digest. */
const DATA_UNITS_MAX = 1000;

/** Headers that belong to the platform or to every HTTP client. */
const IGNORED_HEADERS = new Set([
    'authorization',
    'user-agent',
    'accept',
    'accept-encoding',
    'host',
    'content-length',
    'retries',
    'retry-on',
    'base-url-override',
    'connection-id',
    'provider-config-key',
    'forward-headers-on-redirect',
    'nango-is-sync',
    'nango-is-script',
    'nango-is-dry-run',
    'nango-activity-log-id'
]);

class ActionError extends Error {
    constructor(payload) {
        super();
        this.type = 'action_script_runtime_error';
        if (payload) this.payload = payload;
    }
}

const sha1 = (text) => createHash('sha1').update(text).digest('hex');
const copy = (value) => (value === undefined ? undefined : structuredClone(value));
const isForm = (name, value) => name === 'content-type' && value.toLowerCase().startsWith('application/x-www-form-urlencoded');
const byName = ([a], [b]) => (a < b ? -1 : a > b ? 1 : 0);

/** The address of a call; its host means nothing. */
function addressOf({ endpoint = '', params }) {
    const text = String(endpoint);
    const url = new URL(/^https?:\/\//i.test(text) ? text : `https://recorded/${text.replace(/^\//, '')}`);
    if (typeof params === 'string') {
        for (const [name, value] of new URLSearchParams(params)) url.searchParams.set(name, value);
    } else {
        for (const [name, value] of Object.entries(params ?? {})) if (value !== undefined) url.searchParams.set(name, String(value));
    }
    return url;
}

function headersOf(headers) {
    const counted = new Map();
    for (const [written, value] of Object.entries(headers ?? {})) {
        const name = written.replace(/^nango-proxy-/i, '');
        const lower = name.toLowerCase();
        const text = String(value);
        const standard = lower === 'content-type' && (['application/json', 'undefined'].includes(text.toLowerCase()) || isForm(lower, text));
        if (!IGNORED_HEADERS.has(lower) && !standard && !counted.has(lower)) counted.set(lower, [name, text]);
    }
    return [...counted.values()].sort(byName);
}

/** The text by which a body is known. */
function dataOf(data) {
    if (!data) return undefined;
    const text = typeof data === 'string' ? data : Buffer.isBuffer(data) ? data.toString('base64') : JSON.stringify(data);
    return text.length > DATA_UNITS_MAX ? `sha1:${sha1(text)}` : text;
}

function identityOf(method, config) {
    const url = addressOf(config);
    const data = dataOf(config.data);
    return {
        method,
        endpoint: url.pathname.replace(/^\//, '').replace(/^proxy\//, ''),
        params: [...url.searchParams].sort(byName),
        headers: headersOf(config.headers),
        ...(data !== undefined && { data })
    };
}

function samePairs(recorded, sent) {
    return recorded.length === sent.length && recorded.every(([name, value]) => sent.some(([other, text]) => other === name && text === String(value)));
}

/** Whether a recorded request is the one that is made. */
function fits(request, identity) {
    const recorded = Object.entries(request.headers ?? {}).map(([name, value]) => [name.toLowerCase(), String(value)]);
    const sent = identity.headers.map(([name, value]) => [name.toLowerCase(), value]);
    return (
        samePairs(Object.entries(request.params ?? {}), identity.params) &&
        samePairs(recorded.filter(([name, value]) => !isForm(name, value)), sent) &&
        (!('data' in request) || dataOf(request.data) === identity.data)
    );
}

/** The recorded answer to a call. */
function answer(fixture, file, method, config) {
    const identity = identityOf(method, config);
    const hash = sha1(JSON.stringify(identity));
    const known = fixture.api?.[method] ?? {};
    const key = [`/${identity.endpoint}`, identity.endpoint].find((name) => Object.hasOwn(known, name));
    const entries = key === undefined ? [] : [known[key]].flat();
    const found = entries.find(
        (entry) =>
            (entry.hash && entry.hash === hash) ||
            (entry.request ? fits(entry.request, identity) : entries.length === 1 && identity.params.length === 0)
    );
    if (!found) {
        throw new Error(
            `${path.basename(file)} holds no answer to ${method.toUpperCase()} /${identity.endpoint} (hash ${hash}) with ` +
                `${JSON.stringify({ params: identity.params, headers: identity.headers, data: identity.data })}: ` +
                'record the fixture again with `tenon dryrun --save`, or add the answer'
        );
    }
    // Not copied, no more than what is canned: an answer that a function changes stays changed.
    return { data: found.response, headers: found.headers, status: found.status };
}

/** The fixture of the test file that is running, or else the one called `name`. */
function fixtureOf(dirname, name) {
    const running = /([^/\\]+)\.(?:test|spec)\.[cm]?[jt]sx?\b/.exec(new Error().stack ?? '')?.[1];
    const names = [...new Set([running, name])].filter(Boolean).map((one) => `${one}.test.json`);
    const file = names.map((one) => path.join(dirname, one)).find((one) => existsSync(one));
    if (!file) throw new Error(`there is no fixture ${names.join(' or ')} in ${dirname}: record one with \`tenon dryrun --save\``);
    return { file, fixture: JSON.parse(readFileSync(file, 'utf8')) };
}

/** What an action is given. Every method is a spy. */
export class NangoActionMock {
    constructor({ dirname, name, Model }) {
        const { file, fixture } = fixtureOf(dirname, name);
        const canned = (member) => fixture.nango?.[member];
        const needed = (member) => {
            const value = canned(member);
            if (value === undefined) throw new Error(`${path.basename(file)} has no nango.${member}`);
            return value;
        };
        const send = (method) => vi.fn(async (config) => answer(fixture, file, method, config));

        this.dirname = dirname;
        this.name = name;
        this.Model = Model;
        this.providerConfigKey = path.basename(path.dirname(path.resolve(dirname)));
        this.ActionError = ActionError;
        for (const method of ['get', 'post', 'put', 'patch', 'delete']) this[method] = send(method);
        this.proxy = vi.fn(async (config) => answer(fixture, file, (config.method ?? 'get').toLowerCase(), config));
        this.paginate = vi.fn((config) => pages(config, (request) => this.proxy(request)));
        for (const member of ['getConnection', 'getMetadata']) this[member] = vi.fn(async () => needed(member));
        for (const member of ['updateMetadata', 'trackDeletesStart', 'trackDeletesEnd', 'deleteRecordsFromPreviousExecutions']) {
            this[member] = vi.fn(async () => canned(member));
        }
        this.getWebhookURL = vi.fn(async () => 'https://example.com/webhook');
        this.zodValidateInput = vi.fn(async ({ input }) => ({ data: input }));
        this.log = vi.fn();

        this.getInput = vi.fn(async () => fixture.input);
        this.getOutput = vi.fn(async () => {
            if (!('output' in fixture)) throw new Error(`${path.basename(file)} has no output`);
            return fixture.output;
        });
        this.getBatchSaveData = vi.fn(async (model) => canned('batchSave')?.[model]);
        this.getBatchDeleteData = vi.fn(async (model) => canned('batchDelete')?.[model]);
    }
}

/** What a sync is given. */
export class NangoSyncMock extends NangoActionMock {
    constructor(options) {
        super(options);
        let checkpoint = null;
        this.lastSyncDate = null;
        this.batchSave = vi.fn();
        this.batchDelete = vi.fn();
        this.getCheckpoint = vi.fn(async () => copy(checkpoint));
        this.saveCheckpoint = vi.fn(async (saved) => void (checkpoint = copy(saved)));
        this.clearCheckpoint = vi.fn(async () => void (checkpoint = null));
        this.listRecords = vi.fn(async function* () {});
    }
}
