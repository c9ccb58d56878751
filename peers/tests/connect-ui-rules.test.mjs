// What holds in every state of the Connect UI: who may frame it and talk to it, its languages, the keyboard, and that it
// survives what happens to networks and servers.
import assert from 'node:assert/strict';
import { readdir } from 'node:fs/promises';
import { createServer } from 'node:http';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { startConnect } from '../support/connect.mjs';
import { ROOT, freePort, startServer, until } from '../support/server.mjs';

let stage;
before(async () => { stage = await startConnect(); });
after(() => stage?.close());

/** A page of another origin, with a frame of `src` in it. */
async function stranger(src) {
    const server = createServer((request, response) => {
        response.writeHead(200, { 'content-type': 'text/html' });
        response.end(`<!doctype html><html lang="en"><title>Elsewhere</title><iframe id="ui" src="${src}"></iframe><script>window.heard = []; addEventListener('message', (event) => heard.push(event.data));</script>`);
    });
    await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
    return { url: `http://127.0.0.1:${server.address().port}`, close: () => new Promise((resolve) => { server.closeAllConnections(); server.close(resolve); }) };
}

/** Whether the Connect UI says that it is ready inside a page of `url`. */
async function framed(url) {
    const context = await stage.browser.newContext();
    const page = await context.newPage();
    const refused = [];
    page.on('console', (message) => { if (/frame-ancestors|X-Frame-Options/i.test(message.text())) refused.push(message.text()); });
    await page.goto(url);
    const said = await until('the frame is there or refused', async () => {
        if (refused.length) return 'refused';
        return (await page.evaluate(() => window.heard.some((data) => data && data.type === 'ready'))) && 'ready';
    });
    await context.close();
    return said;
}

test('framing: any page by default, only listed ones when they are listed, a link never', async () => {
    const open = await stranger(`${stage.tenon.url}/connect-ui`);
    const link = await stranger((await stage.session(['keyed'])).connect_link);
    const port = await freePort();
    const [listed, unlisted] = [await stranger(`http://127.0.0.1:${port}/connect-ui`), await stranger(`http://127.0.0.1:${port}/connect-ui`)];
    const strict = await startServer({ port, env: { TENON_SERVER_CONNECT_FRAME_ANCESTORS: `https://app.example.com,${listed.url}` } });
    assert.equal(await framed(open.url), 'ready');
    assert.equal(await framed(link.url), 'refused');
    assert.equal(await framed(listed.url), 'ready');
    assert.equal(await framed(unlisted.url), 'refused');
    await Promise.all([open, link, listed, unlisted, { close: strict.stop }].map((one) => one.close()));
});

test('messages: only the page around is listened to', async () => {
    const { token } = await stage.session(['keyed']);
    const ui = await stage.open('waits');
    await ui.frame.waitForSelector('#view');
    const before = await ui.frame.getAttribute('#view', 'data-view');
    // A frame beside it, of another origin, hands over a session of its own.
    const other = await stranger('about:blank');
    await ui.page.evaluate((src) => { const frame = document.createElement('iframe'); frame.id = 'beside'; frame.src = src; document.body.append(frame); }, other.url);
    const beside = await (await ui.page.waitForSelector('#beside')).contentFrame();
    await beside.waitForLoadState();
    await beside.evaluate((token) => { for (let at = 0; at < window.parent.frames.length; at += 1) window.parent.frames[at].postMessage({ type: 'session_token', sessionToken: token }, '*'); }, token);
    await ui.page.waitForTimeout(300);
    assert.equal(await ui.frame.getAttribute('#view', 'data-view'), before);
    await ui.page.evaluate((token) => window.connect.setSessionToken(token), token);
    await ui.shows('form');
    await other.close();
    await ui.close();
});

