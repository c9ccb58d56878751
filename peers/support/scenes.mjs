// Every state of the Connect UI, and how it is reached. A scene answers {page, frame, close}.
import { checkState } from './browser.mjs';
import { until } from './server.mjs';

/** Waits for a view in a frame and answers the scene. */
async function at(ui, view) {
    await ui.shows(view);
    return ui;
}

async function filled(ui, { subdomain = 'acme', region = 'Europe', key = 'key-good' } = {}) {
    await ui.frame.fill('[name="config.subdomain"]', subdomain);
    if (region) await ui.frame.selectOption('[name="config.region"]', region);
    await ui.frame.fill('[name="cred.apiKey"]', key);
}

/** The page that a window ends on, opened as a page of its own: that one does not close by itself. */
async function ended(stage, key, name, { decide, query = '' } = {}) {
    const { token } = await stage.session([key]);
    const ui = await stage.link(`${stage.tenon.url}/oauth/connect/${key}?connect_session_token=${token}${query}`);
    if (decide) await ui.page.click(`button[value="${decide}"]`);
    return at(ui, name);
}

const form = (keys, more, options) => async (stage) => at(await stage.open((await stage.session(keys)).token, more, options), 'form');

/** A list that is long enough to be searched. */
async function longList(stage) {
    const names = ['Änderungen', 'Books', 'Calls', 'Deals', 'Emails', 'Forms', 'Invoices and other documents of the whole organisation'];
    stage.long ??= Promise.all(names.map((name, index) => stage.nango.createIntegration({ provider: 'keyed', unique_key: `long-${index}`, display_name: name })));
    await stage.long;
    return at(await stage.open((await stage.session([])).token), 'list');
}

async function reconnect(stage) {
    let [known] = await stage.connections('keyed');
    if (!known) {
        const ui = await at(await stage.open((await stage.session(['keyed'])).token), 'form');
        await filled(ui);
        await ui.frame.click('#submit');
        await ui.shows('success');
        await ui.close();
        [known] = await stage.connections('keyed');
    }
    const made = await stage.nango.createReconnectSession({ connection_id: known.connection_id, integration_id: 'keyed' });
    return at(await stage.open(made.data.token), 'form');
}

/** A link of a session that was claimed and used. */
async function claimed(stage, keys) {
    const { connect_link: link } = await stage.session(keys);
    const ui = await at(await stage.link(link), 'ask');
    await ui.page.click('[data-do="claim"]');
    return { ...ui, link };
}

