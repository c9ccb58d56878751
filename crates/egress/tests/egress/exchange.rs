//! Plain exchanges: what is sent, what comes back, what goes wrong.

use std::sync::atomic::Ordering;
use std::time::Duration;

use crate::support::{Reply, Server, answer, client, ok, permissive};
use bytes::Bytes;
use http::Method;
use http_body_util::BodyExt;
use tenon_egress::{Body, Error, Limits, Request};

#[tokio::test]
async fn a_request_is_sent_as_given() {
    let server = Server::start(|_| ok("hi")).await;
    let url = server.url("/a%2Fb/c%20d?f[a]=1&g[]=2&p=a+b&e=");
    let request = Request::get(&url).unwrap().header("x-one", "1").unwrap();
    let reply = permissive().send(request).await.unwrap();
    assert_eq!(reply.status, 200);
    assert_eq!(reply.text(100).await.unwrap(), "hi");
    let seen = &server.seen()[0];
    assert_eq!(seen.line(), "GET /a%2Fb/c%20d?f[a]=1&g[]=2&p=a+b&e= HTTP/1.1");
    assert_eq!(seen.header("host"), Some(server.address.to_string().as_str()));
    assert_eq!(seen.header("x-one"), Some("1"));
    assert_eq!(seen.header("accept-encoding"), Some("gzip, deflate, br"));
    assert!(seen.header("user-agent").unwrap().starts_with("tenon/"));
    assert_eq!(seen.header("content-length"), None);
}

#[tokio::test]
async fn bodies_are_announced_with_their_length() {
    let server = Server::start(|_| ok("")).await;
    let egress = permissive();
    let json = Request::post(&server.url("/"))
        .unwrap()
        .json(&serde_json::json!({"a": 1}))
        .unwrap();
    egress.send(json).await.unwrap();
    egress.send(Request::post(&server.url("/")).unwrap()).await.unwrap();
    egress
        .send(
            Request::post(&server.url("/"))
                .unwrap()
                .form([("a", "x y"), ("b", "&")]),
        )
        .await
        .unwrap();
    let seen = server.seen();
    assert_eq!(
        (seen[0].body.as_slice(), seen[0].header("content-type")),
        (&b"{\"a\":1}"[..], Some("application/json"))
    );
    assert_eq!(seen[1].header("content-length"), Some("0"));
    assert_eq!(seen[2].body, b"a=x+y&b=%26");
}

#[tokio::test]
async fn streams_go_out_in_chunks_and_come_back_as_they_arrive() {
    let server = Server::start(|_| {
        let head = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n".to_vec();
        Reply::Slowly(
            vec![head, b"3\r\none\r\n".to_vec(), b"3\r\ntwo\r\n0\r\n\r\n".to_vec()],
            Duration::from_millis(40),
        )
    })
    .await;
    let mut request = Request::post(&server.url("/")).unwrap();
    let pieces = ["a", "b"].map(|piece| Ok::<_, std::io::Error>(Bytes::from_static(piece.as_bytes())));
    request.body = Body::stream(futures_util::stream::iter(pieces));
    let mut reply = permissive().send(request).await.unwrap();
    let first = reply.body.frame().await.unwrap().unwrap().into_data().unwrap();
    assert_eq!(first, "one");
    let rest = reply.body.collect().await.unwrap().to_bytes();
    assert_eq!(rest, "two");
    assert_eq!(server.seen()[0].body, b"1\r\na\r\n1\r\nb\r\n0\r\n\r\n");
}