test('policy: nothing is loaded from elsewhere, no script runs that the page did not bring', async () => {
    const { connect_link: link } = await stage.session(['keyed']);
    for (const at of [`${stage.tenon.url}/connect-ui`, link, `${stage.tenon.url}/oauth/callback?state=x`]) {
        const answer = await fetch(at);
        const policy = answer.headers.get('content-security-policy');
        assert.match(policy, /default-src 'none'; script-src 'nonce-[0-9a-f]{32}'; style-src 'nonce-[0-9a-f]{32}';/, at);
        assert.match(policy, /form-action 'none'; base-uri 'none'; frame-ancestors/, at);
        assert.doesNotMatch(policy, /unsafe|strict-dynamic/, at);
        const html = await answer.text();
        const nonce = policy.match(/nonce-([0-9a-f]+)/)[1];
        assert.deepEqual([...html.matchAll(/<script([^>]*)>/g)].map((found) => found[1]), [` nonce="${nonce}"`], at);
        assert.doesNotMatch(html, /\son\w+=|javascript:|\sstyle="/i, at);
    }
    // Beside the rules on paper: what somebody smuggles into the page does not run.
    const context = await stage.browser.newContext();
    const page = await context.newPage();
    const refused = [];
    page.on('console', (message) => { if (/Content Security Policy/.test(message.text())) refused.push(message.text()); });
    await page.goto(link);
    await page.evaluate(() => { const script = document.createElement('script'); script.textContent = 'window.smuggled = true'; document.body.append(script); });
    assert.equal(await page.evaluate(() => window.smuggled), undefined);
    assert.equal(refused.length, 1);
    await context.close();
});

test('a name that looks like markup is text', async () => {
    const name = '<img src=x onerror="window.smuggled=1">{app}';
    await stage.nango.createIntegration({ provider: 'example-none', unique_key: 'odd', display_name: name });
    const ui = await stage.open((await stage.session(['odd'], { end_user: { id: 'u-2', display_name: name } })).token);
    await ui.shows('form');
    await ui.frame.click('#submit');
    await ui.shows('success');
    assert.equal(await ui.frame.textContent('h1'), `${name} is connected`);
    assert.equal(await ui.frame.evaluate(() => window.smuggled), undefined);
    await ui.close();
});

test('languages: each one says so, in its direction, and leaves nothing in English', async () => {
    const tags = (await readdir(path.join(ROOT, 'ui/connect/languages'))).map((file) => path.basename(file, '.toml'));
    assert.ok(tags.length >= 9, tags.join());
    const { connect_link: link } = await stage.session(['keyed']);
    const page = async (tag) => (await fetch(`${link}&lang=${tag}`)).text();
    const texts = (html) => [...html.matchAll(/<(?:h1|p|button|a|summary)\b[^>]*>([^<>]{4,})</g)].map((found) => found[1].trim()).filter((text) => /\p{L}/u.test(text) && !/Ann|Acme/.test(text));
    const english = new Set(texts(await page('en')));
    assert.ok(english.size > 40, String(english.size));
    for (const tag of tags.filter((one) => one !== 'en')) {
        const html = await page(tag);
        assert.match(html, new RegExp(`<html lang="${tag}" dir="${tag === 'ar' ? 'rtl' : 'ltr'}"`), tag);
        const left = texts(html).filter((text) => english.has(text) && text !== 'Details');
        assert.deepEqual(left, [], tag);
    }
    // The browser's wish counts where the product has none.
    const answer = await fetch(link, { headers: { 'accept-language': 'xx, fr-CA;q=0.8, en;q=0.5' } });
    assert.match(await answer.text(), /<html lang="fr"/);
});

test('the window speaks the language of the page, and looks like it', async () => {
    await stage.brand({ light: '#0b6e4f', name: 'Acme' });
    const ui = await stage.open((await stage.session(['crm'])).token, { lang: 'es', themeOverride: 'dark' });
    await ui.shows('form');
    const popup = await ui.signIn();
    await popup.click('button[value="deny"]');
    await popup.waitForSelector('#view[data-view="denied"]');
    assert.equal(await popup.getAttribute('html', 'lang'), 'es');
    assert.equal(await popup.getAttribute('html', 'data-theme'), 'dark');
    assert.equal((await popup.textContent('.brand')).trim(), 'Acme');
    assert.match(await popup.textContent('h1'), /concedió|acceso/i);
    assert.doesNotMatch(await popup.innerText('body'), /tenon|nango/i);
    await ui.close();
    await stage.brand({});
});

test('keyboard: from the list to a connection without a mouse, told to those who cannot see', async () => {
    const ui = await stage.open((await stage.session(['keyed', 'open', 'crm'])).token);
    await ui.shows('list');
    const { keyboard } = ui.page;
    const focused = () => ui.frame.evaluate(() => document.activeElement.id || document.activeElement.name || document.activeElement.dataset.key || document.activeElement.textContent);
    const live = () => ui.frame.textContent('#live');
    await ui.frame.evaluate(() => {
        window.said = [];
        new MutationObserver(() => window.said.push(document.getElementById('live').textContent)).observe(document.getElementById('live'), { childList: true, characterData: true, subtree: true });
    });
    assert.equal(await focused(), 'title', 'a screen reader hears the title first');
    await keyboard.press('Tab');
    assert.equal(await focused(), 'crm');
    await keyboard.press('Shift+Tab');
    await keyboard.press('Shift+Tab');
    assert.equal(await ui.frame.evaluate(() => document.activeElement.closest('#card') !== null), true, 'the focus stays in the dialog');
    await ui.frame.focus('[data-key="keyed"]');
    await keyboard.press('Enter');
    await ui.shows('form');
    const order = [];
    for (let at = 0; at < 14 && order.at(-1) !== 'submit'; at += 1) {
        await keyboard.press('Tab');
        order.push(await ui.frame.evaluate(() => document.activeElement.id || document.activeElement.getAttribute('aria-label') || document.activeElement.textContent.trim()));
    }
    assert.deepEqual(order.filter((one) => /^(field|submit)/.test(one)), ['field-1', 'field-2', 'field-3', 'submit']);
    await keyboard.press('Enter');
    await ui.frame.waitForSelector('.wrong');
    assert.equal(await focused(), 'field-1', 'the first wrong value has the focus');
    assert.equal(await ui.frame.evaluate(() => document.getElementById(document.activeElement.getAttribute('aria-describedby').split(' ').at(-1)).textContent), 'Enter a value.');
    await keyboard.type('acme');
    await keyboard.press('Tab');
    await keyboard.type('Eur');
    await ui.frame.focus('[name="cred.apiKey"]');
    await keyboard.type('key-bad');
    await keyboard.press('Enter');
    await ui.frame.waitForSelector('[data-refused]');
    assert.ok((await ui.frame.evaluate(() => window.said)).includes('Checking with Keyed CRM…'), 'progress is announced');
    assert.equal(await focused(), 'alert', 'the refusal has the focus');
    await ui.frame.focus('[name="cred.apiKey"]');
    await keyboard.press('Control+a');
    await keyboard.type('key-good');
    await keyboard.press('Enter');
    await ui.shows('success');
    assert.equal(await focused(), 'title');
    assert.equal(await live(), 'Everything is set up.');
    await keyboard.press('Escape');
    await ui.page.waitForSelector('#connect-ui', { state: 'detached' });
    await ui.close();
});

test('a pasted address is cut down to what is asked for', async () => {
    const ui = await stage.open((await stage.session(['keyed'])).token, {}, { context: { permissions: ['clipboard-read', 'clipboard-write'] } });
    await ui.shows('form');
    for (const [pasted, kept] of [
        ['https://acme.keyed.example/', 'acme'],
        [' HTTPS://acme.keyed.example/settings/users?tab=2#top ', 'acme'],
        ['http://acme.keyed.example', 'acme'],
        ['acme', 'acme'],
        ['acme.keyed.example.evil.test', 'acme.keyed.example.evil.test'],
    ]) {
        await ui.page.evaluate((text) => navigator.clipboard.writeText(text), pasted);
        await ui.frame.fill('[name="config.subdomain"]', '');
        await ui.frame.focus('[name="config.subdomain"]');
        await ui.page.keyboard.press('Control+v');
        await until(`${pasted} becomes ${kept}`, async () => await ui.frame.inputValue('[name="config.subdomain"]') === kept, 3_000);
    }
    await ui.close();
});

test('the network breaks while a form is sent: what was typed stays', async () => {
    const ui = await stage.open((await stage.session(['keyed'])).token);
    await ui.shows('form');
    await ui.frame.fill('[name="config.subdomain"]', 'acme');
    await ui.frame.selectOption('[name="config.region"]', 'Europe');
    await ui.frame.fill('[name="cred.apiKey"]', 'key-good');
    await ui.context.route('**/connect-ui/connect*', (route) => route.abort());
    await ui.frame.click('#submit');
    await ui.shows('offline');
    await ui.context.unroute('**/connect-ui/connect*');
    await ui.frame.click('[data-do="reload"]');
    await ui.shows('form');
    assert.equal(await ui.frame.inputValue('[name="cred.apiKey"]'), 'key-good');
    await ui.frame.click('#submit');
    await ui.shows('success');
    await ui.close();
});

test('the browser\'s way back leads from a form to the list, on a page of its own', async () => {
    const ui = await stage.link((await stage.session(['crm', 'keyed'])).connect_link);
    await ui.shows('ask');
    await ui.page.click('[data-do="claim"]');
    await ui.shows('list');
    await ui.page.click('[data-key="keyed"]');
    await ui.shows('form');
    await ui.page.goBack();
    await ui.shows('list');
    await ui.page.click('[data-key="crm"]');
    await ui.shows('form');
    await ui.page.click('#back');
    await ui.shows('list');
    await ui.close();
});

test('installations that somebody approves later: pending, then finished by the provider\'s webhook', async () => {
    const ui = await stage.open((await stage.session(['app-user'])).token);
    await ui.shows('form');
    await ui.frame.click('#submit');
    await ui.shows('pending');
    const connect = (await ui.events()).find((event) => event.type === 'connect');
    assert.equal(connect.payload.isPending, true);
    await ui.close();
    const id = connect.payload.connectionId;
    const read = async () => (await stage.nango.getConnection('app-user', id));
    await until('the login of who asked is known', async () => (await read()).connection_config.handle === 'ann-lee');
    assert.equal((await read()).connection_config.pending, true);
    const secret = stage.appSecret('/ask-owner-user');
    const body = { action: 'created', installation: { id: 42 }, requester: { login: 'Ann-Lee' } };
    const signed = { header: 'x-hub-signature-256', prefix: 'sha256=', secret };
    // Somebody else's approval changes nothing.
    const other = await stage.webhook('app-user', { 'x-github-event': 'installation', 'x-github-delivery': 'd-1' }, { ...body, requester: { login: 'bob' } }, signed);
    assert.equal(other.status, 200);
    const answer = await stage.webhook('app-user', { 'x-github-event': 'installation', 'x-github-delivery': 'd-2' }, body, signed);
    assert.equal(answer.status, 200);
    await until('the connection works', async () => (await read()).connection_config.installation_id === '42');
    assert.equal((await read()).connection_config.pending, undefined);
});

test('installations that begin at the provider: the webhook brings the code', async () => {
    const ui = await stage.open((await stage.session(['outbound'])).token);
    await ui.shows('form');
    await ui.frame.fill('[name="config.actor"]', '77');
    await ui.frame.click('#submit');
    await ui.shows('pending');
    const { connectionId } = (await ui.events()).find((event) => event.type === 'connect').payload;
    await ui.close();
    const body = { action: 'created', actor: { id: 77 }, installation: { uuid: 'inst-1' }, data: { installation: { uuid: 'inst-1', code: 'code-1' } } };
    const answer = await stage.webhook('outbound', { 'sentry-hook-resource': 'installation', 'request-id': 'r-1' }, body, { header: 'sentry-hook-signature', secret: 'client-secret' });
    assert.equal(answer.status, 200);
    await until('the token is there', async () => {
        const connection = await stage.nango.getConnection('outbound', connectionId).catch(() => null);
        return connection?.credentials?.access_token === 'st-1' && connection.connection_config.pending === undefined;
    });
});

test('an owner has to approve: the page and the window say so, programs hear it', async () => {
    const ui = await stage.open((await stage.session(['app'])).token);
    await ui.shows('form');
    const popup = await ui.window();
    await ui.shows('approval');
    await popup.waitForSelector('#view[data-view="approval"]');
    assert.equal((await ui.events()).find((event) => event.type === 'error').payload.errorType, 'approval_pending');
    await ui.close();
});

test('the session ends while the window is under way: the window says so too', async () => {
    const { token } = await stage.session(['crm']);
    const direct = `${stage.tenon.url}/oauth/connect/crm?connect_session_token=${token}&lang=de`;
    await fetch(`${stage.tenon.url}/connect/session`, { method: 'DELETE', headers: { authorization: `Bearer ${token}` } });
    const program = await fetch(direct);
    assert.deepEqual([program.status, (await program.json()).error.code], [401, 'unknown_connect_session_token']);
    const ui = await stage.link(direct);
    await ui.shows('expired');
    assert.match(await ui.page.textContent('h1'), /Sitzung/);
    await ui.close();
});

test('the server starts anew while the window is open: what the window brings home counts', async () => {
    const ui = await stage.open((await stage.session(['crm'])).token);
    await ui.shows('form');
    const popup = await ui.signIn();
    await ui.shows('waiting');
    const { dataDir } = stage.tenon;
    await stage.tenon.kill();
    stage.tenon = await stage.serve({ dataDir });
    await popup.click('button[value="approve"]');
    await ui.shows('success');
    assert.equal((await ui.events()).find((event) => event.type === 'connect').payload.providerConfigKey, 'crm');
    await ui.close();
});
