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
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(ended.stderr.contains("every row of `orders` is visible to anonymous readers"));
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
    assert_eq!(ended.code, Some(0), "{ended:?}");
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

/// A place whose `orders` have these predicates; `auth` is what [auth] has.
async fn place_with(auth: &str, table: &str) -> Place {
    let url = shop().await;
    let client = support::connect(&url).await;
    client.batch_execute("alter table orders add customer_id int, add margin int").await.unwrap();
    Place::with(&format!(
        "[database]\nurl = {url:?}\n[auth]\n{auth}\n[[table]]\nname = \"orders\"\n{table}\n"
    ))
}

#[tokio::test]
async fn a_policy_is_told_in_words() {
    let place = place_with(
        "anonymous = true\n[auth.jwt]\nsecret = \"0123456789012345678901234567890123456789\"\nalgorithms = [\"HS256\"]",
        "rows = \"\"\"customer_id = auth.sub\n  or auth.role = 'admin'\"\"\"\nhide = [\"internal_note\"]\n\
         [table.columns]\nmargin = \"auth.role = 'admin'\"",
    )
    .await;
    let ended = place.run(&["check"]).await;
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let expected = "  orders  key id; 4 of 5 columns\n    \
                    rows     where customer_id = auth.sub or auth.role = 'admin'; none for anonymous readers\n    \
                    columns  always id, status, customer_id\n             \
                    margin where auth.role = 'admin'\n             \
                    never internal_note\n";
    assert!(ended.stdout.ends_with(expected), "{}", ended.stdout);
    assert!(
        ended.stderr.contains("no index of `orders` begins with `customer_id`"),
        "{}",
        ended.stderr
    );
}

#[tokio::test]
async fn what_looks_unintended_is_warned_about() {
    let place = place_with(
        "[[auth.key]]\nname = \"wall\"\nclaims = { role = \"wall\" }\n\
         sha256 = \"9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08\"",
        "rows = \"true\"\n[table.columns]\nmargin = \"auth.rank = 'boss'\"",
    )
    .await;
    let client = support::connect(&place.url()).await;
    client.batch_execute("alter table orders add password_hash text").await.unwrap();
    let ended = place.run(&["check"]).await;
    assert_eq!(ended.code, Some(0), "{ended:?}");
    for words in [
        "every row of `orders` is visible to everybody with a credential",
        "\"password_hash\" of `orders` is visible in every visible row",
        "hide = [\"password_hash\"]",
        "nobody has the claim `rank`",
        "the keys in [[auth.key]] have `role`",
    ] {
        assert!(ended.stderr.contains(words), "{words}:\n{}", ended.stderr);
    }
}

#[tokio::test]
async fn what_is_wrong_with_a_predicate_is_pointed_at() {
    let place = place_with(
        "anonymous = true",
        "rows = \"status = 'open' and custmer_id = 7\"\n[table.columns]\nmargin = \"random() < 1\"\nid = \"true\"\n\
         nothing = \"true\"",
    )
    .await;
    let ended = place.run(&["check"]).await;
    assert_eq!(ended.code, Some(64), "{ended:?}");
    for words in [
        "rowcast.toml:7:29]",
        "·                             ──────────",
        "rowcast.toml:9:11]",
        "column `id` identifies the rows of `orders` and takes no rule",
        "table `orders` has no column `nothing`",
        "rowcast: 4 faults in the configuration",
    ] {
        assert!(ended.stderr.contains(words), "{words}:\n{}", ended.stderr);
    }
}
