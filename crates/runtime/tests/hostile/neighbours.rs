//! Other runs, other connections, other tenants.

use super::*;

fn keyed(tenant: &str, key: &str, body: &str) -> Invocation {
    let mut attempt = action_of(body);
    attempt.tenant = tenant.to_owned();
    attempt.isolate_key = Some(key.to_owned());
    attempt
}

#[tokio::test]
async fn an_isolate_serves_one_connection() {
    let rt = runtime();
    let body =
        "const before = globalThis.left ?? null; globalThis.left = 'secret of ' + nango.connectionId; return before;";
    for (tenant, key) in [("a", "c1"), ("a", "c2"), ("b", "c1"), ("a", "c1"), ("a", "c2")] {
        let out = rt.run(keyed(tenant, key, body), Scripted::silent()).await;
        assert_eq!(output(&out), serde_json::Value::Null, "{tenant} {key}");
    }
}

#[tokio::test]
async fn a_clean_isolate_is_used_again() {
    let rt = runtime();
    let body = "return nango.connectionId;";
    let first = rt.run(keyed("a", "c1", body), Scripted::silent()).await;
    let second = rt.run(keyed("a", "c1", body), Scripted::silent()).await;
    let other = rt.run(keyed("a", "c2", body), Scripted::silent()).await;
    let tenant = rt.run(keyed("b", "c1", body), Scripted::silent()).await;
    assert_eq!(
        [first.warm, second.warm, other.warm, tenant.warm],
        [false, true, false, false]
    );
}

#[tokio::test]
async fn a_bundle_that_looks_at_the_clock_while_loading_loads_again() {
    let rt = runtime();
    for (top, warm) in [
        ("const at = Date.now();", false),
        ("const at = new Date();", false),
        ("const at = Math.random();", false),
        ("const at = require('crypto').randomUUID();", false),
        ("const at = new Date(0), today = () => new Date();", true),
    ] {
        let bundle = code(&format!(
            "{top} exports.default = {{ type: 'action', exec: async () => [new Date() instanceof Date, new Date(5).getTime(), Date.now() > 1e12, new Date().constructor === Date, typeof Date(), Date.UTC(1970, 0), Date.name, Object.prototype.toString.call(new Date())] }};"
        ));
        let mut runs = Vec::new();
        for _ in 0..2 {
            let mut run = invocation(bundle.clone(), Kind::Action, None);
            run.isolate_key = Some("k".to_owned());
            runs.push(rt.run(run, Scripted::silent()).await);
        }
        assert_eq!(
            output(&runs[1]),
            serde_json::json!([true, 5, true, true, "string", 0, "Date", "[object Date]"])
        );
        assert_eq!(runs[1].warm, warm, "{top}");
    }
}

#[tokio::test]
async fn copies_of_a_loaded_bundle_share_nothing() {
    let mut settings = config();
    settings.workers_per_tenant_max = 1;
    let rt = Runtime::start(settings).expect("starts");
    // The second run of a bundle makes a template, later ones are copies of it.
    let top = "const { z } = require('zod'); const seen = []; let n = 0; const schema = z.object({ x: z.number() });";
    let bundle = code(&format!(
        "{top} exports.default = {{ type: 'action', exec: async (nango, input) => {{ seen.push(schema.parse(input).x); n += 1; exports.left = n; await new Promise((r) => setTimeout(r, 10)); return [seen, n, exports.left]; }} }};"
    ));
    for round in 0..3 {
        let runs = (0..5).map(|index| {
            let mut run = invocation(bundle.clone(), Kind::Action, Some(&format!("{{\"x\":{index}}}")));
            run.isolate_key = Some(format!("r{round}c{index}"));
            rt.run(run, Scripted::silent())
        });
        for (index, out) in futures_util::future::join_all(runs).await.into_iter().enumerate() {
            assert_eq!(output(&out), serde_json::json!([[index], 1, 1]));
            assert!(!out.warm);
        }
    }
}

#[tokio::test]
async fn code_that_cannot_be_a_template_runs_all_the_same() {
    let rt = runtime();
    for (top, works) in [
        ("setTimeout(() => {}, 5);", true),
        ("Promise.resolve().then(() => {});", true),
        ("globalThis.mark = 1;", true),
        ("const big = new Array(200_000).fill('x').join('');", true),
        ("const all = []; for (let i = 0; i < 5000; i++) all.push({ i });", true),
        ("throw new Error('at load');", false),
        ("nango.log('x');", false),
    ] {
        let bundle = code(&format!(
            "{top} exports.default = {{ type: 'action', exec: async () => 'ran' }};"
        ));
        for _ in 0..4 {
            let out = rt
                .run(invocation(bundle.clone(), Kind::Action, None), Scripted::silent())
                .await;
            assert_eq!(out.result.is_ok(), works, "{top}: {:?}", out.result);
        }
    }
}

