//! Asking the application who is asking.

use std::time::Duration;

use http::header::{AUTHORIZATION, COOKIE, HeaderMap, HeaderValue};
use http::{StatusCode, Uri};
use tokio::sync::Semaphore;
use tokio::time::timeout;

use super::claims::MAX_CLAIMS_BYTES;
use super::complaint::Complaint;
use super::http::{Http, Limits};
use super::secret::sha256;
use super::watched::Voucher;
use super::{Claims, Refused};

/// So many questions are under way at once; others wait, no longer than for an answer.
const MAX_QUESTIONS: usize = 256;

/// What an answer may take.
const LIMITS: Limits = Limits { time: Duration::from_secs(5), bytes: MAX_CLAIMS_BYTES };

/// `[auth.request]` of the configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    pub url: Uri,
    /// The cookies that are credentials, if it is said which.
    pub cookies: Option<Vec<String>>,
}

/// Asks the application.
#[derive(Debug)]
pub struct Application {
    http: Http,
    places: Semaphore,
    complaint: Complaint,
}

/// What the application is shown.
#[derive(Default)]
pub struct Forwarded {
    pub cookies: Option<String>,
    pub authorization: Option<String>,
}

impl Application {
    pub fn new(settings: &Settings) -> Result<Self, rustls::Error> {
        let http = Http::new(settings.url.clone(), LIMITS)?;
        let places = Semaphore::new(MAX_QUESTIONS);
        Ok(Self { http, places, complaint: Complaint::default() })
    }
}

impl Application {
    /// An answer that says nothing of who is asking.
    fn no_use(&self, reason: &str) -> Refused {
        self.complaint.say("[auth.request]", reason);
        Refused::Unavailable
    }
}

impl Voucher for Application {
    type Credential = Forwarded;

    fn name(shown: &Forwarded) -> [u8; 32] {
        let part = |text: &Option<String>| sha256(text.as_deref().unwrap_or_default().as_bytes());
        sha256(&[part(&shown.cookies), part(&shown.authorization)].concat())
    }

    /// `Missing` if the application knows nobody by what it is shown.
    async fn ask(&self, shown: &Forwarded) -> Result<Claims, Refused> {
        let mut headers = HeaderMap::new();
        for (name, text) in [(COOKIE, &shown.cookies), (AUTHORIZATION, &shown.authorization)] {
            let Some(text) = text else { continue };
            let value = HeaderValue::from_bytes(text.as_bytes());
            let mut value = value.map_err(|_| Refused::Bad("the credential can't be passed on"))?;
            value.set_sensitive(true);
            headers.insert(name, value);
        }
        let place = timeout(LIMITS.time, self.places.acquire()).await;
        let _place = place.map_err(|_| self.no_use("too many questions are under way"))?;
        let answer = self.http.get(headers).await;
        let answer =
            answer.map_err(|error| self.no_use(&format!("{:#}", anyhow::anyhow!(error))))?;
        match answer.status {
            StatusCode::OK => {
                claims(&answer.body).ok_or_else(|| self.no_use("the answer is no JSON object"))
            }
            StatusCode::UNAUTHORIZED => Err(Refused::Missing),
            StatusCode::FORBIDDEN => Err(Refused::Bad("the application forbids this")),
            status => Err(self.no_use(&format!("the answer is {status}"))),
        }
    }
}

fn claims(json: &[u8]) -> Option<Claims> {
    Claims::parse(std::str::from_utf8(json).ok()?)
}
