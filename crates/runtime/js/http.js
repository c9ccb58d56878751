// Proxy calls with Axios-shaped responses and errors.

const BODY_METHODS = new Set(['POST', 'PUT', 'PATCH', 'DELETE']);

class AxiosHeaders {
    get(name) {
        return this.has(name) ? this[String(name).toLowerCase()] : undefined;
    }

    has(name) {
        return Object.hasOwn(this, String(name).toLowerCase());
    }

    set(name, value) {
        if (typeof name === 'object' && name !== null) for (const [one, its] of Object.entries(name)) this.set(one, its);
        else if (value !== undefined && value !== null && value !== false) Object.defineProperty(this, String(name).toLowerCase(), { value: Array.isArray(value) ? value.map(String) : String(value), writable: true, enumerable: true, configurable: true });
        return this;
    }

    delete(name) {
        return this.has(name) && Reflect.deleteProperty(this, String(name).toLowerCase());
    }

    getSetCookie() {
        return this.get('set-cookie') ?? [];
    }

    toJSON() {
        return { ...this };
    }

    toString() {
        return Object.entries(this).map(([name, value]) => `${name}: ${value}`).join('\n');
    }

    [Symbol.iterator]() {
        return Object.entries(this)[Symbol.iterator]();
    }
}
// Those that have names of their own.
for (const name of ['Content-Type', 'Content-Length', 'Accept', 'Accept-Encoding', 'User-Agent', 'Authorization']) {
    const plain = name.replace('-', '');
    for (const [verb, work] of [['get', (headers) => headers.get(name)], ['set', (headers, value) => headers.set(name, value)], ['has', (headers) => headers.has(name)]]) {
        replaceMember(AxiosHeaders.prototype, `${verb}${plain}`, function (value) {
            return work(this, value);
        });
    }
}

function headerObject(pairs) {
    const headers = new AxiosHeaders();
    for (const [name, value] of pairs) {
        const current = Object.hasOwn(headers, name) ? headers[name] : undefined;
        let next = value;
        if (name === 'set-cookie') next = current === undefined ? [value] : [...current, value];
        else if (current !== undefined) next = `${current}, ${value}`;
        Object.defineProperty(headers, name, { value: next, writable: true, enumerable: true, configurable: true });
    }
    return headers;
}

function statusCode(status) {
    return status >= 500 ? 'ERR_BAD_RESPONSE' : 'ERR_BAD_REQUEST';
}

// With no response type the body is parsed whenever it parses, whatever its content type says.
function bodyValue(bytes, responseType) {
    if (responseType === 'arraybuffer' || responseType === 'stream') return new Bytes(bytes ?? new ArrayBuffer(0));
    if (bytes === undefined || bytes.byteLength === 0) return '';
    if (responseType === 'text') return native.utf8(bytes, false);
    return native.parseOrText(bytes);
}

function axiosResponse(reply, config) {
    return {
        data: bodyValue(reply.body, config.responseType),
        status: reply.status,
        statusText: reply.statusText,
        headers: headerObject(reply.headers),
        config,
        request: {}
    };
}

function headerPairs(headers) {
    // Recordings know names as they were written, and every value as a text.
    if (replaying()) return Object.entries(headers ?? {}).map(([name, value]) => [name, String(value)]);
    const merged = new Map();
    for (const [name, value] of Object.entries(headers ?? {})) {
        if (value !== undefined && value !== null) merged.set(name.toLowerCase(), String(value));
    }
    return [...merged];
}

function paramPairs(params) {
    if (params === undefined || params === null) return [];
    if (typeof params === 'string') return params;
    const entries = params instanceof URLSearchParams ? [...params] : Object.entries(params);
    if (replaying()) return recordedPairs(entries);
    return entries.filter(([, value]) => value !== undefined).map(([name, value]) => [name, String(value)]);
}

// Gives the description of a body and its sections.
function requestBody(data, headers) {
    if (data === undefined || data === null) return [{ kind: 'empty' }, []];
    if (isBytes(data)) return [{ kind: 'bytes' }, [viewOf(data)]];
    if (data instanceof URLSearchParams) return [{ kind: 'form' }, [data.toString()]];
    const type = headers.find(([name]) => name === 'content-type')?.[1] ?? '';
    if (typeof data === 'string') return [{ kind: 'text' }, [data.toWellFormed()]];
    if (typeof data === 'object') {
        if (/^multipart\/form-data/i.test(type)) return multipart(data);
        // As a form, too: the host writes members of members as names, as it does for callers of the proxy.
        return [{ kind: 'json' }, [jsonText(data)]];
    }
    return [{ kind: 'text' }, [String(data)]];
}

// What recordings know of an object that is not sent as JSON.
function formObject(kind, data) {
    return kind === 'multipart' ? jsonText(data) : undefined;
}

function multipart(data) {
    const parts = [];
    const sections = [];
    for (const [name, value] of Object.entries(data)) {
        for (const item of Array.isArray(value) ? value : [value]) {
            if (item === undefined || item === null) continue;
            if (isBytes(item)) {
                parts.push({ name, filename: name, contentType: 'application/octet-stream' });
                sections.push(viewOf(item));
            } else {
                parts.push({ name });
                sections.push(typeof item === 'object' && !(item instanceof Date) ? jsonText(item) : String(item).toWellFormed());
            }
        }
    }
    return [{ kind: 'multipart', parts }, sections];
}

