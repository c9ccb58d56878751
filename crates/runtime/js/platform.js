// Connection, integration, checkpoints, locks, triggers and log.

const CONNECTION_MEMO_MS = 60_000;
const INTEGRATION_MEMO_MS = 600_000;
const LEVELS = { __proto__: null, debug: 0, info: 1, warn: 2, error: 3, off: 4 };
const LEGACY_LEVELS = { __proto__: null, verbose: 'debug', silly: 'debug', http: 'info' };

async function memoised(memo, key, lifetime, load) {
    const known = memo.get(key);
    if (known !== undefined && Date.now() - known.at < lifetime) return known.value;
    const value = await load();
    memo.set(key, { at: Date.now(), value });
    return value;
}

function connectionCall(providerConfigKey, connectionId, options, metadataOnly) {
    if (run.context.replay?.unnamed) return metadataOnly ? { metadata: {} } : unnamedConnection(run.context.replay.unnamed);
    return ask({
        op: 'getConnection',
        providerConfigKey: providerConfigKey ? String(providerConfigKey) : undefined,
        connectionId: connectionId ? String(connectionId) : undefined,
        forceRefresh: Boolean(options?.forceRefresh),
        refreshToken: Boolean(options?.refreshToken),
        refreshGithubAppJwtToken: Boolean(options?.refreshGithubAppJwtToken),
        metadataOnly
    });
}

async function getConnection(providerConfigKey, connectionId, options) {
    checkAbort();
    if (options && Object.keys(options).length > 0) return connectionCall(providerConfigKey, connectionId, options, false);
    return memoised(run.connections, JSON.stringify([providerConfigKey ?? null, connectionId ?? null]), CONNECTION_MEMO_MS, () => connectionCall(providerConfigKey, connectionId, undefined, false));
}

// Asks without credentials: a function that wants its metadata need not be handed a token.
async function getMetadata() {
    checkAbort();
    const whole = replaying() ? undefined : run.connections.get('[null,null]');
    if (whole !== undefined && Date.now() - whole.at < CONNECTION_MEMO_MS) return whole.value.metadata;
    const connection = await memoised(run.connections, 'metadata', CONNECTION_MEMO_MS, () => connectionCall(undefined, undefined, undefined, true));
    return connection?.metadata;
}

async function writeMetadata(op, metadata) {
    checkAbort();
    const data = await ask({ op }, [jsonText(metadata) ?? 'null']);
    if (run.answers !== undefined) return data;
    run.connections.clear();
    if (replaying()) return data;
    return { data: data ?? metadata, status: 200, statusText: 'OK', headers: new AxiosHeaders(), config: {}, request: {} };
}

function getIntegration(options) {
    const include = (options?.include ?? []).map(String);
    return memoised(run.integrations, include.join(','), INTEGRATION_MEMO_MS, () => ask({ op: 'getIntegration', include }));
}

function syncReference(sync) {
    return isPlain(sync) ? { name: String(sync.name), variant: sync.variant === undefined ? undefined : String(sync.variant) } : { name: String(sync), variant: undefined };
}

function syncOptions(options) {
    if (options === true || options === 'full_refresh') return { reset: true, emptyCache: false };
    if (options === 'full_refresh_and_clear_cache') return { reset: true, emptyCache: true };
    return { reset: Boolean(options?.reset), emptyCache: Boolean(options?.emptyCache) };
}

function lockKey(key) {
    if (typeof key !== 'string' || key.length < 1 || key.length > 255) throw new Error('Invalid lock key (must be between 1 and 255 characters)');
    return key;
}

// Text of a value for people: keys sorted, secrets hidden, bounded in depth and breadth.
function readable(value) {
    return clip(JSON.stringify(plainCopy(value, 10, 20, new Set())) ?? String(value), 99_000);
}

function clip(text, length) {
    return text.length > length ? text.slice(0, length) : text;
}

function plainCopy(value, depth, breadth, above) {
    if (typeof value === 'bigint') return String(value);
    if (typeof value === 'function' || typeof value === 'symbol') return undefined;
    if (typeof value !== 'object' || value === null) return value;
    if (above.has(value)) return '[Circular]';
    if (value instanceof Error) return { name: String(value.name), message: String(value.message), ...(value.code === undefined ? {} : { code: String(value.code) }) };
    if (typeof value.toJSON === 'function') return plainCopy(value.toJSON(), depth, breadth, above);
    if (depth === 0) return Array.isArray(value) ? '[Array]' : '[Object]';
    above.add(value);
    let copy;
    if (Array.isArray(value)) {
        copy = value.slice(0, breadth).map((item) => plainCopy(item, depth - 1, breadth, above));
        if (value.length > breadth) copy.push(`... ${value.length - breadth} items not stringified`);
    } else {
        copy = {};
        const keys = Object.keys(value).sort();
        for (const key of keys.slice(0, breadth)) {
            Object.defineProperty(copy, key, { value: /^authorization$/i.test(key) ? '[Redacted]' : plainCopy(value[key], depth - 1, breadth, above), enumerable: true, configurable: true, writable: true });
        }
        if (keys.length > breadth) copy['...'] = `${keys.length - breadth} items not stringified`;
    }
    above.delete(value);
    return copy;
}

