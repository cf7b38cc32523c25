//! The private cluster: it does what a server does, and leaves nothing behind.

use std::path::Path;
use std::process::{Command, Stdio};

use rowcast::demo::cluster::{Cluster, Options, Programs, Stop};

use crate::support::{connect, eventually, fresh_database, private_cluster};

/// A zombie has ended; where nobody collects orphans it stays in the list of processes.
fn is_running(pid: u32) -> bool {
    let state = Command::new("ps").args(["-o", "stat=", "-p", &pid.to_string()]).output().unwrap();
    let state = String::from_utf8_lossy(&state.stdout).into_owned();
    !state.trim().is_empty() && !state.starts_with('Z')
}

pub async fn is_gone(pid: u32, directory: &Path) {
    let gone = async || (!is_running(pid) && !directory.exists()).then_some(());
    eventually("the server and its directory are gone", gone).await;
}

#[tokio::test]
async fn each_database_is_new() {
    let (one, other) =
        (connect(&fresh_database().await).await, connect(&fresh_database().await).await);
    one.batch_execute("create table t (a int)").await.unwrap();
    assert!(other.query("select * from t", &[]).await.is_err());
}

#[tokio::test]
async fn a_dropped_cluster_leaves_nothing() {
    let cluster = private_cluster(&[]);
    let (pid, directory) = (cluster.pid().unwrap(), cluster.directory().to_owned());
    assert!(is_running(pid) && directory.join("data").exists());
    drop(cluster);
    assert!(!is_running(pid) && !directory.exists());
}

#[tokio::test]
async fn settings_reach_the_server() {
    let cluster = private_cluster(&[("work_mem", "123kB"), ("cluster_name", r"it's \ odd")]);
    let client = connect(&cluster.url("postgres")).await;
    for (name, value) in [("work_mem", "123kB"), ("cluster_name", r"it's \ odd"), ("fsync", "off")]
    {
        let row = client.query_one(&format!("show {name}"), &[]).await.unwrap();
        assert_eq!(row.get::<_, String>(0), value);
    }
}

#[tokio::test]
async fn a_killed_server_starts_again_with_what_was_committed() {
    let mut cluster = private_cluster(&[("synchronous_commit", "on")]);
    let client = connect(&cluster.url("postgres")).await;
    client.batch_execute("create table t as select 1 as a").await.unwrap();
    for how in [Stop::Kill, Stop::Immediate, Stop::Fast] {
        cluster.restart(how).unwrap();
        let client = connect(&cluster.url("postgres")).await;
        assert_eq!(client.query_one("select a from t", &[]).await.unwrap().get::<_, i32>(0), 1);
    }
}

#[tokio::test]
async fn over_tcp_a_password_is_asked_for() {
    let programs = Programs::find(None).unwrap();
    let cluster = Cluster::start(&programs, Options { tcp: true, ..Options::default() }).unwrap();
    let url = cluster.url("postgres");
    connect(&url).await.batch_execute("select 1").await.unwrap();
    let (start, rest) = url.split_once("postgres:").unwrap();
    let wrong = format!("{start}postgres:x{rest}");
    assert!(tokio_postgres::connect(&wrong, tokio_postgres::NoTls).await.is_err());
}

/// Not a test by itself: the process that the next test kills.
#[test]
#[ignore = "runs until it is killed"]
fn holds_a_cluster_until_killed() {
    let cluster = private_cluster(&[]);
    println!("\nholding {} {}", cluster.pid().unwrap(), cluster.directory().display());
    loop {
        std::thread::park();
    }
}

#[tokio::test]
async fn a_killed_owner_leaves_nothing() {
    let mut command = tokio::process::Command::new(std::env::current_exe().unwrap());
    command.args(["--ignored", "--exact", "cluster::holds_a_cluster_until_killed", "--nocapture"]);
    let mut owner = command.stdout(Stdio::piped()).kill_on_drop(true).spawn().unwrap();
    let (pid, directory) = held_by(owner.stdout.take().unwrap()).await;
    assert!(is_running(pid));
    owner.kill().await.unwrap();
    is_gone(pid, &directory).await;
}

async fn held_by(output: tokio::process::ChildStdout) -> (u32, std::path::PathBuf) {
    use tokio::io::{AsyncBufReadExt as _, BufReader};
    let mut lines = BufReader::new(output).lines();
    while let Some(line) = lines.next_line().await.unwrap() {
        if let Some(held) = line.strip_prefix("holding ") {
            let (pid, directory) = held.split_once(' ').unwrap();
            return (pid.parse().unwrap(), directory.into());
        }
    }
    panic!("the owner ended early");
}
