//! Calls and replies as a JSON header plus raw sections.

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::{Body, HostCall, HostError, HostReply, HttpReply};

/// A header and its sections, what a frame carries.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Parcel {
    /// JSON text.
    pub header: Bytes,
    /// Raw byte ranges that the header refers to by position.
    pub sections: Vec<Bytes>,
}

/// Why a parcel from the other side was refused.
#[derive(Debug, thiserror::Error)]
pub enum DecodeError {
    /// The header is not the JSON expected.
    #[error("header is not understood")]
    Header(#[source] serde_json::Error),
    /// A section that the header needs is missing.
    #[error("section {0} is missing")]
    MissingSection(usize),
    /// A text section is not UTF-8.
    #[error("section {0} is not UTF-8")]
    NotText(usize),
}

impl HostCall {
    /// Writes the call for the wire.
    pub fn encode(&self) -> Result<Parcel, DecodeError> {
        let header = serde_json::to_vec(self).map_err(DecodeError::Header)?;
        let sections = match self {
            Self::Http(call) => match &call.body {
                Body::Empty => vec![],
                Body::Json { text } | Body::Text { text } | Body::Form { text } => vec![text.clone().into()],
                Body::Bytes { bytes } => vec![bytes.clone()],
                Body::Multipart { parts } => parts.iter().map(|part| part.bytes.clone()).collect(),
            },
            Self::Fetch(call) => call.body.iter().map(|body| body.clone().into()).collect(),
            Self::BatchSave(batch) | Self::BatchUpdate(batch) | Self::BatchDelete(batch) => {
                vec![batch.records_json.clone().into()]
            }
            Self::SaveCheckpoint { checkpoint_json: json }
            | Self::SetMetadata { metadata_json: json }
            | Self::UpdateMetadata { metadata_json: json } => vec![json.clone().into()],
            Self::Log { meta_json: json, .. } | Self::TriggerAction { input_json: json, .. } => {
                json.iter().map(|json| json.clone().into()).collect()
            }
            Self::GetRecordsByIds { .. }
            | Self::ListRecords { .. }
            | Self::TrackDeletesStart { .. }
            | Self::TrackDeletesEnd { .. }
            | Self::DeletePrevious { .. }
            | Self::SetMergingStrategy { .. }
            | Self::GetCheckpoint
            | Self::ClearCheckpoint
            | Self::GetConnection { .. }
            | Self::GetToken
            | Self::GetIntegration { .. }
            | Self::GetEnvironmentVariables
            | Self::TriggerSync { .. }
            | Self::StartSync { .. }
            | Self::TryAcquireLock { .. }
            | Self::ReleaseLock { .. }
            | Self::ReleaseAllLocks => vec![],
        };
        Ok(Parcel {
            header: header.into(),
            sections,
        })
    }

