// Runs against recorded answers (`tenon test`, functions.md §6). The host answers from a fixture. What recorded
// expectations rely on, and a real run does differently, is here and where `run.context.replay` is asked for: answers
// reach the function as they were recorded, whatever their status (unless `refusalsThrow` asks for what production does);
// input is not validated; nobody waits for a clock.

function replaying() {
    return run?.context.replay !== undefined;
}

// How far the clock of this run is ahead because of pauses that were skipped; the moment at which it stands still; and
// how far it was put back to the time of the recording.
let skippedMs = 0;
let stoppedAt;
let shiftMs = 0;

// Members of the objects that the public test kit gives to functions, and those that syncs have besides.
const KIT_MEMBERS = [
    'get', 'post', 'put', 'patch', 'delete', 'proxy', 'paginate', 'getConnection', 'getMetadata', 'updateMetadata', 'trackDeletesStart', 'trackDeletesEnd',
    'deleteRecordsFromPreviousExecutions', 'getWebhookURL', 'zodValidateInput', 'log', 'ActionError', 'providerConfigKey', 'fixtureProvider'
];
const KIT_SYNC_MEMBERS = ['batchSave', 'batchDelete', 'getCheckpoint', 'saveCheckpoint', 'clearCheckpoint', 'listRecords', 'lastSyncDate'];

// Strictly as in the kit: there is nothing but its members and `given`; equal requests have one answer, which a function
// may change, and batches are looked at when the function has ended.
function beginKit(context) {
    run.batches = context.replay?.kit === undefined ? undefined : [];
    run.answers = context.replay?.kit === undefined ? undefined : new Map();
}

function keepKitMembers(target, given) {
    const known = new Set([...KIT_MEMBERS, ...(run.kind === 'sync' ? KIT_SYNC_MEMBERS : []), ...given]);
    for (const name of Object.keys(target)) if (!known.has(name)) delete target[name];
}

async function sendBatches() {
    for (const { op, records, model } of run.batches) await ask({ op, model: String(model) }, [jsonText([records].flat())]);
}

function beginReplay(context) {
    beginKit(context);
    skippedMs = 0;
    stoppedAt = context.replay?.now;
    shiftMs = context.replay?.begin === undefined ? 0 : context.replay.begin - EngineDate.now();
}

function clockMs() {
    const now = stoppedAt ?? EngineDate.now() + shiftMs + skippedMs;
    return taped ? native.clock(now * 10) / 10 : now;
}

// A connection that the recording does not hold: what the function reads of it is a name, and the host finds out what
// it stands for.
function unnamedConnection({ credentialType }) {
    const named = (known) =>
        new Proxy(known, {
            get: (target, key) => (isNamed(target, key) ? `unknown--${key}--` : target[key]),
            has: (target, key) => key in target || isNamed(target, key)
        });
    return { connection_config: named({}), credentials: named({ type: credentialType }), metadata: {}, tags: {} };
}

function isNamed(target, key) {
    return typeof key === 'string' && !(key in target) && key !== 'then' && key !== 'toJSON' && /^\w+$/.test(key);
}

// Parameters as recordings know them; the older ones hold those without a value, too.
function recordedPairs(entries) {
    const text = (value) => (Array.isArray(value) ? value.map(String).join(',') : String(value));
    if (run.context.replay.olderPages) return entries.map(([name, value]) => [name, value === undefined ? 'null' : text(value)]);
    return entries.filter(([, value]) => value !== undefined).map(([name, value]) => [name, text(value)]);
}

// A body as recordings know it: what JavaScript takes for nothing is none, and objects are JSON whatever they are sent as.
function recordedBody(data) {
    if (!data) return [{ kind: 'empty' }, []];
    if (typeof data === 'string') return [{ kind: 'text' }, [data.toWellFormed()]];
    if (isBytes(data)) return [{ kind: 'bytes' }, [viewOf(data)]];
    if (data instanceof URLSearchParams) return [{ kind: 'form' }, [data.toString()]];
    const text = jsonText(data);
    return text === undefined ? [{ kind: 'empty' }, []] : [{ kind: 'json' }, [text]];
}

// Equal requests have the same answer, not an equal one.
async function askOnce(call, sections) {
    const key = jsonText([call, sections.map(String)]);
    if (!run.answers.has(key)) run.answers.set(key, await ask(call, sections));
    return run.answers.get(key);
}

// Pauses end as soon as nothing else is under way, in the order in which they would have ended.
function pause(callback, args, delay, interval) {
    const id = native.timer(0);
    timers.set(id, { callback, args, interval, due: skippedMs + delay });
    return id;
}

function endPause(id) {
    if (waiting.size > 0) return native.rearm(id, 1);
    let first = id;
    for (const [other, timer] of timers) {
        const { due } = timers.get(first);
        if (timer.due < due || (timer.due === due && other < first)) first = other;
    }
    const timer = timers.get(first);
    skippedMs = Math.max(skippedMs, timer.due);
    if (first !== id) native.rearm(id, 0);
    if (timer.interval === undefined) {
        timers.delete(first);
        if (first !== id) native.clearTimer(first);
    } else {
        timer.due = skippedMs + timer.interval;
        native.rearm(first, 0);
    }
    timer.callback(...timer.args);
}

// One page for the pagination loops, which read what a recording may lack.
async function page(config) {
    const response = await proxy(config);
    if (!replaying()) return response;
    return { data: response.data, status: response.status || 200, statusText: 'OK', headers: response.headers ?? {}, config: {}, request: {} };
}

// The loops that recordings in one file per request were made with: they call nobody back, read paths as plain keys
// and end after the first page when its headers were not recorded.
async function* olderPages(config, options, send, inBody) {
    const type = String(options.type).toLowerCase();
    const perPage = options.offset_calculation_method === 'per-page';
    let offset = options.offset_start_value || 0;
    if (options.limit) send[options.limit_name_in_request] = options.limit;
    if (inBody) config.data = send;
    else config.params = send;
    for (;;) {
        if (type === 'offset') send[options.offset_name_in_request] = inBody ? offset : String(offset);
        const { data, headers } = await proxy(config);
        if (!headers) return yield* unlabelledPages(data, options.response_path);
        const found = !options.response_path ? data : type === 'offset' ? pathGet(data, options.response_path) : data[options.response_path];
        if (!found || !found.length) return;
        yield found;
        if (type === 'cursor') {
            let cursor = data[options.cursor_path_in_response];
            if (typeof cursor === 'string') cursor = cursor.trim();
            if (cursor === '' || !['string', 'number'].includes(typeof cursor)) return;
            send[options.cursor_name_in_request] = cursor;
        } else if (type === 'offset') {
            if (options.limit && found.length < options.limit) return;
            offset += perPage ? 1 : found.length;
        } else {
            const next = options.link_rel_in_response_header ? linkHeader(headers.link, options.link_rel_in_response_header) : nextLink({ data, headers }, options);
            if (!next) return;
            config.endpoint = URL.canParse(next) ? new URL(next).pathname + new URL(next).search : next;
            config.params = {};
        }
    }
}

function* unlabelledPages(data, responsePath) {
    if (Array.isArray(data)) yield data;
    if (responsePath) return yield data[responsePath];
    for (const value of Object.values(data)) if (Array.isArray(value)) yield value;
}
