'use strict';

const tag = (value) => Object.prototype.toString.call(value).slice(8, -1);
const isObject = (value) => typeof value === 'object' && value !== null;

const types = {
    isDate: (value) => tag(value) === 'Date',
    isRegExp: (value) => tag(value) === 'RegExp',
    isMap: (value) => tag(value) === 'Map',
    isSet: (value) => tag(value) === 'Set',
    isWeakMap: (value) => tag(value) === 'WeakMap',
    isWeakSet: (value) => tag(value) === 'WeakSet',
    isPromise: (value) => tag(value) === 'Promise',
    isNativeError: (value) => value instanceof Error,
    isTypedArray: (value) => ArrayBuffer.isView(value) && !(value instanceof DataView),
    isUint8Array: (value) => value instanceof Uint8Array,
    isArrayBufferView: (value) => ArrayBuffer.isView(value),
    isArrayBuffer: (value) => tag(value) === 'ArrayBuffer',
    isSharedArrayBuffer: (value) => tag(value) === 'SharedArrayBuffer',
    isAnyArrayBuffer: (value) => tag(value) === 'ArrayBuffer' || tag(value) === 'SharedArrayBuffer',
    isDataView: (value) => tag(value) === 'DataView',
    isAsyncFunction: (value) => tag(value) === 'AsyncFunction',
    isGeneratorFunction: (value) => tag(value) === 'GeneratorFunction' || tag(value) === 'AsyncGeneratorFunction',
    isGeneratorObject: (value) => tag(value) === 'Generator',
    isSymbolObject: (value) => isObject(value) && tag(value) === 'Symbol',
    isNumberObject: (value) => isObject(value) && tag(value) === 'Number',
    isStringObject: (value) => isObject(value) && tag(value) === 'String',
    isBooleanObject: (value) => isObject(value) && tag(value) === 'Boolean',
    isBigIntObject: (value) => isObject(value) && tag(value) === 'BigInt',
    isBoxedPrimitive: (value) => isObject(value) && ['Symbol', 'Number', 'String', 'Boolean', 'BigInt'].includes(tag(value)),
    isProxy: () => false,
    isExternal: () => false,
    isModuleNamespaceObject: () => false
};

const quoted = (text) => `'${JSON.stringify(text).slice(1, -1).replace(/\\"/g, '"').replace(/'/g, "\\'")}'`;
const custom = Symbol.for('nodejs.util.inspect.custom');

function inspect(value, options) {
    const settings = typeof options === 'object' && options !== null ? options : {};
    return show(value, { ...settings, depth: settings.depth === null ? Infinity : (settings.depth ?? 2) }, 0, []);
}

function show(value, options, level, above) {
    if (typeof value === 'string') return quoted(value);
    if (typeof value === 'bigint') return `${value}n`;
    if (Object.is(value, -0)) return '-0';
    if (typeof value === 'function') return /^class\b/.test(Function.prototype.toString.call(value)) ? `[class ${value.name || '(anonymous)'}]` : `[Function${value.name ? `: ${value.name}` : ' (anonymous)'}]`;
    if (!isObject(value)) return String(value);
    if (typeof value[custom] === 'function') {
        const shown = value[custom](options.depth - level, options, inspect);
        return typeof shown === 'string' ? shown : show(shown, options, level, above);
    }
    if (above.includes(value)) return '[Circular *1]';
    if (value instanceof Error) return value.stack ? `${value.name}: ${value.message}\n${value.stack}`.trimEnd() : `[${value.name}: ${value.message}]`;
    if (types.isDate(value)) return Number.isNaN(value.getTime()) ? 'Invalid Date' : value.toISOString();
    if (types.isRegExp(value)) return String(value);
    const name = value.constructor?.name ?? '[Object: null prototype]';
    if (level > options.depth) return Array.isArray(value) ? '[Array]' : `[${name === '[Object: null prototype]' ? 'Object: null prototype' : name}]`;
    const inner = (item) => show(item, options, level + 1, [...above, value]);
    const key = (one) => (typeof one === 'symbol' ? `[${String(one)}]` : /^[A-Za-z_$][\w$]*$/.test(one) ? one : quoted(one));
    const members = Object.keys(value)
        .filter((one) => !((Array.isArray(value) || ArrayBuffer.isView(value)) && /^\d+$/.test(one)))
        .map((one) => `${key(one)}: ${inner(value[one])}`);
    let prefix = name === 'Object' ? '' : `${name} `;
    let [open, close] = ['{', '}'];
    let items = [];
    if (Array.isArray(value) || types.isTypedArray(value)) {
        [open, close] = ['[', ']'];
        prefix = Array.isArray(value) && name === 'Array' ? '' : `${name}(${value.length}) `;
        items = Array.from(value.slice(0, 100), inner);
        if (value.length > 100) items.push(`... ${value.length - 100} more item${value.length > 101 ? 's' : ''}`);
    } else if (types.isMap(value)) {
        prefix = `${name}(${value.size}) `;
        items = Array.from(value, ([one, item]) => `${inner(one)} => ${inner(item)}`);
    } else if (types.isSet(value)) {
        prefix = `${name}(${value.size}) `;
        items = Array.from(value, inner);
    }
    items.push(...members);
    if (items.length === 0) return `${prefix}${open}${close}`;
    const line = `${prefix}${open} ${items.join(', ')} ${close}`;
    if (line.length <= 72 + level * 2 && !line.includes('\n')) return line;
    const indent = '  '.repeat(level + 1);
    return `${prefix}${open}\n${indent}${items.join(`,\n${indent}`)}\n${'  '.repeat(level)}${close}`;
}
inspect.custom = custom;
inspect.defaultOptions = { depth: 2 };

