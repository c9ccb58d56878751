// Every state of the Connect UI in a frame, in Chromium: axe-core finds nothing, nothing is wider than a phone, the console
// is clean.
import { after, before, test } from 'node:test';
import { startConnect } from '../support/connect.mjs';
import { SCENES, look } from '../support/scenes.mjs';

let stage;
before(async () => { stage = await startConnect(); });
after(() => stage?.close());

test('states', { concurrency: 3 }, async (t) => {
    const names = Object.keys(SCENES).filter((name) => !/^(link|window|german|japanese|branded|arabic)/.test(name));
    await Promise.all(names.map((name) => t.test(name, () => look(stage, name))));
});
