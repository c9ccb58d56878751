// Requests that no well-behaved client sends: repeated headers, odd targets, bodies beyond their limit.
import http from 'node:http';
import net from 'node:net';

/**
 * Sends one request; `headers` is a list of pairs, so that names may repeat. Without `length` a body goes in chunks.
 * Answers {status, headers, text}; the status is 0 when the connection ended without an answer.
 */
export function send(port, { method = 'GET', target, headers = [], body, length = true, timeoutMs = 30_000 }) {
    return new Promise((resolve) => {
        let answered = false;
        const done = (answer) => {
            if (!answered) resolve(answer);
            answered = true;
        };
        const flat = [['host', `127.0.0.1:${port}`], ...headers];
        if (body !== undefined) flat.push(length ? ['content-length', String(Buffer.byteLength(body))] : ['transfer-encoding', 'chunked']);
        const request = http.request({ host: '127.0.0.1', port, method, path: target, headers: flat.flat(), agent: false }, (response) => {
            const chunks = [];
            const end = () => done({ status: response.statusCode, headers: response.headers, text: Buffer.concat(chunks).toString() });
            response.on('data', (chunk) => chunks.push(chunk));
            response.on('end', end);
            response.on('error', end);
        });
        request.setTimeout(timeoutMs, () => request.destroy(new Error('no answer in time')));
        request.on('error', (error) => done({ status: 0, headers: {}, text: String(error) }));
        request.on('upgrade', (response, socket) => {
            socket.destroy();
            done({ status: response.statusCode, headers: response.headers, text: '' });
        });
        if (body !== undefined) request.write(body);
        request.end();
    });
}

/** Sends bytes as they are. Answers the status, 0 when there was none. */
export function sendBytes(port, bytes, timeoutMs = 10_000) {
    return new Promise((resolve) => {
        const chunks = [];
        const socket = net.connect(port, '127.0.0.1', () => socket.write(bytes));
        const done = () => {
            socket.destroy();
            const text = Buffer.concat(chunks).toString('latin1');
            resolve({ status: Number(text.match(/^HTTP\/1\.1 (\d{3})/)?.[1] ?? 0), text: text.split('\r\n\r\n').slice(1).join('\r\n\r\n') });
        };
        socket.on('data', (chunk) => chunks.push(chunk));
        socket.on('close', done);
        socket.on('error', done);
        socket.setTimeout(timeoutMs, done);
    });
}

/** Calls `work` for every item, a few at a time. */
export async function each(items, work, atOnce = 6) {
    const left = [...items];
    await Promise.all(Array.from({ length: atOnce }, async () => {
        for (let item = left.shift(); item !== undefined; item = left.shift()) await work(item);
    }));
}
