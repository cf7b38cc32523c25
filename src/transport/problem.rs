//! Refusals as HTTP answers.

use axum::response::{IntoResponse, Response};
use http::header::{CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};

use crate::wire::{Code, Refusal};

/// Seconds after which it is worth trying again.
const RETRY_AFTER_SECS: &str = "2";

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let problem = [(CONTENT_TYPE, "application/problem+json")];
        let status = self.code.status();
        match self.code {
            Code::Unauthenticated => {
                (status, problem, [(WWW_AUTHENTICATE, "Bearer")], self.problem()).into_response()
            }
            Code::Unavailable | Code::TooManyRequests => {
                let later = [(RETRY_AFTER, RETRY_AFTER_SECS)];
                (status, problem, later, self.problem()).into_response()
            }
            _ => (status, problem, self.problem()).into_response(),
        }
    }
}
