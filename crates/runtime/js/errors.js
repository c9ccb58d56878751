// Errors that functions meet and throw.

class ActionError extends Error {
    constructor(payload) {
        super();
        this.type = 'action_script_runtime_error';
        this.payload = payload;
    }
}

class SDKError extends Error {
    constructor(code, message, payload) {
        super(message);
        this.code = code;
        this.payload = payload === undefined ? {} : payload;
    }
}

class AxiosError extends Error {
    constructor(message, code, config, request, response) {
        super(message);
        this.code = code;
        this.config = config;
        this.request = request;
        if (response !== undefined) {
            this.response = response;
            this.status = response.status;
        }
    }

    toJSON() {
        return { message: this.message, name: this.name, code: this.code, status: this.status ?? null, config: this.config };
    }
}
for (const [type, name] of [[SDKError, 'SDKError'], [AxiosError, 'AxiosError']]) {
    Object.defineProperty(type.prototype, 'name', { value: name, writable: true, configurable: true });
}
Object.defineProperty(AxiosError.prototype, 'isAxiosError', { value: true });

// An error with a code, as Node's own functions throw them.
function codedError(type, code, message) {
    const error = new type(message);
    Object.defineProperty(error, 'code', { value: code, writable: true, enumerable: true, configurable: true });
    return error;
}

// Marks an error as caused by our own API and not by a provider.
const platformErrors = new WeakSet();

// The engine words some failures differently from the one that functions were tested with; people and
// recorded expectations know these words.
const FAMILIAR = {
    __proto__: null,
    'circular reference': 'Converting circular structure to JSON',
    'BigInt are forbidden in JSON.stringify': 'Do not know how to serialize a BigInt',
    'Maximum call stack size exceeded.': 'Maximum call stack size exceeded',
    'invalid array length': 'Invalid array length',
    'Date value is NaN': 'Invalid time value',
    'empty array': 'Reduce of empty array with no initial value'
};

function familiarMessage(name, message) {
    if (name === 'URIError') return 'URI malformed';
    if (name !== 'TypeError' && name !== 'RangeError') return message;
    const access = /^cannot (read|set) property '(.*)' of (undefined|null)$/s.exec(message);
    if (access) return `Cannot ${access[1]} properties of ${access[3]} (${access[1] === 'read' ? 'reading' : 'setting'} '${access[2]}')`;
    return FAMILIAR[message] ?? message;
}

// Places in a stack know the functions themselves. Ours are not to be had that way; in strict code, nobody's are.
Error.prepareStackTrace = (error, sites) => sites;
const sitePrototype = Reflect.getPrototypeOf(new Error().stack[0]);
const functionOfSite = sitePrototype.getFunction;
for (const name of ['getFunction', 'getThis']) {
    if (name in sitePrototype) Object.defineProperty(sitePrototype, name, { value: () => undefined, writable: true, configurable: true });
}

// Whether a function on the stack is the constructor of the error, which people do not look for.
function makes(site, error) {
    const made = functionOfSite.call(site);
    return typeof made === 'function' && made !== Error && typeof made.prototype === 'object' && made.prototype instanceof Error && error instanceof made;
}

// Called by the engine for each new error: gives its stack, with the first line that people look for, and puts the
// familiar words in place of the engine's.
function writeStack(error, sites) {
    const name = error.name;
    const own = Reflect.getOwnPropertyDescriptor(error, 'message');
    if (own !== undefined && typeof own.value === 'string') {
        const message = familiarMessage(name, own.value);
        if (message !== own.value) Object.defineProperty(error, 'message', { value: message, writable: true, enumerable: false, configurable: true });
    }
    const message = error.message;
    let stack = name === undefined ? 'Error' : String(name);
    if (message !== undefined && message !== '') stack = stack === '' ? String(message) : `${stack}: ${message}`;
    let begin = 0;
    while (begin < sites.length && makes(sites[begin], error)) begin++;
    for (const site of sites.slice(begin)) {
        const file = site.getFileName();
        // Our own part of the way is nobody's business.
        if (file === '' && !site.isNative()) continue;
        const line = site.getLineNumber();
        const place = site.isNative() ? 'native' : line === null || line < 0 ? String(file) : `${file}:${line}:${site.getColumnNumber()}`;
        stack += `\n    at ${site.getFunctionName() || '<anonymous>'} (${place})`;
    }
    Object.defineProperty(error, 'stack', { value: stack, writable: true, enumerable: false, configurable: true });
    return stack;
}

const STACK_LINES = 10;

const engineStacks = Reflect.getOwnPropertyDescriptor(Error, 'prepareStackTrace');

// A run that writes stacks in its own way does so for itself only.
function resetStacks() {
    engineStacks.set.call(Error, writeStack);
    Error.stackTraceLimit = STACK_LINES;
}

// What is no function asks for the usual way.
Object.defineProperty(Error, 'prepareStackTrace', {
    get() {
        const writer = engineStacks.get.call(Error);
        return writer === writeStack ? undefined : writer;
    },
    set(writer) {
        engineStacks.set.call(Error, typeof writer === 'function' ? writer : writeStack);
    },
    enumerable: false,
    configurable: true
});

const engineStack = Reflect.getOwnPropertyDescriptor(Error.prototype, 'stack');
Object.defineProperty(Error.prototype, 'stack', {
    get: engineStack.get,
    set(value) {
        if (this === Error.prototype) throw new TypeError("'stack' of a built-in is read-only");
        Object.defineProperty(this, 'stack', { value, writable: true, enumerable: false, configurable: true });
    },
    enumerable: false,
    configurable: true
});
resetStacks();
