//! Scripts that take all of something.

use tenon_runtime::protocol::{Host, HostCall, HostError, MemoryUse};

use super::*;

#[tokio::test]
async fn infinite_loop() {
    let out = check_invocation(quick(action_of("for (;;) {}")), Expect::Limit(Limit::Cpu)).await;
    assert_eq!(failed(&out).type_, "script_cpu_limit_exceeded");
}

#[tokio::test]
async fn loop_that_catches_its_own_errors() {
    check_invocation(
        quick(action_of(
            "for (;;) { try { for (;;) {} } catch {} finally { for (;;) {} } }",
        )),
        Expect::Limit(Limit::Cpu),
    )
    .await;
}

#[tokio::test]
async fn endless_microtasks() {
    // Each promise of the chain waits for the next, so memory grows until the time is over.
    let mut attempt = quick(action_of("const f = () => Promise.resolve().then(f); await f();"));
    attempt.limits.memory_bytes = 2 << 30;
    check_invocation(attempt, Expect::Limit(Limit::Cpu)).await;
}

#[tokio::test]
async fn endless_async_loop() {
    check_invocation(quick(action_of("for (;;) await null;")), Expect::Limit(Limit::Cpu)).await;
}

#[tokio::test]
async fn endless_generator() {
    check_invocation(
        quick(action_of(
            "function* g() { for (;;) yield 1; } for (const x of g()) {} ",
        )),
        Expect::Limit(Limit::Cpu),
    )
    .await;
}

#[tokio::test]
async fn loop_at_load_time() {
    let bundle = code("\"use strict\"; for (;;) {}");
    check_invocation(quick(invocation(bundle, Kind::Action, None)), Expect::Limit(Limit::Cpu)).await;
}

#[tokio::test]
async fn loop_outside_the_wrapper() {
    let bundle = code("} for (;;) {} {");
    check_invocation(quick(invocation(bundle, Kind::Action, None)), Expect::Limit(Limit::Cpu)).await;
}

#[tokio::test]
async fn catastrophic_regex() {
    check_invocation(
        quick(action_of("return /^(a+)+$/.test('a'.repeat(40) + 'b');")),
        Expect::Limit(Limit::Cpu),
    )
    .await;
}

#[tokio::test]
async fn native_search_that_ignores_interrupts() {
    // The engine polls its interrupt only between operations; this one takes minutes. The watchdog kills the worker.
    let body = "const a = 'a'.repeat(3_000_000), b = 'a'.repeat(1_000_000) + 'b'; let n = 0; for (let i = 0; i < 100; i++) n += (a + i).indexOf(b); return n;";
    let out = check_invocation(quick(action_of(body)), Expect::Limit(Limit::Cpu)).await;
    assert!(failed(&out).message.contains("CPU"));
}

#[tokio::test]
async fn memory_bomb_of_arrays() {
    let out = check(
        "const all = []; for (;;) all.push(new Array(1000).fill(all.length));",
        Expect::Limit(Limit::Memory),
    )
    .await;
    assert_eq!(failed(&out).type_, "script_memory_limit_exceeded");
}

/// Remembers what it is told about memory.
#[derive(Default)]
struct Watching(std::sync::Mutex<Vec<MemoryUse>>);

#[async_trait::async_trait]
impl Host for Watching {
    async fn call(&self, _: HostCall) -> Result<HostReply, HostError> {
        Ok(HostReply::Unit)
    }

    fn memory_is_short(&self, memory: MemoryUse) {
        self.0.lock().expect("told").push(memory);
    }
}

