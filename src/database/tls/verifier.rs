//! What is checked of the server's certificate.

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{verify_server_cert_signed_by_trust_anchor, verify_server_name};
use rustls::crypto::{
    WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature,
    verify_tls13_signature_with_raw_key,
};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{DigitallySignedStruct, Error, RootCertStore, SignatureScheme};

use super::certificate;

/// What the server's certificate must prove.
#[derive(Debug)]
pub enum Check {
    Nothing,
    /// That it is trusted.
    Chain(Trust),
    /// That it is trusted, and is for this host.
    ChainAndName(Trust),
}

/// Who may vouch for a server.
#[derive(Debug)]
pub struct Trust {
    pub roots: RootCertStore,
    /// Certificates that are trusted as a server's own, too: people give a self-signed server's
    /// certificate as root, which webpki takes for an authority posing as a server.
    pub pinned: Vec<CertificateDer<'static>>,
}

/// Whatever is asked of the certificate, the server must prove that it has its key: channel binding
/// would otherwise trust anybody who shows a copy of the certificate.
#[derive(Debug)]
pub struct Verifier {
    check: Check,
    algorithms: WebPkiSupportedAlgorithms,
}

impl Verifier {
    pub fn new(check: Check, algorithms: WebPkiSupportedAlgorithms) -> Self {
        Self { check, algorithms }
    }

    fn verify_trust(
        &self,
        trust: &Trust,
        shown: &CertificateDer,
        intermediates: &[CertificateDer],
        now: UnixTime,
    ) -> Result<(), Error> {
        if trust.pinned.contains(shown) {
            return certificate::verify_validity(shown, now);
        }
        verify_server_cert_signed_by_trust_anchor(
            &ParsedCertificate::try_from(shown)?,
            &trust.roots,
            intermediates,
            now,
            self.algorithms.all,
        )
    }
}

fn verify_name(shown: &CertificateDer, host: &ServerName) -> Result<(), Error> {
    let parsed = ParsedCertificate::try_from(shown);
    match parsed.and_then(|parsed| verify_server_name(&parsed, host)) {
        Err(_) if certificate::has_common_name(shown, host) => Ok(()),
        verdict => verdict,
    }
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        shown: &CertificateDer,
        intermediates: &[CertificateDer],
        host: &ServerName,
        _ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        match &self.check {
            Check::Nothing => {}
            Check::Chain(trust) => self.verify_trust(trust, shown, intermediates, now)?,
            Check::ChainAndName(trust) => {
                self.verify_trust(trust, shown, intermediates, now)?;
                verify_name(shown, host)?;
            }
        }
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        shown: &CertificateDer,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, shown, signed, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        shown: &CertificateDer,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        if ParsedCertificate::try_from(shown).is_ok() {
            return verify_tls13_signature(message, shown, signed, &self.algorithms);
        }
        // Certificates of X.509 version 1 aren't read by webpki, but have a key like others.
        let key = certificate::public_key(shown)?;
        verify_tls13_signature_with_raw_key(message, &key, signed, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}
