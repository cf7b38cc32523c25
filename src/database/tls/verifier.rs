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

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use rcgen::{CertificateParams, KeyPair};
    use rustls::crypto::aws_lc_rs::{default_provider, sign::any_supported_type};
    use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
    use rustls::server::{ClientHello, ResolvesServerCert};
    use rustls::sign::CertifiedKey;
    use rustls::version::{TLS12, TLS13};
    use rustls::{
        ClientConfig, ClientConnection, ServerConfig, ServerConnection, SupportedProtocolVersion,
    };

    use super::*;

    /// Shows a certificate and signs with a key, whether they belong together or not.
    #[derive(Debug)]
    struct Shows(Arc<CertifiedKey>);

    impl ResolvesServerCert for Shows {
        fn resolve(&self, _: ClientHello) -> Option<Arc<CertifiedKey>> {
            Some(self.0.clone())
        }
    }

    fn server(shown: &KeyPair, signing: &KeyPair) -> ServerConnection {
        let certificate =
            CertificateParams::new(["db".into()]).unwrap().self_signed(shown).unwrap();
        let der = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(signing.serialize_der()));
        let key = any_supported_type(&der).unwrap();
        let certified = CertifiedKey::new(vec![certificate.der().clone()], key);
        let config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_cert_resolver(Arc::new(Shows(Arc::new(certified))));
        ServerConnection::new(Arc::new(config)).unwrap()
    }

    fn client(version: &'static SupportedProtocolVersion) -> ClientConnection {
        let provider = default_provider();
        let verifier = Verifier::new(Check::Nothing, provider.signature_verification_algorithms);
        let config = ClientConfig::builder_with_provider(Arc::new(provider))
            .with_protocol_versions(&[version])
            .unwrap()
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(verifier))
            .with_no_client_auth();
        ClientConnection::new(Arc::new(config), "db".try_into().unwrap()).unwrap()
    }

    /// Hands messages to and fro; what the client says to it in the end.
    fn shake_hands(
        mut client: ClientConnection,
        mut server: ServerConnection,
    ) -> Result<(), Error> {
        while client.is_handshaking() {
            let mut sent = Vec::new();
            client.write_tls(&mut sent).unwrap();
            server.read_tls(&mut sent.as_slice()).unwrap();
            server.process_new_packets()?;
            let mut answer = Vec::new();
            server.write_tls(&mut answer).unwrap();
            client.read_tls(&mut answer.as_slice()).unwrap();
            client.process_new_packets()?;
        }
        Ok(())
    }

    #[test]
    fn a_copied_certificate_without_its_key_is_refused_even_where_nothing_is_checked() {
        let (own, other) = (KeyPair::generate().unwrap(), KeyPair::generate().unwrap());
        for version in [&TLS12, &TLS13] {
            assert_eq!(shake_hands(client(version), server(&own, &own)), Ok(()));
            let refused = shake_hands(client(version), server(&own, &other));
            let bad = Error::InvalidCertificate(rustls::CertificateError::BadSignature);
            assert_eq!(refused, Err(bad), "{version:?}");
        }
    }
}
