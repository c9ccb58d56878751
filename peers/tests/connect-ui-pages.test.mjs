// The Connect UI as a page of its own, the page that the window ends on, brands and languages: every state in Chromium, as in
// connect-ui-states.test.mjs.
import { after, before, test } from 'node:test';
import { startConnect } from '../support/connect.mjs';
import { SCENES, look } from '../support/scenes.mjs';

let stage;
before(async () => { stage = await startConnect(); });
after(() => stage?.close());

const names = Object.keys(SCENES);

test('pages', { concurrency: 3 }, async (t) => {
    const pages = names.filter((name) => /^(link|window|german|japanese)/.test(name));
    await Promise.all(pages.map((name) => t.test(name, () => look(stage, name))));
});

// These change the environment, so they come one after the other.
for (const name of names.filter((one) => /^(branded|arabic)/.test(one))) test(name, () => look(stage, name));
