// A certified OAuth 2.0 / OpenID server on loopback, with short tokens and rotation, and a browser stand-in for it.
import { createServer } from 'node:http';
import Provider from 'oidc-provider';

/** Starts the server: {issuer, counts, close()}. Refresh tokens rotate; using an old one revokes the whole grant. */
export async function startOidc({ port, redirectUri, accessTokenSeconds }) {
    const issuer = `http://127.0.0.1:${port}`;
    const provider = new Provider(issuer, {
        clients: [{
            client_id: 'tenon',
            client_secret: 'a-secret-of-at-least-32-characters-0123456789',
            redirect_uris: [redirectUri],
            grant_types: ['authorization_code', 'refresh_token'],
            response_types: ['code'],
            token_endpoint_auth_method: 'client_secret_post'
        }],
        cookies: { keys: ['a', 'b'] },
        clockTolerance: 0,
        scopes: ['openid', 'offline_access'],
        ttl: { AccessToken: accessTokenSeconds, RefreshToken: 3600, Session: 3600, Grant: 3600, Interaction: 600, AuthorizationCode: 60, IdToken: 60 },
        rotateRefreshToken: () => true,
        issueRefreshToken: async () => true,
        pkce: { required: () => true },
        features: { devInteractions: { enabled: true }, revocation: { enabled: true }, userinfo: { enabled: true } },
        findAccount: (_ctx, id) => ({ accountId: id, claims: () => ({ sub: id }) })
    });
    const counts = { refreshed: 0, refused: 0 };
    provider.on('grant.success', (ctx) => {
        if (ctx.oidc.params?.grant_type === 'refresh_token') counts.refreshed += 1;
    });
    provider.on('grant.error', () => (counts.refused += 1));
    const server = createServer(provider.callback());
    await new Promise((resolve) => server.listen(port, '127.0.0.1', resolve));
    return {
        issuer,
        counts,
        close: () => new Promise((resolve) => { server.closeAllConnections(); server.close(resolve); })
    };
}

/** Follows a login from the authorize URL to the end, filling in the server's forms; answers the last page. */
export async function logIn(start) {
    const jar = new Map();
    const keep = (answer, url) => {
        for (const line of answer.headers.getSetCookie()) {
            const [pair] = line.split(';');
            const [name, value] = pair.split(/=(.*)/s);
            jar.set(`${new URL(url).origin} ${name}`, value);
        }
    };
    const cookies = (url) => [...jar]
        .filter(([key]) => key.startsWith(`${new URL(url).origin} `))
        .map(([key, value]) => `${key.split(' ')[1]}=${value}`)
        .join('; ');
    let url = start;
    let init = {};
    for (let hop = 0; hop < 30; hop += 1) {
        const answer = await fetch(url, { redirect: 'manual', ...init, headers: { cookie: cookies(url), ...init.headers } });
        keep(answer, url);
        init = {};
        const next = answer.headers.get('location');
        if (next) {
            url = new URL(next, url).href;
            continue;
        }
        const page = await answer.text();
        const action = page.match(/<form[^>]+action="([^"]+)"/)?.[1];
        const prompt = page.match(/name="prompt" value="([^"]+)"/)?.[1];
        if (!action || !prompt) return { status: answer.status, page };
        url = new URL(action.replaceAll('&amp;', '&'), url).href;
        init = {
            method: 'POST',
            headers: { 'content-type': 'application/x-www-form-urlencoded' },
            body: new URLSearchParams({ prompt, login: 'ann', password: 'secret' }).toString()
        };
    }
    throw new Error('the login does not end');
}
