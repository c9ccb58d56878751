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
        target.lastSyncDate = context.lastSyncDate ? new Date(context.lastSyncDate) : context.replay ? null : undefined;
        target.track_deletes = context.track_deletes ?? false;
        target.emptyCache = context.emptyCache;
    }
    if (context.trigger !== undefined) narrow(target, context.trigger.capabilities, context);
    if (context.replay?.kit) keepKitMembers(target, context.replay.kit);
    if (context.replay?.fixture) target.fixtureProvider = Promise.resolve({ mockData: context.replay.fixture });
    return new Proxy(target, guardTraps);
}

const OUTBOUND_METHODS = ['get', 'post', 'put', 'patch', 'delete', 'proxy', 'paginate', 'uncontrolledFetch', 'getToken'];
const INVOKE_METHODS = ['triggerAction', 'triggerSync', 'startSync'];
const CHECKPOINT_METHODS = ['getCheckpoint', 'saveCheckpoint', 'clearCheckpoint'];
const METADATA_METHODS = ['getMetadata', 'setMetadata', 'updateMetadata', 'getFieldMapping', 'setFieldMapping'];

// Functions made by createFunction have what they declared, and nothing else.
function narrow(target, capabilities, context) {
    const without = (names) => names.forEach((name) => delete target[name]);
    if (capabilities.usesRecords) Object.assign(target, recordMethods);
    else without(Object.keys(recordMethods));
    if (!capabilities.usesOutbound) without(OUTBOUND_METHODS);
    if (!capabilities.usesCheckpoints) without(CHECKPOINT_METHODS);
    if (!capabilities.usesMetadata) without(METADATA_METHODS);
    if (!capabilities.usesInvoke) without(INVOKE_METHODS);
    if (!capabilities.usesOutbound || !capabilities.usesMetadata) target.getConnection = (...args) => narrowConnection(platformMethods.getConnection(...args), capabilities);
    target.getVariant = () => context.variant ?? 'base';
    if (capabilities.usesInvoke) target.invoke = invoke;
    target.searchConnections = async () => {
        throw new Error('nango.searchConnections is not offered: a function sees its own connection only');
    };
}

async function narrowConnection(asked, { usesOutbound, usesMetadata }) {
    const { credentials, metadata, ...shown } = await asked;
    if (usesOutbound && credentials !== undefined) shown.credentials = credentials;
    if (usesMetadata && metadata !== undefined) shown.metadata = metadata;
    return shown;
}

// Runs another function by its name, on this connection and integration unless others are named, and waits for it.
async function invoke(wanted, options) {
    const name = typeof wanted === 'string' ? wanted : wanted?.name;
    if (typeof name !== 'string') throw new Error("nango.invoke needs the name of a function: nango.invoke('name', { input }) or nango.invoke({ name, integrationId }, { input })");
    const connection = typeof options?.connection === 'string' ? options.connection : options?.connection?.connectionId;
    return platformMethods.triggerAction(wanted.integrationId ?? options?.connection?.integrationId ?? run.context.providerConfigKey, connection ?? run.context.connectionId, name, options?.input);
}
