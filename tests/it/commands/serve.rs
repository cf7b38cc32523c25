//! The start of `serve`.

use nix::sys::signal::Signal;
use rowcast::demo::cluster::Stop;

use super::config;
use crate::support::program::Place;
use crate::support::{fresh_database, private_cluster};

#[tokio::test]
async fn a_database_that_is_not_up_yet_is_waited_for() {
    let mut cluster = private_cluster(&[]);
    cluster.stop(Stop::Fast).unwrap();
    let place = Place::with(&config(&cluster.url("postgres"), ""));
    let mut daemon = place.start(&["serve"]);
    daemon.logs("waiting up to 60 s for the database").await;
    let started = tokio::task::spawn_blocking(move || {
        cluster.start_again().unwrap();
        cluster
    });
    let _cluster = started.await.unwrap();
    daemon.address().await;
}

#[tokio::test]
async fn waiting_can_be_interrupted() {
    let place = Place::with(&config("postgres://x@127.0.0.1:1/x", ""));
    let mut daemon = place.start(&["serve"]);
    daemon.logs("waiting up to 60 s").await;
    daemon.signal(Signal::SIGTERM);
    let (code, rest) = daemon.end().await;
    assert_eq!(code, Some(0), "{rest}");
}

#[tokio::test]
async fn what_waiting_does_not_mend_is_not_waited_for() {
    let url = fresh_database().await.replacen("/test_", "/no_test_", 1);
    let place = Place::with(&config(&url, ""));
    let ended = place.run(&["serve"]).await;
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert!(ended.stderr.contains("check the database's name"), "{ended:?}");
    assert!(!ended.stderr.contains("waiting"), "{ended:?}");
}

#[tokio::test]
async fn without_an_installation_no_install_serves_nothing() {
    let url = fresh_database().await;
    let place = Place::with(&config(&url, ""));
    let ended = place.run(&["serve", "--no-install"]).await;
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert!(ended.stderr.contains("run `rowcast install`"), "{ended:?}");
}
