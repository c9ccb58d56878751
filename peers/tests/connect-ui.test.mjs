// The Connect UI in a real browser: opened by the official frontend SDK in a frame, and as a link, from the first click to
// the stored connection. How each state looks is the business of connect-ui-states.test.mjs.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { checkState } from '../support/browser.mjs';
import { startConnect } from '../support/connect.mjs';
import { each } from '../support/http.mjs';
import { until } from '../support/server.mjs';

let stage, tenon, nango, session, open, connections;

before(async () => {
    stage = await startConnect();
    ({ tenon, nango, session, open, connections } = stage);
});
after(() => stage?.close());

test('OAuth: from the list through the window at the provider to a connection', async () => {
    const { token } = await session(['crm', 'keyed']);
    const ui = await open(token);
    await ui.shows('list');
    assert.match(await ui.frame.textContent('#identity'), /Ann Lee · Acme Inc\./);
    await ui.page.keyboard.press('ArrowDown');
    assert.equal(await ui.frame.evaluate(() => document.activeElement.dataset.key), 'crm');
    await ui.page.keyboard.press('Enter');
    await ui.shows('form');
    await ui.frame.click('#back');
    await ui.shows('list');
    await ui.frame.click('[data-key="crm"]');
    await ui.shows('form');
    const popup = await ui.signIn();
    await ui.shows('waiting');
    await Promise.all([popup.waitForEvent('close'), popup.click('button[value="approve"]')]);
    await ui.shows('success');
    const [made] = await connections('crm');
    assert.equal(made.end_user.id, 'u-1');
    const connect = (await ui.events()).find((event) => event.type === 'connect');
    assert.deepEqual(connect.payload, { providerConfigKey: 'crm', connectionId: made.connection_id, isPending: false });
    await ui.frame.click('[data-do="close"]');
    await ui.page.waitForSelector('#connect-ui', { state: 'detached' });
    assert.deepEqual((await ui.events()).map((event) => event.type), ['ready', 'connect', 'close']);
    await ui.close();
});

test('OAuth: the user declines, tries again and succeeds', async () => {
    const before = (await connections('crm')).length;
    const ui = await open((await session(['crm'])).token);
    await ui.shows('form');
    const popup = await ui.signIn();
    await popup.click('button[value="deny"]');
    await ui.shows('denied');
    assert.equal((await connections('crm')).length, before);
    const error = (await ui.events()).find((event) => event.type === 'error');
    assert.equal(error.payload.errorType, 'callback_err');
    await popup.close();
    await ui.frame.click('[data-do="retry"]');
    await ui.shows('form');
    const second = await ui.signIn();
    await second.click('button[value="approve"]');
    await ui.shows('success');
    assert.equal((await connections('crm')).length, before + 1);
    await ui.close();
});

test('OAuth: the window is closed early, and may still answer late', async () => {
    const ui = await open((await session(['crm'])).token, { detectClosedAuthWindow: true });
    await ui.shows('form');
    const popup = await ui.signIn();
    const late = popup.url();
    await popup.close();
    const closedAt = Date.now();
    await ui.shows('closed');
    assert.ok(Date.now() - closedAt < 5_000, 'it is noticed soon');
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
    const ui = await open((await session(['crm'])).token, {}, { block: true });
    await ui.shows('form');
    await ui.frame.click('#submit');
    await ui.shows('blocked');
    assert.equal((await ui.events()).find((event) => event.type === 'error').payload.errorType, 'blocked_by_browser');
    // A link is not blocked, and its outcome arrives although nobody holds its window.
    const popup = await ui.signIn('[data-do="open"]');
    await ui.shows('waiting');
    await popup.click('button[value="approve"]');
    await ui.shows('success');
    await ui.close();
});

test('OAuth: the window is closed by the page\'s own button', async () => {
    const ui = await open((await session(['crm'])).token);
    await ui.shows('form');
    const popup = await ui.signIn();
    await ui.shows('waiting');
    await Promise.all([popup.waitForEvent('close'), ui.frame.click('[data-do="cancel"]')]);
    await ui.shows('form');
    await ui.close();
});

