// Pictures of every state of the Connect UI: node peers/screenshots.mjs FOLDER [--live] [SCENE…]
//
// Drives the built server (TENON_BIN, else the newest build) with the official frontend SDK in Chromium, in light and dark,
// on a phone (390x844) and a desktop (1280x800). Each state is checked on the way: axe-core finds nothing, nothing is wider
// than the screen, the console stays clean. FOLDER/index.html shows them side by side. With --live, style and script are
// those of the working tree, so that they need no build. SCENE: names or beginnings of names; without any, all.
import { mkdir, readdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { VARIANTS, checkState } from './support/browser.mjs';
import { startConnect } from './support/connect.mjs';
import { SCENES } from './support/scenes.mjs';

const [folderName, ...rest] = process.argv.slice(2);
if (!folderName || folderName.startsWith('--')) {
    console.error('usage: node peers/screenshots.mjs FOLDER [--live] [SCENE…]');
    process.exit(2);
}
const folder = path.resolve(folderName);
const wanted = rest.filter((name) => !name.startsWith('--'));
const names = Object.keys(SCENES).filter((name) => wanted.length === 0 || wanted.some((begin) => name.startsWith(begin)));
await mkdir(folder, { recursive: true });
const stage = await startConnect({ live: rest.includes('--live'), seconds: 60 });
let failures = 0;
for (const name of names) {
    try {
        const scene = await SCENES[name](stage);
        await checkState(scene.page, scene.frame, name, { variants: VARIANTS, folder });
        await scene.close();
        console.log(`ok      ${name}`);
    } catch (error) {
        failures += 1;
        console.log(`FAILED  ${name}: ${error.message}`);
    }
}
await stage.close();
const pictures = new Set(await readdir(folder));
const figure = (name, variant) => `<figure><img loading="lazy" src="${name}-${variant}.png" alt="${name}, ${variant}"><figcaption>${variant}</figcaption></figure>`;
const rows = Object.keys(SCENES)
    .filter((name) => pictures.has(`${name}-${VARIANTS[0].name}.png`))
    .map((name) => `<h2>${name}</h2><div class="row">${VARIANTS.map((one) => figure(name, one.name)).join('')}</div>`);
await writeFile(path.join(folder, 'index.html'), `<!doctype html><html lang="en"><meta charset="utf-8"><title>Connect UI</title>
<style>body{font:14px system-ui;margin:24px;background:#888}.row{display:flex;gap:12px;align-items:start}figure{margin:0}img{height:360px;display:block}figcaption{padding:4px 0}</style>
${rows.join('\n')}`);
console.log(`${names.length - failures} of ${names.length} states; ${path.join(folder, 'index.html')}`);
process.exit(failures ? 1 : 0);
