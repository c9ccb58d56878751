// structuredClone, as far as functions can see it.

function cloneError(what) {
    return domError('DataCloneError', 25, `${what} could not be cloned.`);
}

const CLONED_ERRORS = { __proto__: null, EvalError, RangeError, ReferenceError, SyntaxError, TypeError, URIError };

function structuredClone(value, options) {
    needArguments(arguments.length, 'value');
    const copy = cloner();
    const result = copy(value);
    for (const memory of options?.transfer ?? []) if (memory instanceof ArrayBuffer) memory.transfer(0);
    return result;
}

function cloner() {
    const seen = new Map();
    const copy = (source) => {
        if (typeof source === 'function' || typeof source === 'symbol') throw cloneError(String(source));
        if (typeof source !== 'object' || source === null) return source;
        if (seen.has(source)) return seen.get(source);
        const keep = (target) => {
            seen.set(source, target);
            return target;
        };
        const special = cloneSpecial(source, copy, keep);
        if (special !== undefined) return special;
        const target = keep(Array.isArray(source) ? new Array(source.length) : {});
        for (const key of Object.keys(source)) Object.defineProperty(target, key, { value: copy(source[key]), writable: true, enumerable: true, configurable: true });
        return target;
    };
    return copy;
}

function cloneSpecial(source, copy, keep) {
    if (source instanceof Date) return keep(new Date(source.getTime()));
    if (source instanceof RegExp) return keep(new RegExp(source.source, source.flags));
    if (source instanceof Boolean || source instanceof Number || source instanceof String || source instanceof BigInt) return keep(Object(source.valueOf()));
    if (source instanceof ArrayBuffer) return keep(source.slice(0));
    if (ArrayBuffer.isView(source)) {
        const memory = copy(source.buffer);
        if (source instanceof DataView) return keep(new DataView(memory, source.byteOffset, source.byteLength));
        const type = source instanceof Bytes ? Uint8Array : source.constructor;
        return keep(new type(memory, source.byteOffset, source.length));
    }
    if (source instanceof Map) {
        const target = keep(new Map());
        for (const [key, item] of [...source]) target.set(copy(key), copy(item));
        return target;
    }
    if (source instanceof Set) {
        const target = keep(new Set());
        for (const item of [...source]) target.add(copy(item));
        return target;
    }
    if (source instanceof Error) return cloneFailure(source, copy, keep);
    for (const type of [Promise, WeakMap, WeakSet, WeakRef, URL, URLSearchParams, Headers, Response, AbortSignal]) {
        if (source instanceof type) throw cloneError(`#<${type.name}>`);
    }
    return undefined;
}

// An error keeps its words and its kind, when the kind is one of the language's.
function cloneFailure(source, copy, keep) {
    const hide = (target, name, value) => Object.defineProperty(target, name, { value, writable: true, enumerable: false, configurable: true });
    const target = keep(new (CLONED_ERRORS[source.name] ?? Error)());
    if ('message' in source) hide(target, 'message', String(source.message));
    hide(target, 'stack', source.stack);
    if (Object.hasOwn(source, 'cause')) hide(target, 'cause', copy(source.cause));
    return target;
}
