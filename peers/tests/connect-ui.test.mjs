// The Connect UI in a real browser: opened by the official frontend SDK in a frame, and as a link. The provider with a
// consent page is our own simulator, the one with a key a small server.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { Nango } from '@nangohq/node';
import { checkState, startBrowser, startProduct } from '../support/browser.mjs';
import { binary, freePort, startServer, startUpstream, temporaryFolder, until } from '../support/server.mjs';

let browser, product, tenon, sim, upstream, nango;

async function startSimulator(port) {
    const child = spawn(binary(), ['sim', 'hubspot', '--port', String(port), '--contacts', '10'], { stdio: 'ignore' });
    await until('the simulator answers', () => fetch(`http://127.0.0.1:${port}/_sim/stats`).then((answer) => answer.ok, () => false));
    return { stop: () => new Promise((resolve) => { child.once('exit', resolve); child.kill('SIGTERM'); }) };
}

before(async () => {
    upstream = await startUpstream((request) => {
        if (request.headers.authorization === 'Bearer key-good') return { body: { ok: true } };
        return { status: 401, body: { error: { message: `The key ${request.headers.authorization?.slice(7)} was revoked on 3 May.` } } };
    });
    const simPort = await freePort();
    const folder = await temporaryFolder();
    const providers = path.join(folder, 'providers');
    const url = `http://127.0.0.1:${simPort}`;
    await mkdir(providers);
    await writeFile(path.join(providers, 'test.toml'), `
[vendor]
name = "Test"
docs = "https://example.com/docs"

[hubspot-sim]
extends = "hubspot"
name = "HubSpot (simulator)"
authorize = "${url}/oauth/authorize"
token = "${url}/oauth/v1/token"
api = "${url}"
example = { request = "GET /crm/v3/objects/contacts", sends = "${url}/crm/v3/objects/contacts" }

[keyed]
name = "Keyed CRM"
categories = ["crm"]
auth = "api_key"
guide = "https://example.com/guide"
api = "${upstream.url}"
key_in = "bearer"
probe = "GET /me"
config.subdomain = { label = "Subdomain", help = "The first part of the address that you see when you are signed in.", example = "acme", pattern = "^[a-z0-9-]+$", prefix = "https://", suffix = ".keyed.example", order = 1, section = "#address" }
config.region = { label = "Region", choices = ["Europe", "United States"], order = 2 }
cred.apiKey = { label = "API Key", section = "#key" }
example = { config = { subdomain = "a", region = "Europe" }, request = "GET /me", sends = "${upstream.url}/me" }
`);
    const port = await freePort();
    [sim, browser, product, tenon] = await Promise.all([
        startSimulator(simPort), startBrowser(), startProduct(), startServer({ port, args: ['--providers-dir', providers] })
    ]);
    nango = new Nango({ host: tenon.url, apiKey: tenon.keys.dev });
    const oauth = { type: 'OAUTH2', client_id: 'tenon-simulated-client', client_secret: 'tenon-simulated-secret', scopes: 'crm.objects.contacts.read' };
    await nango.createIntegration({ provider: 'hubspot-sim', unique_key: 'hubspot', display_name: 'HubSpot', credentials: oauth });
    await nango.createIntegration({ provider: 'keyed', unique_key: 'keyed' });
});

after(async () => {
    await browser?.close();
    await tenon?.stop();
    await Promise.all([sim?.stop(), product?.close(), upstream?.close()]);
});

/** A session of a person. */
async function session(allowed, more = {}) {
    const made = await nango.createConnectSession({
        end_user: { id: 'u-1', email: 'ann@acme.example', display_name: 'Ann Lee' },
        organization: { id: 'o-1', display_name: 'Acme Inc.' },
        allowed_integrations: allowed,
        ...more
    });
    return made.data;
}

