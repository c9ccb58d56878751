// The object that functions receive.

const BLOCKED = new Set([
    'nango', 'persistClient', 'locking', 'checkpointing', 'checkpointKey', 'integrationConfig', 'memoizedConnections', 'memoizedIntegration',
    'attributes', 'telemetryBag', 'abortSignal', 'lifecycle', 'throwIfAborted', 'sendLogToPersist', 'getProxyConfig', 'stringify',
    '__proto__', 'constructor'
]);

function deny(name) {
    throw new Error(`Access to "${String(name)}" is not allowed.`);
}

const guardTraps = Object.freeze({
    __proto__: null,
    get(target, name) {
        if (BLOCKED.has(name)) deny(name);
        return target[name];
    },
    set(target, name, value) {
        if (BLOCKED.has(name)) deny(name);
        target[name] = value;
        return true;
    },
    has(target, name) {
        return !BLOCKED.has(name) && name in target;
    },
    deleteProperty(target, name) {
        if (BLOCKED.has(name)) deny(name);
        return delete target[name];
    },
    defineProperty(target, name, descriptor) {
        if (BLOCKED.has(name)) deny(name);
        return Reflect.defineProperty(target, name, descriptor);
    },
    getOwnPropertyDescriptor(target, name) {
        if (BLOCKED.has(name)) deny(name);
        return Reflect.getOwnPropertyDescriptor(target, name);
    },
    getPrototypeOf() {
        return null;
    },
    setPrototypeOf() {
        return false;
    }
});

const SCRIPT_TYPES = { __proto__: null, sync: 'sync', action: 'action', webhook: 'webhook', 'on-event': 'on-event' };
const COMMON_PROPERTIES = ['connectionId', 'providerConfigKey', 'provider', 'environmentId', 'environmentName', 'accountId', 'nangoConnectionId', 'activityLogId', 'syncConfig', 'isCLI'];
const SYNC_PROPERTIES = ['syncId', 'syncJobId', 'variant'];

function makeNango(current) {
    const context = current.context;
    const target = Object.assign(Object.create(null), platformMethods);
    for (const name of COMMON_PROPERTIES) target[name] = context[name];
    target.scriptType = SCRIPT_TYPES[current.kind];
    target.runnerFlags = {};
    target.logger = { level: current.level };
    target.ActionError = ActionError;
    if (current.kind === 'sync' || current.kind === 'webhook') {
        Object.assign(target, recordMethods);
        for (const name of SYNC_PROPERTIES) target[name] = context[name];
        target.variant ??= 'base';
    }
    if (current.kind === 'sync') {
        target.lastSyncDate = context.lastSyncDate ? new Date(context.lastSyncDate) : undefined;
        target.track_deletes = context.track_deletes ?? false;
        target.emptyCache = context.emptyCache;
    }
    if (context.replay?.fixture) target.fixtureProvider = Promise.resolve({ mockData: context.replay.fixture });
    return new Proxy(target, guardTraps);
}