function retryHeaderNames(value) {
    if (value === undefined || value === null) return [];
    return (Array.isArray(value) ? value : [value]).map((name) => String(name).toLowerCase());
}

// An error that came back from the host has lost the way to the call; it gets the one that was noted when the call was made.
function withWayTo(asked, error) {
    const [first] = String(error.stack).split('\n', 1);
    const way = typeof asked.stack === 'string' ? asked.stack.split('\n').slice(1) : [];
    error.stack = [first, ...way].join('\n');
    return error;
}

async function proxy(config) {
    checkAbort();
    const asked = new Error();
    if (!isPlain(config)) throw new TypeError('proxy needs a configuration object');
    if (!config.endpoint && !config.baseUrlOverride) throw new Error('Proxy call needs an endpoint');
    const method = String(config.method ?? 'GET').toUpperCase();
    const headers = headerPairs(config.headers);
    const [body, sections] = replaying() ? recordedBody(config.data) : BODY_METHODS.has(method) ? requestBody(config.data, headers) : [{ kind: 'empty' }, []];
    const endpoint = String(config.endpoint ?? '');
    const params = paramPairs(config.params);
    if (typeof params === 'string' && endpoint.includes('?')) throw new SDKError('invalid_query_params', 'Query parameters were given both in the endpoint and as a string');
    const call = {
        op: 'http',
        method,
        endpoint,
        params,
        headers,
        body,
        retries: Math.min(Math.max(0, Math.trunc(Number(config.retries ?? 0)) || 0), 1000),
        retryOn: Array.isArray(config.retryOn) ? config.retryOn.map(Number).filter((status) => status >= 0 && status < 65536) : undefined,
        retryHeaderAt: retryHeaderNames(config.retryHeader?.at),
        retryHeaderAfter: retryHeaderNames(config.retryHeader?.after),
        baseUrlOverride: config.baseUrlOverride ? String(config.baseUrlOverride) : undefined,
        decompress: config.decompress === true || config.decompress === 'true',
        responseType: config.responseType ? String(config.responseType) : undefined,
        forwardHeadersOnRedirect: config.forwardHeadersOnRedirect === undefined ? undefined : Boolean(config.forwardHeadersOnRedirect),
        providerConfigKey: config.providerConfigKey ? String(config.providerConfigKey) : undefined,
        connectionId: config.connectionId ? String(config.connectionId) : undefined,
        object: run.context.isCLI ? formObject(body.kind, config.data) : undefined
    };
    const shown = { ...config, method, url: endpoint, headers: Object.fromEntries(headers) };
    let reply;
    try {
        reply = await (run.answers === undefined ? ask(call, sections) : askOnce(call, sections));
    } catch (error) {
        if (!(error instanceof AxiosError)) throw error;
        error.config = shown;
        throw withWayTo(asked, error);
    }
    if (replaying() && !(run.context.replay.refusalsThrow && (reply.status < 200 || reply.status > 299))) return { data: reply.data, status: reply.status, headers: reply.headers };
    const response = replaying() ? { ...reply, headers: reply.headers ?? {}, config: shown, request: {} } : axiosResponse(reply, shown);
    if (reply.status >= 200 && reply.status < 300) return response;
    throw withWayTo(asked, new AxiosError(`Request failed with status code ${reply.status}`, statusCode(reply.status), shown, {}, response));
}

// Headers of an answer; one that the class would refuse is left out.
function receivedHeaders(pairs) {
    const headers = new Headers();
    for (const [name, value] of pairs) attempt(() => headers.append(name, value), undefined);
    return headers;
}

// As the platform's own `fetch` has it: what is sent by default, and how it fails without an answer.
async function uncontrolledFetch(options) {
    const method = String(options.method ?? 'GET').toUpperCase();
    const hasBody = options.body !== undefined && options.body !== null;
    if (hasBody && (method === 'GET' || method === 'HEAD')) throw new TypeError('Request with GET/HEAD method cannot have body.');
    const headers = new Headers(options.headers ?? {});
    if (!headers.has('accept')) headers.set('accept', '*/*');
    if (hasBody && !headers.has('content-type')) headers.set('content-type', options.body instanceof URLSearchParams ? 'application/x-www-form-urlencoded;charset=UTF-8' : 'text/plain;charset=UTF-8');
    try {
        return await fetchPlainly({ ...options, headers });
    } catch (error) {
        if (error instanceof AxiosError && error.response === undefined) throw new TypeError('fetch failed', { cause: error });
        throw error;
    }
}

async function fetchPlainly(options) {
    const reply = await ask(
        { op: 'fetch', url: String(options.url), method: String(options.method ?? 'GET').toUpperCase(), headers: headerPairs(options.headers instanceof Headers ? Object.fromEntries(options.headers) : options.headers) },
        options.body === undefined || options.body === null ? [] : [String(options.body).toWellFormed()]
    );
    return new Response(reply.body, {
        status: reply.status,
        statusText: reply.statusText,
        headers: receivedHeaders(reply.headers),
        received: RECEIVED,
        url: reply.url ?? String(options.url),
        redirected: reply.url !== undefined && reply.url !== null && reply.url !== String(options.url)
    });
}
