/** HTTP methods that a function can use. */
export type HttpMethod = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';

type AnyCase<M extends string> = M | Lowercase<M>;

/** A request to the provider. Credentials, base URL and default headers are added by the platform. */
export interface ProxyConfiguration {
    /** Path, joined to the provider's base URL: `/crm/v3/objects/contacts`. */
    endpoint: string;
    /** GET unless given. */
    method?: AnyCase<HttpMethod>;
    /** Query parameters. */
    params?: string | Record<string, string | number | boolean | string[] | number[] | null | undefined>;
    /** Body of POST, PUT, PATCH and DELETE. Objects and arrays are sent as JSON, `URLSearchParams` as a form. */
    data?: unknown;
    /** Request headers; they win over the provider's defaults. */
    headers?: Record<string, string>;
    /** Further attempts after network errors, 401, 429 and 5xx. 0 unless given. */
    retries?: number;
    /** Further statuses that are tried again. Needs `retries`. */
    retryOn?: number[] | null;
    /** Response headers that say when to try again. */
    retryHeader?: { at?: string | string[]; after?: string | string[] };
    /** Another base URL than the provider's. */
    baseUrlOverride?: string;
    /** Ask for the body without content encoding. */
    decompress?: boolean;
    /** How to hand over the body; without it, JSON where it parses and text elsewhere. */
    responseType?: 'arraybuffer' | 'blob' | 'document' | 'json' | 'text' | 'stream';
    /** Send the same headers again when the answer redirects. */
    forwardHeadersOnRedirect?: boolean;
    /** Use the connection of another integration. Goes with `connectionId`. */
    providerConfigKey?: string;
    /** Use another connection. Goes with `providerConfigKey`. */
    connectionId?: string;
    /** For `paginate` only. */
    paginate?: Pagination;
}

/** A request whose method is in the name of the call. */
export type RequestConfiguration = Omit<ProxyConfiguration, 'method'>;

/** An answer with a status from 200 to 299. Everything else is thrown as a {@link ProxyError}. */
export interface ProxyResponse<T = any> {
    data: T;
    status: number;
    statusText: string;
    /** Names are in lower case. */
    headers: Record<string, any>;
    config: any;
    request?: any;
}

/** What a failed request throws. */
export interface ProxyError<T = any> extends Error {
    isAxiosError: true;
    /** `ERR_BAD_REQUEST`, `ERR_BAD_RESPONSE`, or a network code such as `ECONNREFUSED`. */
    code?: string;
    /** Absent when there was no answer. */
    response?: ProxyResponse<T>;
}

interface PaginationCommon {
    /** Page size. */
    limit?: number | string;
    /** Name of the parameter that carries the page size. */
    limit_name_in_request?: string;
    /** Path of the items in the body, such as `results` or `data.items`. */
    response_path?: string;
    /** Put the parameters into the body. */
    in_body?: boolean;
    /** Called after each page was consumed. */
    on_page?: (page: { nextPageParam?: string | number | undefined; response: ProxyResponse }) => Promise<void>;
}

/** Pages by a cursor from the body. */
export interface CursorPagination extends PaginationCommon {
    type?: 'cursor';
    cursor_path_in_response?: string;
    cursor_name_in_request?: string;
}

/** Pages by a link from a header or the body. */
export interface LinkPagination extends PaginationCommon {
    type?: 'link';
    link_rel_in_response_header?: string;
    link_path_in_response_body?: string;
}

/** Pages by an offset. */
export interface OffsetPagination extends PaginationCommon {
    type?: 'offset';
    offset_name_in_request?: string;
    offset_start_value?: number;
    offset_calculation_method?: 'per-page' | 'by-response-size';
}

/** How a provider is paged through. What is left out comes from the provider's own description. */
export type Pagination = CursorPagination | LinkPagination | OffsetPagination;
