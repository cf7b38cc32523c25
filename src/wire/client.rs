//! What WebSocket clients say.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::fields::Fields;
use super::{Refusal, read_coalesce, read_cursor, read_params, wanted};
use crate::cursor::Cursor;
use crate::policy::Request;

/// The longest `id` or `nonce` in bytes: both are sent back.
const MAX_NAME_BYTES: usize = 256;
/// What a subscription may say, besides `op`.
const OF_SUBSCRIBE: [&str; 9] =
    ["id", "table", "where", "params", "columns", "snapshot", "cursor", "coalesce", "old"];

/// A message, checked as far as it can be without knowing the tables.
#[derive(Debug, PartialEq)]
pub enum ClientMessage {
    Auth(Token),
    Subscribe(Subscribe),
    Unsubscribe { id: String },
    Ping { nonce: Option<String> },
}

/// A credential, which is never printed.
#[derive(PartialEq, Eq)]
pub struct Token(pub String);

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token")
    }
}

#[derive(Debug, PartialEq)]
pub struct Subscribe {
    pub id: String,
    pub request: Request,
    pub old: bool,
    /// After which it goes on.
    pub cursor: Option<Arc<Cursor>>,
    pub snapshot: bool,
    pub coalesce: Duration,
}

/// A message that can't be done.
#[derive(Debug, PartialEq, Eq)]
pub enum Misread {
    /// One that asks for something wrong; the connection goes on.
    Refused { id: Option<String>, refusal: Refusal },
    /// One that is no message of the protocol's: who sent it speaks something else.
    Violation(Refusal),
}

/// Reads a message.
pub fn read_message(text: &str) -> Result<ClientMessage, Misread> {
    let violation = |detail: &str| Misread::Violation(Refusal::invalid(detail));
    let Ok(Fields { fields: message, params, twice }) = serde_json::from_str(text) else {
        return Err(violation("a message must be a JSON object"));
    };
    if let Some(name) = twice {
        let shown: String = name.chars().take(40).collect();
        return Err(Misread::Refused { id: None, refusal: wrong(&shown, "is given twice") });
    }
    let Some(Value::String(op)) = message.get("op") else {
        return Err(violation("a message must have \"op\", a string"));
    };
    let id = message.get("id").and_then(Value::as_str).filter(|id| id.len() <= MAX_NAME_BYTES);
    let read = match op.as_str() {
        "auth" => auth(&message),
        "subscribe" => subscribe(&message, params.as_deref()),
        "unsubscribe" => unsubscribe(&message),
        "ping" => ping(&message),
        _ => {
            let shown: String = op.chars().take(40).collect();
            return Err(violation(&format!("unknown op {shown:?}")));
        }
    };
    read.map_err(|refusal| Misread::Refused { id: id.map(str::to_owned), refusal })
}

fn auth(message: &Map<String, Value>) -> Result<ClientMessage, Refusal> {
    let token = string(message, "token")?.ok_or_else(|| wrong("token", "must be given"))?;
    Ok(ClientMessage::Auth(Token(token)))
}

fn subscribe(
    message: &Map<String, Value>,
    params: Option<&RawValue>,
) -> Result<ClientMessage, Refusal> {
    only_known(message, &OF_SUBSCRIBE)?;
    let id = id(message)?;
    let table = string(message, "table")?.ok_or_else(|| wrong("table", "must be given"))?;
    let filter = string(message, "where")?;
    let params = params.map_or(Ok(Vec::new()), |params| read_params(params.get()))?;
    Ok(ClientMessage::Subscribe(Subscribe {
        id,
        request: wanted(table, columns(message)?, filter, params)?,
        old: boolean(message, "old")?,
        cursor: string(message, "cursor")?.as_deref().map(read_cursor).transpose()?,
        snapshot: boolean(message, "snapshot")?,
        coalesce: coalesce(message)?,
    }))
}

fn unsubscribe(message: &Map<String, Value>) -> Result<ClientMessage, Refusal> {
    Ok(ClientMessage::Unsubscribe { id: id(message)? })
}

fn ping(message: &Map<String, Value>) -> Result<ClientMessage, Refusal> {
    let nonce = string(message, "nonce")?;
    if nonce.as_ref().is_some_and(|nonce| nonce.len() > MAX_NAME_BYTES) {
        return Err(wrong("nonce", "is too long"));
    }
    Ok(ClientMessage::Ping { nonce })
}

/// A parameter that isn't understood could have narrowed what is sent: it must not be passed over.
fn only_known(message: &Map<String, Value>, known: &[&str]) -> Result<(), Refusal> {
    match message.keys().find(|name| *name != "op" && !known.contains(&name.as_str())) {
        None => Ok(()),
        Some(name) => {
            let shown: String = name.chars().take(40).collect();
            Err(wrong(&shown, "is not a parameter"))
        }
    }
}

fn coalesce(message: &Map<String, Value>) -> Result<Duration, Refusal> {
    match message.get("coalesce") {
        None | Some(Value::Null) => Ok(Duration::ZERO),
        Some(millis) => read_coalesce(millis.as_u64()),
    }
}

fn id(message: &Map<String, Value>) -> Result<String, Refusal> {
    let id = string(message, "id")?.filter(|id| !id.is_empty());
    let id = id.ok_or_else(|| wrong("id", "must be a string that isn't empty"))?;
    if id.len() > MAX_NAME_BYTES {
        return Err(wrong("id", "is too long"));
    }
    Ok(id)
}

fn columns(message: &Map<String, Value>) -> Result<Option<Vec<String>>, Refusal> {
    let names = match message.get("columns") {
        None | Some(Value::Null) => return Ok(None),
        Some(Value::Array(names)) => names,
        Some(_) => return Err(wrong("columns", "must be an array of names")),
    };
    let name = |value: &Value| value.as_str().map(str::to_owned);
    let names: Option<Vec<String>> = names.iter().map(name).collect();
    names.map(Some).ok_or_else(|| wrong("columns", "must be an array of names"))
}

fn string(message: &Map<String, Value>, name: &str) -> Result<Option<String>, Refusal> {
    match message.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone())),
        Some(_) => Err(wrong(name, "must be a string")),
    }
}

fn boolean(message: &Map<String, Value>, name: &str) -> Result<bool, Refusal> {
    match message.get(name) {
        None | Some(Value::Null) => Ok(false),
        Some(Value::Bool(value)) => Ok(*value),
        Some(_) => Err(wrong(name, "must be true or false")),
    }
}

fn wrong(name: &str, what: &str) -> Refusal {
    Refusal::invalid(format!("\"{name}\" {what}"))
}
