//! Scripts that look for the world outside.

use super::*;

#[tokio::test]
async fn code_from_text() {
    for body in [
        "return eval('1+1');",
        "return (0, eval)('1+1');",
        "return globalThis.eval('1');",
        "return new Function('return 1')();",
        "return (() => {}).constructor('return 1')();",
        "return (async () => {}).constructor('return 1')();",
        "return (function* () {}).constructor('yield 1')().next();",
        "return (async function* () {}).constructor('yield 1')();",
        "return Object.getPrototypeOf(async () => {}).constructor.call(null, 'return 1');",
        "return Reflect.construct(Function, ['return this']);",
        "return [].constructor.constructor('return globalThis')();",
        "return nango.get.constructor('return process')();",
        "return nango.ActionError.constructor('return 1')();",
    ] {
        let rt = runtime();
        let out = rt.run(action_of(body), Scripted::silent()).await;
        let error = failed(&out);
        assert_eq!(error.kind, ErrorKind::Script, "{body}");
        assert!(
            error.message.contains("eval")
                || error.message.contains("Code generation")
                || error.message.contains("not allowed"),
            "{body}: {}",
            error.message
        );
    }
}

#[tokio::test]
async fn modules_of_the_system() {
    for name in [
        "fs",
        "child_process",
        "net",
        "http",
        "os",
        "process",
        "worker_threads",
        "vm",
        "node:fs",
        "./x",
        "std",
        "qjs:os",
        "zod/v3",
        "__proto__",
        "constructor",
        "toString",
    ] {
        let body = format!("return require({name:?});");
        let out = runtime().run(action_of(&body), Scripted::silent()).await;
        assert!(
            failed(&out).message.contains("is not allowed"),
            "{name}: {:?}",
            out.result
        );
    }
}

#[tokio::test]
async fn dynamic_import() {
    check("return await import('fs');", Expect::Throws("")).await;
    check("return await import('tenon:prelude');", Expect::Throws("")).await;
    check("return await import('./other.cjs');", Expect::Throws("")).await;
}

#[tokio::test]
async fn static_import_outside_the_wrapper() {
    let out = runtime()
        .run(
            invocation(code("} import * as os from 'os'; {"), Kind::Action, None),
            Scripted::silent(),
        )
        .await;
    assert_eq!(failed(&out).kind, ErrorKind::Script);
}

#[tokio::test]
async fn the_prelude_is_no_module() {
    let bundle = code("} import prelude from 'tenon:prelude'; export const x = prelude; {");
    let out = runtime()
        .run(invocation(bundle, Kind::Action, None), Scripted::silent())
        .await;
    assert!(out.result.is_err());
}

#[tokio::test]
async fn globals_of_other_platforms() {
    let names = "['process','global','window','Deno','Bun','fetch','XMLHttpRequest','WebSocket','Worker','SharedWorker','importScripts','WebAssembly','std','os','bjs','scriptArgs','print','gc','__filename','require','native','run','Java','java','load','read','navigator']";
    check(
        &format!("return {names}.filter((n) => typeof globalThis[n] !== 'undefined');"),
        Expect::Output("[]"),
    )
    .await;
}

#[tokio::test]
async fn waiting_on_shared_memory() {
    let body =
        "try { return Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0); } catch (e) { return e.name; }";
    check(body, Expect::Output("\"TypeError\"")).await;
}

#[tokio::test]
async fn blocked_members_of_nango() {
    let body = r"
        const out = [];
        for (const name of ['nango', 'persistClient', 'locking', 'checkpointing', 'integrationConfig', 'telemetryBag', 'abortSignal', 'lifecycle', 'constructor', '__proto__']) {
            for (const attempt of [() => nango[name], () => { nango[name] = 1; }, () => delete nango[name], () => Object.defineProperty(nango, name, { value: 1 }), () => Object.getOwnPropertyDescriptor(nango, name)]) {
                try { attempt(); out.push(name); } catch (e) { if (e.message !== `Access to \u0022${name}\u0022 is not allowed.`) out.push(e.message); }
            }
            if (name in nango) out.push('in ' + name);
        }
        return { out, proto: Object.getPrototypeOf(nango) };";
    check(body, Expect::Output("{\"out\":[],\"proto\":null}")).await;
}