/** Opens the Connect UI in a frame: {page, frame, events(), shows(view)}. */
async function open(token, more = {}, { block = false, context: options = {} } = {}) {
    const context = await browser.newContext({ viewport: { width: 1100, height: 820 }, ...options });
    if (block) await context.addInitScript(() => { window.open = () => null; });
    const page = await context.newPage();
    const errors = [];
    page.on('console', (message) => { if (/Content Security Policy|Uncaught/.test(message.text())) errors.push(message.text()); });
    page.on('pageerror', (error) => errors.push(String(error)));
    await page.goto(product.url);
    await page.waitForFunction(() => window.isReady);
    await page.evaluate((args) => window.openConnect(args), { host: tenon.url, token, ...more });
    const frame = await (await page.waitForSelector('#connect-ui')).contentFrame();
    return {
        page, frame, context,
        events: () => page.evaluate(() => window.events),
        shows: (view) => frame.waitForSelector(`#view[data-view="${view}"]`, { timeout: 15_000 }),
        /** Opens the window at the provider and answers it. */
        signIn: async () => {
            const [popup] = await Promise.all([context.waitForEvent('page'), frame.click('#submit')]);
            await popup.waitForSelector('button[value="approve"]', { timeout: 15_000 });
            return popup;
        },
        close: async () => {
            assert.deepEqual(errors, []);
            await context.close();
        }
    };
}

const connections = async (integrationId) => (await nango.listConnections({ integrationId })).connections;

test('OAuth: from the list through the window at the provider to a connection', async () => {
    const { token } = await session(['hubspot', 'keyed']);
    const ui = await open(token);
    await ui.shows('list');
    assert.match(await ui.frame.textContent('#identity'), /Ann Lee · Acme Inc\./);
    await checkState(ui.page, ui.frame, 'list');
    await ui.page.keyboard.press('ArrowDown');
    assert.equal(await ui.frame.evaluate(() => document.activeElement.dataset.key), 'hubspot');
    await ui.page.keyboard.press('Enter');
    await ui.shows('form');
    await checkState(ui.page, ui.frame, 'form-oauth');
    await ui.frame.click('#back');
    await ui.shows('list');
    await ui.frame.click('[data-key="hubspot"]');
    await ui.shows('form');
    const popup = await ui.signIn();
    await ui.shows('waiting');
    await checkState(ui.page, ui.frame, 'waiting');
    await Promise.all([popup.waitForEvent('close'), popup.click('button[value="approve"]')]);
    await ui.shows('success');
    await checkState(ui.page, ui.frame, 'success');
    const [made] = await connections('hubspot');
    assert.equal(made.end_user.id, 'u-1');
    const connect = (await ui.events()).find((event) => event.type === 'connect');
    assert.deepEqual(connect.payload, { providerConfigKey: 'hubspot', connectionId: made.connection_id, isPending: false });
    await ui.frame.click('[data-do="close"]');
    await ui.page.waitForSelector('#connect-ui', { state: 'detached' });
    assert.deepEqual((await ui.events()).map((event) => event.type), ['ready', 'connect', 'close']);
    await ui.close();
});

test('OAuth: the user declines, tries again and succeeds', async () => {
    const before = (await connections('hubspot')).length;
    const ui = await open((await session(['hubspot'])).token);
    await ui.shows('form');
    const popup = await ui.signIn();
    await popup.click('button[value="deny"]');
    await ui.shows('denied');
    assert.equal((await connections('hubspot')).length, before);
    const error = (await ui.events()).find((event) => event.type === 'error');
    assert.equal(error.payload.errorType, 'callback_err');
    await checkState(ui.page, ui.frame, 'denied');
    await popup.close();
    await ui.frame.click('[data-do="retry"]');
    await ui.shows('form');
    const second = await ui.signIn();
    await second.click('button[value="approve"]');
    await ui.shows('success');
    assert.equal((await connections('hubspot')).length, before + 1);
    await ui.close();
});

test('OAuth: the window is closed early, and may still answer late', async () => {
    const ui = await open((await session(['hubspot'])).token, { detectClosedAuthWindow: true });
    await ui.shows('form');
    const popup = await ui.signIn();
    const late = popup.url();
    await popup.close();
    await ui.shows('closed');
    await checkState(ui.page, ui.frame, 'closed');
    const error = (await ui.events()).find((event) => event.type === 'error');
    assert.equal(error.payload.errorType, 'window_closed');
    // Some providers cut the tie to their window; what it brings home counts all the same.
    const other = await ui.context.newPage();
    await other.goto(late);
    await other.click('button[value="approve"]');
    await ui.shows('success');
    await ui.close();
});

