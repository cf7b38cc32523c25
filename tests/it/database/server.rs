//! Servers with and without TLS, and the files that clients need.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::sync::OnceLock;

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use rowcast::demo::cluster::{Cluster, Options, Programs, Stop};
use tempfile::TempDir;
use tokio_postgres::Config;

use crate::support;

/// The users' password.
pub const PASSWORD: &str = "it's hush";

/// Who may come how.
const RULES: &str = "
local     all  all         trust
hostssl   all  certified   127.0.0.1/32  cert
host      all  trusted     127.0.0.1/32  trust
hostssl   all  plain_only  127.0.0.1/32  reject
hostnossl all  tls_only    127.0.0.1/32  reject
host      all  all         127.0.0.1/32  scram-sha-256
";

const USERS: [&str; 5] = ["ann", "certified", "trusted", "plain_only", "tls_only"];

pub struct Server {
    pub cluster: Cluster,
    pub port: u16,
}

impl Server {
    /// `ann`, over TCP, by the name in the certificate.
    pub fn conninfo(&self, more: &str) -> String {
        let port = self.port;
        format!(
            r"host=localhost hostaddr=127.0.0.1 port={port} user=ann password='it\'s hush' \
              dbname=postgres {more}"
        )
        .replace("\\\n", " ")
    }
}

/// A certificate with its key, in PEM.
pub struct Pem {
    pub certificate: String,
    pub key: String,
}

/// The files of the authorities and of the client `certified`.
pub struct Files(TempDir);

impl Files {
    pub fn path(&self, name: &str) -> String {
        self.0.path().join(name).display().to_string()
    }
}

/// What the tests share.
pub struct World {
    pub with_tls: Server,
    pub without_tls: Server,
    pub files: Files,
}

/// Made once: servers take a second to start.
pub async fn world() -> &'static World {
    static WORLD: OnceLock<World> = OnceLock::new();
    tokio::task::spawn_blocking(|| WORLD.get_or_init(make_world)).await.unwrap()
}

fn make_world() -> World {
    let (authority, other) = (authority("authority"), authority("other authority"));
    let files = Files(tempfile::tempdir().unwrap());
    write(&files, "root.crt", &authority.1.pem());
    write(&files, "other.crt", &other.1.pem());
    let client = signed("certified", &[], &authority.0);
    write(&files, "client.crt", &client.certificate);
    write(&files, "client.key", &client.key);
    let server = signed("not a host", &["localhost"], &authority.0);
    let with_tls = start(Some((&server, &authority.1.pem())));
    World { with_tls, without_tls: start(None), files }
}

/// A server with this certificate only, for clients that check it.
pub async fn server_with(certificate: Pem) -> Server {
    tokio::task::spawn_blocking(move || start(Some((&certificate, "")))).await.unwrap()
}

fn start(tls: Option<(&Pem, &str)>) -> Server {
    let programs = Programs::find(None).unwrap_or_else(|error| panic!("{error}"));
    let options = Options { tcp: true, ..Options::default() };
    let mut cluster = Cluster::start(&programs, options).unwrap_or_else(|error| panic!("{error}"));
    cluster.write_file("data/pg_hba.conf", RULES).unwrap();
    if let Some((server, authority)) = tls {
        cluster.write_file("data/server.crt", &server.certificate).unwrap();
        cluster.write_file("data/server.key", &server.key).unwrap();
        cluster.set("ssl", "on").unwrap();
        cluster.set("ssl_min_protocol_version", "TLSv1.3").unwrap();
        if !authority.is_empty() {
            cluster.write_file("data/root.crt", authority).unwrap();
            cluster.set("ssl_ca_file", "root.crt").unwrap();
        }
    }
    cluster.restart(Stop::Fast).unwrap();
    let port = cluster.url("postgres").parse::<Config>().unwrap().get_ports()[0];
    create_users(&cluster);
    Server { cluster, port }
}

fn create_users(cluster: &Cluster) {
    let url = cluster.socket_url("postgres");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let admin = support::connect(&url).await;
        for user in USERS {
            let password = PASSWORD.replace('\'', "''");
            let create = format!("create role {user} login password '{password}'");
            admin.batch_execute(&create).await.unwrap();
        }
    });
}