test('a wrong token and a session that ended', async () => {
    const ui = await open(`nango_connect_session_${'0'.repeat(64)}`);
    await ui.shows('expired');
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
    assert.equal(await ui.frame.getAttribute('[name="cred.apiKey"]', 'type'), 'password');
    await ui.frame.fill('[name="config.subdomain"]', 'not a name');
    await ui.frame.fill('[name="cred.apiKey"]', 'key-bad-1234');
    await ui.frame.click('#submit');
    await ui.frame.waitForSelector('.wrong');
    assert.deepEqual(await ui.frame.$$eval('[aria-invalid="true"]', (inputs) => inputs.map((input) => input.name)), ['config.subdomain', 'config.region']);
    assert.match(await ui.frame.textContent('.wrong'), /acme/);
    assert.equal(await ui.frame.inputValue('[name="cred.apiKey"]'), 'key-bad-1234');

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
    await ui.frame.fill('[name="cred.apiKey"]', 'key-good');
    await ui.frame.click('#submit');
    await ui.shows('success-again');
    const connect = (await ui.events()).find((event) => event.type === 'connect');
    assert.equal(connect.payload.connectionId, known.connection_id);
    assert.equal((await connections('keyed')).length, 1);
    await ui.close();
});

test('a link for somebody without a name shows the id, and one for nobody asks about nobody', async () => {
    const shown = async (body) => {
        const answer = await fetch(`${tenon.url}/connect/sessions`, {
            method: 'POST', headers: { authorization: `Bearer ${tenon.keys.dev}`, 'content-type': 'application/json' }, body: JSON.stringify(body)
        });
        const context = await stage.context();
        const page = await context.newPage();
        await page.goto((await answer.json()).data.connect_link);
        await page.waitForSelector('#view[data-view="ask"]');
        return page.textContent('#view header');
    };
    assert.match(await shown({ end_user: { id: 'customer-7' } }), /connect accounts for:\s+customer-7\s+Continue only/);
    assert.equal((await shown({ tags: { team: 'blue' } })).trim(), 'Is this you?');
});

test('a link works once, in the browser that opened it, and shows for whom it is', async () => {
    const { connect_link: link, token } = await session(['keyed']);
    const first = await stage.context();
    const page = await first.newPage();
    const answer = await page.goto(link);
    assert.match(answer.headers()['content-security-policy'], /frame-ancestors 'none'/);
    await page.waitForSelector('#view[data-view="ask"]');
    assert.match(await page.textContent('.who'), /Ann Lee/);
    await page.click('[data-do="claim"]');
    await page.waitForSelector('#view[data-view="form"]');
    // The link's token opens nothing any more; the page that holds the new one may be loaded again.
    const old = await fetch(`${tenon.url}/connect/session`, { headers: { authorization: `Bearer ${token}` } });
    assert.equal(old.status, 401);
    await page.reload();
    await page.waitForSelector('#view[data-view="form"]');

    const second = await stage.context();
    const other = await second.newPage();
    await other.goto(link);
    await other.waitForSelector('#view[data-view="elsewhere"]');

    await page.fill('[name="config.subdomain"]', 'acme');
    await page.selectOption('[name="config.region"]', 'Europe');
    await page.fill('[name="cred.apiKey"]', 'key-good');
    await page.click('#submit');
    await page.waitForSelector('#view[data-view="success"]');
    await until('the session has ended', async () => {
        await page.reload();
        return page.waitForSelector('#view[data-view="used"]', { timeout: 1_000 }).catch(() => null);
    });
    await Promise.all([first.close(), second.close()]);
});

test('colours, logo, name and language are the product\'s', async () => {
    await stage.brand({ light: '#0b6e4f', dark: '#7ee0b8', name: 'Acme' });
    const ui = await open((await session(['crm'])).token, { lang: 'de' });
    await ui.shows('form');
    assert.match(await ui.frame.textContent('h1'), /Example CRM verbinden/);
    assert.equal(await ui.frame.evaluate(() => getComputedStyle(document.getElementById('submit')).backgroundColor), 'rgb(11, 110, 79)');
    assert.equal((await ui.frame.textContent('#brand')).trim(), 'Acme');
    assert.doesNotMatch(await ui.frame.innerText('body'), /tenon|nango/i);
    await ui.close();
    await stage.brand({});
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
    await ui.page.keyboard.press('Escape');
    assert.equal(await ui.frame.$$eval('#choices li:not([hidden])', (items) => items.length), await ui.frame.evaluate(() => Number(document.getElementById('view').dataset.total)));
    await ui.page.keyboard.type('zzz');
    assert.match(await ui.frame.textContent('#none'), /zzz/);
    await ui.frame.click('#clear');
    assert.equal(await ui.frame.inputValue('#search'), '');
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
    await each(Object.entries(ways), async ([provider, { fields, ...more }]) => {
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
    }, 3);
});
