//! What a session promises: its settings, its bell, its end.

use std::error::Error as _;

use futures_util::FutureExt as _;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio_postgres::SimpleQueryMessage;

use super::server::{Server, world};
use super::{ask, connected};
use crate::support::{self, DEADLINE, eventually};

/// The process that serves the session.
async fn backend(session: &rowcast::database::Session) -> i32 {
    session.client.query_one("select pg_backend_pid()", &[]).await.unwrap().get(0)
}

async fn admin(server: &Server) -> tokio_postgres::Client {
    support::connect(&server.cluster.socket_url("postgres")).await
}

async fn is_gone(server: &Server, backend: i32) {
    let admin = admin(server).await;
    eventually("the connection is closed", async || {
        let asked = "select from pg_stat_activity where pid = $1";
        admin.query(asked, &[&backend]).await.unwrap().is_empty().then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_role_with_other_defaults_gets_the_same_session() {
    let server = &world().await.with_tls;
    let odd = "create role odd login; grant odd to current_user;
        alter role odd set timezone = 'Asia/Tokyo';
        alter role odd set datestyle = 'German';
        alter role odd set intervalstyle = 'iso_8601';
        alter role odd set bytea_output = 'escape';
        alter role odd set extra_float_digits = 0;
        alter role odd set client_encoding = 'LATIN1';
        alter role odd set statement_timeout = '9s';
        alter role odd set lock_timeout = '9s';
        alter role odd set idle_in_transaction_session_timeout = '9s';
        alter role odd password 'it''s hush'";
    let admin = admin(server).await;
    admin.batch_execute(odd).await.unwrap();
    if server.cluster.version() >= 14 {
        admin.batch_execute("alter role odd set idle_session_timeout = '9s'").await.unwrap();
    }
    if server.cluster.version() >= 17 {
        admin.batch_execute("alter role odd set transaction_timeout = '9s'").await.unwrap();
    }
    let session = connected(&server.conninfo("user=odd")).await;
    let asked = "select string_agg(name || '=' || setting, ' ' order by name collate \"C\")
        from pg_settings where source not in ('default', 'configuration file', 'override')
        and (name ~* 'timeout|style|output|encoding|float' or name = 'TimeZone')
        and name not in ('authentication_timeout', 'checkpoint_timeout', 'wal_sender_timeout')";
    let expected = "DateStyle=ISO, MDY IntervalStyle=postgres TimeZone=UTC bytea_output=hex \
        client_encoding=UTF8 extra_float_digits=1 idle_in_transaction_session_timeout=0 \
        IDLE lock_timeout=0 statement_timeout=0";
    let idle = if server.cluster.version() >= 14 { "idle_session_timeout=0" } else { "" };
    let expected = expected.replace("IDLE", idle).replace("  ", " ");
    let shown = ask(&session, asked).await.replace(" transaction_timeout=0", "");
    assert_eq!(shown, expected);
    assert_eq!(session.server_version / 10_000, server.cluster.version());
}

#[tokio::test]
async fn given_options_reach_the_server_but_cannot_change_how_rows_look() {
    let server = &world().await.with_tls;
    let options = r"options='-c statement_timeout=7s -c TimeZone=Asia/Tokyo -c my.own=a\\ b'";
    let session = connected(&server.conninfo(options)).await;
    for (setting, value) in [("statement_timeout", "7s"), ("TimeZone", "UTC"), ("my.own", "a b")] {
        assert_eq!(ask(&session, &format!("show {setting}")).await, value);
    }
}

#[tokio::test]
async fn the_server_is_told_the_purpose() {
    let server = &world().await.with_tls;
    for (more, expected) in [
        ("", "rowcast test"),
        ("application_name=mine", "mine"),
        ("fallback_application_name=mine", "mine"),
    ] {
        let session = connected(&server.conninfo(more)).await;
        assert_eq!(ask(&session, "show application_name").await, expected);
    }
}

#[tokio::test]
async fn rings_that_nobody_waited_for_count_as_one() {
    let server = &world().await.with_tls;
    let mut session = connected(&server.conninfo("")).await;
    assert!(session.bell.rung().now_or_never().is_none());
    session.client.batch_execute("listen a; listen b").await.unwrap();
    session.client.batch_execute("notify a; notify b; notify a, 'x'").await.unwrap();
    session.client.batch_execute("select 1").await.unwrap();
    tokio::time::timeout(DEADLINE, session.bell.rung()).await.unwrap().unwrap();
    assert!(session.bell.rung().now_or_never().is_none());
    let admin = admin(server).await;
    let (rung, notified) = tokio::join!(
        tokio::time::timeout(DEADLINE, session.bell.rung()),
        admin.batch_execute("notify b"),
    );
    notified.unwrap();
    rung.unwrap().unwrap();
}

#[tokio::test]
async fn the_end_of_a_connection_is_noticed_and_explained() {
    let server = &world().await.with_tls;
    let mut session = connected(&server.conninfo("")).await;
    assert!(!session.closed.is_closed());
    // A request under way would be told the reason in the connection's stead: this leaves none.
    let simple = session.client.simple_query("select pg_backend_pid()").await.unwrap();
    let backend = simple.iter().find_map(|message| match message {
        SimpleQueryMessage::Row(row) => row.get(0)?.parse::<i32>().ok(),
        _ => None,
    });
    let admin = admin(server).await;
    admin.execute("select pg_terminate_backend($1)", &[&backend]).await.unwrap();
    let ended = tokio::time::timeout(DEADLINE, session.closed.wait()).await.unwrap();
    let source = ended.source().unwrap().downcast_ref::<std::sync::Arc<tokio_postgres::Error>>();
    assert_eq!(source.unwrap().code().unwrap().code(), "57P01");
    assert!(session.closed.is_closed());
    session.bell.rung().await.unwrap_err();
    session.client.batch_execute("select 1").await.unwrap_err();
}

#[tokio::test]
async fn a_dropped_session_closes_its_connection() {
    let server = &world().await.with_tls;
    let session = connected(&server.conninfo("")).await;
    let (backend, closed) = (backend(&session).await, session.closed.clone());
    drop(session);
    let ended = tokio::time::timeout(DEADLINE, closed.wait()).await.unwrap();
    assert!(ended.source().is_none());
    is_gone(server, backend).await;
}

#[tokio::test]
async fn a_dropped_session_ends_the_query_that_it_was_busy_with() {
    let server = &world().await.with_tls;
    let session = connected(&server.conninfo("")).await;
    let (backend, closed) = (backend(&session).await, session.closed.clone());
    let mut query = Box::pin(session.client.batch_execute("select pg_sleep(600)"));
    assert!(query.as_mut().now_or_never().is_none());
    let admin = admin(server).await;
    eventually("the query runs", async || {
        let asked = "select from pg_stat_activity where pid = $1 and wait_event = 'PgSleep'";
        admin.query_opt(asked, &[&backend]).await.unwrap()
    })
    .await;
    drop(query);
    drop(session);
    tokio::time::timeout(DEADLINE, closed.wait()).await.unwrap();
    is_gone(server, backend).await;
}

/// Stands before a server and refuses startup packets with these bytes in them, as PgBouncer
/// refuses options.
async fn pooler_that_refuses(part: &'static str, server_port: u16) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((mut client, _)) = listener.accept().await {
            let mut startup = vec![0; 10_000];
            let length = client.read(&mut startup).await.unwrap();
            let startup = &startup[..length];
            if startup.windows(part.len()).any(|window| window == part.as_bytes()) {
                let fields = "SFATAL\0C08P01\0Munsupported startup parameter: options\0\0";
                let mut refusal = vec![b'E'];
                refusal.extend(u32::try_from(fields.len() + 4).unwrap().to_be_bytes());
                refusal.extend(fields.as_bytes());
                client.write_all(&refusal).await.unwrap();
                continue;
            }
            let mut server = TcpStream::connect(("127.0.0.1", server_port)).await.unwrap();
            server.write_all(startup).await.unwrap();
            tokio::spawn(async move {
                let _ = tokio::io::copy_bidirectional(&mut client, &mut server).await;
            });
        }
    });
    port
}

#[tokio::test]
async fn a_pooler_that_refuses_options_gets_none_and_inherits_nothing() {
    let server = &world().await.with_tls;
    let port = pooler_that_refuses("options", server.port).await;
    let session = connected(&server.conninfo(&format!("port={port} sslmode=disable"))).await;
    let asked = "select count(*)::text from pg_settings where source = 'session'";
    assert_eq!(ask(&session, asked).await, "0");
}
