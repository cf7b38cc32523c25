//! What webpki doesn't read from certificates, but libpq does.
//!
//! Nothing here decides whether a certificate is genuine.

use rustls::pki_types::{CertificateDer, ServerName, SubjectPublicKeyInfoDer, UnixTime};
use rustls::{CertificateError, Error};
use x509_cert::Certificate;
use x509_cert::der::{Decode as _, Encode as _};
use x509_cert::ext::pkix::SubjectAltName;
use x509_cert::ext::pkix::name::DirectoryString;

const BROKEN: Error = Error::InvalidCertificate(CertificateError::BadEncoding);

/// The public key, also of certificates of X.509 version 1, which `openssl x509 -req` makes.
pub fn public_key(der: &CertificateDer) -> Result<SubjectPublicKeyInfoDer<'static>, Error> {
    let key = parse(der)?.tbs_certificate().subject_public_key_info().to_der();
    key.map(SubjectPublicKeyInfoDer::from).map_err(|_| BROKEN)
}

pub fn verify_validity(der: &CertificateDer, now: UnixTime) -> Result<(), Error> {
    let certificate = parse(der)?;
    let validity = certificate.tbs_certificate().validity();
    let now = now.as_secs();
    if now < validity.not_before.to_unix_duration().as_secs() {
        Err(Error::InvalidCertificate(CertificateError::NotValidYet))
    } else if now > validity.not_after.to_unix_duration().as_secs() {
        Err(Error::InvalidCertificate(CertificateError::Expired))
    } else {
        Ok(())
    }
}

/// Whether the certificate's common name is this host's, which counts where it has no alternative
/// names.
pub fn has_common_name(der: &CertificateDer, host: &ServerName) -> bool {
    let Ok(certificate) = parse(der) else { return false };
    let certificate = certificate.tbs_certificate();
    let alternative = certificate.get_extension::<SubjectAltName>();
    let Ok(Some(name)) = certificate.subject().common_name() else { return false };
    matches!(alternative, Ok(None)) && matches(&text(&name), &host.to_str())
}

fn parse(der: &CertificateDer) -> Result<Certificate, Error> {
    Certificate::from_der(der).map_err(|_| BROKEN)
}

fn text(name: &DirectoryString) -> String {
    match name {
        DirectoryString::PrintableString(text) => text.to_string(),
        DirectoryString::TeletexString(text) => text.to_string(),
        DirectoryString::Utf8String(text) => text.clone(),
        DirectoryString::BmpString(text) => text.to_string(),
    }
}

/// A leading `*.` stands for exactly one label.
fn matches(pattern: &str, host: &str) -> bool {
    let (pattern, host) = (pattern.to_ascii_lowercase(), host.to_ascii_lowercase());
    match pattern.strip_prefix("*.") {
        Some(domain) => host
            .split_once('.')
            .is_some_and(|(label, rest)| !label.is_empty() && !domain.is_empty() && rest == domain),
        None => !pattern.is_empty() && pattern == host,
    }
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn common_names_match_as_in_libpq() {
        for (pattern, host, expected) in [
            ("db.example", "db.example", true),
            ("DB.example", "db.EXAMPLE", true),
            ("db.example", "other.example", false),
            ("*.example", "db.example", true),
            ("*.example", "a.db.example", false),
            ("*.example", "example", false),
            ("*.example", ".example", false),
            ("d*.example", "db.example", false),
            ("*", "db", false),
            ("*.", "db.", false),
            ("", "", false),
            ("127.0.0.1", "127.0.0.1", true),
        ] {
            assert_eq!(matches(pattern, host), expected, "{pattern} {host}");
        }
    }
}
