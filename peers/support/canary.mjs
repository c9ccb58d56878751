// Marked secrets, a hostile vendor that repeats whatever it is sent, and a search for marks in any encoding.
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { startUpstream } from './server.mjs';

/** A book of marks: `mark(name)` makes a secret, `found(bytes)` names those that a text or file contains. */
export function markBook() {
    const needles = [];
    const add = (name, value) => {
        for (const [form, text] of Object.entries(forms(value))) needles.push({ name, form, bytes: Buffer.from(text) });
        return value;
    };
    return {
        mark: (name) => add(name, `cnry${name.replace(/[^a-z0-9]/gi, '')}${randomBytes(9).toString('hex')}`),
        /** A private key; its second line is the mark, as texts break keys at lines. */
        pem(name, type = 'pkcs8') {
            const { privateKey } = generateKeyPairSync('rsa', {
                modulusLength: 2048, publicKeyEncoding: { type: 'spki', format: 'pem' }, privateKeyEncoding: { type, format: 'pem' }
            });
            add(name, privateKey.split('\n')[2].slice(4, 44));
            return privateKey;
        },
        add,
        found(where) {
            const haystack = Buffer.isBuffer(where) ? where : Buffer.from(String(where));
            return needles.filter((needle) => haystack.includes(needle.bytes)).map(({ name, form }) => `${name} (${form})`);
        }
    };
}

/** A value as it is, in hex and in base64 at each of the three places where it may stand in a longer text. */
function forms(value) {
    const bytes = Buffer.from(value);
    const all = { plain: value, hex: bytes.toString('hex') };
    for (const before of [0, 1, 2]) {
        const text = Buffer.concat([Buffer.alloc(before), bytes]).toString('base64').replace(/=+$/, '');
        // The characters at both ends depend on what stands beside the value.
        all[`base64+${before}`] = text.slice(before ? before + 1 : 0, -1);
    }
    return all;
}

/** What of a request is worth repeating: its parameters and headers, decoded. */
function echo({ url, headers, raw }) {
    const basic = Buffer.from((headers.authorization ?? '').replace(/^Basic /, ''), 'base64').toString('latin1');
    return `you sent ${headers.authorization ?? ''} ${headers['x-api-key'] ?? ''} ${basic.replace(/[^ -~]/g, '')} ${decodeURIComponent(raw.replace(/\+/g, ' ').replace(/%(?![0-9a-f]{2})/gi, ''))} ${url} ${JSON.stringify(headers)} ${raw}`;
}

/**
 * A vendor that hands out marked tokens for every mode of `auth-providers.mjs`. `mood` decides how it answers token
 * requests: `good`, or one of MOODS, each of which repeats the request.
 */
