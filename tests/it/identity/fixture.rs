//! Keys, tokens, and a server that plays the application or the issuer.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use axum::extract::{Request, State};
use axum::response::{IntoResponse as _, Response};
use http::{HeaderMap, StatusCode};
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use rcgen::{KeyPair, SignatureAlgorithm};
use rowcast::database::Database;
use rowcast::identity::jwt::{self, KeySource};
use rowcast::identity::{Authority, Ended, Identity, Refused, Secret, Settings, Shown, Timing};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio_util::task::AbortOnDropHandle;

pub const SECRET: &str = "a secret of more than thirty-two bytes";

/// A key pair, and the algorithms that it is good for.
pub struct Pair {
    pub public_pem: String,
    signer: EncodingKey,
}

impl Pair {
    pub fn rsa() -> Self {
        Self::new(&rcgen::PKCS_RSA_SHA256, EncodingKey::from_rsa_pem)
    }

    pub fn p256() -> Self {
        Self::new(&rcgen::PKCS_ECDSA_P256_SHA256, EncodingKey::from_ec_pem)
    }

    pub fn p384() -> Self {
        Self::new(&rcgen::PKCS_ECDSA_P384_SHA384, EncodingKey::from_ec_pem)
    }

    pub fn ed25519() -> Self {
        Self::new(&rcgen::PKCS_ED25519, EncodingKey::from_ed_pem)
    }

    fn new(
        kind: &'static SignatureAlgorithm,
        read: fn(&[u8]) -> jsonwebtoken::errors::Result<EncodingKey>,
    ) -> Self {
        let pair = KeyPair::generate_for(kind).unwrap();
        let signer = read(pair.serialize_pem().as_bytes()).unwrap();
        Self { public_pem: pair.public_key_pem(), signer }
    }

    pub fn token(&self, algorithm: Algorithm, kid: Option<&str>, claims: &Value) -> String {
        let header = Header { kid: kid.map(str::to_owned), ..Header::new(algorithm) };
        jsonwebtoken::encode(&header, claims, &self.signer).unwrap()
    }

    /// As in a set of keys.
    pub fn jwk(&self, kid: &str, algorithm: Algorithm) -> Value {
        let mut jwk = Jwk::from_encoding_key(&self.signer, algorithm).unwrap();
        jwk.common.key_id = Some(kid.to_owned());
        serde_json::to_value(jwk).unwrap()
    }
}

/// Seconds since 1970, so many from now.
pub fn from_now(secs: i64) -> i64 {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
    i64::try_from(now.as_secs()).unwrap() + secs
}

/// A short version of all that takes long.
pub fn quick() -> Timing {
    Timing {
        recheck: Duration::from_millis(300),
        grace: Duration::from_millis(1500),
        refetch: Duration::from_millis(500),
        reread: Duration::from_millis(200),
    }
}

pub fn jwt(keys: KeySource, algorithms: &[Algorithm]) -> jwt::Settings {
    let algorithms = algorithms.to_vec();
    jwt::Settings { keys, algorithms, ..jwt::Settings::with_secret(Secret::new("")) }
}

pub fn by_jwt(jwt: jwt::Settings) -> Authority {
    authority(Settings { jwt: Some(jwt), ..Settings::default() })
}

/// One that needs no database.
pub fn authority(settings: Settings) -> Authority {
    let nowhere = Database::resolve(Some("postgres://nobody@127.0.0.1:1/x"), &|_| None).unwrap();
    Authority::new(&Settings { timing: quick(), ..settings }, &nowhere).unwrap()
}

pub fn token(token: &str) -> Shown {
    Shown { token: Some(token.to_owned()), ..Shown::default() }
}

pub fn cookies(cookies: &str) -> Shown {
    Shown { cookies: Some(cookies.to_owned()), ..Shown::default() }
}

pub fn basic(credential: &str) -> Shown {
    Shown { authorization: Some(format!("Basic {credential}")), ..Shown::default() }
}

/// The claims by which somebody is known.
pub async fn claims(authority: &Authority, shown: Shown) -> Result<Value, Refused> {
    let identity = authority.identify(shown).await?;
    Ok(Value::Object(identity.claims().as_map().clone()))
}

/// Why somebody is refused.
pub async fn reason(authority: &Authority, shown: Shown) -> &'static str {
    match claims(authority, shown).await {
        Err(Refused::Bad(reason)) => reason,
        Err(Refused::Missing) => "missing",
        Err(Refused::Unavailable) => "unavailable",
        Ok(claims) => panic!("accepted as {claims}"),
    }
}

pub async fn ends_within(identity: &Identity, limit: Duration) -> Option<Ended> {
    tokio::time::timeout(limit, identity.ended()).await.ok()
}

/// A web server of which the test says what it answers.
pub struct Web {
    pub url: String,
    shared: Arc<Shared>,
    _serving: AbortOnDropHandle<()>,
}

type Answering = dyn Fn(&HeaderMap) -> (StatusCode, String) + Send + Sync;

struct Shared {
    answer: Mutex<Box<Answering>>,
    asked: AtomicUsize,
    last: Mutex<HeaderMap>,
}

impl Web {
    pub async fn start(
        answer: impl Fn(&HeaderMap) -> (StatusCode, String) + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/path", listener.local_addr().unwrap());
        let shared = Arc::new(Shared {
            answer: Mutex::new(Box::new(answer)),
            asked: AtomicUsize::new(0),
            last: Mutex::default(),
        });
        let router = axum::Router::new().fallback(answered).with_state(Arc::clone(&shared));
        let serving = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { url, shared, _serving: AbortOnDropHandle::new(serving) }
    }

    pub fn answer(
        &self,
        answer: impl Fn(&HeaderMap) -> (StatusCode, String) + Send + Sync + 'static,
    ) {
        *self.shared.answer.lock().unwrap() = Box::new(answer);
    }

    /// How often it was asked.
    pub fn asked(&self) -> usize {
        self.shared.asked.load(Ordering::SeqCst)
    }

    /// What it was shown the last time.
    pub fn last(&self) -> HeaderMap {
        self.shared.last.lock().unwrap().clone()
    }
}

async fn answered(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    shared.asked.fetch_add(1, Ordering::SeqCst);
    *shared.last.lock().unwrap() = request.headers().clone();
    let (status, body) = (shared.answer.lock().unwrap())(request.headers());
    (status, [("location", "/elsewhere")], body).into_response()
}

/// A set of keys.
pub fn set(keys: &[Value]) -> String {
    json!({"keys": keys}).to_string()
}

pub fn ok(body: String) -> impl Fn(&HeaderMap) -> (StatusCode, String) + Send + Sync + 'static {
    move |_| (StatusCode::OK, body.clone())
}
