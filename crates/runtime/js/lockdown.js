// Freezes what runs share: built-ins, the prelude's classes and modules. An isolate that served one run can then
// serve the next of the same connection without carrying changes of its built-ins over.

const GIVEN = { Date, performance, Intl, atob, btoa, Buffer, URL, URLSearchParams, TextEncoder, TextDecoder, structuredClone, setTimeout, setInterval, setImmediate, queueMicrotask, clearTimeout, clearInterval: clearTimeout, clearImmediate: clearTimeout, console, AbortController, AbortSignal, Headers, Response, CryptoKey, WeakRef: KeptRef, crypto: webCrypto };

const refusedEval = {
    eval() {
        const error = new EvalError('Code generation from strings disallowed for this context');
        throw error;
    }
};

// Members that ordinary code assigns on its own objects (`this.name = …` in an error class). Frozen data members of
// a prototype would refuse that, so they become accessors which give the object its own member instead.
const ASSIGNED = ['constructor', 'name', 'message', 'toString', 'valueOf', 'toLocaleString', 'hasOwnProperty', 'toJSON', 'then', 'call', 'apply', 'bind', 'stack', 'cause', 'code'];

function softenMember(prototype, key) {
    const descriptor = Reflect.getOwnPropertyDescriptor(prototype, key);
    if (descriptor === undefined || !('value' in descriptor) || !descriptor.configurable) return;
    const value = descriptor.value;
    Object.defineProperty(prototype, key, {
        get() {
            return value;
        },
        set(next) {
            if (this === prototype || (typeof this !== 'object' && typeof this !== 'function')) throw new TypeError(`'${key}' of a built-in is read-only`);
            Object.defineProperty(this, key, { value: next, writable: true, enumerable: true, configurable: true });
        },
        enumerable: descriptor.enumerable,
        configurable: false
    });
}

// What may get members of its own, as polyfills and habits want it (`Array.prototype.last = …`). Members that are there
// cannot be replaced, and a run that added one is not followed by another in its isolate.
const EXTENSIBLE = new Set([
    Array.prototype, String.prototype, Number.prototype, Boolean.prototype, BigInt.prototype, Symbol.prototype, EngineDate.prototype, Promise.prototype,
    Map.prototype, Set.prototype, RegExp.prototype, Error.prototype, Array, Object, String, Number, Promise, Math
]);

const ANCESTORS = [...EXTENSIBLE].map((object) => [object, Reflect.getPrototypeOf(object)]);

function lock(object) {
    if (!EXTENSIBLE.has(object)) {
        Object.freeze(object);
        return;
    }
    for (const key of Reflect.ownKeys(object)) {
        const { writable } = Reflect.getOwnPropertyDescriptor(object, key);
        Object.defineProperty(object, key, writable === true ? { writable: false, configurable: false } : { configurable: false });
    }
}

// Grows with every member that was added, however it was, and with every prototype that was exchanged; nothing makes it smaller.
function additions() {
    let count = 0;
    for (const [object, prototype] of ANCESTORS) count += Reflect.ownKeys(object).length + (Reflect.getPrototypeOf(object) === prototype ? 0 : 1);
    return count;
}

function freezeDeep(root, seen) {
    const queue = [root];
    while (queue.length > 0) {
        const object = queue.pop();
        if ((typeof object !== 'object' && typeof object !== 'function') || object === null || seen.has(object)) continue;
        seen.add(object);
        queue.push(Reflect.getPrototypeOf(object));
        for (const key of Reflect.ownKeys(object)) {
            const descriptor = Reflect.getOwnPropertyDescriptor(object, key);
            if ('value' in descriptor) queue.push(descriptor.value);
            else queue.push(descriptor.get, descriptor.set);
        }
        lock(object);
    }
}

function lockdown() {
    Object.defineProperty(Math, 'random', { value: random, writable: true, configurable: true, enumerable: false });
    for (const [name, value] of Object.entries(GIVEN)) Object.defineProperty(globalThis, name, { value, writable: true, configurable: true, enumerable: false });
    Object.defineProperty(globalThis, 'eval', { value: refusedEval.eval, writable: false, configurable: false, enumerable: false });

    const softened = [Object.prototype, Function.prototype, Error.prototype, Promise.prototype, Array.prototype, Date.prototype, AxiosError.prototype, SDKError.prototype];
    for (const name of ['TypeError', 'RangeError', 'SyntaxError', 'ReferenceError', 'EvalError', 'URIError', 'AggregateError']) softened.push(globalThis[name].prototype);
    for (const prototype of softened) for (const key of ASSIGNED) softenMember(prototype, key);

    const seen = new Set([globalThis]);
    const generators = [function* () {}, async function () {}, async function* () {}, [][Symbol.iterator](), ''.matchAll(/a/g), new Map().entries(), new Set().values(), ''[Symbol.iterator]()];
    for (const value of generators) freezeDeep(Reflect.getPrototypeOf(value), seen);
    for (const key of Reflect.ownKeys(globalThis)) {
        const descriptor = Reflect.getOwnPropertyDescriptor(globalThis, key);
        if (!('value' in descriptor)) continue;
        freezeDeep(descriptor.value, seen);
        if (descriptor.configurable && key !== 'globalThis') Object.defineProperty(globalThis, key, { writable: false, configurable: false });
    }
    for (const value of [ActionError, SDKError, AxiosError, AxiosHeaders, Bytes, Timeout, Blob, LegacyUrl, SearchIterator, sitePrototype, writeStack, crypto, urlModule, bufferModule, Hash, Sign, Cipher, PartsOfText, soapModule, unzipperModule, Wsdl, SoapWriter, SoapReader, ZipEntry, ZipStream, ZipParse]) freezeDeep(value, seen);
    return globalCount();
}