export async function startEcho(book) {
    const vendor = { mood: 'good', tokens: 0, minted: new Set() };
    const mint = (name) => {
        vendor.tokens += 1;
        return book.mark(`${name}${vendor.tokens}n`);
    };
    const refuse = {
        json: (text) => ({ status: 400, body: { error: 'invalid_grant', error_description: text } }),
        text: (text) => ({ status: 500, body: text }),
        code: (text) => ({ status: 401, body: { error: text.slice(0, 200), message: text } }),
        html: (text) => ({ status: 502, headers: { 'content-type': 'text/html' }, body: `<html><body>${text}</body></html>` }),
        kind: (text) => ({ status: 200, body: { error: 'bad_refresh_token', error_description: text } }),
        nested: (text) => ({ status: 403, body: { error: { code: 'x', message: text.slice(0, 460).padStart(480, '.') } } }),
        drop: (text) => ({ status: 200, headers: { 'x-said': 'much' }, body: `{"half": "${text.slice(0, 300).replaceAll('"', '')}` })
    };
    const upstream = await startUpstream((request) => {
        const url = new URL(request.url, 'http://x');
        const where = url.pathname;
        const token = () => mint('token');
        if (where === '/authorize' || where === '/oauth1/authorize') {
            const back = url.searchParams.get('redirect_uri') ?? url.searchParams.get('oauth_callback') ?? vendor.callback;
            const next = new URL(back);
            for (const name of ['state']) if (url.searchParams.get(name)) next.searchParams.set(name, url.searchParams.get(name));
            if (where === '/authorize') next.searchParams.set('code', mint('code'));
            else {
                next.searchParams.set('oauth_token', url.searchParams.get('oauth_token'));
                next.searchParams.set('oauth_verifier', mint('verifier'));
            }
            return { status: 302, headers: { location: next.href } };
        }
        if (where === '/oauth1/request') {
            vendor.callback = decodeURIComponent(request.headers.authorization.match(/oauth_callback="([^"]*)"/)[1]);
        }
        if (where.startsWith('/.well-known/oauth-protected-resource')) {
            return { body: { resource: `${upstream.url}/mcp`, authorization_servers: [upstream.url] } };
        }
        if (where.startsWith('/.well-known/')) {
            return {
                body: {
                    issuer: upstream.url, authorization_endpoint: `${upstream.url}/authorize`, token_endpoint: `${upstream.url}/token`,
                    registration_endpoint: `${upstream.url}/register`, code_challenge_methods_supported: ['S256']
                }
            };
        }
        if (where === '/mcp') return { status: 401 };
        const gives = ['/token', '/jwt/token', '/oauth1/request', '/oauth1/token', '/login', '/login/oauth/access_token', '/register'];
        const gate = gives.includes(where) || where.endsWith('/access_tokens') || request.raw.includes('Action=AssumeRole') || where === '/whoami';
        if (gate && vendor.mood !== 'good') return refuse[vendor.mood](echo(request));
        if (where.startsWith('/oauth1/') && gives.includes(where)) {
            return { headers: { 'content-type': 'application/x-www-form-urlencoded' }, body: `oauth_token=${token()}&oauth_token_secret=${mint('tokensecret')}&oauth_callback_confirmed=true` };
        }
        if (where === '/register') return { status: 201, body: { client_id: 'registered', client_secret: mint('registeredsecret'), token_endpoint_auth_method: 'client_secret_basic' } };
        if (where === '/login') return { body: { sessionId: mint('session'), userId: 'u-1' } };
        if (where.endsWith('/access_tokens')) return { status: 201, body: { token: mint('installation'), expires_at: new Date(Date.now() + 3_600_000).toISOString() } };
        if (gives.includes(where)) {
            return { body: { access_token: mint('access'), refresh_token: mint('refresh'), id_token: mint('idtoken'), expires_in: 3600, token_type: 'bearer', scope: '' } };
        }
        if (request.raw.includes('Action=AssumeRole')) {
            const credentials = `<AccessKeyId>ASIAEXAMPLE</AccessKeyId><SecretAccessKey>${mint('awssecret')}</SecretAccessKey><SessionToken>${mint('awssession')}</SessionToken><Expiration>${new Date(Date.now() + 3_600_000).toISOString()}</Expiration>`;
            return { headers: { 'content-type': 'text/xml' }, body: `<AssumeRoleResponse><AssumeRoleResult><Credentials>${credentials}</Credentials></AssumeRoleResult></AssumeRoleResponse>` };
        }
        if (request.raw.includes('Action=GetCallerIdentity')) {
            return { headers: { 'content-type': 'text/xml' }, body: '<R><Arn>arn:aws:sts::123456789012:assumed-role/Reader/s</Arn></R>' };
        }
        if (where.startsWith('/fail')) {
            const text = echo(request);
            return { status: 500, headers: { 'x-debug': text.replace(/[^ -~]/g, '').slice(0, 900), authorization: request.headers.authorization ?? 'none', 'x-api-key': mint('upstreamheader') }, body: where.endsWith('json') ? { why: text } : text };
        }
        if (where === '/login-page') return { status: 302, headers: { location: `${upstream.url}/landed?access_token=${mint('redirect')}` } };
        return { body: { ok: true } };
    });
    vendor.url = upstream.url;
    vendor.close = upstream.close;
    vendor.moods = Object.keys(refuse);
    return vendor;
}

/** Every file below a folder as [name, bytes]. */
export async function files(folder) {
    const all = [];
    for (const entry of await readdir(folder, { withFileTypes: true, recursive: true })) {
        const file = path.join(entry.parentPath, entry.name);
        if (entry.isFile()) all.push([path.relative(folder, file), await readFile(file).catch(() => Buffer.alloc(0))]);
    }
    return all;
}
