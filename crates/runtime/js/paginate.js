// Pagination loops. Order of yields, callbacks and stops is part of the contract (functions.md §3.4), and so
// is that the caller's configuration object is changed on the way.

async function* paginate(config) {
    checkAbort();
    const context = run.context;
    if (context.providerUnknown) throw new SDKError('unknown_provider_template_in_config', `Provider '${context.provider}' is not known`, { provider: context.provider });
    if (!context.providerPaginate && !config.paginate) throw new Error(`There is no pagination configuration for this call or for the provider '${context.provider}'`);
    const options = { ...(context.providerPaginate ?? {}), ...(config.paginate ?? {}) };
    if (!options.type) throw new Error('Pagination type is required');

    config.method = config.method ? String(config.method).toUpperCase() : 'GET';
    const inBody = config.paginate?.in_body ?? ['POST', 'PUT', 'PATCH'].includes(config.method);
    // The caller's own object, which it may change between pages.
    const send = inBody ? pageBody(config.data) : (config.params ?? {});
    const put = (name, value) => { send[name] = value; };
    const request = async () => {
        if (inBody) config.data = expanded(send);
        else if (send !== undefined) config.params = send;
        return page(config);
    };
    if (context.replay?.olderPages) return yield* olderPages(config, options, send, inBody);

    switch (String(options.type).toLowerCase()) {
        case 'cursor':
            yield* cursorPages(options, put, request);
            return;
        case 'link':
            yield* linkPages(config, options, put, request);
            return;
        case 'offset':
            yield* offsetPages(options, inBody, put, request);
            return;
        default:
            throw new Error(`'${options.type}' pagination is not supported`);
    }
}

function pageBody(data) {
    return typeof data === 'object' && data !== null ? data : {};
}

// Dots in names mean objects inside of objects, in the caller's names as well.
function expanded(flat) {
    const whole = {};
    for (const [name, value] of Object.entries(flat)) pathSet(whole, name, value);
    return whole;
}

function pageOf(response, options) {
    return options.response_path ? pathGet(response.data, options.response_path) : response.data;
}

async function* cursorPages(options, put, request) {
    if (!options.cursor_name_in_request) throw new Error('Cursor pagination needs cursor_name_in_request');
    if (!options.cursor_path_in_response) throw new Error('Cursor pagination needs cursor_path_in_response');
    if (options.limit && !options.limit_name_in_request) throw new Error('Cursor pagination with a limit needs limit_name_in_request');
    if (options.limit) put(options.limit_name_in_request, options.limit);
    let cursor;
    do {
        if (cursor !== undefined) put(options.cursor_name_in_request, cursor);
        const response = await request();
        const page = pageOf(response, options);
        if (!page || !page.length) return;
        yield page;
        cursor = pathGet(response.data, options.cursor_path_in_response);
        if (typeof cursor === 'string') cursor = cursor.trim() || undefined;
        else if (typeof cursor !== 'number') cursor = undefined;
        if (options.on_page) await options.on_page({ nextPageParam: cursor, response });
    } while (cursor !== undefined);
}

async function* linkPages(config, options, put, request) {
    if (!options.link_rel_in_response_header && !options.link_path_in_response_body) {
        throw new Error('Link pagination needs link_rel_in_response_header or link_path_in_response_body');
    }
    if (options.limit) put(String(options.limit_name_in_request), options.limit);
    let previous;
    let first = true;
    for (;;) {
        const response = first ? await request() : await page(config);
        first = false;
        yield pageOf(response, options);
        const next = nextLink(response, options);
        if (options.on_page) await options.on_page({ nextPageParam: next, response });
        if (!next || next === previous) return;
        previous = next;
        if (URL.canParse(next)) {
            const url = new URL(next);
            config.baseUrlOverride = url.origin;
            config.endpoint = url.pathname + url.search;
        } else {
            config.endpoint = next;
        }
        delete config.params;
    }
}

function nextLink(response, options) {
    if (options.link_rel_in_response_header) {
        const found = linkHeader(response.headers.link, options.link_rel_in_response_header);
        if (found) return found;
    }
    if (!options.link_path_in_response_body) return undefined;
    const link = pathGet(response.data, options.link_path_in_response_body);
    return typeof link === 'string' && link ? link : undefined;
}

function linkHeader(header, rel) {
    if (typeof header !== 'string') return undefined;
    for (const match of header.matchAll(/<([^>]*)>([^<]*)/g)) {
        for (const [, name, quoted, plain] of match[2].matchAll(/;\s*([\w*]+)\s*=\s*(?:"([^"]*)"|([^;,\s]+))/g)) {
            if (name.toLowerCase() === 'rel' && (quoted ?? plain).split(/\s+/).includes(rel)) return match[1];
        }
    }
    return undefined;
}

async function* offsetPages(options, inBody, put, request) {
    if (!options.offset_name_in_request) throw new Error('Offset pagination needs offset_name_in_request');
    const byPage = options.offset_calculation_method === 'per-page';
    let offset = options.offset_start_value || 0;
    if (options.limit) put(String(options.limit_name_in_request), options.limit);
    for (;;) {
        put(options.offset_name_in_request, inBody ? offset : String(offset));
        const response = await request();
        const page = pageOf(response, options);
        if (!page || !page.length) return;
        yield page;
        if (options.limit && page.length < Number(options.limit)) return;
        if (options.on_page) await options.on_page({ nextPageParam: offset, response });
        if (byPage) offset++;
        else offset += page.length;
    }
}
