//! Decompression of answers, one bounded piece at a time: a small answer that unpacks to gigabytes costs its reader
//! a buffer, not the server its memory.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use async_compression::tokio::bufread::{BrotliDecoder, DeflateDecoder, GzipDecoder, ZlibDecoder};
use bytes::Bytes;
use futures_util::Stream;
use http::HeaderMap;
use http::header::CONTENT_ENCODING;
use http_body::Body as _;
use tokio::io::AsyncRead;
use tokio_util::io::{ReaderStream, StreamReader};

use crate::body::RawBody;
use crate::error::Error;

/// Size of the pieces that come out of a decoder.
const PIECE_BYTES: usize = 32 * 1024;

/// The encodings that we ask for.
pub(crate) const ACCEPTED: &str = "gzip, deflate, br";

/// A content encoding that we can undo.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Encoding {
    Gzip,
    Deflate,
    Brotli,
}

impl Encoding {
    /// The single encoding of an answer. Stacked encodings do not occur in practice and are passed on as they are.
    pub(crate) fn of(headers: &HeaderMap) -> Option<Self> {
        let text = headers
            .get(CONTENT_ENCODING)?
            .to_str()
            .ok()?
            .trim()
            .to_ascii_lowercase();
        match text.as_str() {
            "gzip" | "x-gzip" => Some(Self::Gzip),
            "deflate" => Some(Self::Deflate),
            "br" => Some(Self::Brotli),
            _ => None,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Gzip => "gzip",
            Self::Deflate => "deflate",
            Self::Brotli => "br",
        }
    }
}

type Reader = Pin<Box<dyn AsyncRead + Send>>;

/// A body being decompressed. The decoder is chosen when the first bytes are here, since an empty body is legal
/// whatever its headers say, and `deflate` means two formats that only the first byte tells apart.
pub(crate) struct Decoded {
    encoding: Encoding,
    state: State,
}

enum State {
    Waiting(RawBody),
    Running(ReaderStream<Reader>),
    Ended,
}

impl Decoded {
    pub(crate) fn new(body: RawBody, encoding: Encoding) -> Self {
        Self {
            encoding,
            state: State::Waiting(body),
        }
    }

    /// The next piece of plain text.
    pub(crate) fn poll_chunk(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, Error>>> {
        loop {
            match &mut self.state {
                State::Ended => return Poll::Ready(None),
                State::Waiting(body) => match ready!(Pin::new(body).poll_frame(cx)) {
                    None => self.state = State::Ended,
                    Some(Err(error)) => {
                        self.state = State::Ended;
                        return Poll::Ready(Some(Err(error)));
                    }
                    Some(Ok(frame)) => {
                        let Ok(first) = frame.into_data() else { continue };
                        if first.is_empty() {
                            continue;
                        }
                        if let State::Waiting(body) = std::mem::replace(&mut self.state, State::Ended) {
                            self.state = State::Running(start(self.encoding, first, body));
                        }
                    }
                },
                State::Running(stream) => match ready!(Pin::new(stream).poll_next(cx)) {
                    Some(Ok(chunk)) => return Poll::Ready(Some(Ok(chunk))),
                    None => self.state = State::Ended,
                    Some(Err(error)) => {
                        self.state = State::Ended;
                        return Poll::Ready(Some(Err(self.error(error))));
                    }
                },
            }
        }
    }

    /// Our own errors travel through the reader as their text's owner; anything else is the decoder's.
    fn error(&self, error: io::Error) -> Error {
        match error.downcast::<Error>() {
            Ok(own) => own,
            Err(source) => Error::Decode {
                encoding: self.encoding.name(),
                source,
            },
        }
    }
}

fn start(encoding: Encoding, first: Bytes, body: RawBody) -> ReaderStream<Reader> {
    let is_zlib = first.first().is_some_and(|byte| byte & 0x0f == 8);
    let source = StreamReader::new(Chunks {
        first: Some(first),
        body,
    });
    let reader: Reader = match encoding {
        Encoding::Gzip => {
            let mut decoder = GzipDecoder::new(source);
            decoder.multiple_members(true);
            Box::pin(decoder)
        }
        Encoding::Deflate if is_zlib => Box::pin(ZlibDecoder::new(source)),
        Encoding::Deflate => Box::pin(DeflateDecoder::new(source)),
        Encoding::Brotli => Box::pin(BrotliDecoder::new(source)),
    };
    ReaderStream::with_capacity(reader, PIECE_BYTES)
}

/// The compressed bytes as a stream of chunks.
struct Chunks {
    first: Option<Bytes>,
    body: RawBody,
}

impl Stream for Chunks {
    type Item = io::Result<Bytes>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if let Some(first) = self.first.take() {
            return Poll::Ready(Some(Ok(first)));
        }
        loop {
            match ready!(Pin::new(&mut self.body).poll_frame(cx)) {
                None => return Poll::Ready(None),
                Some(Err(error)) => return Poll::Ready(Some(Err(io::Error::other(error)))),
                Some(Ok(frame)) => {
                    if let Ok(chunk) = frame.into_data() {
                        return Poll::Ready(Some(Ok(chunk)));
                    }
                }
            }
        }
    }
}