#[tokio::test]
async fn connections_are_used_again() {
    let server = Server::start(|_| ok("hi")).await;
    let egress = permissive();
    for _ in 0..5 {
        let reply = egress.send(Request::get(&server.url("/")).unwrap()).await.unwrap();
        reply.bytes(10).await.unwrap();
    }
    assert_eq!(server.connections.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn an_answer_that_nobody_reads_does_not_poison_its_connection() {
    let server = Server::start(|seen| if seen.line().contains("big") { big() } else { ok("hi") }).await;
    let egress = permissive();
    let unread = egress.send(Request::get(&server.url("/big")).unwrap()).await.unwrap();
    drop(unread);
    let reply = egress.send(Request::get(&server.url("/")).unwrap()).await.unwrap();
    assert_eq!(reply.text(10).await.unwrap(), "hi");
}

fn big() -> Reply {
    Reply::Say(answer("200 OK", &[], &vec![b'x'; 1 << 20]))
}

#[tokio::test]
async fn a_connection_closed_while_idle_is_replaced() {
    let server = Server::start(|_| Reply::SayAndClose(answer("200 OK", &[], b"hi"))).await;
    let egress = permissive();
    for method in [Method::GET, Method::POST, Method::POST, Method::GET] {
        let request = Request {
            method,
            ..Request::get(&server.url("/")).unwrap()
        };
        let reply = egress.send(request).await.unwrap();
        assert_eq!(reply.text(10).await.unwrap(), "hi");
    }
}

#[tokio::test]
async fn a_reset_is_reported_and_a_post_is_not_repeated() {
    let server = Server::start(|_| Reply::SayAndClose(Vec::new())).await;
    let egress = permissive();
    let error = egress.send(Request::post(&server.url("/")).unwrap()).await.unwrap_err();
    assert_eq!(error.code(), "ECONNRESET");
    assert_eq!(server.seen().len(), 1);
}

#[tokio::test]
async fn a_body_cut_short_is_an_error() {
    let server =
        Server::start(|_| Reply::SayAndClose(b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nabc".to_vec())).await;
    let reply = permissive()
        .send(Request::get(&server.url("/")).unwrap())
        .await
        .unwrap();
    let error = reply.bytes(100).await.unwrap_err();
    assert_eq!(error.code(), "ECONNRESET");
}

#[tokio::test]
async fn refused_connections_and_unknown_names_have_their_codes() {
    let egress = permissive();
    let error = egress
        .send(Request::get("http://127.0.0.1:9/secret?key=1").unwrap())
        .await
        .unwrap_err();
    assert_eq!(error.code(), "ECONNREFUSED");
    assert!(!format!("{error} {error:?}").contains("secret"), "{error:?}");
    let error = egress
        .send(Request::get("http://no-such-host.invalid/").unwrap())
        .await
        .unwrap_err();
    assert!(matches!(error.code(), "ENOTFOUND" | "EAI_AGAIN"), "{error:?}");
}

#[tokio::test]
async fn something_that_is_not_http_is_an_error() {
    let server = Server::start(|_| Reply::SayAndClose(b"220 smtp ready\r\n\r\n".to_vec())).await;
    let error = permissive()
        .send(Request::get(&server.url("/")).unwrap())
        .await
        .unwrap_err();
    assert!(matches!(error, Error::Protocol { .. }), "{error:?}");
}

#[tokio::test]
async fn silence_has_limits() {
    let server = Server::start(|seen| match seen.line() {
        line if line.contains("head") => Reply::Hang(Vec::new()),
        _ => Reply::Hang(b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nabc".to_vec()),
    })
    .await;
    let short = Duration::from_millis(100);
    let egress = client(Limits {
        answer: short,
        silence: short,
        ..Limits::default()
    });
    let error = egress
        .send(Request::get(&server.url("/head")).unwrap())
        .await
        .unwrap_err();
    assert_eq!(error.code(), "ECONNABORTED");
    let reply = egress.send(Request::get(&server.url("/body")).unwrap()).await.unwrap();
    let error = reply.bytes(100).await.unwrap_err();
    assert!(
        matches!(
            error,
            Error::Timeout {
                stage: "reading the answer",
                ..
            }
        ),
        "{error:?}"
    );
    let patient = permissive();
    let request = Request::get(&server.url("/head")).unwrap().timeout(short);
    assert_eq!(patient.send(request).await.unwrap_err().code(), "ECONNABORTED");
}

#[tokio::test]
async fn long_answers_are_cut_off() {
    let server = Server::start(|seen| match seen.line() {
        line if line.contains("chunked") => {
            let mut bytes = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n".to_vec();
            (0..100).for_each(|_| bytes.extend(b"a\r\n0123456789\r\n"));
            bytes.extend(b"0\r\n\r\n");
            Reply::Say(bytes)
        }
        _ => big(),
    })
    .await;
    for path in ["/chunked", "/length"] {
        let reply = permissive()
            .send(Request::get(&server.url(path)).unwrap())
            .await
            .unwrap();
        let error = reply.bytes(999).await.unwrap_err();
        assert!(matches!(error, Error::BodyTooLarge { limit: 999 }), "{error:?}");
    }
    let reply = permissive()
        .send(Request::get(&server.url("/chunked")).unwrap())
        .await
        .unwrap();
    assert_eq!(reply.bytes(1000).await.unwrap().len(), 1000);
}

#[tokio::test]
async fn headers_of_one_connection_are_not_passed_on() {
    let server = Server::start(|_| ok("")).await;
    let mut request = Request::post(&server.url("/")).unwrap().body("text/plain", "abc");
    for (name, value) in [
        ("connection", "close"),
        ("transfer-encoding", "chunked"),
        ("content-length", "99"),
        ("host", "x"),
    ] {
        request = request.header(name, value).unwrap();
    }
    permissive().send(request).await.unwrap();
    let seen = &server.seen()[0];
    assert_eq!(seen.header("content-length"), Some("3"));
    assert_eq!(seen.header("transfer-encoding"), None);
    assert_eq!(seen.header("connection"), None);
    assert_eq!(seen.header("host"), Some(server.address.to_string().as_str()));
}

#[tokio::test]
async fn exchanges_at_once_are_limited_and_wait_their_turn() {
    let server = Server::start(|_| {
        Reply::Slowly(
            vec![Vec::new(), answer("200 OK", &[], b"hi")],
            Duration::from_millis(30),
        )
    })
    .await;
    let egress = client(Limits {
        per_origin: 2,
        ..Limits::default()
    });
    let started = std::time::Instant::now();
    let calls = (0..6).map(|_| {
        let (egress, url) = (egress.clone(), server.url("/"));
        tokio::spawn(async move {
            egress
                .send(Request::get(&url).unwrap())
                .await
                .unwrap()
                .bytes(10)
                .await
                .unwrap()
        })
    });
    for call in calls.collect::<Vec<_>>() {
        call.await.unwrap();
    }
    assert!(server.connections.load(Ordering::SeqCst) <= 3);
    assert!(started.elapsed() >= Duration::from_millis(80));
}

#[tokio::test]
async fn a_look_at_the_body_leaves_it_as_it_was() {
    let server = Server::start(|_| {
        let head = b"HTTP/1.1 500 Oops\r\ntransfer-encoding: chunked\r\n\r\n".to_vec();
        let pieces = [&b"3\r\none\r\n"[..], b"3\r\ntwo\r\n", b"5\r\nthree\r\n0\r\n\r\n"].map(<[u8]>::to_vec);
        Reply::Slowly([vec![head], pieces.to_vec()].concat(), Duration::from_millis(20))
    })
    .await;
    for (limit, seen) in [(1, "one"), (5, "onetwo"), (100, "onetwothree")] {
        let mut reply = permissive()
            .send(Request::get(&server.url("/")).unwrap())
            .await
            .unwrap();
        assert_eq!(reply.peek(limit).await.unwrap(), seen);
        assert_eq!(reply.peek(3).await.unwrap().get(..3), Some(&b"one"[..]));
        assert_eq!(reply.text(100).await.unwrap(), "onetwothree");
    }
}

#[tokio::test]
async fn a_companion_lasts_as_long_as_the_body() {
    let server = Server::start(|_| big()).await;
    let mut reply = permissive()
        .send(Request::get(&server.url("/")).unwrap())
        .await
        .unwrap();
    let companion = std::sync::Arc::new(());
    reply.body.keep(std::sync::Arc::clone(&companion));
    reply.body.keep(1);
    reply.peek(10).await.unwrap();
    assert_eq!(std::sync::Arc::strong_count(&companion), 2);
    reply.bytes(2 << 20).await.unwrap();
    assert_eq!(std::sync::Arc::strong_count(&companion), 1);
}
