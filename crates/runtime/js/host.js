// One promise per host call. `run` is the run this isolate is serving; an isolate serves one at a time.

let run;
const waiting = new Map();
// Calls beyond the number that may be under way at once; each goes out when another comes back.
const queued = [];
let nextQueued = 0;

const WRITES = new Set(['batchSave', 'batchUpdate', 'batchDelete', 'saveCheckpoint', 'clearCheckpoint', 'setMetadata', 'updateMetadata', 'trackDeletesStart', 'trackDeletesEnd', 'deletePrevious', 'setMergingStrategy', 'triggerSync', 'startSync']);

function newRun(kind, context) {
    return { kind, context, aborted: undefined, connections: new Map(), integrations: new Map(), merging: new Set(), writing: new Set(), level: context.loggerLevel || 'warn', bundle: undefined };
}

function forgetCalls() {
    waiting.clear();
    queued.length = nextQueued = 0;
}

// A run does not end before what it has begun to write is written, whether the function waits for it or not.
async function writesDone() {
    while (run.writing.size > 0) await Promise.allSettled([...run.writing]);
}

function abortError() {
    const words = { script_aborted: 'The script was aborted', execution_timeout: 'The script exceeded its running time', execution_interrupted: 'The script was interrupted' };
    return new SDKError(run.aborted, words[run.aborted] ?? run.aborted);
}

function checkAbort() {
    if (run.aborted !== undefined) throw abortError();
}

// JSON text that every reader accepts: a lone surrogate, which JSON.stringify writes as an escape, is replaced.
function jsonText(value) {
    const text = JSON.stringify(value);
    if (text === undefined || !native.holdsSurrogateEscape(text)) return text;
    return text.replace(/\\(?:\\|ud[89a-f][0-9a-f]{2})/g, (escape) => (escape === '\\\\' ? escape : '\\ufffd'));
}

// Sends a call; `sections` are texts (well formed) or bytes.
function ask(call, sections = []) {
    const answer = new Promise((resolve, reject) => {
        checkAbort();
        const header = jsonText(call);
        const entry = { resolve, reject };
        if (nextQueued === queued.length && sent(header, sections, entry)) return;
        // The function may change its bytes before they are sent.
        queued.push({ header, sections: sections.map((section) => (typeof section === 'string' ? section : section.slice(0))), entry });
    });
    if (WRITES.has(call.op)) {
        const { writing } = run;
        const done = answer.then(() => writing.delete(done), () => writing.delete(done));
        writing.add(done);
    }
    return answer;
}

// Whether there was room for the call.
function sent(header, sections, entry) {
    const id = native.call(header, sections);
    if (id === 0) return false;
    waiting.set(id, entry);
    return true;
}

function sendQueued() {
    while (nextQueued < queued.length) {
        const { header, sections, entry } = queued[nextQueued];
        try {
            if (!sent(header, sections, entry)) return;
        } catch (error) {
            entry.reject(error);
        }
        queued[nextQueued++] = undefined;
    }
    queued.length = nextQueued = 0;
}

// Sends a call that nobody waits for.
function tell(call, sections) {
    native.tell(jsonText(call), sections ?? []);
}

// Called by the worker with the header of an answer, its JSON value or its bytes, and a second section.
function onReply(id, headerText, body, extra) {
    const entry = waiting.get(id);
    if (entry === undefined) return;
    waiting.delete(id);
    if (queued.length > 0) sendQueued();
    const header = JSON.parse(headerText);
    switch (header.reply) {
        case 'unit':
            return entry.resolve(undefined);
        case 'bool':
            return entry.resolve(header.value);
        case 'json':
            return entry.resolve(body);
        case 'http':
            return entry.resolve({ ...header, body });
        default:
            return entry.reject(hostError(header, body, extra));
    }
}

function hostError({ error, hasPayload, upstream }, body, extra) {
    const payload = hasPayload ? parseOrText(extra) : undefined;
    switch (error.kind) {
        case 'sdk':
            return new SDKError(error.code, error.message, payload);
        case 'action':
            return new ActionError(payload);
        case 'axios': {
            const response = upstream ? axiosResponse({ ...upstream, body }, {}) : undefined;
            const code = error.code ?? (response ? statusCode(response.status) : undefined);
            const result = new AxiosError(error.message, code, response?.config ?? {}, {}, response);
            // The client of the incumbent keeps the name of the socket's error, which is the plain one; only its own
            // time limit carries the client's name.
            if (!response && code !== 'ECONNABORTED') result.name = 'Error';
            if (error.platform) platformErrors.add(result);
            return result;
        }
        default: {
            const result = new Error(error.message);
            if (error.code) result.code = error.code;
            return result;
        }
    }
}

function onAbort(code) {
    if (run === undefined) return;
    run.aborted = code;
    const entries = [...waiting.values(), ...queued.slice(nextQueued).map(({ entry }) => entry)];
    forgetCalls();
    for (const entry of entries) entry.reject(abortError());
}

function parseOrText(bytes) {
    if (bytes === undefined || bytes.byteLength === 0) return '';
    return native.parseOrText(bytes);
}

function isPlain(value) {
    return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function pathGet(value, path) {
    if (path === undefined || path === null || path === '') return undefined;
    if (isPlain(value) && Object.hasOwn(value, path)) return value[path];
    let current = value;
    for (const key of pathKeys(path)) {
        if (current === undefined || current === null) return undefined;
        current = current[key];
    }
    return current;
}

function pathSet(target, path, value) {
    const keys = path === '' ? [''] : pathKeys(path);
    if (keys.some((key) => key === '__proto__' || key === 'constructor' || key === 'prototype')) return;
    let current = target;
    for (let i = 0; i < keys.length - 1; i++) {
        if (typeof current[keys[i]] !== 'object' || current[keys[i]] === null) current[keys[i]] = /^\d+$/.test(keys[i + 1]) ? [] : {};
        current = current[keys[i]];
    }
    current[keys[keys.length - 1]] = value;
}

function pathKeys(path) {
    const keys = [];
    for (const match of String(path).matchAll(/[^.[\]]+|\[(?:(-?\d+)|(["'])(.*?)\2)\]/g)) keys.push(match[3] ?? match[1] ?? match[0]);
    return keys;
}
