// What leaves a run when it fails (functions.md §4.5). Thrown values are hostile: every read may throw or lie.

const PAYLOAD_BYTES = 99_000;

function attempt(read, otherwise) {
    try {
        return read();
    } catch {
        return otherwise;
    }
}

// A copy that JSON can hold: keys sorted, `Authorization` hidden, no cycles.
function jsonCopy(value, above = []) {
    if (typeof value === 'bigint') return String(value);
    if (typeof value !== 'object' || value === null) return value;
    if (above.includes(value)) return '[Circular]';
    if (above.length > 100) return '[Deep]';
    if (typeof value.toJSON === 'function') return jsonCopy(value.toJSON(), [...above, value]);
    const inside = [...above, value];
    if (Array.isArray(value)) return value.map((item) => jsonCopy(item, inside) ?? null);
    const copy = {};
    for (const key of Object.keys(value).sort()) {
        const item = key === 'Authorization' ? '[Redacted]' : jsonCopy(value[key], inside);
        if (item !== undefined && typeof item !== 'function') Object.defineProperty(copy, key, { value: item, enumerable: true, configurable: true, writable: true });
    }
    return copy;
}

// Drops whole members, largest key last in order, until the text fits.
function payloadText(payload) {
    const copy = attempt(() => jsonCopy(payload), { message: 'The payload could not be read' });
    let text = jsonText(copy);
    if (byteLength(text) <= PAYLOAD_BYTES) return text;
    const kept = {};
    let used = 2;
    for (const key of Object.keys(copy)) {
        const size = byteLength(JSON.stringify(key)) + byteLength(JSON.stringify(copy[key]) ?? 'null') + 2;
        if (used + size > PAYLOAD_BYTES) continue;
        used += size;
        kept[key] = copy[key];
    }
    text = jsonText(kept);
    return byteLength(text) <= PAYLOAD_BYTES ? text : '{}';
}

function byteLength(text) {
    return native.byteLength(text.toWellFormed());
}

function wrapPayload(payload) {
    if (payload === undefined || payload === null) return {};
    return isPlain(payload) ? payload : { message: payload };
}

function stackOf(error, name, message) {
    const stack = attempt(() => (typeof error.stack === 'string' ? error.stack : ''), '');
    const file = run?.filename ?? '';
    const lines = stack.split('\n').filter((line) => file !== '' && line.includes(file));
    return [message ? `${name}: ${message}` : name, ...lines].slice(0, 10).map((line) => clip(line, 1000));
}

function describe(thrown) {
    if (typeof thrown !== 'object' || thrown === null) {
        const text = attempt(() => JSON.stringify(thrown), undefined) ?? (typeof thrown === 'bigint' || typeof thrown === 'symbol' ? String(thrown) : '');
        return { name: 'Error', message: text, stack: stackOf({}, 'Error', text) };
    }
    const code = attempt(() => thrown.code, undefined);
    const shownCode = code === undefined || code === null ? {} : { code: typeof code === 'string' || typeof code === 'number' ? code : String(typeof code) };
    if (!(thrown instanceof Error)) return { name: 'Error', ...shownCode };
    const name = clip(attempt(() => String(thrown.name || 'Error'), 'Error'), 1000);
    const message = familiarMessage(name, attempt(() => String(thrown.message), ''));
    return { name, ...shownCode, message, stack: stackOf(thrown, name, message) };
}

function internalFailure(type, thrown) {
    const { stack, ...shown } = describe(thrown);
    const payload = stack === undefined ? shown : { ...shown, stacktrace: stack };
    return { type, status: 500, payload: payloadText(payload), message: shown.message ?? attempt(() => clip(String(JSON.stringify(thrown)), 10_000), ''), stack: stack?.join('\n') };
}

function responseFailure(error) {
    const response = error.response;
    const status = Number(response.status) || 500;
    const body = response.data;
    const type = platformErrors.has(error) && status === 429 ? 'script_api_rate_limit_error' : 'script_http_error';
    const source = isPlain(body) && body.payload !== undefined ? body.payload : body;
    const headers = {};
    for (const [name, value] of Object.entries(response.headers ?? {})) {
        if (name === 'content-type' || name.startsWith('x-rate')) headers[name] = attempt(() => (Array.isArray(value) ? value.map(String) : String(value)), '');
    }
    return {
        type,
        status,
        payload: payloadText(wrapPayload(source)),
        message: attempt(() => String(error.message), ''),
        stack: stackOf(error, 'AxiosError', attempt(() => String(error.message), '')).join('\n'),
        upstream: attempt(() => jsonText({ status, headers, body: boundedBody(body) }), undefined)
    };
}

function boundedBody(body) {
    if (isBytes(body)) return native.utf8(viewOf(body), false).slice(0, PAYLOAD_BYTES);
    if (typeof body === 'string') return clip(body, PAYLOAD_BYTES);
    const copy = jsonCopy(body);
    const text = JSON.stringify(copy);
    return text !== undefined && byteLength(text) > PAYLOAD_BYTES ? clip(text, PAYLOAD_BYTES) : (copy ?? null);
}

function failureOf(thrown) {
    if (thrown instanceof ActionError) {
        const payload = attempt(() => wrapPayload(thrown.payload), {});
        const message = attempt(() => (typeof payload.message === 'string' ? payload.message : ''), '');
        return { type: 'action_script_runtime_error', status: 500, payload: payloadText(payload), message, stack: stackOf(thrown, 'ActionError', message).join('\n') };
    }
    if (thrown instanceof SDKError) {
        return { type: String(thrown.code), status: 500, payload: payloadText(wrapPayload(thrown.payload)), message: String(thrown.message), stack: stackOf(thrown, 'SDKError', thrown.message).join('\n') };
    }
    if (typeof thrown === 'object' && thrown !== null && attempt(() => thrown.isAxiosError === true, false)) {
        if (attempt(() => isPlain(thrown.response), false)) return attempt(() => responseFailure(thrown), undefined) ?? internalFailure('script_internal_error', thrown);
        return internalFailure('script_network_error', thrown);
    }
    return internalFailure('script_internal_error', thrown);
}

function sendFailure(thrown) {
    let failure;
    try {
        failure = failureOf(thrown);
    } catch (error) {
        failure = { type: 'script_internal_error', status: 500, payload: '{"name":"Error","message":"The thrown value could not be described"}', message: 'The thrown value could not be described' };
    }
    const outOfMemory = attempt(() => thrown instanceof InternalErrorType && thrown.message === 'out of memory', false);
    const { payload, upstream, ...header } = failure;
    native.fail(jsonText({ ...header, outOfMemory, hasUpstream: upstream !== undefined }), payload, upstream ?? '');
}
