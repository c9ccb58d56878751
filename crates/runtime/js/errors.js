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

// Marks an error as caused by our own API and not by a provider.
const platformErrors = new WeakSet();

// The engine words some failures differently from the one that functions were tested with; people and
// recorded expectations know these words.
function familiarMessage(name, message) {
    if (name === 'TypeError') {
        const read = /^cannot read property '(.*)' of (undefined|null)$/s.exec(message);
        if (read) return `Cannot read properties of ${read[2]} (reading '${read[1]}')`;
        const write = /^cannot set property '(.*)' of (undefined|null)$/s.exec(message);
        if (write) return `Cannot set properties of ${write[2]} (setting '${write[1]}')`;
        if (message === 'circular reference') return 'Converting circular structure to JSON';
        if (/^BigInt are forbidden in JSON\.stringify$|bigint.*json/i.test(message)) return 'Do not know how to serialize a BigInt';
    }
    if (name === 'RangeError' && message === 'Maximum call stack size exceeded.') return 'Maximum call stack size exceeded';
    return message;
}