test('OAuth: the browser blocks the window', async () => {
    const ui = await open((await session(['hubspot'])).token, {}, { block: true });
    await ui.shows('form');
    await ui.frame.click('#submit');
    await ui.shows('blocked');
    await checkState(ui.page, ui.frame, 'blocked');
    assert.equal((await ui.events()).find((event) => event.type === 'error').payload.errorType, 'blocked_by_browser');
    await ui.close();
});

test('a wrong token and a session that ended', async () => {
    const ui = await open(`nango_connect_session_${'0'.repeat(64)}`);
    await ui.shows('expired');
    await checkState(ui.page, ui.frame, 'expired');
    assert.equal((await ui.events()).find((event) => event.type === 'error').payload.errorType, 'unknown_connect_session_token');
    // The product asks for a new session and hands it over.
    const { token } = await session(['keyed']);
    await ui.page.evaluate((token) => window.connect.setSessionToken(token), token);
    await ui.shows('form');
    await ui.close();

    const ended = await session(['keyed']);
    const second = await open(ended.token);
    await second.shows('form');
    await fetch(`${tenon.url}/connect/session`, { method: 'DELETE', headers: { authorization: `Bearer ${ended.token}` } });
    await second.frame.fill('[name="config.subdomain"]', 'acme');
    await second.frame.click('#submit');
    await second.shows('expired');
    await second.close();
});

test('API key: each wrong value is explained, the provider\'s reason is shown, and it works in the end', async () => {
    const ui = await open((await session(['keyed'])).token);
    await ui.shows('form');
    await checkState(ui.page, ui.frame, 'form-key');
    assert.equal(await ui.frame.getAttribute('[name="cred.apiKey"]', 'type'), 'password');
    await ui.frame.fill('[name="config.subdomain"]', 'not a name');
    await ui.frame.fill('[name="cred.apiKey"]', 'key-bad-1234');
    await ui.frame.click('#submit');
    await ui.frame.waitForSelector('.wrong');
    assert.deepEqual(await ui.frame.$$eval('[aria-invalid="true"]', (inputs) => inputs.map((input) => input.name)), ['config.subdomain', 'config.region']);
    assert.match(await ui.frame.textContent('.wrong'), /acme/);
    assert.equal(await ui.frame.inputValue('[name="cred.apiKey"]'), 'key-bad-1234');
    await checkState(ui.page, ui.frame, 'form-key-wrong');

    await ui.frame.fill('[name="config.subdomain"]', '');
    await ui.frame.focus('[name="config.subdomain"]');
    await ui.page.keyboard.insertText('https://acme.keyed.example');
    await ui.page.keyboard.press('Tab');
    await ui.frame.selectOption('[name="config.region"]', 'Europe');
    assert.equal(await ui.frame.inputValue('[name="config.subdomain"]'), 'acme', 'a pasted address is cut');
    await ui.frame.click('#submit');
    await ui.frame.waitForSelector('[data-refused]');
    const alert = await ui.frame.textContent('#alert');
    assert.match(alert, /The key ••• was revoked on 3 May\./);
    assert.equal(await ui.frame.evaluate(() => document.activeElement.id), 'alert');
    await checkState(ui.page, ui.frame, 'form-key-refused');
    assert.equal((await connections('keyed')).length, 0);

    await ui.frame.fill('[name="cred.apiKey"]', 'key-good');
    await ui.page.keyboard.press('Enter');
    await ui.shows('success');
    const [made] = await connections('keyed');
    const full = await nango.getConnection('keyed', made.connection_id);
    assert.equal(full.credentials.apiKey, 'key-good');
    assert.equal(full.connection_config.subdomain, 'acme');
    await ui.close();
});