    /// Reads a call that came out of the sandbox; nothing about it is trusted.
    pub fn decode(parcel: &Parcel) -> Result<Self, DecodeError> {
        let mut call: Self = serde_json::from_slice(&parcel.header).map_err(DecodeError::Header)?;
        match &mut call {
            Self::Http(http) => match &mut http.body {
                Body::Empty => {}
                Body::Json { text: into } | Body::Text { text: into } | Body::Form { text: into } => {
                    *into = text(parcel, 0)?;
                }
                Body::Bytes { bytes } => *bytes = section(parcel, 0)?,
                Body::Multipart { parts } => {
                    for (index, part) in parts.iter_mut().enumerate() {
                        part.bytes = section(parcel, index)?;
                    }
                }
            },
            Self::Fetch(fetch) => fetch.body = optional_text(parcel)?,
            Self::BatchSave(batch) | Self::BatchUpdate(batch) | Self::BatchDelete(batch) => {
                batch.records_json = text(parcel, 0)?;
            }
            Self::SaveCheckpoint { checkpoint_json: into }
            | Self::SetMetadata { metadata_json: into }
            | Self::UpdateMetadata { metadata_json: into } => *into = text(parcel, 0)?,
            Self::Log { meta_json: into, .. } | Self::TriggerAction { input_json: into, .. } => {
                *into = optional_text(parcel)?;
            }
            Self::GetRecordsByIds { .. }
            | Self::ListRecords { .. }
            | Self::TrackDeletesStart { .. }
            | Self::TrackDeletesEnd { .. }
            | Self::DeletePrevious { .. }
            | Self::SetMergingStrategy { .. }
            | Self::GetCheckpoint
            | Self::ClearCheckpoint
            | Self::GetConnection { .. }
            | Self::GetToken
            | Self::GetIntegration { .. }
            | Self::GetEnvironmentVariables
            | Self::TriggerSync { .. }
            | Self::StartSync { .. }
            | Self::TryAcquireLock { .. }
            | Self::ReleaseLock { .. }
            | Self::ReleaseAllLocks => {}
        }
        Ok(call)
    }
}

/// Header of a reply; sections: `json` and `http` carry one, errors up to two (payload, body).
#[derive(Serialize, Deserialize)]
#[serde(tag = "reply", rename_all = "camelCase", rename_all_fields = "camelCase")]
enum ReplyHeader {
    Unit,
    Bool {
        value: bool,
    },
    Json,
    Http(HttpReply),
    Error {
        error: HostError,
        has_payload: bool,
        upstream: Option<HttpReply>,
    },
}

/// Writes an answer for the wire.
pub(crate) fn encode_answer(answer: &Result<HostReply, HostError>) -> Result<Parcel, DecodeError> {
    let (header, sections) = match answer {
        Ok(HostReply::Unit) => (ReplyHeader::Unit, vec![]),
        Ok(HostReply::Bool(value)) => (ReplyHeader::Bool { value: *value }, vec![]),
        Ok(HostReply::Json(json)) => (ReplyHeader::Json, vec![json.clone().into()]),
        Ok(HostReply::Http(http)) => {
            let body = http.body.clone();
            (ReplyHeader::Http(without_body(http)), vec![body])
        }
        Err(error) => {
            let body = error
                .upstream
                .as_ref()
                .map(|upstream| upstream.body.clone())
                .unwrap_or_default();
            let payload = error.payload_json.clone().unwrap_or_default();
            let header = ReplyHeader::Error {
                has_payload: error.payload_json.is_some(),
                upstream: error.upstream.as_deref().map(without_body),
                error: HostError {
                    payload_json: None,
                    upstream: None,
                    ..error.clone()
                },
            };
            (header, vec![body, payload.into()])
        }
    };
    let header = serde_json::to_vec(&header).map_err(DecodeError::Header)?;
    Ok(Parcel {
        header: header.into(),
        sections,
    })
}

/// Reads an answer back, as the isolate's prelude does in JavaScript.
pub(crate) fn decode_answer(parcel: &Parcel) -> Result<Result<HostReply, HostError>, DecodeError> {
    let header: ReplyHeader = serde_json::from_slice(&parcel.header).map_err(DecodeError::Header)?;
    Ok(match header {
        ReplyHeader::Unit => Ok(HostReply::Unit),
        ReplyHeader::Bool { value } => Ok(HostReply::Bool(value)),
        ReplyHeader::Json => Ok(HostReply::Json(text(parcel, 0)?)),
        ReplyHeader::Http(http) => Ok(HostReply::Http(HttpReply {
            body: section(parcel, 0)?,
            ..http
        })),
        ReplyHeader::Error {
            mut error,
            has_payload,
            upstream,
        } => {
            if let Some(upstream) = upstream {
                error.upstream = Some(Box::new(HttpReply {
                    body: section(parcel, 0)?,
                    ..upstream
                }));
            }
            if has_payload {
                error.payload_json = Some(text(parcel, 1)?);
            }
            Err(error)
        }
    })
}

fn without_body(http: &HttpReply) -> HttpReply {
    HttpReply {
        status: http.status,
        status_text: http.status_text.clone(),
        headers: http.headers.clone(),
        url: http.url.clone(),
        body: Bytes::new(),
    }
}

fn section(parcel: &Parcel, index: usize) -> Result<Bytes, DecodeError> {
    parcel
        .sections
        .get(index)
        .cloned()
        .ok_or(DecodeError::MissingSection(index))
}

fn text(parcel: &Parcel, index: usize) -> Result<String, DecodeError> {
    String::from_utf8(section(parcel, index)?.into()).map_err(|_| DecodeError::NotText(index))
}

fn optional_text(parcel: &Parcel) -> Result<Option<String>, DecodeError> {
    if parcel.sections.is_empty() {
        Ok(None)
    } else {
        text(parcel, 0).map(Some)
    }
}
