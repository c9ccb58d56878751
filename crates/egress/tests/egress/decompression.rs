//! Compressed answers.

use std::io::Write;

use crate::support::{Reply, Server, answer, permissive};
use flate2::Compression;
use flate2::write::{DeflateEncoder, GzEncoder, ZlibEncoder};
use tenon_egress::{Error, Request};

const TEXT: &str = "{\"packed\":true}";

fn gzip(data: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(data).unwrap();
    encoder.finish().unwrap()
}

async fn server(encoding: &'static str, body: Vec<u8>) -> Server {
    Server::start(move |_| Reply::Say(answer("200 OK", &[("content-encoding", encoding)], &body))).await
}

#[tokio::test]
async fn every_encoding_that_we_ask_for_is_undone() {
    let mut zlib = ZlibEncoder::new(Vec::new(), Compression::default());
    zlib.write_all(TEXT.as_bytes()).unwrap();
    let mut raw = DeflateEncoder::new(Vec::new(), Compression::default());
    raw.write_all(TEXT.as_bytes()).unwrap();
    // The text as one uncompressed brotli metablock.
    let brotli = [&[0x0b, 0x07, 0x80][..], TEXT.as_bytes(), &[0x03]].concat();
    let two_members = [gzip(b"{\"packed\""), gzip(b":true}")].concat();
    let cases = [
        ("gzip", gzip(TEXT.as_bytes())),
        ("x-gzip", two_members),
        ("deflate", zlib.finish().unwrap()),
        ("deflate", raw.finish().unwrap()),
        ("br", brotli),
    ];
    for (encoding, body) in cases {
        let server = server(encoding, body).await;
        let reply = permissive()
            .send(Request::get(&server.url("/")).unwrap())
            .await
            .unwrap();
        assert!(reply.decoded);
        assert_eq!(reply.headers.get("content-encoding"), None);
        assert_eq!(reply.headers.get("content-length"), None);
        assert_eq!(reply.text(1000).await.unwrap(), TEXT, "{encoding}");
    }
}

#[tokio::test]
async fn who_does_not_ask_gets_the_bytes() {
    let packed = gzip(TEXT.as_bytes());
    let server = server("gzip", packed.clone()).await;
    let request = Request {
        decompress: false,
        ..Request::get(&server.url("/")).unwrap()
    };
    let reply = permissive().send(request).await.unwrap();
    assert_eq!(reply.headers.get("content-encoding").unwrap(), "gzip");
    assert_eq!(reply.bytes(1000).await.unwrap(), packed);
    assert_eq!(server.seen()[0].header("accept-encoding"), None);
}

#[tokio::test]
async fn a_bomb_is_defused() {
    let server = server("gzip", gzip(&vec![0; 200 << 20])).await;
    let reply = permissive()
        .send(Request::get(&server.url("/")).unwrap())
        .await
        .unwrap();
    let error = reply.bytes(1 << 20).await.unwrap_err();
    assert!(matches!(error, Error::BodyTooLarge { .. }), "{error:?}");
}

#[tokio::test]
async fn damage_is_an_error_and_emptiness_is_not() {
    let damaged = server("gzip", b"this is not gzip at all".to_vec()).await;
    let reply = permissive()
        .send(Request::get(&damaged.url("/")).unwrap())
        .await
        .unwrap();
    assert!(matches!(
        reply.bytes(100).await.unwrap_err(),
        Error::Decode { encoding: "gzip", .. }
    ));
    let mut cut = gzip(TEXT.as_bytes());
    cut.truncate(cut.len() - 9);
    let cut = server("gzip", cut).await;
    let reply = permissive().send(Request::get(&cut.url("/")).unwrap()).await.unwrap();
    assert!(reply.bytes(100).await.is_err());
    let empty = server("gzip", Vec::new()).await;
    let reply = permissive().send(Request::get(&empty.url("/")).unwrap()).await.unwrap();
    assert_eq!(reply.bytes(100).await.unwrap().len(), 0);
    let head = Request {
        method: http::Method::HEAD,
        ..Request::get(&empty.url("/")).unwrap()
    };
    let reply = permissive().send(head).await.unwrap();
    assert_eq!(reply.headers.get("content-encoding").unwrap(), "gzip");
}