test('reconnecting fills in what is known and keeps the id', async () => {
    const [known] = await connections('keyed');
    const made = await nango.createReconnectSession({ connection_id: known.connection_id, integration_id: 'keyed' });
    const ui = await open(made.data.token);
    await ui.shows('form');
    assert.match(await ui.frame.textContent('h1'), /Reconnect/);
    assert.equal(await ui.frame.inputValue('[name="config.subdomain"]'), 'acme');
    assert.equal(await ui.frame.inputValue('[name="cred.apiKey"]'), '');
    await checkState(ui.page, ui.frame, 'form-reconnect');
    await ui.frame.fill('[name="cred.apiKey"]', 'key-good');
    await ui.frame.click('#submit');
    await ui.shows('success-again');
    const connect = (await ui.events()).find((event) => event.type === 'connect');
    assert.equal(connect.payload.connectionId, known.connection_id);
    assert.equal((await connections('keyed')).length, 1);
    await ui.close();
});

test('a link works once, in the browser that opened it, and shows for whom it is', async () => {
    const { connect_link: link, token } = await session(['keyed']);
    const first = await browser.newContext({ viewport: { width: 1100, height: 820 } });
    const page = await first.newPage();
    const answer = await page.goto(link);
    assert.match(answer.headers()['content-security-policy'], /frame-ancestors 'none'/);
    await page.waitForSelector('#view[data-view="ask"]');
    assert.match(await page.textContent('.who'), /Ann Lee/);
    await checkState(page, page.mainFrame(), 'link-ask');
    await page.click('[data-do="claim"]');
    await page.waitForSelector('#view[data-view="form"]');
    await checkState(page, page.mainFrame(), 'link-form');
    // The link's token opens nothing any more; the page that holds the new one may be loaded again.
    const old = await fetch(`${tenon.url}/connect/session`, { headers: { authorization: `Bearer ${token}` } });
    assert.equal(old.status, 401);
    await page.reload();
    await page.waitForSelector('#view[data-view="form"]');

    const second = await browser.newContext({ viewport: { width: 1100, height: 820 } });
    const other = await second.newPage();
    await other.goto(link);
    await other.waitForSelector('#view[data-view="elsewhere"]');
    await checkState(other, other.mainFrame(), 'link-elsewhere');

    await page.fill('[name="config.subdomain"]', 'acme');
    await page.selectOption('[name="config.region"]', 'Europe');
    await page.fill('[name="cred.apiKey"]', 'key-good');
    await page.click('#submit');
    await page.waitForSelector('#view[data-view="success"]');
    await checkState(page, page.mainFrame(), 'link-success');
    await until('the session has ended', async () => {
        await page.reload();
        return page.waitForSelector('#view[data-view="used"]', { timeout: 1_000 }).catch(() => null);
    });
    await checkState(page, page.mainFrame(), 'link-used');
    await Promise.all([first.close(), second.close()]);
});

test('colours, logo, name and language are the product\'s', async () => {
    await tenon.cli('env', 'settings', 'dev', '--connect-primary-light', '#0b6e4f', '--connect-primary-dark', '#7ee0b8', '--connect-product-name', 'Acme');
    const read = () => session(['keyed', 'hubspot']).then(({ token }) => fetch(`${tenon.url}/connect/session`, { headers: { authorization: `Bearer ${token}` } })).then((answer) => answer.json());
    await until('the settings have arrived', async () => (await read()).data.connectUISettings.theme.light.primary === '#0b6e4f', 10_000);
    const ui = await open((await session(['hubspot'])).token, { lang: 'de' });
    await ui.shows('form');
    assert.match(await ui.frame.textContent('h1'), /HubSpot verbinden/);
    assert.equal(await ui.frame.evaluate(() => getComputedStyle(document.getElementById('submit')).backgroundColor), 'rgb(11, 110, 79)');
    assert.equal((await ui.frame.textContent('#brand')).trim(), 'Acme');
    assert.doesNotMatch(await ui.frame.innerText('body'), /tenon|nango/i);
    await checkState(ui.page, ui.frame, 'branded');
    await ui.close();
    for (const lang of ['en', 'es', 'fr', 'it', 'ja', 'nl', 'pt']) {
        const page = await open((await session(['keyed'])).token, { lang, themeOverride: 'dark' });
        await page.shows('form');
        assert.equal(await page.frame.getAttribute('html', 'lang'), lang);
        assert.equal(await page.frame.getAttribute('html', 'data-theme'), 'dark');
        await checkState(page.page, page.frame, `language-${lang}`);
        await page.close();
    }
});

