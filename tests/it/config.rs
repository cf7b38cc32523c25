//! What the program says to bad configurations, and how it ends.

use crate::support;
use crate::support::program::{Place, run};

/// A database with two tables, and its URL.
async fn shop() -> String {
    let url = support::fresh_database().await;
    let client = support::connect(&url).await;
    client
        .batch_execute(
            "create table orders (id int primary key, status text, internal_note text);
             create table notes (body text)",
        )
        .await
        .unwrap();
    url
}

#[tokio::test]
async fn a_right_configuration_is_summed_up() {
    let url = shop().await;
    let place = Place::with(&format!(
        "[database]\nurl = {url:?}\n[auth]\nanonymous = true\n[[table]]\nname = \"orders\"\n\
         rows = \"true\"\nhide = [\"internal_note\"]\n[[table]]\nname = \"notes\"\nrows = \"true\"\nkey = []\n"
    ));
    let ended = place.run(&["check"]).await;
    assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""), "{ended:?}");
    assert!(ended.stdout.contains("orders  key id; 2 of 3 columns\n"), "{}", ended.stdout);
    assert!(ended.stdout.contains("notes   no key; all 1 columns\n"), "{}", ended.stdout);
}

#[tokio::test]
async fn faults_of_the_file_and_of_the_database_come_together_with_their_places() {
    let url = shop().await;
    let place = Place::with(&format!(
        "[database]\nurl = {url:?}\n[server]\nlisten = 7700\nport = 7700\n\
         [[table]]\nname = \"ordres\"\nrows = \"true\"\n\
         [[table]]\nname = \"orders\"\nrows = \"true\"\nhide = [\"internal_nite\"]\n\
         [[table]]\nname = \"notes\"\nrows = \"true\"\n"
    ));
    for command in ["check", "serve"] {
        let ended = place.run(&[command]).await;
        assert_eq!(ended.code, Some(64), "{ended:?}");
        assert_eq!(ended.stdout, "");
        for expected in [
            "expected a string\n",
            "rowcast.toml:4:10",
            "unknown key `port` in [server]",
            "rowcast.toml:5:1",
            "table `ordres` doesn't exist",
            "rowcast.toml:7:8",
            "did you mean `orders`?",
            "table `orders` has no column `internal_nite`",
            "rowcast.toml:12:9",
            "did you mean `internal_note`?",
            "table `notes` has no primary key",
            "rowcast.toml:14:8",
            "key = []",
            "rowcast: 5 faults in the configuration\n",
        ] {
            assert!(ended.stderr.contains(expected), "{command}, {expected}:\n{}", ended.stderr);
        }
        assert!(!ended.stderr.contains('\u{1b}'), "colours for no terminal: {}", ended.stderr);
    }
}

#[tokio::test]
async fn faults_of_the_file_are_told_without_a_database() {
    let place = Place::with("[database]\nurl = \"postgres://nobody@127.0.0.1:1/x\"\n[sever]\n");
    let ended = place.run(&["check"]).await;
    assert_eq!(ended.code, Some(64), "{ended:?}");
    assert!(ended.stderr.contains("did you mean `server`?"), "{}", ended.stderr);
    assert!(ended.stderr.contains("the tables were not looked up"), "{}", ended.stderr);
}

#[tokio::test]
async fn a_database_that_is_away_is_no_fault_of_the_configuration() {
    let place = Place::with("[database]\nurl = \"postgres://u:hunter2@127.0.0.1:1/x\"\n");
    let ended = place.run(&["check"]).await;
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert!(ended.stderr.contains("127.0.0.1:1"), "{}", ended.stderr);
    assert!(!ended.stderr.contains("hunter2"), "{}", ended.stderr);
}

#[tokio::test]
async fn wrong_usage_ends_with_2() {
    let place = Place::with("");
    for arguments in
        [&["chek"][..], &["check", "--nonsense"], &[], &["--log-format", "xml", "check"]]
    {
        assert_eq!(place.run(arguments).await.code, Some(2), "{arguments:?}");
    }
}

#[tokio::test]
async fn help_and_version_end_with_0() {
    let place = Place::with("nonsense");
    for arguments in [&["--help"][..], &["serve", "--help"], &["--version"]] {
        let ended = place.run(arguments).await;
        assert_eq!(ended.code, Some(0), "{arguments:?}");
        assert!(ended.stdout.contains("rowcast"), "{}", ended.stdout);
    }
}

#[tokio::test]
async fn a_file_that_was_named_must_be_there() {
    let place = Place::with("");
    for command in ["check", "serve", "install", "uninstall", "status"] {
        let ended = place.run(&[command, "--config", "other.toml"]).await;
        assert_eq!(ended.code, Some(64), "{command}: {ended:?}");
        assert!(ended.stderr.contains("other.toml can't be read"), "{}", ended.stderr);
    }
}

#[tokio::test]
async fn the_environment_names_the_file_and_empty_variables_count_as_absent() {
    let place = Place::with("[nonsense]");
    let mut command = place.rowcast(&["check"]);
    let ended = run({
        command.env("ROWCAST_CONFIG", "other.toml");
        command
    })
    .await;
    assert!(ended.stderr.contains("other.toml can't be read"), "{ended:?}");
    let mut command = place.rowcast(&["check"]);
    let ended = run({
        command.env("ROWCAST_CONFIG", "").env("ROWCAST_LOG_FORMAT", "").env("DATABASE_URL", "");
        command
    })
    .await;
    assert!(ended.stderr.contains("unknown key `nonsense`"), "{ended:?}");
}

#[tokio::test]
async fn the_environment_alone_is_enough() {
    let url = shop().await;
    let place = Place::empty();
    let mut command = place.rowcast(&["check"]);
    command
        .env("DATABASE_URL", url)
        .env("ROWCAST_AUTH__ANONYMOUS", "true")
        .env("ROWCAST_TABLE", r#"[{"name": "orders", "rows": "true"}]"#);
    let ended = run(command).await;
    assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""), "{ended:?}");
    assert!(ended.stdout.contains("orders  key id; all 3 columns\n"), "{}", ended.stdout);
}

#[tokio::test]
async fn faults_are_lines_of_a_json_log_if_that_is_wanted() {
    let place = Place::with("[database]\nurl = \"postgres://x@127.0.0.1:1/x\"\n[log]\nwake = 5\n");
    let ended = place.run(&["check", "--log-format", "json"]).await;
    assert_eq!(ended.code, Some(64), "{ended:?}");
    let lines: Vec<serde_json::Value> =
        ended.stderr.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let fault = lines.iter().find(|line| line["level"] == "ERROR").unwrap();
    assert_eq!(fault["message"], "expected a string");
    assert_eq!((&fault["source"], &fault["line"]), (&"rowcast.toml".into(), &4.into()));
}
