//! Failed connections: what to do next, and the sentence that says it.

use std::net::TcpListener;
use std::time::Instant;

use super::server::world;
use super::{ask, connected, outcome, refusal};
use crate::support;

#[tokio::test]
async fn failures_are_told_apart_by_what_to_do_next() {
    let server = &world().await.with_tls;
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    for (more, transient, expected) in [
        ("password=wrong", false, "check the password"),
        ("password=''", false, "give a password"),
        ("user=nobody_here", false, "check the password"),
        ("dbname=nowhere", false, "\"nowhere\" does not exist: check the database's name"),
        ("options=-cnonsense=1", false, "unrecognized configuration parameter"),
        (&*format!("port={closed}"), true, "is PostgreSQL running there"),
        ("host=/nowhere hostaddr=''", true, "there is no such socket"),
        ("host=nowhere.invalid hostaddr=''", true, "check the host's name"),
    ] {
        let error = refusal(&server.conninfo(more)).await;
        let explained = error.explain();
        assert_eq!(error.is_transient(), transient, "{more}: {explained}");
        assert!(explained.contains(expected), "{more}: {explained}");
        assert!(!format!("{error:?} {explained}").contains("hush"), "{explained}");
    }
}

#[tokio::test]
async fn a_full_server_is_tried_again() {
    let server = &world().await.with_tls;
    let admin = support::connect(&server.cluster.socket_url("postgres")).await;
    let full = "create role full_up login connection limit 0 password 'it''s hush'";
    admin.batch_execute(full).await.unwrap();
    let error = refusal(&server.conninfo("user=full_up")).await;
    assert!(error.is_transient() && error.explain().contains("too many connections"));
}

#[tokio::test]
async fn a_silent_server_is_given_up_in_time() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let started = Instant::now();
    let error = refusal(&format!("host=127.0.0.1 port={port} user=x connect_timeout=1")).await;
    assert!(error.is_transient() && error.explain().contains("no answer within 1 s"));
    assert!(started.elapsed() < support::DEADLINE);
}

#[tokio::test]
async fn the_next_server_is_tried_when_one_is_away_but_not_when_one_refuses() {
    let world = world().await;
    let away = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let (first, second) = (world.with_tls.port, world.without_tls.port);
    let hosts = "host=localhost,localhost hostaddr=127.0.0.1,127.0.0.1";
    let ports = |a: u16, b: u16| world.with_tls.conninfo(&format!("{hosts} port={a},{b}"));
    let session = connected(&ports(away, second)).await;
    assert_eq!(ask(&session, "show port").await, second.to_string());
    let error = refusal(&format!("{} password=wrong", ports(first, second))).await;
    assert_eq!(error.attempts().len(), 1);
    let none = refusal(&ports(away, away)).await;
    assert_eq!((none.attempts().len(), none.is_transient()), (2, true));
}

#[tokio::test]
async fn only_a_server_of_the_wanted_kind_will_do() {
    let server = &world().await.with_tls;
    let read_only = "options='-c default_transaction_read_only=on'";
    for (more, expected) in [
        ("target_session_attrs=any", "tls"),
        ("target_session_attrs=read-write", "tls"),
        ("target_session_attrs=primary", "tls"),
        ("target_session_attrs=prefer-standby", "tls"),
        ("target_session_attrs=standby", "unreachable"),
        ("target_session_attrs=read-only", "unreachable"),
        (&*format!("target_session_attrs=read-only {read_only}"), "tls"),
        (&*format!("target_session_attrs=read-write {read_only}"), "unreachable"),
    ] {
        assert_eq!(outcome(&server.conninfo(more)).await, expected, "{more}");
    }
}
