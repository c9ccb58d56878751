use axum::Router;
use axum::body::Body;
use axum::routing::get;
use http::Request;
use http_body_util::BodyExt;
use serde_json::Value;
use tower::ServiceExt;

use super::Path;

async fn ask(target: &str) -> (u16, String) {
    let router: Router = Router::new()
        .route("/one/{id}", get(|Path(id): Path<String>| async move { id }))
        .route(
            "/two/{a}/{b}",
            get(|Path((a, b)): Path<(String, String)>| async move { a + &b }),
        );
    let request = Request::get(target).body(Body::empty()).unwrap();
    let response = router.oneshot(request).await.unwrap();
    let status = response.status().as_u16();
    let bytes = response.into_body().collect().await.unwrap().to_bytes();
    (status, String::from_utf8(bytes.to_vec()).unwrap())
}

#[tokio::test]
async fn members_are_decoded() {
    assert_eq!(ask("/one/a%20b%2Fc").await, (200, "a b/c".to_owned()));
    assert_eq!(ask("/two/x/%F0%9F%92%A5").await, (200, "x\u{1f4a5}".to_owned()));
}

#[tokio::test]
async fn what_is_no_text_is_refused_in_the_envelope() {
    for target in ["/one/%ff%fe", "/two/x/%c3%28", "/two/%ed%a0%80/x"] {
        let (status, body) = ask(target).await;
        assert_eq!(status, 400, "{target}");
        let body: Value = serde_json::from_str(&body).unwrap();
        assert_eq!(body["error"]["code"], "invalid_uri_params", "{target}");
    }
}
