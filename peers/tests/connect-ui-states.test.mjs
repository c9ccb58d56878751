// Every state of the Connect UI in Chromium: axe-core finds nothing, nothing is wider than a phone, the console is clean.
import { after, before, test } from 'node:test';
import { checkState } from '../support/browser.mjs';
import { startConnect } from '../support/connect.mjs';
import { SCENES } from '../support/scenes.mjs';

let stage;
before(async () => { stage = await startConnect(); });
after(() => stage?.close());

// Those that change the environment come last in the list and one after the other.
const apart = (name) => /^(branded|arabic)/.test(name);

async function look(name) {
    const scene = await SCENES[name](stage);
    await checkState(scene.page, scene.frame, name);
    await scene.close();
}

test('states', { concurrency: 3 }, async (t) => {
    const names = Object.keys(SCENES).filter((name) => !apart(name));
    await Promise.all(names.map((name) => t.test(name, () => look(name))));
});

for (const name of Object.keys(SCENES).filter(apart)) test(name, () => look(name));
