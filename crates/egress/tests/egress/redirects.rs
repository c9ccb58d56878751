//! Redirects: what changes, what stays, what must not leave.

use crate::support::{Server, ok, permissive, redirect};
use bytes::Bytes;
use http::Method;
use http::header::HeaderName;
use tenon_egress::{Body, Error, Redirects, Request};

/// Redirects `/<status>` to `/end` and answers everything else.
async fn server() -> Server {
    Server::start(|seen| {
        let path = seen.line().split(' ').nth(1).unwrap().to_owned();
        match path.as_str() {
            "/301" => redirect("301 Moved", "/end?x=1"),
            "/302" => redirect("302 Found", "end?x=1"),
            "/303" => redirect("303 See Other", "/end?x=1"),
            "/307" => redirect("307 Temporary", "/end?x=1"),
            "/308" => redirect("308 Permanent", "/end?x=1"),
            "/loop" => redirect("302 Found", "/loop"),
            "/nowhere" => crate::support::Reply::Say(crate::support::answer("302 Found", &[], b"stay")),
            _ => ok("end"),
        }
    })
    .await
}

#[tokio::test]
async fn methods_and_bodies_follow_the_rules() {
    let cases = [
        ("/301", Method::POST, "GET", ""),
        ("/302", Method::POST, "GET", ""),
        ("/303", Method::PUT, "GET", ""),
        ("/301", Method::PUT, "PUT", "data"),
        ("/307", Method::POST, "POST", "data"),
        ("/308", Method::PATCH, "PATCH", "data"),
        ("/302", Method::HEAD, "HEAD", "data"),
    ];
    for (path, method, expected, body) in cases {
        let server = server().await;
        let mut request = Request::new(method, server.url(path).parse().unwrap())
            .header("authorization", "Bearer t")
            .unwrap();
        request.headers.insert("content-type", "text/plain".parse().unwrap());
        request.body = Body::Bytes(Bytes::from_static(b"data"));
        let reply = permissive().send(request).await.unwrap();
        assert_eq!(
            (reply.redirects, reply.url.as_str()),
            (1, server.url("/end?x=1").as_str())
        );
        let last = server.seen().pop().unwrap();
        assert_eq!(last.line(), format!("{expected} /end?x=1 HTTP/1.1"), "{path}");
        assert_eq!(last.body, body.as_bytes(), "{path}");
        assert_eq!(last.header("content-type").is_some(), !body.is_empty(), "{path}");
        assert_eq!(last.header("authorization"), Some("Bearer t"), "{path}");
    }
}

#[tokio::test]
async fn credentials_stay_with_their_origin() {
    let target = Server::start(|_| ok("end")).await;
    let elsewhere = target.url("/end");
    let source = Server::start(move |_| redirect("302 Found", &elsewhere)).await;
    let send = async |redirects: Redirects| {
        let request = Request::get(&source.url("/")).unwrap();
        let request = request
            .header("authorization", "Bearer t")
            .unwrap()
            .header("cookie", "c=1")
            .unwrap();
        let request = request
            .header("x-api-key", "k")
            .unwrap()
            .header("x-custom", "1")
            .unwrap();
        permissive().send(request.redirects(redirects)).await.unwrap();
        target.seen().pop().unwrap()
    };
    let plain = send(Redirects::default()).await;
    assert_eq!((plain.header("authorization"), plain.header("cookie")), (None, None));
    assert_eq!(
        (plain.header("x-api-key"), plain.header("x-custom")),
        (Some("k"), Some("1"))
    );
    let secret_headers = vec![HeaderName::from_static("x-api-key")];
    let strict = send(Redirects::Follow {
        max: 5,
        secret_headers,
        forward_headers: false,
    })
    .await;
    assert_eq!(
        (strict.header("x-api-key"), strict.header("x-custom")),
        (None, Some("1"))
    );
    let open = send(Redirects::Follow {
        max: 5,
        secret_headers: Vec::new(),
        forward_headers: true,
    })
    .await;
    assert_eq!(
        (open.header("authorization"), open.header("x-api-key")),
        (Some("Bearer t"), Some("k"))
    );
    assert_eq!(open.header("host"), Some(target.address.to_string().as_str()));
}

#[tokio::test]
async fn loops_end() {
    let server = server().await;
    let error = permissive()
        .send(Request::get(&server.url("/loop")).unwrap())
        .await
        .unwrap_err();
    assert_eq!(error.code(), "ERR_FR_TOO_MANY_REDIRECTS");
    assert_eq!(server.seen().len(), 6);
}

#[tokio::test]
async fn a_redirect_can_be_the_answer() {
    let server = server().await;
    let request = Request::get(&server.url("/302")).unwrap().redirects(Redirects::Return);
    assert_eq!(permissive().send(request).await.unwrap().status, 302);
    let reply = permissive()
        .send(Request::get(&server.url("/nowhere")).unwrap())
        .await
        .unwrap();
    assert_eq!(
        (reply.status.as_u16(), reply.text(10).await.unwrap().as_str()),
        (302, "stay")
    );
}

#[tokio::test]
async fn a_streamed_body_is_not_sent_twice() {
    let server = server().await;
    let mut request = Request::post(&server.url("/307")).unwrap();
    request.body = Body::stream(futures_util::stream::iter([Ok::<_, std::io::Error>(
        Bytes::from_static(b"x"),
    )]));
    let error = permissive().send(request).await.unwrap_err();
    assert!(matches!(error, Error::BodyNotReplayable { .. }), "{error:?}");
}