export const SCENES = {
    'list': async (stage) => at(await stage.open((await stage.session(['crm', 'keyed', 'open'])).token), 'list'),
    'list-long': longList,
    'list-search': async (stage) => {
        const ui = await longList(stage);
        await ui.frame.fill('#search', 'anderung');
        return ui;
    },
    'list-none': async (stage) => {
        const ui = await longList(stage);
        await ui.frame.fill('#search', 'zzz');
        return ui;
    },
    'list-empty': async (stage) => {
        await stage.nango.createIntegration({ provider: 'example-none', unique_key: 'passing-1' });
        const { token } = await stage.session(['passing-1']);
        await stage.nango.deleteIntegration('passing-1');
        return at(await stage.open(token), 'list');
    },
    'loading': async (stage) => {
        const { token } = await stage.session(['keyed']);
        const ui = await stage.open('waits', {}, { context: {} });
        await ui.context.route('**/connect-ui/view*', () => { /* never answers */ });
        await ui.page.evaluate((token) => window.connect.setSessionToken(token), token);
        return at(ui, 'loading');
    },
    'form-window': form(['crm']),
    'form-key': form(['keyed']),
    'form-key-back': async (stage) => {
        const ui = await SCENES.list(stage);
        await ui.frame.click('[data-key="keyed"]');
        return at(ui, 'form');
    },
    'form-key-wrong': async (stage) => {
        const ui = await form(['keyed'])(stage);
        await filled(ui, { subdomain: 'not a name', region: null, key: 'key-bad' });
        await ui.frame.click('#submit');
        await ui.frame.waitForSelector('.wrong');
        return ui;
    },
    'form-key-checking': async (stage) => {
        const ui = await form(['keyed'])(stage);
        await filled(ui, { key: 'key-slow' });
        await ui.frame.click('#submit');
        await ui.frame.waitForSelector('#submit .spinner');
        return ui;
    },
    'form-key-refused': async (stage) => {
        const ui = await form(['keyed'])(stage);
        await filled(ui, { key: 'key-bad-1234' });
        await ui.frame.click('#submit');
        await ui.frame.waitForSelector('[data-refused]');
        return ui;
    },
    'form-reconnect': reconnect,
    'form-nothing': form(['open']),
    'form-outbound': form(['outbound']),
    'waiting': async (stage) => {
        const ui = await form(['crm'])(stage);
        await ui.signIn();
        return at(ui, 'waiting');
    },
    'blocked': async (stage) => {
        const ui = await form(['crm'], {}, { block: true })(stage);
        await ui.frame.click('#submit');
        return at(ui, 'blocked');
    },
    'closed': async (stage) => {
        const ui = await form(['crm'])(stage);
        await (await ui.signIn()).close();
        return at(ui, 'closed');
    },
    'denied': async (stage) => {
        const ui = await form(['crm'])(stage);
        await (await ui.signIn()).click('button[value="deny"]');
        return at(ui, 'denied');
    },
    'failed': async (stage) => {
        const ui = await form(['broken'])(stage);
        await ui.window();
        await ui.shows('failed');
        await ui.frame.click('summary');
        return ui;
    },
    'unready': async (stage) => {
        const ui = await form(['plugin'])(stage);
        await ui.window();
        return at(ui, 'unready');
    },
    'approval': async (stage) => {
        const ui = await form(['app'])(stage);
        await ui.window();
        return at(ui, 'approval');
    },
    'pending': async (stage) => {
        const ui = await form(['outbound'])(stage);
        await ui.frame.fill('[name="config.actor"]', '4711');
        await ui.frame.click('#submit');
        return at(ui, 'pending');
    },
    'gone': async (stage) => {
        await stage.nango.createIntegration({ provider: 'example-none', unique_key: 'passing-2', display_name: 'Passing app' });
        const ui = await at(await stage.open((await stage.session(['passing-2', 'keyed'])).token), 'list');
        await stage.nango.deleteIntegration('passing-2');
        await ui.frame.click('[data-key="passing-2"]');
        return at(ui, 'gone');
    },
    'offline': async (stage) => {
        const ui = await form(['keyed'])(stage);
        await filled(ui);
        await ui.context.route('**/connect-ui/connect*', (route) => route.abort());
        await ui.frame.click('#submit');
        return at(ui, 'offline');
    },
    'expired': async (stage) => at(await stage.open(`nango_connect_session_${'0'.repeat(64)}`), 'expired'),
    'success': async (stage) => {
        const ui = await form(['open'])(stage);
        await ui.frame.click('#submit');
        return at(ui, 'success');
    },
    'success-again': async (stage) => {
        const ui = await reconnect(stage);
        await filled(ui);
        await ui.frame.click('#submit');
        return at(ui, 'success-again');
    },
    'link-invalid': async (stage) => at(await stage.link(`${stage.tenon.url}/connect-ui/?session_token=half`), 'invalid'),
    'link-expired': async (stage) => at(await stage.link(`${stage.tenon.url}/connect-ui/?session_token=nango_connect_session_${'0'.repeat(64)}`), 'expired'),
    'link-ask': async (stage) => at(await stage.link((await stage.session(['keyed'])).connect_link), 'ask'),
    'link-list': async (stage) => at(await claimed(stage, ['crm', 'keyed', 'open']), 'list'),
    'link-form': async (stage) => at(await claimed(stage, ['keyed']), 'form'),
    'link-success': async (stage) => {
        const ui = await at(await claimed(stage, ['open']), 'form');
        await ui.page.click('#submit');
        return at(ui, 'success');
    },
    'link-used': async (stage) => {
        const ui = await SCENES['link-success'](stage);
        await until('the session has ended', async () => {
            await ui.page.reload();
            return await ui.page.$('#view[data-view="used"]');
        });
        return ui;
    },
    'link-elsewhere': async (stage) => {
        const first = await claimed(stage, ['keyed']);
        await first.shows('form');
        const ui = await stage.link(first.link);
        await first.close();
        return at(ui, 'elsewhere');
    },
    'window-success': (stage) => ended(stage, 'crm', 'success', { decide: 'approve' }),
    'window-denied': (stage) => ended(stage, 'crm', 'denied', { decide: 'deny' }),
    'window-failed': (stage) => ended(stage, 'broken', 'failed'),
    'window-approval': (stage) => ended(stage, 'app', 'approval'),
    'window-pending': (stage) => ended(stage, 'app-user', 'pending'),
    'window-expired': async (stage) => {
        const ui = await stage.link(`${stage.tenon.url}/oauth/callback?state=unknown&code=1`);
        return at(ui, 'expired');
    },
    'branded-list': async (stage) => {
        await stage.brand({ light: '#0b6e4f', dark: '#7ee0b8', name: 'Acme' });
        return SCENES.list(stage);
    },
    'branded-form': form(['crm']),
    'branded-window': (stage) => ended(stage, 'crm', 'denied', { decide: 'deny', query: '&lang=de&theme=light' }),
    'arabic-list': async (stage) => {
        await stage.brand({});
        return at(await stage.open((await stage.session(['crm', 'keyed'])).token, { lang: 'ar' }), 'list');
    },
    'arabic-form': async (stage) => {
        const ui = await form(['keyed'], { lang: 'ar' })(stage);
        await filled(ui, { subdomain: 'not a name', key: 'key-bad' });
        await ui.frame.click('#submit');
        await ui.frame.waitForSelector('.wrong');
        return ui;
    },
    'arabic-waiting': async (stage) => {
        const ui = await form(['crm'], { lang: 'ar' })(stage);
        await ui.signIn();
        return at(ui, 'waiting');
    },
    'german-form': form(['keyed'], { lang: 'de' }),
    'japanese-form': form(['keyed'], { lang: 'ja' }),
};

/** Reaches a state and checks it. */
export async function look(stage, name) {
    const scene = await SCENES[name](stage);
    await checkState(scene.page, scene.frame, name);
    await scene.close();
}
