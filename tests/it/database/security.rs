//! What each sslmode makes of each server.

use super::server::{self, files, server_with, world, write};
use super::{ask, connected, outcome, refusal};

/// Outcomes with the right root certificate, none, another authority's, for a host of another name,
/// and on a server without TLS.
const MODES: [(&str, [&str; 5]); 6] = [
    ("disable", ["plain", "plain", "plain", "plain", "plain"]),
    ("allow", ["plain", "plain", "plain", "plain", "plain"]),
    ("prefer", ["tls", "tls", "tls", "tls", "plain"]),
    ("require", ["tls", "tls", "tls fault", "tls", "tls fault"]),
    ("verify-ca", ["tls", "tls fault", "tls fault", "tls", "tls fault"]),
    ("verify-full", ["tls", "tls fault", "tls fault", "tls fault", "tls fault"]),
];

#[tokio::test]
async fn every_mode_on_every_server() {
    let world = world().await;
    let (root, other) = (world.files.path("root.crt"), world.files.path("other.crt"));
    let situations = [
        world.with_tls.conninfo(&format!("sslrootcert={root}")),
        world.with_tls.conninfo(""),
        world.with_tls.conninfo(&format!("sslrootcert={other}")),
        world.with_tls.conninfo(&format!("sslrootcert={root} host=elsewhere.example")),
        world.without_tls.conninfo(&format!("sslrootcert={root}")),
    ];
    for (mode, expected) in MODES {
        for (situation, expected) in situations.iter().zip(expected) {
            let conninfo = format!("{situation} sslmode={mode}");
            assert_eq!(outcome(&conninfo).await, expected, "{conninfo}");
        }
    }
}

#[tokio::test]
async fn allow_and_prefer_try_the_other_way_when_refused() {
    let world = world().await;
    for (user, mode, expected) in [
        ("tls_only", "disable", "refused"),
        ("tls_only", "allow", "tls"),
        ("tls_only", "prefer", "tls"),
        ("plain_only", "allow", "plain"),
        ("plain_only", "prefer", "plain"),
        ("plain_only", "require", "refused"),
    ] {
        let conninfo = world.with_tls.conninfo(&format!("user={user} sslmode={mode}"));
        assert_eq!(outcome(&conninfo).await, expected, "{user} {mode}");
    }
}

#[tokio::test]
async fn prefer_goes_without_tls_when_the_handshake_fails() {
    let world = world().await;
    for (mode, expected) in [("prefer", "plain"), ("require", "tls fault")] {
        let older = format!("ssl_max_protocol_version=TLSv1.2 sslmode={mode}");
        assert_eq!(outcome(&world.with_tls.conninfo(&older)).await, expected, "{mode}");
    }
}

#[tokio::test]
async fn faults_come_with_a_remedy() {
    let world = world().await;
    let (root, other) = (world.files.path("root.crt"), world.files.path("other.crt"));
    let port = world.with_tls.port;
    for (more, expected) in [
        (
            format!("sslmode=verify-full sslrootcert={other}"),
            "sslrootcert must hold the certificate",
        ),
        (
            format!("sslmode=verify-full sslrootcert={root} host=elsewhere.example"),
            "connect by a name that the certificate has",
        ),
        ("sslmode=verify-ca".into(), "there is no file of root certificates"),
        ("sslmode=require sslrootcert=/nowhere/x".into(), "/nowhere/x can't be read"),
    ] {
        let explained = refusal(&world.with_tls.conninfo(&more)).await.explain();
        assert!(explained.contains(expected), "{more}: {explained}");
        assert!(explained.contains(&port.to_string()), "{explained}");
    }
    let wrong = refusal(&world.with_tls.conninfo("user=tls_only password=x sslmode=prefer")).await;
    assert!(wrong.explain().contains("password"), "{}", wrong.explain());
    let plain = refusal(&world.without_tls.conninfo("sslmode=require")).await.explain();
    assert!(plain.contains("set ssl = on"), "{plain}");
}

#[tokio::test]
async fn the_systems_authorities_do_not_know_this_one() {
    let world = world().await;
    assert_eq!(outcome(&world.with_tls.conninfo("sslrootcert=system")).await, "tls fault");
}

