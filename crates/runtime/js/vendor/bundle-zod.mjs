// Builds zod.js beside this file: one ES module text with Zod and its English locale only.
// Run in a scratch folder: npm i zod@4.3.6 esbuild@0.25.12 && node bundle-zod.mjs . <this folder>
import { createRequire } from 'node:module';
import { copyFileSync } from 'node:fs';
import path from 'node:path';

const [from, to] = process.argv.slice(2).map((p) => path.resolve(p));
const esbuild = createRequire(path.join(from, 'package.json'))('esbuild');

const englishOnly = {
    name: 'english-only',
    setup(build) {
        build.onLoad({ filter: /zod[\\/]v4[\\/]locales[\\/]index\.js$/ }, () => ({
            contents: "export { default as en } from './en.js';",
            loader: 'js'
        }));
    }
};

await esbuild.build({
    stdin: {
        // `require('zod')` answers the namespace as the package's own CommonJS entry does: every export,
        // `z` and `default`.
        contents: "import * as ns from 'zod'; export default ns;",
        resolveDir: from
    },
    outfile: path.join(to, 'zod.js'),
    bundle: true,
    format: 'esm',
    platform: 'neutral',
    mainFields: ['module', 'main'],
    target: 'es2022',
    minify: true,
    keepNames: false,
    legalComments: 'none',
    banner: { js: '// zod 4.3.6, MIT, see zod.LICENSE. Bundled by bundle-zod.mjs, do not edit.' },
    plugins: [englishOnly]
});
copyFileSync(path.join(from, 'node_modules/zod/LICENSE'), path.join(to, 'zod.LICENSE'));
