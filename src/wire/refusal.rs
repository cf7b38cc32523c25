//! Refusals: RFC 9457 problems over HTTP, `error` messages elsewhere.

use http::StatusCode;
use serde_json::json;

use crate::identity::{Ended, Refused};
use crate::policy::Unknown;
use crate::predicate::Fault;

/// What is wrong, as clients tell it apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Code {
    InvalidRequest,
    InvalidFilter,
    InvalidCursor,
    /// What comes after the cursor isn't known any more.
    CursorExpired,
    Unauthenticated,
    Forbidden,
    UnknownTable,
    UnknownColumn,
    TooLarge,
    TooManyRequests,
    Unavailable,
    NotFound,
    MethodNotAllowed,
}

impl Code {
    pub(super) const ALL: [Code; 13] = [
        Code::InvalidRequest,
        Code::InvalidFilter,
        Code::InvalidCursor,
        Code::CursorExpired,
        Code::Unauthenticated,
        Code::Forbidden,
        Code::UnknownTable,
        Code::UnknownColumn,
        Code::TooLarge,
        Code::TooManyRequests,
        Code::Unavailable,
        Code::NotFound,
        Code::MethodNotAllowed,
    ];

    pub fn as_str(self) -> &'static str {
        match self {
            Code::InvalidRequest => "invalid_request",
            Code::InvalidFilter => "invalid_filter",
            Code::InvalidCursor => "invalid_cursor",
            Code::CursorExpired => "cursor_expired",
            Code::Unauthenticated => "unauthenticated",
            Code::Forbidden => "forbidden",
            Code::UnknownTable => "unknown_table",
            Code::UnknownColumn => "unknown_column",
            Code::TooLarge => "too_large",
            Code::TooManyRequests => "too_many_requests",
            Code::Unavailable => "unavailable",
            Code::NotFound => "not_found",
            Code::MethodNotAllowed => "method_not_allowed",
        }
    }

    pub fn status(self) -> StatusCode {
        match self {
            Code::InvalidRequest
            | Code::InvalidFilter
            | Code::InvalidCursor
            | Code::UnknownColumn => StatusCode::BAD_REQUEST,
            Code::CursorExpired => StatusCode::GONE,
            Code::Unauthenticated => StatusCode::UNAUTHORIZED,
            Code::Forbidden => StatusCode::FORBIDDEN,
            Code::UnknownTable | Code::NotFound => StatusCode::NOT_FOUND,
            Code::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            Code::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Code::TooManyRequests => StatusCode::TOO_MANY_REQUESTS,
            Code::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        }
    }
}

/// A request that isn't served, and why.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{detail}")]
pub struct Refusal {
    pub code: Code,
    pub detail: String,
    /// The character of the filter at which it is, from 1.
    pub position: Option<usize>,
}

impl Refusal {
    pub fn new(code: Code, detail: impl Into<String>) -> Self {
        Self { code, detail: detail.into(), position: None }
    }

    /// A request that is malformed, or asks for what isn't served.
    pub fn invalid(detail: impl Into<String>) -> Self {
        Self::new(Code::InvalidRequest, detail)
    }

    /// `application/problem+json`.
    pub fn problem(&self) -> Vec<u8> {
        let status = self.code.status();
        let mut problem = json!({
            "type": "about:blank",
            "title": status.canonical_reason(),
            "status": status.as_u16(),
            "code": self.code.as_str(),
            "detail": self.detail,
        });
        if let Some(position) = self.position {
            problem["position"] = position.into();
        }
        problem.to_string().into_bytes()
    }
}

impl From<Unknown> for Refusal {
    fn from(unknown: Unknown) -> Self {
        let code = match unknown {
            Unknown::Table(_) => Code::UnknownTable,
            Unknown::Column(_) => Code::UnknownColumn,
            Unknown::Filter(fault) => return fault.into(),
            Unknown::Altered(_) => Code::Unavailable,
        };
        Self::new(code, unknown.to_string())
    }
}

impl From<Fault> for Refusal {
    fn from(fault: Fault) -> Self {
        let detail = match &fault.instead {
            Some(instead) => format!("{}; this works: {instead}", fault.reason),
            None => fault.reason,
        };
        Self { position: Some(fault.position), ..Self::new(Code::InvalidFilter, detail) }
    }
}

impl From<Ended> for Refusal {
    fn from(ended: Ended) -> Self {
        let detail = match ended {
            Ended::Expired => "the credential has expired",
            Ended::Gone => "the session has ended",
        };
        Self::new(Code::Unauthenticated, detail)
    }
}

impl From<Refused> for Refusal {
    fn from(refused: Refused) -> Self {
        let code = match refused {
            Refused::Missing | Refused::Bad(_) => Code::Unauthenticated,
            Refused::Unavailable => Code::Unavailable,
        };
        Self::new(code, refused.to_string())
    }
}
