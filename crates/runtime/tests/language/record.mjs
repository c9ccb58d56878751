// Writes what Node answers behind each case of this folder: `node crates/runtime/tests/language/record.mjs [--check] [file…]`.
// A case is a line with an expression; ` //=> ` and the answer follow it. Lines that begin with `//` are for readers.
import { readFile, readdir, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import path from 'node:path';

process.env.TZ = 'UTC';
process.removeAllListeners('warning');
process.on('warning', () => {});
const folder = import.meta.dirname;
const require = createRequire(import.meta.url);
const { showAll } = new Function('require', `${await readFile(path.join(folder, 'show.js'), 'utf8')}\nreturn { showAll };`)(require);

const shared = (await Promise.all(['grids.js', 'keys.js'].map((name) => readFile(path.join(folder, name), 'utf8')))).join('\n');

const args = process.argv.slice(2);
const check = args.includes('--check');
const wanted = args.filter((name) => !name.startsWith('--'));
const files = wanted.length ? wanted : (await readdir(folder)).filter((name) => name.endsWith('.cases'));
console.log = () => {};
let stale = 0;
for (const name of files) {
    const file = path.join(folder, name);
    const lines = (await readFile(file, 'utf8')).split('\n');
    const cases = lines.flatMap((line, index) => (line === '' || line.startsWith('//') ? [] : [{ index, source: line.split(' //=> ')[0] }]));
    const functions = cases.map(({ source }) => {
        try {
            return new Function('require', `'use strict'; ${shared}\nreturn (${source}\n);`).bind(undefined, require);
        } catch (error) {
            return () => { throw error; };
        }
    });
    const answers = await showAll(functions);
    cases.forEach(({ index, source }, place) => {
        const line = `${source} //=> ${JSON.stringify(answers[place])}`;
        if (line !== lines[index] && check) process.stderr.write(`${name}:${index + 1}: ${line}\n`), stale++;
        lines[index] = line;
    });
    if (!check) await writeFile(file, lines.join('\n'));
}
if (stale) process.exitCode = 1;
