// Pages of a list, asked for as the call's `paginate` says.

const IN_BODY = ['POST', 'PUT', 'PATCH'];

/** The names on a path such as `data.items[0]['x.y']`. */
const namesOf = (path) => [...path.matchAll(/[^.[\]]+|\[(?:(-?\d+)|(["'])(.*?)\2)\]/g)].map(([plain, index, , quoted]) => quoted ?? index ?? plain);

/** The value at a path; the whole without a path. */
function at(value, path) {
    if (!path) return value;
    if (value && typeof value === 'object' && Object.hasOwn(value, path)) return value[path];
    return namesOf(path).reduce((inner, name) => inner?.[name], value);
}

/** A body whose members called `page.after` or `list[0]` are members of objects and lists. */
function expanded(body) {
    if (typeof body !== 'object' || Array.isArray(body)) return body;
    const whole = {};
    for (const [path, value] of Object.entries(body)) {
        const names = namesOf(path);
        const last = names.pop() ?? path;
        let inner = whole;
        names.forEach((name, index) => {
            const next = names[index + 1] ?? last;
            inner = inner[name] ??= /^\d+$/.test(next) ? [] : {};
        });
        inner[last] = value && Object.getPrototypeOf(value) === Object.prototype ? { ...value } : value;
    }
    return whole;
}

/** The address in a Link header that has the relation. */
function linked(header, relation) {
    for (const [, address, attributes] of String(header ?? '').matchAll(/<([^>]*)>([^<]*)/g)) {
        const named = /\brel="?([^";,]*)"?/i.exec(attributes)?.[1];
        if (named?.trim().split(/\s+/).includes(relation)) return address;
    }
    return undefined;
}

function required(rules, ...names) {
    for (const name of names) {
        if (!rules[name]) throw new Error(`paginate of type ${rules.type} needs ${name}: give it in the call's paginate`);
    }
}

async function* byCursor(rules, ask, set) {
    required(rules, 'cursor_path_in_response', 'cursor_name_in_request');
    if (rules.limit) required(rules, 'limit_name_in_request');
    for (;;) {
        const response = await ask();
        const page = at(response.data, rules.response_path);
        if (!page?.length) return;
        yield page;
        const found = at(response.data, rules.cursor_path_in_response);
        const cursor = typeof found === 'string' ? found.trim() : found;
        const more = cursor !== '' && ['string', 'number'].includes(typeof cursor);
        await rules.on_page?.({ nextPageParam: more ? cursor : undefined, response });
        if (!more) return;
        set(rules.cursor_name_in_request, cursor);
    }
}

async function* byLink(rules, ask, request) {
    const { link_rel_in_response_header: relation, link_path_in_response_body: path } = rules;
    if (!relation && !path) {
        throw new Error("paginate of type link needs link_rel_in_response_header or link_path_in_response_body: give one in the call's paginate");
    }
    let previous;
    for (;;) {
        const response = await ask();
        yield at(response.data, rules.response_path);
        const next = (relation && linked(response.headers?.link ?? response.headers?.Link, relation)) || (path && at(response.data, path)) || undefined;
        await rules.on_page?.({ nextPageParam: next, response });
        if (!next || next === previous) return;
        previous = next;
        delete request.params;
        if (URL.canParse(next)) {
            const url = new URL(next);
            request.baseUrlOverride = url.origin;
            request.endpoint = url.pathname + url.search;
        } else {
            request.endpoint = next;
        }
    }
}

async function* byOffset(rules, ask, set, inBody) {
    required(rules, 'offset_name_in_request');
    const { limit } = rules;
    let offset = rules.offset_start_value || 0;
    for (;;) {
        set(rules.offset_name_in_request, inBody ? offset : String(offset));
        const response = await ask();
        const page = at(response.data, rules.response_path);
        if (!page?.length) return;
        yield page;
        if (limit && page.length < Number(limit)) return;
        await rules.on_page?.({ nextPageParam: offset, response });
        if (rules.offset_calculation_method === 'per-page') offset++;
        else offset += page.length;
    }
}

/** The settings of a call: those of its provider, and over them its own. */
function rulesOf(config, defaults) {
    const rules = { ...defaults, ...config.paginate };
    if (!rules.type) {
        throw new Error('how the provider pages its lists is not known: give the type and the names in the paginate of the call, or name the folder after the provider');
    }
    return { ...rules, type: String(rules.type).toLowerCase() };
}

/** Goes through all pages; `send` answers one request. */
export async function* pages(config, send, defaults) {
    const rules = rulesOf(config, defaults);
    // The caller's own object is changed, as in production: what a function changes between pages counts, too.
    const request = config;
    request.method = (config.method ?? 'GET').toUpperCase();
    const inBody = IN_BODY.includes(request.method);
    if (inBody) {
        request.data ??= {};
    } else if (typeof request.params === 'string') {
        request.params = Object.fromEntries(new URLSearchParams(request.params));
    } else {
        request.params ??= {};
    }
    const set = (name, value) => {
        if (inBody) request.data[name] = value;
        else request.params[name] = value;
    };
    if (rules.limit) set(String(rules.limit_name_in_request), rules.limit);
    // Each request is remembered by the spy, so it gets objects of its own.
    const ask = async () => {
        const response = await send({ ...request, ...(inBody ? { data: expanded(request.data) } : request.params && { params: { ...request.params } }) });
        return { ...response, headers: response.headers ?? {} };
    };
    if (rules.type === 'cursor') yield* byCursor(rules, ask, set);
    else if (rules.type === 'link') yield* byLink(rules, ask, request);
    else if (rules.type === 'offset') yield* byOffset(rules, ask, set, inBody);
    else throw new Error(`paginate has no type ${rules.type}: it is cursor, link or offset`);
}

/**
 * Goes through the pages of older fixtures: the loops that they were recorded with call nobody back, read paths as plain keys, and end
 * after the first page when its headers were not recorded.
 */
export async function* olderPages(config, send, defaults) {
    const rules = rulesOf(config, defaults);
    const inBody = IN_BODY.includes((config.method ?? 'GET').toUpperCase());
    const sent = { ...(inBody ? config.data : config.params) };
    const request = { ...config };
    let offset = rules.offset_start_value || 0;
    if (rules.limit) sent[rules.limit_name_in_request] = rules.limit;
    for (;;) {
        if (rules.type === 'offset') sent[rules.offset_name_in_request] = inBody ? offset : String(offset);
        const { data, headers } = await send({ ...request, [inBody ? 'data' : 'params']: { ...sent } });
        if (!headers) return yield* unlabelled(data, rules.response_path);
        const page = rules.type === 'offset' ? at(data, rules.response_path) : rules.response_path ? data[rules.response_path] : data;
        if (!page?.length) return;
        yield page;
        if (rules.type === 'cursor') {
            const found = data[rules.cursor_path_in_response];
            const cursor = typeof found === 'string' ? found.trim() : found;
            if (cursor === '' || !['string', 'number'].includes(typeof cursor)) return;
            sent[rules.cursor_name_in_request] = cursor;
        } else if (rules.type === 'offset') {
            if (rules.limit && page.length < rules.limit) return;
            offset += rules.offset_calculation_method === 'per-page' ? 1 : page.length;
        } else {
            const { link_rel_in_response_header: relation, link_path_in_response_body: path } = rules;
            const next = relation ? linked(headers.link, relation) : path && at(data, path);
            if (!next) return;
            const url = URL.canParse(next) ? new URL(next) : undefined;
            request.endpoint = url ? url.pathname + url.search : next;
            for (const name of Object.keys(sent)) delete sent[name];
        }
    }
}

function* unlabelled(data, responsePath) {
    if (Array.isArray(data)) yield data;
    if (responsePath) return yield data[responsePath];
    for (const value of Object.values(data)) if (Array.isArray(value)) yield value;
}
