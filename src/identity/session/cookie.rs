//! Cookies, and Express' signatures in them.

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD_NO_PAD;

use crate::identity::Secret;

/// The longest value that is looked at. <https://www.rfc-editor.org/rfc/rfc6265#section-6.1>
const MAX_BYTES: usize = 4096;

/// The first cookie of this name in a `Cookie` header, as it was sent.
///
/// <https://www.rfc-editor.org/rfc/rfc6265#section-4.2>
pub fn find<'a>(cookies: &'a str, name: &str) -> Option<&'a str> {
    let mut pairs = cookies.split(';').filter_map(|pair| pair.split_once('='));
    let (_, value) = pairs.find(|(found, _)| found.trim() == name)?;
    let value = value.trim();
    Some(value.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(value))
}

/// The value without its URL encoding.
pub fn decoded(value: &str) -> Option<String> {
    if value.len() > MAX_BYTES {
        return None;
    }
    let decoded = percent_encoding::percent_decode_str(value).decode_utf8().ok()?;
    (!decoded.contains('\0')).then(|| decoded.into_owned())
}

/// What Express has signed: `s:<value>.<HMAC-SHA256 of it in base64, without padding>`.
///
/// <https://github.com/tj/node-cookie-signature>
pub fn unsigned<'a>(value: &'a str, secrets: &[Secret]) -> Option<&'a str> {
    let (value, signature) = value.strip_prefix("s:")?.rsplit_once('.')?;
    let signature = BASE64_STANDARD_NO_PAD.decode(signature).ok()?;
    let fits = |secret: &Secret| {
        let key = hmac::Key::new(hmac::HMAC_SHA256, secret.bytes());
        hmac::verify(&key, value.as_bytes(), &signature).is_ok()
    };
    secrets.iter().any(fits).then_some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cookie_is_found_by_its_name() {
        for (cookies, value) in [
            ("sid=abc", Some("abc")),
            ("a=b; sid=abc; c=d", Some("abc")),
            ("a=b;sid=abc", Some("abc")),
            ("sid=", Some("")),
            ("sid=a=b", Some("a=b")),
            ("sid=\"abc\"", Some("abc")),
            ("sid=first; sid=second", Some("first")),
            ("xsid=abc; sidx=abc; SID=abc", None),
            ("sid", None),
            ("", None),
        ] {
            assert_eq!(find(cookies, "sid"), value, "{cookies}");
        }
    }

    #[test]
    fn a_value_is_decoded() {
        assert_eq!(decoded("s%3Aa.b%2B+"), Some("s:a.b++".to_owned()));
        assert_eq!(decoded("%00"), None);
        assert_eq!(decoded("%ff"), None);
        assert_eq!(decoded(&"x".repeat(MAX_BYTES + 1)), None);
    }

    /// The signature is node's: `createHmac("sha256", "tobiiscool").update("hello").digest("base64")`.
    #[test]
    fn express_signatures() {
        let secrets =
            |secrets: &[&str]| secrets.iter().map(|it| Secret::new(*it)).collect::<Vec<_>>();
        let signed = "s:hello.DGDUkGlIkCzPz+C0B064FNgHdEjox7ch8tOBGslZ5QI";
        assert_eq!(unsigned(signed, &secrets(&["tobiiscool"])), Some("hello"));
        assert_eq!(unsigned(signed, &secrets(&["new", "tobiiscool"])), Some("hello"));
        assert_eq!(unsigned(signed, &secrets(&["luna"])), None);
        for bad in [
            "s:hallo.DGDUkGlIkCzPz+C0B064FNgHdEjox7ch8tOBGslZ5QI",
            "s:hello.DGDUkGlIkCzPz+C0B064FNgHdEjox7ch8tOBGslZ5QA",
            "s:hello.DGDUkGlIkCzPz+C0B064FNgHdEjox7ch8tOBGslZ5Q",
            "hello.DGDUkGlIkCzPz+C0B064FNgHdEjox7ch8tOBGslZ5QI",
            "s:hello.",
            "s:hello",
            "hello",
            "",
        ] {
            assert_eq!(unsigned(bad, &secrets(&["tobiiscool"])), None, "{bad}");
        }
    }
}
