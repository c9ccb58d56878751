// Everything around the Connect UI: a server with providers of every kind, one small outside world that plays them all, a
// product's page with the official frontend SDK, and a browser.
import assert from 'node:assert/strict';
import { createHash, createHmac, generateKeyPairSync } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { Nango } from '@nangohq/node';
import { startBrowser, startProduct } from './browser.mjs';
import { ROOT, freePort, startServer, startUpstream, temporaryFolder, until } from './server.mjs';

/** The outside world, by path; `tenon()` is the address of the server. */
function world(tenon) {
    const back = (state, query) => ({ status: 302, headers: { location: `${tenon()}/oauth/callback?${new URLSearchParams({ state, ...query })}` } });
    const consent = (state) => ({
        headers: { 'content-type': 'text/html' },
        body: `<!doctype html><html lang="en"><title>Example CRM</title><h1>Sign in to Example CRM</h1><form action="/decided"><input type="hidden" name="state" value="${state}">
<button name="answer" value="approve">Approve</button><button name="answer" value="deny">Deny</button></form></html>`
    });
    return async ({ method, url, headers, raw }) => {
        const { pathname, searchParams } = new URL(url, 'http://upstream.test');
        const state = searchParams.get('state');
        if (pathname === '/me') {
            if (headers.authorization === 'Bearer key-slow') await new Promise((resolve) => setTimeout(resolve, 8_000));
            if (headers.authorization === 'Bearer key-good') return { body: { ok: true } };
            return { status: 401, body: { error: { message: `The key ${headers.authorization?.slice(7)} was revoked on 3 May.` } } };
        }
        if (pathname === '/authorize') return consent(state);
        if (pathname === '/decided') {
            return back(state, searchParams.get('answer') === 'approve' ? { code: 'c-1' } : { error: 'access_denied', error_description: 'The resource owner denied the request' });
        }
        if (pathname === '/authorize-broken') return back(state, { error: 'server_error', error_description: 'Scheduled maintenance until 06:00 UTC' });
        if (pathname === '/ask-owner/installations/new') return back(state, { setup_action: 'request' });
        if (pathname === '/ask-owner-user/installations/new') return back(state, { setup_action: 'request', code: 'c-1' });
        if (pathname === '/token') return { body: { access_token: 'at-1', refresh_token: 'rt-1', token_type: 'bearer', expires_in: 3600 } };
        if (pathname === '/user') return { body: { login: 'ann-lee' } };
        if (pathname.startsWith('/app/installations/')) return { status: 201, body: { token: 'ghs_1', expires_at: new Date(Date.now() + 3_600_000).toISOString() } };
        if (pathname.endsWith('/authorizations/')) return { status: 201, body: { token: 'st-1', refreshToken: 'sr-1', expiresAt: new Date(Date.now() + 3_600_000).toISOString(), asked: JSON.parse(raw || '{}') } };
        if (pathname.startsWith('/0/sentry-app-installations/') && method === 'PUT') return { body: { status: 'installed' } };
        return { body: { ok: true } };
    };
}

