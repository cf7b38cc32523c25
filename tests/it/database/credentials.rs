//! Where passwords and settings come from.

use std::os::unix::fs::PermissionsExt as _;

use rowcast::database::ConnectError;

use super::server::{files, world, write};
use super::{ask, resolve};

#[tokio::test]
async fn the_password_file_is_asked_when_no_password_is_given() {
    let server = &world().await.with_tls;
    let home = files();
    let line = format!("localhost:{}:*:ann:it's hush\n", server.port);
    let passfile = write(&home, ".pgpass", &line);
    let conninfo = server.conninfo("password=''");
    let variables = [("HOME", &*home.path(""))];
    resolve(&conninfo, &variables).connect("test").await.unwrap();
    let named = [("PGPASSFILE", passfile.to_str().unwrap())];
    resolve(&conninfo, &named).connect("test").await.unwrap();
    std::fs::set_permissions(&passfile, std::fs::Permissions::from_mode(0o640)).unwrap();
    let open = resolve(&conninfo, &variables).connect("test").await;
    assert!(matches!(open, Err(ConnectError::Refused(_))));
}

#[tokio::test]
async fn a_service_has_it_all() {
    let server = &world().await.with_tls;
    let home = files();
    let port = server.port;
    let service = format!(
        "[shop]\nhost=localhost\nhostaddr=127.0.0.1\nport={port}\nuser=ann\n\
         password=it's hush\ndbname=postgres\nsslmode=require\n"
    );
    write(&home, ".pg_service.conf", &service);
    let variables = [("HOME", &*home.path(""))];
    let session = resolve("service=shop", &variables).connect("test").await.unwrap();
    assert_eq!(ask(&session, "select current_user::text").await, "ann");
}

#[tokio::test]
async fn the_environment_has_it_all() {
    let server = &world().await.with_tls;
    let port = server.port.to_string();
    let variables = [
        ("PGHOST", "localhost"),
        ("PGHOSTADDR", "127.0.0.1"),
        ("PGPORT", &*port),
        ("PGUSER", "ann"),
        ("PGPASSWORD", "it's hush"),
        ("PGDATABASE", "template1"),
    ];
    let session = resolve("", &variables).connect("test").await.unwrap();
    assert_eq!(ask(&session, "select current_database()::text").await, "template1");
}
