//! The files behind TLS, read anew for every connection so that renewed certificates are picked up.

use std::fs::Metadata;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore};

use super::verifier::{Check, Trust, Verifier};
use super::{ClientFiles, Mode, Roots, Settings};

/// Why TLS can't be set up.
#[derive(Debug, thiserror::Error)]
pub enum TlsFault {
    #[error("{} can't be read", .path.display())]
    Unreadable { path: PathBuf, source: io::Error },
    #[error("{}: {what}", .path.display())]
    File { path: PathBuf, what: String },
    #[error(
        "there is no file of root certificates to check the server's with: give sslrootcert=FILE, \
         or sslrootcert=system for the authorities that the system trusts"
    )]
    NoRoots,
    #[error("the system has no trusted root certificates")]
    NoSystemRoots,
    #[error("the TLS settings don't fit together")]
    Settings(#[source] rustls::Error),
}

impl Settings {
    /// Reads the files and builds the client's side of TLS.
    pub fn client_config(&self) -> Result<ClientConfig, TlsFault> {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let verifier = Verifier::new(self.check()?, provider.signature_verification_algorithms);
        let mut versions = Vec::new();
        versions.extend(self.tls12.then_some(&rustls::version::TLS12));
        versions.extend(self.tls13.then_some(&rustls::version::TLS13));
        let builder = ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(&versions)
            .map_err(TlsFault::Settings)?
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(verifier));
        let mut config = match self.client.as_ref().map(client_certificate).transpose()?.flatten() {
            Some((chain, key)) => {
                builder.with_client_auth_cert(chain, key).map_err(TlsFault::Settings)?
            }
            None => builder.with_no_client_auth(),
        };
        config.enable_sni = self.sni;
        if self.direct {
            config.alpn_protocols = vec![b"postgresql".to_vec()];
        }
        Ok(config)
    }

    /// What is asked of the server's certificate.
    ///
    /// `require` with root certificates checks the chain, as in libpq. `allow` and `prefer` check
    /// nothing: a check that failed would only lead to a connection without TLS.
    pub fn check(&self) -> Result<Check, TlsFault> {
        if self.mode <= Mode::Prefer {
            return Ok(Check::Nothing);
        }
        match (self.trust()?, self.mode) {
            (None, Mode::Require) => Ok(Check::Nothing),
            (None, _) => Err(TlsFault::NoRoots),
            (Some(trust), mode) => match self.revoked.as_deref().filter(|path| path.exists()) {
                Some(path) => Err(wrong(path, "revocation lists can't be checked here")),
                None if mode == Mode::VerifyFull => Ok(Check::ChainAndName(trust)),
                None => Ok(Check::Chain(trust)),
            },
        }
    }

    /// Whom to trust; a file in the usual place may be missing, one that was named may not.
    fn trust(&self) -> Result<Option<Trust>, TlsFault> {
        match &self.roots {
            Roots::System => system_roots().map(Some),
            Roots::File(path) => roots_from(path).map(Some),
            Roots::Usual(Some(path)) if path.exists() => roots_from(path).map(Some),
            Roots::Usual(_) => Ok(None),
        }
    }
}

fn system_roots() -> Result<Trust, TlsFault> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    match roots.is_empty() {
        true => Err(TlsFault::NoSystemRoots),
        false => Ok(Trust { roots, pinned: Vec::new() }),
    }
}

fn roots_from(path: &Path) -> Result<Trust, TlsFault> {
    let pinned = certificates(path)?;
    let mut roots = RootCertStore::empty();
    for certificate in &pinned {
        roots.add(certificate.clone()).map_err(|error| wrong(path, error))?;
    }
    Ok(Trust { roots, pinned })
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsFault> {
    let text = read(path)?;
    let certificates = CertificateDer::pem_slice_iter(&text)
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| wrong(path, error))?;
    match certificates.is_empty() {
        true => Err(wrong(path, "no certificate in it")),
        false => Ok(certificates),
    }
}

type ClientCertificate = (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>);

fn client_certificate(files: &ClientFiles) -> Result<Option<ClientCertificate>, TlsFault> {
    if !files.named && !files.cert.exists() {
        return Ok(None);
    }
    let chain = certificates(&files.cert)?;
    let unreadable = |source| TlsFault::Unreadable { path: files.key.clone(), source };
    let metadata = std::fs::metadata(&files.key).map_err(unreadable)?;
    if is_open_to_others(&metadata) {
        return Err(wrong(
            &files.key,
            "its group or others have access to this key: its permissions must be 0600, \
             or 0640 if it belongs to root",
        ));
    }
    let text = read(&files.key)?;
    let key = PrivateKeyDer::from_pem_slice(&text).map_err(|_| {
        let encrypted = text.windows(9).any(|part| part == b"ENCRYPTED");
        wrong(&files.key, if encrypted { "encrypted keys can't be read" } else { "no key in it" })
    })?;
    Ok(Some((chain, key)))
}

/// libpq's rule: root's files may be readable by their group, since only root can give them one.
fn is_open_to_others(metadata: &Metadata) -> bool {
    let forbidden = if metadata.uid() == 0 { 0o037 } else { 0o077 };
    metadata.mode() & forbidden != 0
}

fn read(path: &Path) -> Result<Vec<u8>, TlsFault> {
    std::fs::read(path).map_err(|source| TlsFault::Unreadable { path: path.into(), source })
}

fn wrong(path: &Path, what: impl ToString) -> TlsFault {
    TlsFault::File { path: path.into(), what: what.to_string() }
}