const providers = (at) => `
[vendor]
name = "Test"
docs = "https://example.com/docs"

[keyed]
name = "Keyed CRM"
categories = ["crm"]
auth = "api_key"
guide = "https://example.com/guide"
api = "${at}"
key_in = "bearer"
probe = "GET /me"
config.subdomain = { label = "Subdomain", help = "The first part of the address that you see when you are signed in.", example = "acme", pattern = "^[a-z0-9-]+$", prefix = "https://", suffix = ".keyed.example", order = 1, section = "#address" }
config.region = { label = "Region", choices = ["Europe", "United States"], order = 2 }
cred.apiKey = { label = "API Key", section = "#key" }
example = { config = { subdomain = "a", region = "Europe" }, request = "GET /me", sends = "${at}/me" }

[example-crm]
name = "Example CRM"
categories = ["crm"]
auth = "oauth2"
authorize = "${at}/authorize"
token = "${at}/token"
api = "${at}"

[example-broken]
name = "Broken CRM"
categories = ["crm"]
auth = "oauth2"
authorize = "${at}/authorize-broken"
token = "${at}/token"
api = "${at}"

[example-app]
name = "Code Host"
categories = ["dev-tools"]
auth = "app_installation"
authorize = "\${config.appPublicLink}/installations/new"
installation_token = "${at}/app/installations/\${config.installation_id}/access_tokens"
api = "${at}"
config.appPublicLink = { label = "Link", automatic = true }
config.installation_id = { label = "Installation", automatic = true }

[example-app-user]
name = "Code Host"
categories = ["dev-tools"]
auth = "app_installation_user"
authorize = { url = "\${config.appPublicLink}/installations/new", unencoded = ["inputs"] }
token = "${at}/token"
installation_token = "${at}/app/installations/\${config.installation_id}/access_tokens"
api = "${at}"
hooks = { after_connect = "github_app_oauth" }
config.appPublicLink = { label = "Link", automatic = true }
config.installation_id = { label = "Installation", automatic = true }

[example-app-user.webhook]
router = "github_app_oauth"
signature = { scheme = "hmac", header = "x-hub-signature-256", prefix = "sha256=", secret = "app_derived", required = true }
event = "header:x-github-event"
delivery_id = "header:x-github-delivery"
match = [{ value = "installation.id", config = "installation_id" }]

[example-plugin]
name = "Shop Plugin"
categories = ["e-commerce"]
auth = "plugin_install"
api = "${at}"

[example-none]
name = "Open Data"
categories = ["other"]
auth = "none"
api = "${at}"

[example-outbound]
name = "Error Tracker"
categories = ["dev-tools"]
auth = "oauth2"
authorize = { code_in_webhook = "data.installation.code" }
api = "${at}"
hooks = { after_connect = "sentry_oauth" }
capture = { install_webhook = ["installation.uuid"] }
config.actor = { label = "User ID" }
config."installation.uuid" = { automatic = true }

[example-outbound.token]
url = "${at}/\${config.installation.uuid}/authorizations/"
body = "json"
reply = { access_token = "token", refresh_token = "refreshToken", expires_at = "expiresAt" }

[example-outbound.webhook]
router = "sentry_oauth"
signature = { scheme = "hmac", header = "sentry-hook-signature", secret = "client" }
event = "action"
delivery_id = "header:request-id"
match = [{ value = "installation.id", config = "installation_id" }]
`;

