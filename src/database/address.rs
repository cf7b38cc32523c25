//! Where a server may be: hosts, ports and addresses as given, and what they come to when
//! connecting.

use std::fmt;
use std::io;
use std::net::IpAddr;
use std::path::PathBuf;

use super::conninfo::ConninfoError;
use super::given::Given;

const DEFAULT_PORT: u16 = 5432;

/// Where packages put the server's socket.
const SOCKET_DIRECTORIES: [&str; 2] = ["/var/run/postgresql", "/tmp"];

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Host {
    /// None given: a socket in one of the usual directories, else this machine.
    Default,
    Name(String),
    /// The directory of a Unix-domain socket.
    Socket(PathBuf),
}

/// A server that was named, with its own address if one was given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Endpoint {
    pub host: Host,
    pub address: Option<IpAddr>,
    pub port: u16,
}

/// Something to open a socket to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Target {
    /// The name is the one that the server's certificate must bear.
    Tcp {
        name: String,
        ip: IpAddr,
        port: u16,
    },
    Unix {
        directory: PathBuf,
        port: u16,
    },
}

impl Endpoint {
    /// Pairs hosts, addresses and ports; one port does for all hosts.
    pub fn all(given: &Given) -> Result<Vec<Self>, ConninfoError> {
        let hosts: Vec<Host> =
            given.list("host").iter().map(|h| host(given, h)).collect::<Result<_, _>>()?;
        let addresses = given.list("hostaddr");
        let ports = given.list("port");
        let count = hosts.len().max(addresses.len()).max(1);
        if !addresses.is_empty() && !hosts.is_empty() && addresses.len() != hosts.len() {
            let what = format!("{} addresses for {} hosts", addresses.len(), hosts.len());
            return Err(given.wrong("hostaddr", what));
        }
        if ports.len() > 1 && ports.len() != count {
            return Err(given.wrong("port", format!("{} ports for {count} hosts", ports.len())));
        }
        (0..count)
            .map(|i| {
                let text = ports.get(i).or(ports.first()).map_or("", String::as_str);
                Ok(Self {
                    host: hosts.get(i).cloned().unwrap_or(Host::Default),
                    address: address(given, addresses.get(i).map_or("", String::as_str))?,
                    port: port(given, text)?,
                })
            })
            .collect()
    }

    /// The name by which password files know the server.
    pub fn password_key(&self) -> String {
        match (&self.host, self.address) {
            (Host::Name(name), _) => name.clone(),
            (Host::Default, Some(address)) => address.to_string(),
            (Host::Socket(dir), _)
                if !SOCKET_DIRECTORIES.iter().any(|usual| dir.as_os_str() == *usual) =>
            {
                dir.display().to_string()
            }
            (Host::Default | Host::Socket(_), _) => "localhost".into(),
        }
    }

    /// Looks the host up.
    pub async fn targets(&self) -> io::Result<Vec<Target>> {
        let port = self.port;
        match (&self.host, self.address) {
            (Host::Name(name), Some(ip)) => Ok(vec![Target::Tcp { name: name.clone(), ip, port }]),
            (_, Some(ip)) => Ok(vec![Target::Tcp { name: ip.to_string(), ip, port }]),
            (Host::Name(name), None) => look_up(name, port).await,
            (Host::Socket(dir), None) => Ok(vec![Target::Unix { directory: dir.clone(), port }]),
            (Host::Default, None) => {
                let mut targets: Vec<Target> = SOCKET_DIRECTORIES
                    .iter()
                    .map(|dir| Target::Unix { directory: dir.into(), port })
                    .collect();
                targets.extend(look_up("localhost", port).await.unwrap_or_default());
                Ok(targets)
            }
        }
    }
}

async fn look_up(name: &str, port: u16) -> io::Result<Vec<Target>> {
    let found = tokio::net::lookup_host((name, port)).await?;
    Ok(found.map(|at| Target::Tcp { name: name.into(), ip: at.ip(), port }).collect())
}

fn host(given: &Given, text: &str) -> Result<Host, ConninfoError> {
    match text.chars().next() {
        None => Ok(Host::Default),
        Some('/') => Ok(Host::Socket(text.into())),
        Some('@') => Err(given.wrong("host", "sockets in the abstract namespace can't be used")),
        Some(_) => Ok(Host::Name(text.into())),
    }
}

fn address(given: &Given, text: &str) -> Result<Option<IpAddr>, ConninfoError> {
    match text {
        "" => Ok(None),
        text => {
            let wrong = |_| given.wrong("hostaddr", format!("{text:?} is not an IP address"));
            text.parse().map(Some).map_err(wrong)
        }
    }
}

/// The text isn't repeated in errors: what stands where a port should may be a piece of a password.
fn port(given: &Given, text: &str) -> Result<u16, ConninfoError> {
    match text {
        "" => Ok(DEFAULT_PORT),
        text => match text.parse() {
            Ok(port) if port != 0 => Ok(port),
            _ => Err(given.wrong("port", "a port is a number from 1 to 65535")),
        },
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.host, self.address) {
            (Host::Default, None) => write!(f, "localhost:{}", self.port),
            (Host::Default, Some(ip)) => write!(f, "{}", std::net::SocketAddr::new(ip, self.port)),
            (Host::Name(name), _) if name.contains(':') => write!(f, "[{name}]:{}", self.port),
            (Host::Name(name), _) => write!(f, "{name}:{}", self.port),
            (Host::Socket(dir), _) => write!(f, "{}/.s.PGSQL.{}", dir.display(), self.port),
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp { name, ip, port } if name.parse() == Ok(*ip) => {
                write!(f, "{}", std::net::SocketAddr::new(*ip, *port))
            }
            Self::Tcp { name, ip, port } => write!(f, "{name}:{port} ({ip})"),
            Self::Unix { directory, port } => write!(f, "{}/.s.PGSQL.{port}", directory.display()),
        }
    }
}
