// Loading a bundle and calling it.

const MODULES = {
    __proto__: null,
    crypto: () => crypto,
    url: () => urlModule,
    zod: () => native.zod(),
    buffer: () => bufferModule,
    soap: () => soapModule,
    unzipper: () => unzipperModule
};

// Bundles read default imports as `module.default`.
for (const module of [crypto, urlModule, bufferModule, soapModule, unzipperModule]) Object.defineProperty(module, 'default', { value: module });

const InternalErrorType = globalThis.InternalError ?? class {};

function require(name) {
    const plain = typeof name === 'string' && name.startsWith('node:') ? name.slice(5) : name;
    const load = typeof plain === 'string' ? MODULES[plain] : undefined;
    if (load === undefined || (plain === 'zod' && name !== 'zod')) throw new Error(`Module '${String(name)}' is not allowed`);
    return load();
}

// Evaluates the bundle; `factory` is the function that the compiler made of its text.
function loadBundle(factory) {
    const module = { exports: {} };
    loading = true;
    // Nothing is caught here: the engine writes the stack of what is thrown again anew, without the bundle's own places.
    factory.call(module.exports, module, module.exports, require, undefined, undefined);
    loading = false;
    return module.exports;
}

const EXPECTED_TYPE = { __proto__: null, sync: 'sync', webhook: 'sync', action: 'action', 'on-event': 'onEvent' };

function isEmptyObject(value) {
    return isPlain(value) && Object.keys(value).length === 0;
}

function chooseCall(kind, exports, context) {
    const definition = exports.default ?? (typeof exports === 'function' ? exports : undefined);
    if (typeof definition === 'function') {
        if (kind === 'webhook') {
            if (typeof exports.onWebhookPayloadReceived !== 'function') throw new Error('Missing onWebhookPayloadReceived function');
            return (nango, input) => exports.onWebhookPayloadReceived(nango, input);
        }
        return (nango, input) => definition(nango, kind === 'action' && isEmptyObject(input) ? undefined : input);
    }
    if (!isPlain(definition)) throw new Error('Invalid default export: a function definition is expected');
    if (context.legacySdk) throw new Error('Invalid script exports: this deployment must export a function');
    if (definition.type === 'function') {
        if (context.trigger === undefined) throw new Error(`Incorrect script loaded for ${kind}`);
        if (typeof definition.exec !== 'function') throw new Error('Missing exec function');
        return (nango, input) => definition.exec(nango, triggerOf(context.trigger, input));
    }
    if (definition.type !== EXPECTED_TYPE[kind]) throw new Error(`Incorrect script loaded for ${kind}`);
    if (kind === 'webhook') {
        if (typeof definition.onWebhook !== 'function') throw new Error('Missing onWebhook function');
        return (nango, input) => definition.onWebhook(nango, input);
    }
    if (typeof definition.exec !== 'function') throw new Error('Missing exec function');
    return kind === 'action' ? (nango, input) => definition.exec(nango, input) : (nango) => definition.exec(nango);
}

// What a function made by createFunction is told about its start: by a call, its schedule, a message or an event.
function triggerOf({ kind, connection, event }, given) {
    const trigger = { kind, input: undefined, connection };
    if (kind === 'none') trigger.input = given;
    if (kind === 'event') trigger.event = event;
    if (kind === 'http') {
        trigger.request = given?.request;
        trigger.input = given?.request?.body;
        if (given?.coalesced !== undefined) trigger.coalesced = given.coalesced;
    }
    return trigger;
}

let loaded;

// Loads a bundle ahead of its runs; the isolate then becomes the template of others.
function preload(factory) {
    loaded = loadBundle(factory);
}

// Starts a run. `factory` is absent when this isolate has loaded the bundle before.
function start(kind, filename, context, input, factory) {
    run = newRun(kind, context);
    run.filename = filename;
    // Still set when an earlier load failed.
    loading = false;
    resetStacks();
    beginReplay(context);
    beginTape();
    forgetCalls();
    timers.clear();
    execute(kind, input, factory).then(
        (text) => native.succeed(text),
        (thrown) => sendFailure(thrown)
    );
}

async function execute(kind, input, factory) {
    if (factory !== undefined) loaded = loadBundle(factory);
    const call = chooseCall(kind, loaded, run.context);
    const nango = makeNango(run);
    const asGiven = replaying() || run.context.trigger !== undefined;
    const result = await call(nango, kind === 'action' && !asGiven ? input || {} : input);
    if (run.batches !== undefined) await sendBatches();
    await writesDone();
    if (kind === 'sync') return 'true';
    if (kind !== 'action') return 'null';
    return jsonText(result) ?? 'null';
}

function globalCount() {
    return Reflect.ownKeys(globalThis).length + additions();
}