#[tokio::test]
async fn timers_after_the_end_do_not_fire_into_the_next_run() {
    let rt = runtime();
    let body = "setTimeout(() => { nango.log('late', { level: 'error' }); nango.getCheckpoint(); }, 30); return 1;";
    let host = Scripted::new(|_| Ok(HostReply::Json("null".into())));
    rt.run(keyed("a", "c1", body), host.clone()).await;
    let second = Scripted::silent();
    let out = rt
        .run(
            keyed("a", "c1", "await new Promise((r) => setTimeout(r, 80)); return 2;"),
            second.clone(),
        )
        .await;
    assert_eq!(output(&out), serde_json::json!(2));
    assert!(!out.warm);
    assert!(
        second.taken().is_empty() && host.taken().is_empty(),
        "a finished run made calls"
    );
}

#[tokio::test]
async fn work_left_running_is_dropped() {
    let rt = runtime();
    let body = "(async () => { for (;;) { await nango.getCheckpoint(); } })(); return 'left';";
    let host = Scripted::new(|_| Ok(HostReply::Json("null".into())));
    let out = rt.run(keyed("a", "c1", body), host.clone()).await;
    assert_eq!(output(&out), serde_json::json!("left"));
    tokio::time::sleep(Duration::from_millis(50)).await;
    let calls = host.taken().len();
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert_eq!(host.taken().len(), calls);
}

#[tokio::test]
async fn many_tenants_at_once_see_only_themselves() {
    let rt = runtime();
    let runs = (0..12).map(|index| {
        let rt = rt.clone();
        async move {
            let mut attempt = keyed(&format!("t{}", index % 4), &format!("c{index}"), "const seen = globalThis.mark ?? null; globalThis.mark = input.x; await new Promise((r) => setTimeout(r, 20)); return [seen, input.x, nango.connectionId];");
            attempt.input_json = Some(format!("{{\"x\":{index}}}"));
            attempt.context_json = context().to_json().replace("c-1", &format!("conn-{index}"));
            let out = rt.run(attempt, Scripted::silent()).await;
            assert_eq!(output(&out), serde_json::json!([null, index, format!("conn-{index}")]));
        }
    });
    futures_util::future::join_all(runs).await;
}

#[tokio::test]
async fn a_killed_worker_harms_no_silent_neighbour() {
    // The bomb and its neighbours share one worker; the neighbours made no host call yet and are started again.
    let mut settings = config();
    settings.workers_per_tenant_max = 1;
    let rt = Runtime::start(settings).expect("starts");
    let bomb = quick(action_of(
        "await new Promise((r) => setTimeout(r, 30)); const a = 'a'.repeat(3_000_000), b = 'a'.repeat(1_000_000) + 'b'; return a.indexOf(b);",
    ));
    let sleeper = || {
        rt.run(
            action_of("await new Promise((r) => setTimeout(r, 150)); return 'fine';"),
            Scripted::silent(),
        )
    };
    let (bomb, one, two) = tokio::join!(rt.run(bomb, Scripted::silent()), sleeper(), sleeper());
    assert_eq!(failed(&bomb).kind, ErrorKind::Limit(Limit::Cpu));
    assert_eq!(output(&one), serde_json::json!("fine"));
    assert_eq!(output(&two), serde_json::json!("fine"));
    // Known by now: the same code gets a worker of its own.
    let again = quick(action_of(
        "await new Promise((r) => setTimeout(r, 30)); const a = 'a'.repeat(3_000_000), b = 'a'.repeat(1_000_000) + 'b'; return a.indexOf(b);",
    ));
    let host = Scripted::new(|_| Ok(HostReply::Json("null".into())));
    let talker = rt.run(
        action_of("await nango.getCheckpoint(); await new Promise((r) => setTimeout(r, 900)); return 'fine';"),
        host,
    );
    let (bomb, talker) = tokio::join!(rt.run(again, Scripted::silent()), talker);
    assert!(bomb.result.is_err());
    assert_eq!(output(&talker), serde_json::json!("fine"));
}

#[tokio::test]
async fn cancelling_ends_a_run() {
    let rt = runtime();
    let attempt = action_of("await new Promise((r) => setTimeout(r, 1e6));");
    let cancel = attempt.cancel.clone();
    let run = rt.run(attempt, Scripted::silent());
    let stop = async {
        tokio::time::sleep(Duration::from_millis(100)).await;
        cancel.cancel();
    };
    let begun = Instant::now();
    let (out, ()) = tokio::join!(run, stop);
    assert_eq!(failed(&out).kind, ErrorKind::Aborted);
    assert_eq!(failed(&out).type_, "script_aborted");
    assert!(begun.elapsed() < Duration::from_secs(3));
}

#[tokio::test]
async fn a_caller_that_walks_away_leaves_nothing_running() {
    let rt = runtime();
    let host = Scripted::new(|_| Ok(HostReply::Json("null".into())));
    {
        let run = rt.run(
            action_of("for (;;) { await nango.getCheckpoint(); await new Promise((r) => setTimeout(r, 5)); }"),
            host.clone(),
        );
        let _ = tokio::time::timeout(Duration::from_millis(200), run).await;
    }
    tokio::time::sleep(Duration::from_millis(1200)).await;
    let calls = host.taken().len();
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert_eq!(host.taken().len(), calls);
    assert_eq!(rt.census().runs, 0);
}