/** Starts it all. `live` takes style and script from the working tree, so that they need no build. */
export async function startConnect({ live = false, seconds = 15 } = {}) {
    const wait = seconds * 1_000;
    let url = '';
    const upstream = await startUpstream(world(() => url));
    const folder = path.join(await temporaryFolder(), 'providers');
    await mkdir(folder);
    await writeFile(path.join(folder, 'test.toml'), providers(upstream.url));
    const port = await freePort();
    url = `http://127.0.0.1:${port}`;
    const serve = (more = {}) => startServer({ port, args: ['--providers-dir', folder], ...more });
    const [browser, product, tenon] = await Promise.all([startBrowser(), startProduct(), serve()]);
    const stage = { browser, product, tenon, upstream, serve };
    const nango = stage.nango = new Nango({ host: tenon.url, apiKey: tenon.keys.dev });
    const oauth = { type: 'OAUTH2', client_id: 'client', client_secret: 'client-secret', scopes: '' };
    const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048, privateKeyEncoding: { type: 'pkcs1', format: 'pem' }, publicKeyEncoding: { type: 'spki', format: 'pem' } });
    const app = (link) => ({ app_id: '7', app_link: `${upstream.url}${link}`, private_key: privateKey });
    const integrations = {
        crm: { provider: 'example-crm', display_name: 'Example CRM', credentials: oauth },
        broken: { provider: 'example-broken', credentials: oauth },
        keyed: { provider: 'keyed' },
        app: { provider: 'example-app', credentials: { type: 'APP', ...app('/ask-owner') } },
        'app-user': { provider: 'example-app-user', credentials: { type: 'CUSTOM', client_id: 'c', client_secret: 's', ...app('/ask-owner-user') } },
        plugin: { provider: 'example-plugin' },
        open: { provider: 'example-none' },
        outbound: { provider: 'example-outbound', credentials: oauth },
    };
    await Promise.all(Object.entries(integrations).map(([unique_key, made]) => nango.createIntegration({ unique_key, ...made })));

    /** A session of a person: {token, connect_link}. */
    stage.session = async (allowed, more = {}) => (await nango.createConnectSession({
        end_user: { id: 'u-1', email: 'ann@acme.example', display_name: 'Ann Lee' },
        organization: { id: 'o-1', display_name: 'Acme Inc.' },
        allowed_integrations: allowed,
        ...more
    })).data;

    /** Colours and name of the environment; what is left out is cleared. Nodes hear of it within seconds. */
    stage.brand = async ({ light = '', dark = '', name = '' }) => {
        await stage.tenon.cli('env', 'settings', 'dev', '--connect-primary-light', light, '--connect-primary-dark', dark, '--connect-product-name', name);
        const { token } = await stage.session(['keyed']);
        const headers = { authorization: `Bearer ${token}` };
        await until('the settings have arrived', async () => {
            const { data } = await (await fetch(`${tenon.url}/connect/session`, { headers })).json();
            return data.connectUISettings.theme.light.primary === (light || '#00B2E3');
        });
    };

    stage.connections = async (integrationId) => (await nango.listConnections({ integrationId })).connections;

    /** A context whose pages may say nothing on the console that a policy or an exception caused. */
    stage.context = async (options = {}) => {
        const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, ...options });
        const faults = [];
        const listen = (page) => {
            page.on('console', (message) => { if (/Content Security Policy|Refused to|Uncaught/.test(message.text())) faults.push(message.text()); });
            page.on('pageerror', (error) => faults.push(String(error)));
        };
        context.on('page', listen);
        if (live) await overlay(context, tenon.url);
        const close = context.close.bind(context);
        context.faults = faults;
        context.close = async () => {
            await close();
            assert.deepEqual(faults, [], 'the console stays clean');
        };
        return context;
    };

    /** Opens the Connect UI in a frame of the product's page. */
    stage.open = async (token, more = {}, { block = false, context: options = {} } = {}) => {
        const context = await stage.context(options);
        if (block) await context.addInitScript(() => { window.open = () => null; });
        const page = await context.newPage();
        await page.goto(product.url);
        await page.waitForFunction(() => window.isReady);
        await page.evaluate((args) => window.openConnect(args), { host: tenon.url, token, ...more });
        const frame = await (await page.waitForSelector('#connect-ui')).contentFrame();
        return {
            page, frame, context,
            events: () => page.evaluate(() => window.events),
            shows: (view) => frame.waitForSelector(`#view[data-view="${view}"]`, { timeout: wait }),
            /** Opens the window at the provider. */
            window: async (selector = '#submit') => (await Promise.all([context.waitForEvent('page', { timeout: wait }), frame.click(selector)]))[0],
            /** Opens the window and waits for its consent page. */
            signIn: async (selector = '#submit') => {
                const [popup] = await Promise.all([context.waitForEvent('page', { timeout: wait }), frame.click(selector)]);
                await popup.waitForSelector('button[value="approve"]', { timeout: wait });
                return popup;
            },
            close: () => context.close()
        };
    };

    /** Opens a link as a page of its own. */
    stage.link = async (link, options = {}) => {
        const context = await stage.context(options);
        const page = await context.newPage();
        await page.goto(link);
        return { page, frame: page.mainFrame(), context, shows: (view) => page.waitForSelector(`#view[data-view="${view}"]`, { timeout: wait }), close: () => context.close() };
    };

    /** A webhook of the provider, signed. */
    stage.webhook = async (integration, headers, body, { header, secret, prefix = '' }) => {
        const { webhook_url } = (await nango.getIntegration({ uniqueKey: integration }, { include: ['webhook'] })).data;
        const raw = JSON.stringify(body);
        const signature = prefix + createHmac('sha256', secret).update(raw).digest('hex');
        return fetch(webhook_url, { method: 'POST', headers: { 'content-type': 'application/json', [header]: signature, ...headers }, body: raw });
    };
    /** The secret with which a GitHub-style app signs its webhooks. */
    stage.appSecret = (link) => {
        const { app_id, private_key, app_link } = app(link);
        return createHash('sha256').update(app_id + private_key + app_link).digest('hex');
    };

    stage.close = async () => {
        await browser.close();
        await stage.tenon.stop();
        await Promise.all([product.close(), upstream.close()]);
    };
    return stage;
}

/** The parts of the page's script, in their order. */
const SCRIPTS = ['window', 'page', 'views', 'list', 'form', 'attempt', 'navigation', 'connect'];

/** Replaces style and script of each page of the server by those of the working tree. */
async function overlay(context, url) {
    const read = async (...names) => (await Promise.all(names.map((name) => readFile(path.join(ROOT, 'ui', name), 'utf8')))).join('\n');
    await context.route((at) => at.href.startsWith(url) && /^\/(connect-ui\/?|oauth\/callback|oauth\/connect\/.*)$/.test(at.pathname), async (route) => {
        const answer = await route.fetch({ maxRedirects: 0 });
        if (!(answer.headers()['content-type'] ?? '').startsWith('text/html')) return route.fulfill({ response: answer });
        const style = await read('tokens.css', 'connect/connect.css');
        const isWindow = !new URL(route.request().url()).pathname.startsWith('/connect-ui');
        const script = isWindow ? await read('connect/result.js') : await read(...SCRIPTS.map((name) => `connect/${name}.js`));
        const html = (await answer.text())
            .replace(/(<style nonce="[^"]*">)[^]*?(:root \{ --primary[^]*?)?<\/style>/, (_, open, brand = '') => `${open}${style}${brand}</style>`)
            .replace(/(<script nonce="[^"]*">)[^]*?<\/script>/, (_, open) => `${open}${script}</script>`);
        return route.fulfill({ response: answer, body: html });
    });
}
