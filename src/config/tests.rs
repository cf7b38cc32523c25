//! Bad input and what is said about it; good input and what is understood.

use std::time::Duration;

use proptest::prelude::*;

use super::{Config, Draft, Environment, Faults};
use crate::changelog::Wake;
use crate::policy::UpdateKind;

fn variables<const N: usize>(pairs: [(&str, &str); N]) -> Environment {
    pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).into()
}

fn parse(file: Option<(&str, &str)>, environment: &Environment) -> Result<Config, Faults> {
    Draft::read(file, environment).finish()
}

fn read(text: &str) -> Result<Config, Faults> {
    parse(Some(("rowcast.toml", text)), &Environment::new())
}

/// The faults of a file as they are shown.
fn shown(text: &str) -> String {
    read(text).expect_err("the configuration is accepted").render(false)
}

/// The faults of environment variables as they are shown.
fn shown_of_variables<const N: usize>(pairs: [(&str, &str); N]) -> String {
    parse(None, &variables(pairs)).expect_err("the configuration is accepted").render(false)
}

/// A table that all may read, and those who may.
const MINIMAL: &str = "[auth]\nanonymous = true\n[[table]]\nname = \"orders\"\nrows = \"true\"\n";

#[test]
fn the_least_configuration_is_complete() {
    let config = read(MINIMAL).unwrap();
    assert!(config.warnings.is_empty(), "{}", config.warnings.render(false));
    let settings = config.settings;
    assert_eq!(settings.server.listen.to_string(), "127.0.0.1:7700");
    assert_eq!(settings.server.max_event_bytes, 1 << 20);
    assert_eq!(settings.log.retention, Duration::from_secs(86_400));
    assert_eq!(settings.log.max_size_bytes, 2 << 30);
    assert_eq!(settings.log.wake, Wake::Listen);
    assert!(settings.auth.anonymous);
    let [table] = settings.tables.as_slice() else { panic!("one table") };
    assert_eq!((table.name.as_str(), &table.columns, &table.key), ("orders", &None, &None));
    assert_eq!((table.hide.len(), table.updates), (0, UpdateKind::Patched));
}

#[test]
fn the_example_has_neither_faults_nor_warnings() {
    let config = read(include_str!("../../rowcast.example.toml")).unwrap();
    assert!(config.warnings.is_empty(), "{}", config.warnings.render(false));
}

#[test]
fn a_host_is_a_name_and_nothing_else() {
    for host in ["https://rowcast.example", "rowcast.example:7700", "*.example", "a/b", "", "[::1]"]
    {
        let faults = shown(&format!("[server]\nhosts = [{host:?}]"));
        assert!(faults.contains("is not a host's name"), "{host}: {faults}");
    }
}

#[test]
fn everything_that_can_be_said() {
    let settings = read(
        r#"
        [database]
        url = "postgres://app@db/shop"
        [server]
        listen = "[::1]:0"
        allowed_origins = ["https://Shop.example:443", "http://localhost:5173"]
        max_event_bytes = "2 MiB"
        outbox_max_bytes = 4_194_304
        max_connections = 10
        hosts = ["Rowcast.Example", "live.example."]
        max_connections_per_identity = 5
        max_subscriptions = 6
        max_subscriptions_per_identity = 7
        max_messages_per_second = 8
        max_message_bytes = "128KiB"
        [log]
        retention = "1h 30m"
        max_size = "512MiB"
        wake = "poll"
        [[table]]
        name = 'sales."or.ders"'
        rows = " status = 'open' "
        columns = ["id", "total"]
        hide = ["note"]
        key = []
        updates = "updated"
        "#,
    )
    .unwrap()
    .settings;
    assert_eq!(settings.server.listen.to_string(), "[::1]:0");
    assert_eq!(settings.server.allowed_origins, ["https://shop.example", "http://localhost:5173"]);
    assert_eq!(settings.server.max_event_bytes, 2 << 20);
    assert_eq!(settings.server.outbox_max_bytes, 4 << 20);
    assert_eq!(settings.server.max_connections, 10);
    assert_eq!(settings.server.hosts, ["rowcast.example", "live.example"]);
    assert_eq!(settings.server.max_connections_per_identity, 5);
    assert_eq!(settings.server.max_subscriptions, 6);
    assert_eq!(settings.server.max_subscriptions_per_identity, 7);
    assert_eq!(settings.server.max_messages_per_second, 8);
    assert_eq!(settings.server.max_message_bytes, 128 << 10);
    assert_eq!(settings.log.retention, Duration::from_secs(5400));
    assert_eq!(settings.log.max_size_bytes, 512 << 20);
    assert_eq!(settings.log.wake, Wake::Poll);
    let [table] = settings.tables.as_slice() else { panic!("one table") };
    assert_eq!(table.columns.as_deref(), Some(["id", "total"].map(String::from).as_slice()));
    assert_eq!((table.rows.as_str(), table.column_rules.len()), (" status = 'open' ", 0));
    assert_eq!(table.hide, ["note"]);
    assert_eq!(table.key, Some(Vec::new()));
    assert_eq!(table.updates, UpdateKind::Updated);
}

