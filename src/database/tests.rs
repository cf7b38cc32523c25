//! What connection strings, services and the environment come to.

use std::collections::HashMap;
use std::io::Write as _;
use std::time::Duration;

use super::settings::Secret;
use super::tls::{Mode, Roots};
use super::wanted::Wanted;
use super::{ConninfoError, Database};

const NO_VARIABLES: &[(&str, &str)] = &[];

fn resolve(url: &str, variables: &[(&str, &str)]) -> Result<Database, ConninfoError> {
    let mut env: HashMap<&str, &str> = HashMap::from([("PGUSER", "me"), ("HOME", "/nowhere")]);
    env.extend(variables.iter().copied());
    let url = Some(url).filter(|url| !url.is_empty());
    Database::resolve(url, &|name| env.get(name).map(|value| (*value).to_owned()))
}

fn resolved(url: &str) -> Database {
    resolve(url, NO_VARIABLES).unwrap_or_else(|error| panic!("{url}: {error}"))
}

fn error(url: &str, variables: &[(&str, &str)]) -> String {
    match resolve(url, variables) {
        Ok(database) => format!("no error: {database}"),
        Err(error) => match error.hint() {
            Some(hint) => format!("{error}: {hint}"),
            None => error.to_string(),
        },
    }
}

#[test]
fn what_is_not_given_has_libpqs_defaults() {
    for (url, expected) in [
        ("", "me@localhost:5432/me"),
        ("postgres://", "me@localhost:5432/me"),
        ("postgres://ann@db", "ann@db:5432/ann"),
        ("postgres://ann@db/shop", "ann@db:5432/shop"),
        ("host=a,b port=1", "me@a:1,b:1/me"),
        ("host=a,b port=1,2", "me@a:1,b:2/me"),
        ("host=a,b port=,2", "me@a:5432,b:2/me"),
        ("host=a,,b", "me@a:5432,localhost:5432,b:5432/me"),
        ("hostaddr=127.0.0.1", "me@127.0.0.1:5432/me"),
        ("hostaddr=::1 port=1", "me@[::1]:1/me"),
        ("host=db hostaddr=10.0.0.1", "me@db:5432/me"),
        ("host=::1", "me@[::1]:5432/me"),
        ("host=/run/pg port=1", "me@/run/pg/.s.PGSQL.1/me"),
        ("host='' port='' dbname=''", "me@localhost:5432/me"),
        ("user=a user=b", "b@localhost:5432/b"),
        ("postgres://a/x?host=b&dbname=y", "me@b:5432/y"),
    ] {
        assert_eq!(resolved(url).to_string(), expected, "{url}");
    }
}

#[test]
fn the_string_comes_before_the_environment() {
    let variables = [
        ("PGHOST", "env-host"),
        ("PGPORT", "1"),
        ("PGDATABASE", "env-db"),
        ("PGUSER", "env-user"),
        ("PGPASSWORD", "env-password"),
        ("PGSSLMODE", "require"),
        ("PGAPPNAME", "env-app"),
        ("PGCONNECT_TIMEOUT", "3"),
        ("PGOPTIONS", "-c a.b=1"),
        ("PGTARGETSESSIONATTRS", "primary"),
    ];
    let all = resolve("", &variables).unwrap();
    assert_eq!(all.to_string(), "env-user@env-host:1/env-db");
    assert_eq!(all.password, Some(Secret("env-password".into())));
    assert_eq!((all.tls.mode, all.wanted), (Mode::Require, Wanted::Primary));
    assert_eq!(all.application_name.as_deref(), Some("env-app"));
    assert_eq!(all.options.as_deref(), Some("-c a.b=1"));
    assert_eq!(all.timing.connect, Some(Duration::from_secs(3)));
    let some = resolve("postgres://ann:pw@db?sslmode=disable", &variables).unwrap();
    assert_eq!(some.to_string(), "ann@db:1/env-db");
    assert_eq!((some.password, some.tls.mode), (Some(Secret("pw".into())), Mode::Disable));
}

#[test]
fn a_service_comes_between_string_and_environment() {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    writeln!(file, "[shop]\nhost=service-host\nport=2\nuser=service-user").unwrap();
    let path = file.path().to_str().unwrap();
    let variables = [("PGSERVICEFILE", path), ("PGHOST", "env-host"), ("PGDATABASE", "env-db")];
    let database = resolve("service=shop port=3", &variables).unwrap();
    assert_eq!(database.to_string(), "service-user@service-host:3/env-db");
    let by_variable = resolve("", &[("PGSERVICEFILE", path), ("PGSERVICE", "shop")]).unwrap();
    assert_eq!(by_variable.to_string(), "service-user@service-host:2/service-user");
    let by_keyword = resolve(&format!("postgres://?service=shop&servicefile={path}"), &[]).unwrap();
    assert_eq!(by_keyword, by_variable);
}

#[test]
fn services_are_looked_for_at_home_and_in_the_systems_directory() {
    let (home, system) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let write = |dir: &tempfile::TempDir, name: &str, text: &str| {
        std::fs::write(dir.path().join(name), text).unwrap();
    };
    write(&home, ".pg_service.conf", "[a]\nhost=home\n");
    write(&system, "pg_service.conf", "[a]\nhost=system\n[b]\nhost=system\n");
    let variables = [
        ("HOME", home.path().to_str().unwrap()),
        ("PGSYSCONFDIR", system.path().to_str().unwrap()),
    ];
    for (service, host) in [("a", "home"), ("b", "system")] {
        let database = resolve(&format!("service={service}"), &variables).unwrap();
        assert_eq!(database.to_string(), format!("me@{host}:5432/me"));
    }
    assert!(error("service=c", &variables).starts_with("service \"c\" is defined neither in "));
    let missing = [("PGSERVICEFILE", "/nowhere/services")];
    assert_eq!(error("service=a", &missing), "/nowhere/services can't be read");
}