test('a long list can be searched', async () => {
    for (const name of ['Änderungen', 'Books', 'Calls', 'Deals', 'Emails', 'Forms']) {
        await nango.createIntegration({ provider: 'keyed', unique_key: name.toLowerCase().normalize('NFKD').replace(/\W/g, ''), display_name: name });
    }
    const ui = await open((await session([])).token);
    await ui.shows('list');
    assert.equal(await ui.frame.evaluate(() => document.activeElement.id), 'search');
    await ui.page.keyboard.type('anderung');
    assert.deepEqual(await ui.frame.$$eval('#choices li:not([hidden]) .name', (names) => names.map((name) => name.textContent)), ['Änderungen']);
    await checkState(ui.page, ui.frame, 'list-search');
    await ui.page.keyboard.press('Escape');
    assert.equal(await ui.frame.$$eval('#choices li:not([hidden])', (items) => items.length), 8);
    await ui.page.keyboard.type('zzz');
    assert.match(await ui.frame.textContent('#none'), /zzz/);
    await checkState(ui.page, ui.frame, 'list-none');
    await ui.page.keyboard.press('Escape');
    await ui.page.keyboard.press('Escape');
    await ui.page.waitForSelector('#connect-ui', { state: 'detached' });
    await ui.close();
});

test('every way to authenticate has a form', async () => {
    const oauth = (type) => ({ type, client_id: 'id', client_secret: 'secret', scopes: '' });
    const ways = {
        'confluence-basic': { fields: ['config.subdomain', 'cred.username', 'cred.password'] },
        jamf: { fields: ['config.instance', 'cred.client_id', 'cred.client_secret'] },
        'jamf-basic': { fields: ['config.instance', 'cred.username', 'cred.password'] },
        'snowflake-jwt': { fields: ['config.subdomain', 'cred.accountIdentifier', 'cred.userName', 'cred.privateKey'] },
        'netsuite-tba': { credentials: oauth('TBA'), fields: ['cred.token_id', 'cred.token_secret', 'config.accountId'] },
        bill: { fields: ['cred.username', 'cred.password', 'cred.organization_id', 'cred.dev_key'] },
        emarsys: { fields: ['cred.username', 'cred.password'] },
        'aws-sigv4': {
            integration_config: { service: 's3', stsMode: 'builtin', awsAccessKeyId: 'AKIAEXAMPLE', awsSecretAccessKey: 'secret' },
            fields: ['config.external_id', 'config.region', 'cred.role_arn']
        },
        unauthenticated: { fields: [] },
        'posthog-oauth': { credentials: oauth('OAUTH2'), fields: ['config.subdomain'] },
    };
    for (const [provider, { fields, ...more }] of Object.entries(ways)) {
        const key = `way-${provider}`;
        await nango.createIntegration({ provider, unique_key: key, ...more });
        const ui = await open((await session([key])).token, { lang: 'en' });
        await ui.shows('form');
        assert.deepEqual((await ui.frame.$$eval('#form [name]', (inputs) => inputs.map((input) => input.name))).sort(), fields.toSorted(), provider);
        await checkState(ui.page, ui.frame, `way-${provider}`);
        if (fields.length === 0) {
            await ui.frame.click('#submit');
            await ui.shows('success');
        } else if (!['posthog-oauth', 'aws-sigv4'].includes(provider)) {
            // Every field is asked for: sent empty, each is marked, and nothing is stored.
            await ui.frame.click('#submit');
            await ui.frame.waitForSelector('.wrong');
            assert.equal((await connections(key)).length, 0, provider);
        }
        await ui.close();
    }
});
