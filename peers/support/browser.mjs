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

/** Fails when axe-core finds anything in a frame. */
export async function checkAccessibility(frame, what) {
    // Fading in has half-transparent colours on purpose.
    await frame.evaluate(() => Promise.all(document.getAnimations().filter((one) => one.effect.getTiming().iterations !== Infinity).map((one) => one.finished)));
    // Indirect: the page's policy allows no script but its own; the test steps around it with the debugger's own world.
    const found = await frame.evaluate(`(async () => { ${AXE}; return (await axe.run(document)).violations.map((one) =>
        one.id + ': ' + one.nodes.map((node) => node.target.join(' ') + ' — ' + node.failureSummary).join(' | ')); })()`);
    if (found.length) throw new Error(`${what}: axe-core finds\n${found.join('\n')}`);
}

const SHOTS = process.env.TENON_SCREENSHOTS;
const VARIANTS = [
    ['desktop-light', { width: 1100, height: 820 }, 'light'],
    ['desktop-dark', { width: 1100, height: 820 }, 'dark'],
    ['phone-light', { width: 390, height: 780 }, 'light'],
    ['phone-dark', { width: 390, height: 780 }, 'dark']
];

/** Checks a state in light and dark; with TENON_SCREENSHOTS, also leaves pictures of it there, on desktop and phone. */
export async function checkState(page, frame, name) {
    const size = page.viewportSize();
    for (const [variant, viewport, colorScheme] of VARIANTS) {
        if (!SHOTS && variant.startsWith('phone')) continue;
        await page.setViewportSize(viewport);
        await page.emulateMedia({ colorScheme });
        await checkAccessibility(frame, `${name}, ${variant}`);
        const wide = await frame.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
        if (wide > 0) throw new Error(`${name}, ${variant}: ${wide} px too wide`);
        if (SHOTS) {
            await mkdir(SHOTS, { recursive: true });
            await page.screenshot({ path: path.join(SHOTS, `${name}-${variant}.png`), animations: 'disabled' });
        }
    }
    await page.emulateMedia({ colorScheme: null });
    await page.setViewportSize(size);
}
