//! Round trips of calls and answers.

use bytes::Bytes;

use super::codec::{decode_answer, encode_answer};
use super::*;

fn round_trip(call: HostCall) {
    let parcel = call.encode().expect("encodes");
    assert_eq!(HostCall::decode(&parcel).expect("decodes"), call);
}

#[test]
fn calls_survive_the_wire() {
    let batch = RecordBatch {
        model: "Contact".into(),
        records_json: "[{\"id\":\"1\",\"é\":\"\\u0000\"}]".into(),
    };
    round_trip(HostCall::BatchSave(batch.clone()));
    round_trip(HostCall::BatchUpdate(batch.clone()));
    round_trip(HostCall::BatchDelete(batch));
    round_trip(HostCall::GetCheckpoint);
    round_trip(HostCall::SaveCheckpoint {
        checkpoint_json: "{\"a\":1}".into(),
    });
    round_trip(HostCall::Log {
        level: "info".into(),
        message: "hi".into(),
        meta_json: None,
    });
    round_trip(HostCall::Log {
        level: "info".into(),
        message: "hi".into(),
        meta_json: Some("{}".into()),
    });
    round_trip(HostCall::Fetch(FetchCall {
        url: "https://a.example".into(),
        ..FetchCall::default()
    }));
    round_trip(HostCall::StartSync {
        provider_config_key: "hubspot".into(),
        syncs: vec![SyncRef {
            name: "contacts".into(),
            variant: Some("eu".into()),
        }],
        connection_id: None,
    });
    for body in [
        Body::Empty,
        Body::Json { text: "{}".into() },
        Body::Text { text: "x".into() },
        Body::Form { text: "a=b".into() },
        Body::Bytes {
            bytes: Bytes::from_static(&[0, 255, 1]),
        },
        Body::Multipart {
            parts: vec![
                Part {
                    name: "a".into(),
                    bytes: Bytes::from_static(b"1"),
                    ..Part::default()
                },
                Part {
                    name: "f".into(),
                    filename: Some("f.bin".into()),
                    bytes: Bytes::from_static(&[255]),
                    ..Part::default()
                },
            ],
        },
    ] {
        round_trip(HostCall::Http(HttpCall {
            method: "POST".into(),
            endpoint: "/x".into(),
            params: Params::Pairs(vec![("a".into(), "b".into())]),
            headers: vec![("accept".into(), "*/*".into())],
            body,
            retries: 3,
            retry_on: Some(vec![404]),
            ..HttpCall::default()
        }));
    }
    round_trip(HostCall::Http(HttpCall {
        params: Params::Text("a=b".into()),
        ..HttpCall::default()
    }));
}

#[test]
fn hostile_headers_are_refused() {
    for header in [
        "",
        "{}",
        "[]",
        "{\"op\":\"nope\"}",
        "{\"op\":\"batchSave\",\"model\":1}",
        "{\"op\":\"batchSave\"}",
    ] {
        let parcel = Parcel {
            header: Bytes::copy_from_slice(header.as_bytes()),
            sections: vec![],
        };
        assert!(HostCall::decode(&parcel).is_err(), "{header}");
    }
    let parcel = Parcel {
        header: Bytes::from_static(b"{\"op\":\"batchSave\",\"model\":\"A\"}"),
        sections: vec![Bytes::from_static(&[0xff])],
    };
    assert!(matches!(HostCall::decode(&parcel), Err(DecodeError::NotText(0))));
}

#[test]
fn answers_survive_the_wire() {
    let http = HttpReply {
        status: 404,
        status_text: "Not Found".into(),
        headers: vec![("x-a".into(), "1".into())],
        url: None,
        body: Bytes::from_static(b"{}"),
    };
    for answer in [
        Ok(HostReply::Unit),
        Ok(HostReply::Bool(true)),
        Ok(HostReply::Json("{\"a\":[1]}".into())),
        Ok(HostReply::Http(http.clone())),
        Err(HostError::plain("no")),
        Err(HostError::network("ECONNREFUSED", "connect ECONNREFUSED")),
        Err(HostError::platform(429, "{}")),
        Err(HostError::sdk("script_aborted", "aborted").with_payload("{\"a\":1}")),
        Err(HostError::action("{\"code\":\"url_not_allowed\"}")),
    ] {
        let parcel = encode_answer(&answer).expect("encodes");
        assert_eq!(decode_answer(&parcel).expect("decodes"), answer);
    }
}
