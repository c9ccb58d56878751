// A headless Chromium, a product's page around the Connect UI, and the accessibility check of every state.
import { createServer } from 'node:http';
import { existsSync } from 'node:fs';
import { mkdir, readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import path from 'node:path';
import { chromium } from 'playwright-core';

const require = createRequire(import.meta.url);
const PLACES = [process.env.CHROMIUM_BIN, '/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];

/** Starts Chromium. */
export function startBrowser() {
    const executablePath = PLACES.find((place) => place && existsSync(place));
    if (!executablePath) throw new Error('no Chromium; install Debian\'s package `chromium` or set CHROMIUM_BIN');
    return chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-gpu'] });
}

/** A product's page that opens the Connect UI with the official frontend SDK, on an origin of its own. */
export async function startProduct() {
    const dist = path.dirname(require.resolve('@nangohq/frontend'));
    const page = `<!doctype html><html lang="en"><title>A product</title><style>body{font:16px system-ui;margin:40px}</style>
<h1>Settings</h1><p>${'Everything about your account. '.repeat(40)}</p>
<script type="module">
import Nango from '/sdk/index.js';
window.events = [];
window.openConnect = ({ host, token, ...more }) => {
  const nango = new Nango({ host, connectSessionToken: token });
  window.connect = nango.openConnectUI({ baseURL: host + '/connect-ui', apiURL: host, onEvent: (event) => window.events.push(event), ...more });
};
window.isReady = true;
</script>`;
    const server = createServer(async (request, response) => {
        if (request.url.startsWith('/sdk/')) {
            response.writeHead(200, { 'content-type': 'text/javascript' });
            response.end(await readFile(path.join(dist, path.basename(request.url))));
        } else {
            response.writeHead(200, { 'content-type': 'text/html' });
            response.end(page);
        }
    });
    await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
    return {
        url: `http://127.0.0.1:${server.address().port}`,
        close: () => new Promise((resolve) => { server.closeAllConnections(); server.close(resolve); })
    };
}

const AXE = await readFile(require.resolve('axe-core/axe.min.js'), 'utf8');

/** Fails when axe-core finds anything in a frame. `rules`: only these. */
export async function checkAccessibility(frame, what, rules) {
    // Fading in has half-transparent colours on purpose.
    await frame.evaluate(() => document.getAnimations().forEach((one) => { if (one.effect.getTiming().iterations !== Infinity) one.finish(); }));
    // Indirect: the page's policy allows no script but its own; the test steps around it with the debugger's own world.
    const found = await frame.evaluate(`(async () => { if (!window.axe) { ${AXE}; } return (await axe.run(document, { resultTypes: ['violations'], ...${JSON.stringify(rules ? { runOnly: rules } : {})} })).violations.map((one) =>
        one.id + ': ' + one.nodes.map((node) => node.target.join(' ') + ' — ' + node.failureSummary).join(' | ')); })()`);
    if (found.length) throw new Error(`${what}: axe-core finds\n${found.join('\n')}`);
}

/** Sizes and themes in which a state is looked at. */
export const VARIANTS = [
    { name: 'desktop-light', viewport: { width: 1280, height: 800 }, colorScheme: 'light' },
    { name: 'phone-light', viewport: { width: 390, height: 844 }, colorScheme: 'light' },
    { name: 'phone-dark', viewport: { width: 390, height: 844 }, colorScheme: 'dark' },
    { name: 'desktop-dark', viewport: { width: 1280, height: 800 }, colorScheme: 'dark' }
];

/** Two of them, which have between them both sizes and both themes. */
export const TWO_VARIANTS = VARIANTS.filter((one) => ['desktop-light', 'phone-dark'].includes(one.name));

/** Checks a state in sizes and themes: axe-core finds nothing, nothing is wider than the screen. A `folder` gets pictures. */
export async function checkState(page, frame, name, { variants = TWO_VARIANTS, folder } = {}) {
    for (const [index, { name: variant, viewport, colorScheme }] of variants.entries()) {
        await page.setViewportSize(viewport);
        await page.emulateMedia({ colorScheme });
        // The page is the same in another theme; its colours are not.
        await checkAccessibility(frame, `${name}, ${variant}`, index > 0 && !folder ? ['color-contrast'] : undefined);
        const wide = await frame.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
        if (wide > 0) throw new Error(`${name}, ${variant}: ${wide} px too wide`);
        if (folder) {
            await mkdir(folder, { recursive: true });
            await page.screenshot({ path: path.join(folder, `${name}-${variant}.png`), animations: 'disabled' });
        }
    }
    await page.emulateMedia({ colorScheme: null });
}