#[tokio::test]
async fn changing_what_all_share() {
    let body = r"
        const left = [];
        const attempts = {
            array: () => { Array.prototype.map = () => 'evil'; },
            object: () => { Object.prototype.polluted = 1; },
            define: () => Object.defineProperty(Object.prototype, 'x', { get: () => 1 }),
            proto: () => { ({}).__proto__.polluted = 1; },
            setProto: () => Object.setPrototypeOf(Array.prototype, null),
            promise: () => { Promise.prototype.then = () => {}; },
            json: () => { JSON.stringify = () => 'evil'; },
            json2: () => { JSON = {}; },
            stringify: () => { delete JSON.stringify; },
            string: () => { String.prototype.toWellFormed = () => '\ud800'; },
            map: () => { Map.prototype.get = () => 1; },
            iterator: () => { Object.getPrototypeOf([][Symbol.iterator]()).next = () => ({ done: true }); },
            asyncGen: () => { Object.getPrototypeOf(Object.getPrototypeOf((async function* () {})())).next = () => {}; },
            buffer: () => { Buffer.from = () => 'evil'; },
            url: () => { URL.prototype.toString = () => 'evil'; },
            globals: () => { globalThis.setTimeout = () => 'evil'; },
            math: () => { Math.random = () => 4; },
            fn: () => { Function.prototype.call = () => 'evil'; },
            bind: () => { Function.prototype.bind.x = 1; },
            error: () => { Error.prototype.name = 'Evil'; },
            actionError: () => { nango.ActionError.prototype.type = 'evil'; },
            axios: () => { Object.prototype.isAxiosError = true; },
            zod: () => { require('zod').z.object = () => 'evil'; },
            species: () => { Array[Symbol.species] = 1; },
        };
        for (const [name, attempt] of Object.entries(attempts)) {
            try { attempt(); } catch {}
        }
        if ([1].map((x) => x)[0] !== 1) left.push('array');
        if (({}).polluted !== undefined || ({}).x !== undefined) left.push('object');
        if (JSON.stringify(1) !== '1') left.push('json');
        if (Buffer.from('a').length !== 1) left.push('buffer');
        if (new Error('x').name !== 'Error') left.push('error');
        if (({}).isAxiosError) left.push('axios');
        if (Math.random() === 4) left.push('math');
        if ([...[1, 2]].length !== 2) left.push('iterator');
        if (typeof require('zod').z.object({}).parse !== 'function') left.push('zod');
        return left;";
    check(body, Expect::Output("[]")).await;
}

#[tokio::test]
async fn ordinary_overrides_still_work() {
    let body = r"
        class NotFound extends Error { constructor(m) { super(m); this.name = 'NotFound'; this.code = 404; this.message = m + '!'; } }
        const e = new NotFound('x');
        const o = {}; o.toString = () => 'mine'; o.constructor = 1; o.name = 'n'; o.message = 'm'; o.valueOf = () => 3;
        function F() {} F.prototype.toString = () => 'f'; F.name2 = 1;
        const a = []; a.toString = () => 'arr';
        return [e.name, e.message, e.code, String(o), o.constructor, +o, String(new F()), String(a), e instanceof NotFound, e instanceof Error];";
    check(
        body,
        Expect::Output("[\"NotFound\",\"x!\",404,\"mine\",1,3,\"f\",\"arr\",true,true]"),
    )
    .await;
}

#[tokio::test]
async fn stack_traces_show_no_machine() {
    let out = check(
        "function f() { throw new Error('where'); } f();",
        Expect::Throws("where"),
    )
    .await;
    let error = failed(&out);
    let stack = error.stack.unwrap_or_default();
    assert!(stack.contains("test-fake.cjs"), "{stack}");
    assert!(!stack.contains("prelude") && !stack.contains('/'), "{stack}");
}

#[tokio::test]
async fn capturing_the_engine_through_errors() {
    let body = "Error.prepareStackTrace = (e, frames) => frames; const s = new Error('x').stack; return Array.isArray(s) ? s.map((f) => typeof f.getThis?.() + typeof f.getFunction?.()) : 'text';";
    let out = runtime().run(action_of(body), Scripted::silent()).await;
    if let Ok(text) = &out.result {
        assert!(!text.contains("object"), "{text}");
    }
}

#[tokio::test]
async fn callee_and_caller() {
    check(
        "function f() { return f.caller; } try { return typeof f(); } catch (e) { return e.name; }",
        Expect::Output("\"TypeError\""),
    )
    .await;
}