#[tokio::test]
async fn memory_that_is_nearly_used_up_is_told_once() {
    let grow = |megabytes: usize| {
        format!(
            "const all = []; for (let i = 0; i < {megabytes}; i++) {{ all.push(new Uint8Array(1 << 20).fill(i)); await nango.getWebhookURL().catch(() => 0); }} return all.length;"
        )
    };
    for (megabytes, told, fails) in [(40, 0, false), (57, 1, false), (90, 1, true)] {
        let host = std::sync::Arc::new(Watching::default());
        let attempt = invocation(action(&grow(megabytes)), Kind::Action, None);
        let out = runtime().run(attempt, host.clone()).await;
        assert_eq!(out.result.is_err(), fails, "{megabytes}: {:?}", out.result);
        let heard = host.0.lock().expect("told").clone();
        assert_eq!(heard.len(), told, "{megabytes}: {heard:?}");
        assert!(
            heard
                .iter()
                .all(|memory| memory.limit == 64 << 20 && memory.used * 100 > memory.limit * 85)
        );
    }
    // What is given back before anybody looks counts.
    let host = std::sync::Arc::new(Watching::default());
    let brief =
        action("{ const all = []; for (let i = 0; i < 57; i++) all.push(new Uint8Array(1 << 20).fill(i)); } return 1;");
    let out = runtime().run(invocation(brief, Kind::Action, None), host.clone()).await;
    assert_eq!(
        (output(&out), host.0.lock().expect("told").len()),
        (serde_json::json!(1), 1)
    );
    assert!(out.memory_bytes > 57 << 20);
    // Code that never comes to an end of its own is seen as well, before it is ended.
    let host = std::sync::Arc::new(Watching::default());
    let endless = action("const all = []; for (;;) all.push(new Array(1000).fill(all.length));");
    let out = runtime()
        .run(invocation(endless, Kind::Action, None), host.clone())
        .await;
    assert_eq!(failed(&out).type_, "script_memory_limit_exceeded");
    assert_eq!(host.0.lock().expect("told").len(), 1);
    let memory = MemoryUse {
        used: 60 << 20,
        limit: 64 << 20,
    };
    assert!(
        memory
            .to_string()
            .starts_with("Memory is nearly used up: 60 of 64 MiB (93 %)."),
        "{memory}"
    );
}

#[tokio::test]
async fn memory_bomb_of_strings() {
    check(
        "let s = 'x'; for (;;) { s += s; if (s.length > 1e9) s.charCodeAt(5); }",
        Expect::Throws(""),
    )
    .await;
}

#[tokio::test]
async fn memory_bomb_of_objects() {
    check(
        "let o = {}; for (let i = 0; ; i++) o['k' + i] = { i };",
        Expect::Limit(Limit::Memory),
    )
    .await;
}

#[tokio::test]
async fn memory_bomb_that_catches() {
    check("const all = []; for (;;) { try { for (;;) all.push('y'.repeat(1e5 + all.length)); } catch { all.length = 0; break; } } return 'calm';", Expect::Output("\"calm\"")).await;
}

#[tokio::test]
async fn memory_bomb_in_promises() {
    check("const all = []; const f = async () => { await null; all.push(new Uint8Array(1e5)); }; for (;;) await Promise.all([f(), f(), f()]);", Expect::Limit(Limit::Memory)).await;
}

#[tokio::test]
async fn typed_array_of_a_gigabyte() {
    check("return new Uint8Array(1 << 30).length;", Expect::Limit(Limit::Memory)).await;
}

#[tokio::test]
async fn array_of_a_billion() {
    check_invocation(
        quick(action_of("return new Array(1e9).fill(0).length;")),
        Expect::Limit(Limit::Memory),
    )
    .await;
}

#[tokio::test]
async fn deep_recursion() {
    check(
        "const f = (n) => f(n + 1) + 1; return f(0);",
        Expect::Throws("call stack"),
    )
    .await;
}

#[tokio::test]
async fn deep_recursion_through_getters_and_json() {
    check(
        "let o = {}; for (let i = 0; i < 1e5; i++) o = { o }; return JSON.stringify(o).length;",
        Expect::Throws("call stack"),
    )
    .await;
}

#[tokio::test]
async fn deep_json_input_is_parsed_or_refused() {
    let deep = format!("{}{}", "[".repeat(200_000), "]".repeat(200_000));
    let attempt = invocation(action("return 1;"), Kind::Action, Some(&deep));
    check_invocation(attempt, Expect::Throws("call stack")).await;
}

#[tokio::test]
async fn deep_regex() {
    check(
        "return new RegExp('('.repeat(1e5) + ')'.repeat(1e5)).test('x');",
        Expect::Throws(""),
    )
    .await;
}

#[tokio::test]
async fn huge_output() {
    let out = check("return 'x'.repeat(3 << 20);", Expect::Limit(Limit::Output)).await;
    assert_eq!(failed(&out).type_, "script_output_too_large");
}