function format(first, ...rest) {
    const text = (value) => (typeof value === 'string' ? value : inspect(value));
    if (typeof first !== 'string') return [first, ...rest].map(text).join(' ');
    let used = 0;
    const filled = first.replace(/%[sdifjoOc%]/g, (mark) => {
        if (mark === '%%') return rest.length > 0 ? '%' : '%%';
        if (used >= rest.length) return mark;
        const value = rest[used++];
        switch (mark) {
            case '%s':
                return typeof value === 'string' ? value : isObject(value) ? (value instanceof Error ? String(value) : inspect(value, { depth: 0 })) : typeof value === 'bigint' ? `${value}n` : String(value);
            case '%d':
                return typeof value === 'bigint' ? `${value}n` : String(isObject(value) ? NaN : Number(value));
            case '%i':
                return typeof value === 'bigint' ? `${value}n` : String(isObject(value) ? NaN : parseInt(value, 10));
            case '%f':
                return String(parseFloat(value));
            case '%j':
                return JSON.stringify(value);
            case '%c':
                return '';
            default:
                return inspect(value, { depth: 4 });
        }
    });
    return [filled, ...rest.slice(used).map(text)].join(' ');
}

function isDeepStrictEqual(a, b, seen = []) {
    if (Object.is(a, b)) return true;
    if (!isObject(a) || !isObject(b) || Object.getPrototypeOf(a) !== Object.getPrototypeOf(b)) return false;
    if (seen.some(([x, y]) => x === a && y === b)) return true;
    const deeper = [...seen, [a, b]];
    const same = (x, y) => isDeepStrictEqual(x, y, deeper);
    if (types.isDate(a)) return a.getTime() === b.getTime();
    if (types.isRegExp(a)) return String(a) === String(b);
    if (a instanceof Error && (a.name !== b.name || a.message !== b.message)) return false;
    if (types.isSet(a)) return a.size === b.size && [...a].every((x) => b.has(x) || [...b].some((y) => same(x, y)));
    if (types.isMap(a)) return a.size === b.size && [...a].every(([key, value]) => (b.has(key) ? same(value, b.get(key)) : [...b].some(([other, item]) => same(key, other) && same(value, item))));
    const keys = Object.keys(a);
    return keys.length === Object.keys(b).length && keys.every((key) => Object.hasOwn(b, key) && same(a[key], b[key]));
}

function promisify(original) {
    if (typeof original !== 'function') throw new TypeError('The "original" argument must be of type function');
    if (typeof original[promisify.custom] === 'function') return original[promisify.custom];
    return function (...args) {
        return new Promise((resolve, reject) => {
            original.call(this, ...args, (error, value) => (error ? reject(error) : resolve(value)));
        });
    };
}
promisify.custom = Symbol.for('nodejs.util.promisify.custom');

function callbackify(original) {
    return function (...args) {
        const callback = args.pop();
        original.apply(this, args).then(
            (value) => queueMicrotask(() => callback(null, value)),
            (error) => queueMicrotask(() => callback(error ?? new Error('Promise was rejected with a falsy value')))
        );
    };
}

function inherits(child, parent) {
    Object.defineProperty(child, 'super_', { value: parent, writable: true, configurable: true });
    Object.setPrototypeOf(child.prototype, parent.prototype);
}

module.exports = {
    types,
    inspect,
    format,
    formatWithOptions: (_, ...args) => format(...args),
    isDeepStrictEqual: (a, b) => isDeepStrictEqual(a, b),
    promisify,
    callbackify,
    inherits,
    deprecate: (original) => original,
    debuglog: () => Object.assign(() => {}, { enabled: false }),
    debug: () => Object.assign(() => {}, { enabled: false }),
    stripVTControlCharacters: (text) => String(text).replace(/\u001b\[[0-9;]*[A-Za-z]/g, ''),
    toUSVString: (text) => String(text).toWellFormed(),
    TextEncoder,
    TextDecoder,
    isArray: Array.isArray,
    isBoolean: (value) => typeof value === 'boolean',
    isNull: (value) => value === null,
    isNullOrUndefined: (value) => value === null || value === undefined,
    isNumber: (value) => typeof value === 'number',
    isString: (value) => typeof value === 'string',
    isSymbol: (value) => typeof value === 'symbol',
    isUndefined: (value) => value === undefined,
    isObject,
    isFunction: (value) => typeof value === 'function',
    isPrimitive: (value) => !isObject(value) && typeof value !== 'function',
    isBuffer: Buffer.isBuffer,
    isRegExp: types.isRegExp,
    isDate: types.isDate,
    isError: (value) => value instanceof Error
};