#[test]
fn ten_faults_and_more_are_reported_at_once() {
    let shown = shown(include_str!("tests/many_faults.toml"));
    insta::assert_snapshot!(shown);
}

#[test]
fn what_this_version_lacks_is_refused_and_not_ignored() {
    let shown = shown(include_str!("tests/later.toml"));
    insta::assert_snapshot!(shown);
}

#[test]
fn broken_syntax_hides_no_fault_before_it() {
    let shown = shown(include_str!("tests/broken_syntax.toml"));
    insta::assert_snapshot!(shown);
}

#[test]
fn tables_that_contradict_themselves() {
    let shown = shown(include_str!("tests/contradictions.toml"));
    insta::assert_snapshot!(shown);
}

/// The only table's rules, as `column: predicate`.
fn rules(config: Config) -> Vec<String> {
    let [table] = config.settings.tables.as_slice() else { panic!("one table") };
    table.column_rules.iter().map(|rule| format!("{}: {}", rule.column, rule.visible_if)).collect()
}

#[test]
fn columns_are_a_list_or_have_rules() {
    let rule = "margin = \"auth.role = 'admin'\"\n\"we.ird\" = 'true'\n";
    let expected = ["margin: auth.role = 'admin'", "we.ird: true"];
    let config = read(&format!("{MINIMAL}hide = [\"x\"]\n[table.columns]\n{rule}")).unwrap();
    assert_eq!(config.settings.tables[0].columns, None);
    assert_eq!(rules(config), expected);
    let variable = r#"{margin = "auth.role = 'admin'", "we.ird" = "true"}"#;
    for pairs in [
        vec![("ROWCAST_TABLE__0__COLUMNS", variable)],
        vec![
            ("ROWCAST_TABLE__0__COLUMNS__MARGIN", "auth.role = 'admin'"),
            ("ROWCAST_TABLE__0__COLUMNS__WE.IRD", "true"),
        ],
    ] {
        let pairs = pairs.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned()));
        let config = parse(Some(("rowcast.toml", MINIMAL)), &pairs.collect()).unwrap();
        assert_eq!(rules(config), expected);
    }
}

#[test]
fn rows_may_come_from_a_variable() {
    let environment = variables([("ROWCAST_TABLE__0__ROWS", "customer_id = auth.sub::bigint")]);
    let config = parse(Some(("rowcast.toml", MINIMAL)), &environment).unwrap();
    assert_eq!(config.settings.tables[0].rows, "customer_id = auth.sub::bigint");
}

#[test]
fn rules_that_contradict_the_lists() {
    insta::assert_snapshot!(shown(include_str!("tests/rules.toml")));
}

#[test]
fn columns_as_a_list_and_with_rules_are_explained() {
    let text = format!("{MINIMAL}columns = [\"id\"]\n[table.columns]\nmargin = \"true\"\n");
    insta::assert_snapshot!(shown(&text));
}

/// What is pointed at in the first string of the file, for a character of its text.
fn pointed_at(written: &str, character: usize) -> String {
    let mut faults = Faults::default();
    let (node, _) = super::written::parse("x", &format!("a = {written}"), &mut faults);
    let super::written::Written::Table(entries) = node.value else { panic!("a table") };
    let super::written::Written::Text(text) = &entries[0].node.value else { panic!("a string") };
    super::place::word_at(&entries[0].node.place, text, character).text().to_owned()
}