#[tokio::test]
async fn huge_error() {
    let out = check(
        "throw new nango.ActionError({ a: 'x'.repeat(5e6), keep: 1 });",
        Expect::Throws(""),
    )
    .await;
    assert_eq!(failed(&out).payload_json, "{\"keep\":1}");
}

#[tokio::test]
async fn huge_log() {
    let mut attempt = action_of(
        "nango.setLogger({ level: 'debug' }); const z = 'z'.repeat(50_000); for (let i = 0; i < 11_000; i++) await nango.log(z); return 'done';",
    );
    attempt.limits.cpu = Duration::from_secs(30);
    let out = check_invocation(attempt, Expect::Output("\"done\"")).await;
    assert!(out.logs_dropped > 5_000, "{}", out.logs_dropped);
}

#[tokio::test]
async fn flood_of_host_calls_in_flight() {
    // They take turns.
    let body = "const all = []; for (let i = 0; i < 20_000; i++) all.push(nango.getCheckpoint()); return (await Promise.all(all)).length;";
    check(body, Expect::Output("20000")).await;
    let body = "for (;;) nango.triggerAction('a', 'b', 'c', 'x'.repeat(10_000));";
    check(body, Expect::Limit(Limit::Memory)).await;
}

#[tokio::test]
async fn flood_of_host_calls_in_all() {
    let mut attempt = action_of("for (;;) await nango.getCheckpoint();");
    attempt.limits.host_calls_max = 500;
    let out = check_invocation(attempt, Expect::Limit(Limit::HostCalls)).await;
    assert_eq!(out.host_calls, 500);
}

#[tokio::test]
async fn flood_of_timers() {
    check(
        "for (let i = 0; i < 1e6; i++) setTimeout(() => {}, 1e6);",
        Expect::Throws("timers are pending"),
    )
    .await;
}

#[tokio::test]
async fn promise_that_never_settles() {
    let out = check("await new Promise(() => {});", Expect::Limit(Limit::NeverSettles)).await;
    assert_eq!(failed(&out).type_, "script_never_settles");
}

#[tokio::test]
async fn sleeping_beyond_the_deadline() {
    let mut attempt = action_of("await new Promise((r) => setTimeout(r, 1e6));");
    attempt.limits.wall = Duration::from_millis(200);
    let out = check_invocation(attempt, Expect::Limit(Limit::Wall)).await;
    assert_eq!(failed(&out).type_, "execution_timeout");
}

#[tokio::test]
async fn swallowing_the_abort() {
    let mut attempt = action_of(
        "for (;;) { try { await nango.getCheckpoint(); } catch {} await new Promise((r) => setTimeout(r, 5)); }",
    );
    attempt.limits.wall = Duration::from_millis(200);
    check_invocation(attempt, Expect::Limit(Limit::Wall)).await;
}

#[tokio::test]
async fn busy_beyond_the_deadline() {
    let mut attempt = action_of("for (;;) {}");
    attempt.limits.cpu = Duration::from_secs(30);
    attempt.limits.wall = Duration::from_millis(200);
    check_invocation(attempt, Expect::Limit(Limit::Wall)).await;
}

#[tokio::test]
async fn native_code_beyond_the_deadline() {
    let mut attempt =
        action_of("const a = 'a'.repeat(3_000_000), b = 'a'.repeat(1_000_000) + 'b'; return a.indexOf(b);");
    attempt.limits.cpu = Duration::from_secs(30);
    attempt.limits.wall = Duration::from_millis(200);
    check_invocation(attempt, Expect::Limit(Limit::Wall)).await;
}

#[tokio::test]
async fn to_json_bombs() {
    check_invocation(
        quick(action_of("return { toJSON() { for (;;) {} } };")),
        Expect::Limit(Limit::Cpu),
    )
    .await;
    check(
        "let n = 0; const f = () => ({ toJSON: () => ({ a: f() }) }); return f();",
        Expect::Throws("call stack"),
    )
    .await;
}

#[tokio::test]
async fn sort_that_lies() {
    check_invocation(
        quick(action_of(
            "const a = Array.from({ length: 1e6 }, (_, i) => i); a.sort(() => { for (;;) {} });",
        )),
        Expect::Limit(Limit::Cpu),
    )
    .await;
}

#[tokio::test]
async fn big_integers() {
    let out = attack(&runtime(), quick(action_of("let n = 3n; for (;;) n *= n;"))).await;
    assert!(out.result.is_err());
}
