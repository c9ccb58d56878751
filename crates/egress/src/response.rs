//! What came back.

use std::collections::VecDeque;

use bytes::{Bytes, BytesMut};
use http::header::CONTENT_LENGTH;
use http::{HeaderMap, StatusCode};
use http_body::Body as _;
use http_body_util::BodyExt;
use serde::de::DeserializeOwned;
use url::Url;

use crate::body::ResponseBody;
use crate::error::Error;

/// An answer, whatever its status. The body is still on the wire.
#[derive(Debug)]
pub struct Response {
    /// The status.
    pub status: StatusCode,
    /// The headers. Of a decompressed answer, without `content-encoding` and `content-length`.
    pub headers: HeaderMap,
    /// The URL that answered, after redirects.
    pub url: Url,
    /// How many redirects were followed.
    pub redirects: u8,
    /// Whether the body is being decompressed.
    pub decoded: bool,
    /// The body; dropping it gives up the connection.
    pub body: ResponseBody,
}

impl Response {
    /// Reads the whole body.
    ///
    /// # Errors
    /// [`Error::BodyTooLarge`] beyond `limit` bytes (after decompression), or what happened on the way.
    #[tenon_model::boxed]
    pub async fn bytes(self, limit: usize) -> Result<Bytes, Error> {
        let declared = self
            .headers
            .get(CONTENT_LENGTH)
            .and_then(|value| value.to_str().ok()?.parse::<usize>().ok());
        if declared.is_some_and(|length| length > limit) && !self.body.is_end_stream() {
            return Err(Error::BodyTooLarge { limit });
        }
        collect(self.body, limit).await
    }

    /// Reads the body, or its first `limit` bytes and a little more, and leaves it as it was: what was read will be
    /// read again.
    ///
    /// # Errors
    /// What happened on the way; then the body is gone.
    #[tenon_model::boxed]
    pub async fn peek(&mut self, limit: usize) -> Result<Bytes, Error> {
        let mut body = std::mem::replace(&mut self.body, ResponseBody::empty());
        let mut pieces = VecDeque::new();
        let mut length = 0;
        while length < limit && !body.is_end_stream() {
            let Some(frame) = body.frame().await else { break };
            if let Ok(piece) = frame?.into_data() {
                length += piece.len();
                pieces.push_back(piece);
            }
        }
        let copy = match pieces.len() {
            0 => Bytes::new(),
            1 => pieces.front().cloned().unwrap_or_default(),
            _ => pieces
                .iter()
                .fold(BytesMut::with_capacity(length), |mut all, piece| {
                    all.extend_from_slice(piece);
                    all
                })
                .freeze(),
        };
        let rest = (!body.is_end_stream()).then_some(body);
        self.body = ResponseBody::read(pieces, rest);
        Ok(copy)
    }

    /// Reads the whole body as text; bytes that are not UTF-8 are replaced.
    ///
    /// # Errors
    /// As [`Response::bytes`].
    #[tenon_model::boxed]
    pub async fn text(self, limit: usize) -> Result<String, Error> {
        let bytes = self.bytes(limit).await?;
        Ok(match String::from_utf8(bytes.into()) {
            Ok(text) => text,
            Err(error) => String::from_utf8_lossy(error.as_bytes()).into_owned(),
        })
    }

    /// Reads the whole body as JSON.
    ///
    /// # Errors
    /// [`Error::Json`], or as [`Response::bytes`].
    pub async fn json<T: DeserializeOwned>(self, limit: usize) -> Result<T, Error> {
        let bytes = self.bytes(limit).await?;
        serde_json::from_slice(&bytes).map_err(|source| Error::Json { source })
    }
}

/// Reads a body up to a limit; a body of one piece is not copied.
async fn collect(mut body: ResponseBody, limit: usize) -> Result<Bytes, Error> {
    let mut first: Option<Bytes> = None;
    let mut all = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let Ok(chunk) = frame?.into_data() else { continue };
        let length = first.as_ref().map_or(all.len(), Bytes::len) + chunk.len();
        if length > limit {
            return Err(Error::BodyTooLarge { limit });
        }
        if first.is_none() && all.is_empty() {
            first = Some(chunk);
        } else {
            if let Some(start) = first.take() {
                all.reserve(start.len() + chunk.len() + expected_rest(&body, limit));
                all.extend_from_slice(&start);
            }
            all.extend_from_slice(&chunk);
        }
        if body.is_end_stream() {
            break;
        }
    }
    Ok(first.unwrap_or_else(|| all.freeze()))
}

/// How much more the other side announced, within reason: an announcement is not yet a byte.
fn expected_rest(body: &ResponseBody, limit: usize) -> usize {
    let announced = usize::try_from(body.size_hint().lower()).unwrap_or(limit);
    announced.min(limit).min(1 << 20)
}
