// The routes of the API description as requests that can be sent.
import { randomUUID } from 'node:crypto';

/** Members of a path that lead somewhere; what is deleted must not exist. */
const VALUES = { provider: 'github', integration_id: 'api', connection_id: 'c-1', name: 'nope', variant: 'eu', endpoint: 'echo', path: 'things', id: randomUUID(), environment_id: randomUUID() };
const HARMLESS = { ...VALUES, integration_id: 'nothing', connection_id: 'nobody', environment_id: '999999' };

/** All operations of the document. */
export function operationsOf(document) {
    const resolve = (value) => (value?.$ref ? value.$ref.slice(2).split('/').reduce((at, part) => at[part], document) : value);
    return Object.entries(document.paths).flatMap(([path, item]) =>
        Object.entries(item).map(([method, operation]) => {
            const schemes = new Set(operation.security.flatMap(Object.keys));
            return {
                path,
                method: method.toUpperCase(),
                name: `${method.toUpperCase()} ${path}`,
                responses: operation.responses,
                parameters: (operation.parameters ?? []).map(resolve),
                hasBody: operation.requestBody !== undefined,
                needsBody: Boolean(resolve(operation.requestBody)?.required),
                // Everything that reads JSON only.
                gated: operation.responses['415'] !== undefined,
                schemes,
                ofAccount: operation.security.some((one) => one.apiKey?.some((scope) => scope.startsWith('account:')))
            };
        })
    );
}

/** The path of an operation; `over` replaces members. */
export function targetOf(operation, over = {}, query = []) {
    const values = { ...(operation.method === 'DELETE' ? HARMLESS : VALUES), ...over };
    const path = operation.path.replace(/\{(\w+)\}/g, (_, name) => values[name]);
    return query.length ? `${path}?${query.join('&')}` : path;
}

/** Headers and query that the operation asks for, with credentials of `keys` = {key, account, session()}. */
export async function credentialsOf(operation, keys) {
    const headers = [];
    const query = [];
    if (operation.schemes.has('apiKey')) headers.push(['authorization', `Bearer ${operation.ofAccount ? keys.account : keys.key}`]);
    else if (operation.schemes.has('connectSession')) headers.push(['authorization', `Bearer ${await keys.session()}`]);
    else if (operation.schemes.has('connectSessionInQuery')) query.push(`connect_session_token=${await keys.session()}`);
    return { headers, query };
}

/** The headers that name a connection, where they are declared. */
export function connectionHeaders(operation, upstream) {
    const declared = new Set(operation.parameters.filter((one) => one.in === 'header').map((one) => one.name));
    const values = { 'Provider-Config-Key': 'api', 'Connection-Id': 'c-1', 'Base-Url-Override': upstream };
    const sent = Object.entries(values).filter(([name]) => declared.has(name));
    return operation.path === '/mcp' ? [...sent, ['Accept', 'application/json, text/event-stream']] : sent;
}