#[tokio::test]
async fn roots_in_the_usual_place_are_used() {
    let world = world().await;
    let home = files();
    std::fs::create_dir(home.path(".postgresql")).unwrap();
    std::fs::copy(world.files.path("other.crt"), home.path(".postgresql/root.crt")).unwrap();
    let conninfo = world.with_tls.conninfo("sslmode=require");
    assert_eq!(outcome(&conninfo).await, "tls");
    let variables = [("HOME", &*home.path(""))];
    let checked = super::resolve(&conninfo, &variables).connect("test").await;
    assert!(matches!(checked, Err(rowcast::database::ConnectError::Tls(_))));
    std::fs::copy(world.files.path("root.crt"), home.path(".postgresql/root.crt")).unwrap();
    super::resolve(&conninfo, &variables).connect("test").await.unwrap();
}

#[tokio::test]
async fn a_self_signed_certificate_can_be_its_own_root() {
    let certificate = server::self_signed("localhost");
    let files = files();
    write(&files, "server.crt", &certificate.certificate);
    let server = server_with(certificate).await;
    let root = files.path("server.crt");
    for (mode, host, expected) in [
        ("verify-ca", "localhost", "tls"),
        ("verify-full", "localhost", "tls"),
        ("verify-full", "elsewhere.example", "tls fault"),
    ] {
        let more = format!("sslmode={mode} host={host} sslrootcert={root}");
        assert_eq!(outcome(&server.conninfo(&more)).await, expected, "{mode} {host}");
    }
}

#[tokio::test]
async fn certificates_of_x509_version_1_do_where_nothing_is_checked() {
    let certificate = server::version_one("localhost");
    let files = files();
    write(&files, "server.crt", &certificate.certificate);
    let server = server_with(certificate).await;
    let root = files.path("server.crt");
    assert_eq!(outcome(&server.conninfo("sslmode=require channel_binding=require")).await, "tls");
    let pinned = format!("sslmode=verify-full sslrootcert={root}");
    assert_eq!(outcome(&server.conninfo(&pinned)).await, "tls");
}

#[tokio::test]
async fn channel_binding_binds_the_password_to_the_certificate() {
    let world = world().await;
    for (more, expected) in [
        ("channel_binding=require sslmode=require", "tls"),
        ("channel_binding=require", "tls"),
        ("channel_binding=disable", "tls"),
        ("channel_binding=require sslmode=disable", "refused"),
        ("channel_binding=require user=trusted", "refused"),
    ] {
        assert_eq!(outcome(&world.with_tls.conninfo(more)).await, expected, "{more}");
    }
}

#[tokio::test]
async fn a_client_certificate_proves_the_user() {
    let world = world().await;
    let (cert, key) = (world.files.path("client.crt"), world.files.path("client.key"));
    let with = format!("user=certified password='' sslcert={cert} sslkey={key}");
    let session = connected(&world.with_tls.conninfo(&with)).await;
    let shown = ask(&session, "select client_dn from pg_stat_ssl where pid = pg_backend_pid()");
    assert_eq!(shown.await, "/CN=certified");
    let without = refusal(&world.with_tls.conninfo("user=certified sslmode=require")).await;
    assert!(!without.is_transient(), "{}", without.explain());
}

#[tokio::test]
async fn a_key_that_others_can_read_is_not_used() {
    use std::os::unix::fs::PermissionsExt as _;
    let world = world().await;
    let files = files();
    let key = std::fs::read_to_string(world.files.path("client.key")).unwrap();
    let open = write(&files, "open.key", &key);
    std::fs::set_permissions(&open, std::fs::Permissions::from_mode(0o644)).unwrap();
    let cert = world.files.path("client.crt");
    let more = format!("sslmode=require sslcert={cert} sslkey={}", open.display());
    let explained = refusal(&world.with_tls.conninfo(&more)).await.explain();
    assert!(explained.contains("permissions must be 0600"), "{explained}");
}

#[tokio::test]
async fn sockets_need_no_tls() {
    let world = world().await;
    let directory = world.with_tls.cluster.directory().display();
    let port = world.with_tls.port;
    for mode in ["disable", "prefer", "require", "verify-full"] {
        let root = world.files.path("root.crt");
        let url = format!(
            "postgres://ann@/postgres?host={directory}&port={port}&sslmode={mode}&sslrootcert={root}"
        );
        assert_eq!(outcome(&url).await, "plain", "{mode}");
    }
}

#[tokio::test]
async fn tls_from_the_first_byte_needs_postgresql_17() {
    let world = world().await;
    let outcome = outcome(&world.with_tls.conninfo("sslmode=require sslnegotiation=direct")).await;
    assert_eq!(outcome == "tls", world.with_tls.cluster.version() >= 17, "{outcome}");
}