#[test]
fn a_character_of_a_string_is_found_in_the_file() {
    for (written, character, expected) in [
        ("\"total > limit\"", 1, "total"),
        ("\"total > limit\"", 7, ">"),
        ("'größe > limit'", 9, "limit"),
        ("\"\"\"\nfirst and\n  second\"\"\"", 13, "second"),
        ("'''\r\na or b'''", 6, "b"),
        ("\"\"\"a or b\"\"\"", 6, "b"),
        ("''''''", 1, ""),
        ("\"\"", 1, ""),
        ("\"total >\"", 8, ""),
        ("\"total >\"", 99, ""),
        ("\"€ 'x'\"", 1, "€"),
        (r#""a \u0061 b""#, 1, "a"),
        (r#""a \u0061 b""#, 5, r#""a \u0061 b""#),
        (r#""a = \"b\"""#, 5, r#""a = \"b\"""#),
        ("\"\"\"a\\\n   b\"\"\"", 2, "\"\"\"a\\\n   b\"\"\""),
    ] {
        assert_eq!(pointed_at(written, character), expected, "{written} {character}");
    }
}

#[test]
fn faults_in_variables_name_the_variable() {
    let shown = shown_of_variables([
        ("ROWCAST_SERVER__LISTEN", "0.0.0.0"),
        ("ROWCAST_SERVER__ALLOWED_ORIGINS", "https://shop.example, shop.example"),
        ("ROWCAST_LOG__RETENTION", "24"),
        ("ROWCAST_LOG__RETENION", "24h"),
        ("ROWCAST_AUTH__ANONYMOUS", "yes"),
        ("ROWCAST_TABLE", r#"[{name = "orders", rows = "true", hidden = ["x"]}]"#),
        ("ROWCAST_TABLE__3__NAME", "products"),
    ]);
    insta::assert_snapshot!(shown);
}

#[test]
fn variables_win_over_the_file() {
    let environment = variables([
        ("ROWCAST_SERVER__LISTEN", "0.0.0.0:80"),
        ("ROWCAST_SERVER__ALLOWED_ORIGINS", "https://a.example, https://b.example"),
        ("ROWCAST_SERVER__MAX_CONNECTIONS", "7"),
        ("ROWCAST_LOG__WAKE", "poll"),
        ("ROWCAST_AUTH__ANONYMOUS", "false"),
        ("ROWCAST_TABLE__0__HIDE", "note,margin"),
        ("ROWCAST_TABLE__1__NAME", "products"),
        ("ROWCAST_TABLE__1__ROWS", "true"),
    ]);
    let settings = parse(Some(("rowcast.toml", MINIMAL)), &environment).unwrap().settings;
    assert_eq!(settings.server.listen.to_string(), "0.0.0.0:80");
    assert_eq!(settings.server.allowed_origins, ["https://a.example", "https://b.example"]);
    assert_eq!(settings.server.max_connections, 7);
    assert_eq!(settings.log.wake, Wake::Poll);
    assert!(!settings.auth.anonymous);
    let names: Vec<&str> = settings.tables.iter().map(|table| table.name.as_str()).collect();
    assert_eq!(names, ["orders", "products"]);
    assert_eq!(settings.tables[0].hide, ["note", "margin"]);
}

#[test]
fn a_whole_list_of_tables_fits_into_a_variable_as_toml_or_json() {
    for text in [
        r#"[{name = "a", rows = "true"}, {name = "b", rows = "true", key = ["x"]}]"#,
        r#"[{"name": "a", "rows": "true"}, {"name": "b", "rows": "true", "key": ["x"]}]"#,
    ] {
        let environment = variables([("ROWCAST_TABLE", text)]);
        let tables = parse(Some(("rowcast.toml", MINIMAL)), &environment).unwrap().settings.tables;
        let names: Vec<&str> = tables.iter().map(|table| table.name.as_str()).collect();
        assert_eq!(names, ["a", "b"]);
        assert_eq!(tables[1].key.as_deref(), Some(["x".to_owned()].as_slice()));
    }
}

#[test]
fn variables_of_an_orchestrator_are_left_alone_but_slips_are_named() {
    let environment = variables([
        ("ROWCAST_PORT", "tcp://10.0.0.1:7700"),
        ("ROWCAST_SERVICE_HOST", "10.0.0.1"),
        ("ROWCAST_CONFIG", "x.toml"),
        ("ROWCAST_SERVER_LISTEN", "0.0.0.0:7700"),
    ]);
    let config = parse(Some(("rowcast.toml", MINIMAL)), &environment).unwrap();
    insta::assert_snapshot!(config.warnings.render(false));
}

#[test]
fn a_connection_string_that_names_no_database() {
    let shown = shown("[database]\nurl = \"postgres://app:secret@db/shop?sslmod=require\"\n");
    insta::assert_snapshot!(shown);
    let shown = shown_of_variables([("DATABASE_URL", "mysql://root:secret@db/shop")]);
    insta::assert_snapshot!(shown);
}

#[test]
fn a_daemon_that_serves_nobody_or_nothing_is_warned_about() {
    insta::assert_snapshot!(read("[auth]\nanonymous = false\n").unwrap().warnings.render(false));
}

#[test]
fn no_password_is_shown() {
    for text in [
        "[database]\nurl = \"postgres://app:hunter2@db/shop\"\nulr = 1",
        "[database]\nurl = 'host=db password=hunter2'\nulr = 1",
        "[database]\nurl = \"postgres://db/shop?password=hunter2\"\nulr = 1",
        "[database]\nurl = \"postgres://app:hunter2@db/shop?sslmode=x\"",
        "[database]\nurl = \"postgres://app:hunter2@db:port/shop\"",
        "[database]\nurl = \"host=db password=hunter2 x\"",
        "[server]\nlisten = \"postgres://app:hunter2@db/shop\"",
        "[server]\nallowed_origins = [\"https://app:hunter2@shop.example\"]",
        "[[table]]\nname = \"postgres://app:hunter2@db/shop\"",
        "[auth.jwt]\nsecret = \"hunter2\"\nserect = 1",
        "[auth]\njwt = { secret = \"hunter2\", serect = 1 }",
    ] {
        let shown = shown(text);
        assert!(!shown.contains("hunter2"), "{shown}");
    }
}

/// Pieces of configurations, right and wrong, that are thrown together.
const PIECES: [&str; 31] = [
    "[database]",
    "url = \"postgres://u:ä@h/d\"",
    "[server]",
    "listen = \"ö:1\"",
    "[[table]]",
    "[table]",
    "name = \"a\"",
    "name = 'ä.\"'",
    "rows = \"true\"",
    "rows = true",
    "hide = [\"ß\", 1]",
    "key = []",
    "columns = {}",
    "a = \"b = 'ü\"",
    "[table.columns]",
    "[auth.jwt]",
    "secret = \"ü",
    "[auth]",
    "anonymous = true",
    "= 1",
    "[",
    "]",
    "\"",
    "'''",
    "€",
    "\r",
    "\t# ähm",
    "retention = 1979-05-27",
    "[log]",
    "max_size = -0x1",
    "log = 5",
];

proptest! {
    #[test]
    fn nothing_that_is_written_makes_it_panic(
        pieces in prop::collection::vec(prop::sample::select(PIECES.as_slice()), 0..12),
        glue in prop::sample::select(["\n", "\r\n", " ", ""].as_slice()),
    ) {
        let text = pieces.join(glue);
        if let Err(faults) = read(&text) {
            prop_assert!(faults.has_errors());
            prop_assert!(!faults.render(true).is_empty());
        }
    }

    #[test]
    fn nothing_in_the_environment_makes_it_panic(
        name in "(SERVER|TABLE|LOG|AUTH)?(__[0-2]|__LISTEN|__HIDE|__)?(__NAME|__ROWS|__)?",
        value in "[\\[{]?\\PC{0,8}[\\]}]?",
    ) {
        let environment = Environment::from([(format!("ROWCAST_{name}"), value)]);
        if let Err(faults) = parse(Some(("rowcast.toml", MINIMAL)), &environment) {
            prop_assert!(faults.render(false).contains("ROWCAST_"));
        }
    }

    #[test]
    fn masking_moves_nothing(text in "(\\PC|://|@|:|password|=|\"|'| |\n){0,40}") {
        prop_assert_eq!(super::secrets::masked(&text).len(), text.len());
    }
}
