// The baseline of the function figures: the same functions in Node, each call in a context of its own, as function runners
// that isolate nothing but globals do it. Takes the folder to find `zod` from, reads functions from standard input as
// {"name": "code"} and prints its port.
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import { text } from 'node:stream/consumers';
import vm from 'node:vm';

const require = createRequire(process.argv[2]);
const functions = JSON.parse(await text(process.stdin));
const nango = {};

async function run(name, input) {
    const module = { exports: {} };
    const context = vm.createContext({ module, exports: module.exports, require, setTimeout, console, Buffer, URL });
    new vm.Script(functions[name], { filename: `${name}.js` }).runInContext(context);
    return module.exports.default.exec(nango, input);
}

createServer(async (request, response) => {
    try {
        const answer = await run(request.url.slice(1), JSON.parse(await text(request)));
        response.setHeader('content-type', 'application/json').end(JSON.stringify(answer));
    } catch (error) {
        response.writeHead(500).end(String(error?.stack ?? error));
    }
}).listen(0, '127.0.0.1', function () {
    console.log(this.address().port);
});