type Authority = (Issuer<'static, KeyPair>, rcgen::Certificate);

fn authority(name: &str) -> Authority {
    let mut params = named(name, &[]);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let key = KeyPair::generate().unwrap();
    let certificate = params.self_signed(&key).unwrap();
    (Issuer::new(params, key), certificate)
}

fn named(common_name: &str, hosts: &[&str]) -> CertificateParams {
    let hosts: Vec<String> = hosts.iter().map(|host| (*host).to_owned()).collect();
    let mut params = CertificateParams::new(hosts).unwrap();
    params.distinguished_name.push(DnType::CommonName, common_name);
    params
}

fn signed(common_name: &str, hosts: &[&str], issuer: &Issuer<'static, KeyPair>) -> Pem {
    let key = KeyPair::generate().unwrap();
    let certificate = named(common_name, hosts).signed_by(&key, issuer).unwrap();
    Pem { certificate: certificate.pem(), key: key.serialize_pem() }
}

/// What `openssl req -x509 -subj /CN=…` makes: an authority without alternative names.
pub fn self_signed(common_name: &str) -> Pem {
    let mut params = named(common_name, &[]);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let key = KeyPair::generate().unwrap();
    let certificate = params.self_signed(&key).unwrap();
    Pem { certificate: certificate.pem(), key: key.serialize_pem() }
}

/// The same as X.509 version 1, as `openssl x509 -req` makes it: without version and extensions.
/// Its signature is not right, which nobody checks who doesn't check the chain.
pub fn version_one(common_name: &str) -> Pem {
    let key = KeyPair::generate().unwrap();
    let certificate = named(common_name, &["localhost"]).self_signed(&key).unwrap();
    let whole = certificate.der().to_vec();
    let [tbs, algorithm, signature] = elements(content(&whole)).try_into().unwrap();
    let kept: Vec<&[u8]> =
        elements(content(tbs)).into_iter().filter(|e| ![0xa0, 0xa3].contains(&e[0])).collect();
    let tbs = sequence(&kept.concat());
    let der = sequence(&[tbs.as_slice(), algorithm, signature].concat());
    let certificate = pem("CERTIFICATE", &der);
    Pem { certificate, key: key.serialize_pem() }
}

/// Where the content of a DER element begins and ends.
fn bounds(der: &[u8]) -> (usize, usize) {
    match usize::from(der[1]) {
        short @ 0..0x80 => (2, 2 + short),
        long => {
            let digits = &der[2..2 + (long & 0x7f)];
            let length = digits.iter().fold(0, |sum, byte| sum << 8 | usize::from(*byte));
            (2 + digits.len(), 2 + digits.len() + length)
        }
    }
}

fn content(der: &[u8]) -> &[u8] {
    let (start, end) = bounds(der);
    &der[start..end]
}

fn elements(mut der: &[u8]) -> Vec<&[u8]> {
    let mut elements = Vec::new();
    while !der.is_empty() {
        let (element, rest) = der.split_at(bounds(der).1);
        elements.push(element);
        der = rest;
    }
    elements
}

fn sequence(content: &[u8]) -> Vec<u8> {
    let [high, low] = u16::try_from(content.len()).unwrap().to_be_bytes();
    let length: &[u8] = match high {
        0 if low < 0x80 => &[low],
        0 => &[0x81, low],
        _ => &[0x82, high, low],
    };
    [&[0x30], length, content].concat()
}

fn pem(label: &str, der: &[u8]) -> String {
    use base64::Engine as _;
    let text = base64::engine::general_purpose::STANDARD.encode(der);
    let lines: Vec<&str> =
        text.as_bytes().chunks(64).map(|line| std::str::from_utf8(line).unwrap()).collect();
    format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", lines.join("\n"))
}

/// Writes a file that nobody else may read.
pub fn write(files: &Files, name: &str, contents: &str) -> PathBuf {
    let path = PathBuf::from(files.path(name));
    std::fs::write(&path, contents).unwrap();
    std::fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
    path
}

pub fn files() -> Files {
    Files(tempfile::tempdir().unwrap())
}