#[test]
fn faults_say_where_they_are_and_what_would_be_right() {
    for (url, variables, expected) in [
        (
            "hots=db",
            NO_VARIABLES,
            "unknown keyword \"hots\" in the connection string: did you mean host?",
        ),
        (
            "ssl_mode=x",
            &[],
            "unknown keyword \"ssl_mode\" in the connection string: did you mean sslmode?",
        ),
        (
            "postgres://db?schema=public",
            &[],
            "unknown keyword \"schema\" in the connection string: tables are named in the configuration, as schema.table: remove it",
        ),
        ("xyzzy=1", &[], "unknown keyword \"xyzzy\" in the connection string"),
        (
            "sslmode=on",
            &[],
            "sslmode in the connection string: \"on\" is none of disable, allow, prefer, require, verify-ca, verify-full",
        ),
        (
            "",
            &[("PGSSLMODE", "on")],
            "sslmode in PGSSLMODE: \"on\" is none of disable, allow, prefer, require, verify-ca, verify-full",
        ),
        ("port=0", &[], "port in the connection string: a port is a number from 1 to 65535"),
        ("port=65536", &[], "port in the connection string: a port is a number from 1 to 65535"),
        ("", &[("PGPORT", "x")], "port in PGPORT: a port is a number from 1 to 65535"),
        ("host=a,b port=1,2,3", &[], "port in the connection string: 3 ports for 2 hosts"),
        (
            "host=a,b hostaddr=::1",
            &[],
            "hostaddr in the connection string: 1 addresses for 2 hosts",
        ),
        ("hostaddr=db", &[], "hostaddr in the connection string: \"db\" is not an IP address"),
        (
            "host=@x",
            &[],
            "host in the connection string: sockets in the abstract namespace can't be used",
        ),
        (
            "connect_timeout=1s",
            &[],
            "connect_timeout in the connection string: \"1s\" is not a whole number",
        ),
        (
            "sslrootcert=system sslmode=require",
            &[],
            "sslmode in the connection string: with sslrootcert=system it must be verify-full",
        ),
        (
            "sslnegotiation=direct",
            &[],
            "sslnegotiation in the connection string: direct needs sslmode=require or stronger",
        ),
        (
            "ssl_max_protocol_version=TLSv1.1",
            &[],
            "ssl_max_protocol_version in the connection string: TLSv1.2 is the oldest spoken here",
        ),
        (
            "sslcrl=/x",
            &[],
            "sslcrl in the connection string is not supported: revocation lists are not checked here",
        ),
        (
            "gssencmode=require",
            &[],
            "gssencmode in the connection string is not supported: there is no GSSAPI here",
        ),
        (
            "",
            &[("PGREQUIREPEER", "postgres")],
            "requirepeer in PGREQUIREPEER is not supported: the server's user is not checked here",
        ),
        (
            "replication=database",
            &[],
            "replication in the connection string is not supported: sessions are ordinary ones",
        ),
        (
            "sslmode=verify-full hostaddr=::1",
            &[],
            "sslmode in the connection string: verify-full needs a host name besides the address",
        ),
    ] {
        assert_eq!(error(url, variables), expected, "{url}");
    }
}

#[test]
fn what_makes_no_difference_is_accepted() {
    resolved("client_encoding=LATIN1 gssencmode=prefer krbsrvname=x sslcompression=1 sslcrl=''");
    resolved("requirepeer='' replication=false sslcertmode=allow require_auth=''");
}

#[test]
fn numbers_have_libpqs_units_and_zero_means_none() {
    let timing = resolved("").timing;
    assert_eq!(timing.connect, Some(Duration::from_secs(10)));
    assert_eq!(timing.unacknowledged, Some(Duration::from_secs(15)));
    assert_eq!((timing.idle, timing.count), (Some(Duration::from_secs(10)), Some(3)));
    let timing = resolved("connect_timeout=2 tcp_user_timeout=2500 keepalives_count=7").timing;
    assert_eq!(timing.connect, Some(Duration::from_secs(2)));
    assert_eq!((timing.unacknowledged, timing.count), (Some(Duration::from_millis(2500)), Some(7)));
    let timing = resolved("connect_timeout=0 tcp_user_timeout=0 keepalives=0").timing;
    assert_eq!((timing.connect, timing.unacknowledged, timing.keepalives), (None, None, false));
}

#[test]
fn trust_in_the_systems_authorities_asks_for_the_name() {
    let tls = resolved("sslrootcert=system").tls;
    assert_eq!((tls.mode, tls.roots), (Mode::VerifyFull, Roots::System));
    assert_eq!(resolved("").tls.mode, Mode::Prefer);
}

#[test]
fn the_password_is_not_in_the_debug_output() {
    let database = resolved("postgres://ann:hush@db/shop");
    assert_eq!(database.password, Some(Secret("hush".into())));
    assert!(!format!("{database:?} {database}").contains("hush"));
}

#[test]
fn password_files_know_servers_by_these_names() {
    for (url, expected) in [
        ("host=db hostaddr=10.0.0.1", "db"),
        ("hostaddr=10.0.0.1", "10.0.0.1"),
        ("", "localhost"),
        ("host=/tmp", "localhost"),
        ("host=/elsewhere", "/elsewhere"),
    ] {
        assert_eq!(resolved(url).endpoints[0].password_key(), expected, "{url}");
    }
}
