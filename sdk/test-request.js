// What makes a request the same as a recorded one.
import { createHash } from 'node:crypto';

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

const sha1 = (text) => createHash('sha1').update(text).digest('hex');
const byName = ([a], [b]) => (a < b ? -1 : a > b ? 1 : 0);

/** Whether a header says that a form is sent, which recordings do not count. */
export const isForm = (name, value) => name === 'content-type' && value.toLowerCase().startsWith('application/x-www-form-urlencoded');

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
export function dataOf(data) {
    if (!data) return undefined;
    const text = typeof data === 'string' ? data : Buffer.isBuffer(data) ? data.toString('base64') : JSON.stringify(data);
    return text.length > DATA_UNITS_MAX ? `sha1:${sha1(text)}` : text;
}

/** All that counts of a call, in the order in which it is hashed. */
export function identityOf(method, config) {
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

export const hashOf = (identity) => sha1(JSON.stringify(identity));

/** The error of a call that nothing was recorded for. */
export function unanswered(where, identity) {
    const { method, endpoint, params, headers, data } = identity;
    return new Error(
        `${where} holds no answer to ${method.toUpperCase()} /${endpoint} (hash ${hashOf(identity)}) with ` +
            `${JSON.stringify({ params, headers, data })}: record the fixture again with \`tenon dryrun --save\`, or add the answer`
    );
}
