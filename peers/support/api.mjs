// Calls of a server's API, as a product's back end makes them.
import assert from 'node:assert/strict';

/**
 * `api` answers {status, headers, text, body}; `must` answers the body of a call that has to succeed. Both take (method, path, body,
 * {key, headers}); the key is that of `dev` unless another is given, and `always` are headers of every call. `server` is a
 * function, since tests start theirs later.
 */
export function calls(server, always = {}) {
    const api = async (method, where, body, { key = server().keys.dev, headers = {} } = {}) => {
        const answer = await fetch(`${server().url}${where}`, {
            method,
            headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json', ...always, ...headers },
            body: body === undefined ? undefined : JSON.stringify(body)
        });
        const text = await answer.text();
        return { status: answer.status, headers: answer.headers, text, body: JSON.parse(text || 'null') };
    };
    const must = async (...call) => {
        const answer = await api(...call);
        assert.ok(answer.status < 300, `${call[1]}: ${answer.status} ${answer.text}`);
        return answer.body;
    };
    return { api, must };
}
