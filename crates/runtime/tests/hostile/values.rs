//! Exotic values where plain ones are expected.

use super::*;

#[tokio::test]
async fn getters_on_results() {
    check_invocation(
        quick(action_of("return { get a() { for (;;) {} } };")),
        Expect::Limit(Limit::Cpu),
    )
    .await;
    check(
        "return { get a() { throw new Error('trap'); } };",
        Expect::Throws("trap"),
    )
    .await;
}

#[tokio::test]
async fn proxies_as_results() {
    check(
        "return new Proxy({}, { ownKeys() { throw new Error('keys'); } });",
        Expect::Throws("keys"),
    )
    .await;
    check("return new Proxy({}, { get() { return undefined; }, ownKeys() { return ['a'.repeat(10)]; }, getOwnPropertyDescriptor() { return { enumerable: true, configurable: true, value: 1 }; } });", Expect::Output("{}")).await;
    check(
        "const { proxy, revoke } = Proxy.revocable({}, {}); revoke(); return proxy;",
        Expect::Throws(""),
    )
    .await;
}

#[tokio::test]
async fn thenables() {
    check(
        "return { then(resolve) { resolve({ then(r) { r(7); } }); } };",
        Expect::Output("7"),
    )
    .await;
    check(
        "return { get then() { throw new Error('then trap'); } };",
        Expect::Throws("then trap"),
    )
    .await;
    check("return { then() {} };", Expect::Limit(Limit::NeverSettles)).await;
}

#[tokio::test]
async fn exotic_throws() {
    for body in [
        "throw null;",
        "throw undefined;",
        "throw 42;",
        "throw 10n;",
        "throw Symbol('s');",
        "throw () => {};",
        "throw new Proxy({}, { get() { throw new Error('p'); } });",
        "throw new Proxy(function () {}, { get() { throw 1; }, getPrototypeOf() { throw 2; } });",
        "throw Object.create(null);",
        "throw { get message() { throw 1; }, get stack() { throw 2; }, get name() { throw 3; }, get code() { throw 4; } };",
        "const e = new Error('x'); Object.defineProperty(e, 'message', { get() { throw e; } }); throw e;",
        "const e = new Error('x'); Object.defineProperty(e, 'stack', { get() { throw e; } }); throw e;",
        "const e = new Error('x'); e.name = { toString() { throw e; } }; throw e;",
        "const e = new Error('x'); e.name = Symbol('n'); throw e;",
        "const e = new nango.ActionError(); e.payload = new Proxy({}, { ownKeys() { throw 1; } }); throw e;",
        "const e = new nango.ActionError({}); Object.defineProperty(e, 'payload', { get() { throw 1; } }); throw e;",
        "const p = {}; p.p = p; throw new nango.ActionError(p);",
        "throw new nango.ActionError({ n: 1n, f() {}, s: Symbol('x'), u: undefined });",
        "const e = new Error('x'); e.isAxiosError = true; e.response = { get status() { throw 1; } }; throw e;",
        "const e = new Error('x'); e.isAxiosError = true; e.response = { status: 'nonsense', data: { payload: null }, headers: 5 }; throw e;",
        "const e = new Error('x'); e.isAxiosError = true; e.response = { status: 1e9, data: 1, headers: { 'content-type': { toString() { throw 1; } } } }; throw e;",
    ] {
        let out = runtime().run(action_of(body), Scripted::silent()).await;
        let error = failed(&out);
        assert_eq!(error.kind, ErrorKind::Script, "{body}: {error:?}");
        let payload: serde_json::Value = serde_json::from_str(&error.payload_json).unwrap_or_else(|_| panic!("{body}"));
        assert!(payload.is_object(), "{body}");
    }
}

#[tokio::test]
async fn primitive_conversion_bombs() {
    check_invocation(quick(action_of("const b = { [Symbol.toPrimitive]() { for (;;) {} } }; await nango.batchSave?.([{ id: 1 }], b); return `${b}`;")), Expect::Limit(Limit::Cpu)).await;
    check(
        "const b = { [Symbol.toPrimitive]() { throw new Error('prim'); } }; return await nango.get({ endpoint: b });",
        Expect::Throws("prim"),
    )
    .await;
    check(
        "const b = { toString() { return 'x'.repeat(1e9); } }; return await nango.get({ endpoint: b });",
        Expect::Limit(Limit::Memory),
    )
    .await;
}

#[tokio::test]
async fn hostile_arguments_to_every_method() {
    let body = r"
        const evil = [undefined, null, 0, -1, NaN, '', 'x', 1n, Symbol('s'), () => {}, [], {}, new Proxy({}, { get() { throw new Error('trap'); } }), Object.create(null), new Date(NaN), new Map(), /x/, { then(r) { r(1); } }];
        const names = ['get', 'post', 'put', 'patch', 'delete', 'proxy', 'uncontrolledFetch', 'getConnection', 'getMetadata', 'setMetadata', 'updateMetadata', 'getIntegration', 'triggerAction', 'triggerSync', 'startSync', 'saveCheckpoint', 'tryAcquireLock', 'releaseLock', 'setLogger', 'log', 'zodValidateInput', 'getFlowAttributes', 'setFieldMapping'];
        let survived = 0;
        for (const name of names) {
            for (const a of evil) for (const b of [undefined, a]) {
                try { await nango[name](a, b, a); } catch (e) {}
                survived++;
            }
            for (const a of evil) { try { for await (const x of nango.paginate(a)) break; } catch {} }
        }
        return survived === names.length * evil.length * 2;";
    let mut attempt = action_of(body);
    attempt.limits.cpu = Duration::from_secs(10);
    check_invocation(attempt, Expect::Output("true")).await;
}

#[tokio::test]
async fn unhandled_rejections_are_nobodys_business() {
    check("Promise.reject(new Error('lost')); (async () => { throw 1; })(); await new Promise((r) => setTimeout(r, 5)); return 'ok';", Expect::Output("\"ok\"")).await;
}

#[tokio::test]
async fn results_with_odd_members() {
    check(
        "return { constructor: 1, __proto__: null, ['__proto__']: 2, toString: 'x', length: -1 };",
        Expect::Output("{\"constructor\":1,\"__proto__\":2,\"toString\":\"x\",\"length\":-1}"),
    )
    .await;
    check(
        "const o = {}; o.self = o; return o;",
        Expect::Throws("circular structure"),
    )
    .await;
    check("return { n: 7n };", Expect::Throws("serialize a BigInt")).await;
    check(
        "return '\\ud800 \\u0000 \\u2028';",
        Expect::Output("\"\\ufffd \\u0000 \\u2028\""),
    )
    .await;
}