function sendLog(level, message, meta) {
    const text = meta === undefined ? undefined : jsonText(plainCopy(Array.isArray(meta) ? { ...meta } : meta, 10, 20, new Set()));
    tell({ op: 'log', level, message: clip(message, 10_000).toWellFormed() }, text === undefined ? [] : [clip(text, 99_000) === text ? text : JSON.stringify({ truncated: clip(text, 90_000) })]);
}

async function log(...args) {
    checkAbort();
    try {
        let level = 'info';
        const last = args[args.length - 1];
        if (args.length > 0 && isPlain(last) && 'level' in last) {
            args.pop();
            level = String(last.level);
        }
        level = LEGACY_LEVELS[level] ?? (level in LEVELS ? level : 'info');
        if (level === 'off' || LEVELS[level] < (LEVELS[run.level] ?? 2)) return;
        const [message, meta] = args;
        sendLog(level, typeof message === 'string' ? message : readable(message), meta);
    } catch {
        // A log line never fails a run.
    }
}

const platformMethods = {
    get: (config) => proxy({ ...config, method: 'GET' }),
    post: (config) => proxy({ ...config, method: 'POST' }),
    put: (config) => proxy({ ...config, method: 'PUT' }),
    patch: (config) => proxy({ ...config, method: 'PATCH' }),
    delete: (config) => proxy({ ...config, method: 'DELETE' }),
    proxy,
    paginate,
    uncontrolledFetch,
    log,
    getConnection,
    getMetadata,
    getFieldMapping: async () => (await getMetadata())?.fieldMapping ?? {},
    setMetadata: (metadata) => writeMetadata('setMetadata', metadata),
    updateMetadata: (metadata) => writeMetadata('updateMetadata', metadata),
    setFieldMapping: (mapping) => writeMetadata('updateMetadata', { fieldMapping: mapping }),
    getToken: () => ask({ op: 'getToken' }),
    getIntegration: async (options) => getIntegration(options),
    getWebhookURL: async () => (await getIntegration({ include: ['webhook'] })).webhook_url,
    getEnvironmentVariables: () => ask({ op: 'getEnvironmentVariables' }),
    getFlowAttributes: () => {
        if (run.kind !== 'sync') throw new Error('There is no current script to get attributes from');
        return run.context.syncConfig?.attributes ?? {};
    },

    triggerAction: (providerConfigKey, connectionId, action, input) =>
        ask({ op: 'triggerAction', providerConfigKey: String(providerConfigKey), connectionId: String(connectionId), action: String(action) }, input === undefined ? [] : [jsonText(input) ?? 'null']),
    triggerSync: (providerConfigKey, connectionId, sync, options) =>
        ask({ op: 'triggerSync', providerConfigKey: String(providerConfigKey), connectionId: String(connectionId), sync: syncReference(sync), ...syncOptions(options) }),
    startSync: (providerConfigKey, syncs, connectionId) =>
        ask({ op: 'startSync', providerConfigKey: String(providerConfigKey), syncs: (Array.isArray(syncs) ? syncs : [syncs]).map(syncReference), connectionId: connectionId === undefined ? undefined : String(connectionId) }),

    getCheckpoint: () => ask({ op: 'getCheckpoint' }),
    saveCheckpoint: (checkpoint) => ask({ op: 'saveCheckpoint' }, [jsonText(checkpoint) ?? 'null']),
    clearCheckpoint: () => ask({ op: 'clearCheckpoint' }),

    tryAcquireLock: async (options) => {
        const key = lockKey(options?.key);
        const ttlMs = Number(options?.ttlMs);
        if (!(ttlMs > 0)) throw new Error('Invalid lock TTL (must be greater than 0)');
        return ask({ op: 'tryAcquireLock', key, ttlMs: Math.min(Math.ceil(ttlMs), Number.MAX_SAFE_INTEGER) });
    },
    releaseLock: async (options) => ask({ op: 'releaseLock', key: lockKey(options?.key) }),
    releaseAllLocks: () => ask({ op: 'releaseAllLocks' }),

    setLogger: (options) => {
        if (run.level !== 'off' && options?.level in LEVELS) run.level = options.level;
    },
    zodValidateInput: async ({ zodSchema, input }) => {
        if (replaying()) return { data: input };
        const parsed = zodSchema.safeParse(input);
        if (parsed.success) return parsed;
        for (const issue of parsed.error.issues) {
            await log(`Invalid input provided to the function: ${issue.message} at path ${issue.path.join('.')}`, { level: 'error' });
        }
        throw new ActionError({ message: 'Invalid input provided' });
    }
};
