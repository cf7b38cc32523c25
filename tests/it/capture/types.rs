//! Every type's values, written by sessions with every setting, are logged as a pinned session reads them.

use super::fixture::{Db, Logged};

/// Types and values of them, by the first version of PostgreSQL that has them.
const CASES: &[(i32, &str, &[&str])] = &[
    (0, "bool", &["true", "false"]),
    (0, "int2", &["-32768", "32767"]),
    (0, "int4", &["-2147483648"]),
    (0, "int8", &["9223372036854775807", "-9223372036854775808"]),
    (
        0,
        "numeric",
        &["NaN", "1e-400", "1e400", "0.10", "-12345678901234567890.123456789012345678901234567890"],
    ),
    (14, "numeric", &["Infinity", "-Infinity"]),
    (0, "float4", &["NaN", "Infinity", "-Infinity", "-0", "1e-45", "0.1", "3.4028235e38"]),
    (
        0,
        "float8",
        &["NaN", "Infinity", "-Infinity", "-0", "5e-324", "0.1", "0.30000000000000004", "1e22"],
    ),
    (0, "money", &["1234567.89", "-0.01"]),
    (0, "text", &["", "a\"b\\c", "line\nbreak\ttab\u{1}\u{7f}", "Grün ☃ 𝄞", "\u{2028}</script>"]),
    (0, "varchar", &["x "]),
    (0, "bpchar", &["x "]),
    (0, "char(5)", &["x"]),
    (0, "\"char\"", &["x", ""]),
    (0, "name", &["n"]),
    (0, "cstring[]", &[]),
    (0, "bytea", &["\\x00ff0022", ""]),
    (0, "date", &["2024-02-29", "infinity", "-infinity", "0044-03-15 BC", "5874897-12-31"]),
    (0, "time", &["23:59:59.999999", "24:00"]),
    (0, "timetz", &["12:00:00+05:45"]),
    (
        0,
        "timestamp",
        &[
            "2024-02-29 12:00:00.5",
            "infinity",
            "0044-03-15 12:00 BC",
            "294276-12-31 23:59:59.999999",
        ],
    ),
    (
        0,
        "timestamptz",
        &["2024-06-29 12:00:00.5+02", "-infinity", "0044-03-15 12:00Z BC", "1883-11-18 12:00+00"],
    ),
    (0, "interval", &["1 year -2 days +3:04:05.6", "-1 mon", "0", "P1Y2M3DT4H5M6.7S"]),
    (17, "interval", &["infinity", "-infinity"]),
    (0, "json", &["{\"a\": 1,\n \"a\" : [ 2 ],\t\"b\":1.0e+5}", "1e400", "\"\\u0000\"", " null "]),
    (0, "jsonb", &["{\"a\": 1, \"a\": [2], \"b\": 1.0e+5}", "12345678901234567890.10", "null"]),
    (0, "jsonpath", &["$.a[*] ? (@ > 1)"]),
    (0, "xml", &["<a b=\"c\">&lt;</a>"]),
    (0, "uuid", &["A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11"]),
    (0, "bit(3)", &["101"]),
    (0, "varbit", &["", "1010101"]),
    (0, "inet", &["10.0.0.1/8", "::1", "192.168.0.1"]),
    (0, "cidr", &["10.0.0.0/8"]),
    (0, "macaddr", &["08:00:2b:01:02:03"]),
    (0, "macaddr8", &["08:00:2b:01:02:03:04:05"]),
    (0, "point", &["(1.5,NaN)", "(0.1,-Infinity)"]),
    (0, "line", &["{1,2,3}"]),
    (0, "lseg", &["[(0.1,0),(1,1)]"]),
    (0, "box", &["(1,1),(0.1,0)"]),
    (0, "path", &["[(0.1,0),(1,1)]", "((0,0),(1,1))"]),
    (0, "polygon", &["((0,0),(1,1),(0.1,3))"]),
    (0, "circle", &["<(0.1,2),3>"]),
    (0, "tsvector", &["'a':1A,2B 'it''s':3"]),
    (0, "tsquery", &["'a' & !'b':*A"]),
    (0, "oid", &["4294967295"]),
    (0, "tid", &["(1,2)"]),
    (0, "xid", &["7"]),
    (0, "xid8", &["18446744073709551615"]),
    (0, "cid", &["7"]),
    (0, "pg_lsn", &["16/B374D848"]),
    (0, "pg_snapshot", &["10:20:10,14"]),
    (0, "txid_snapshot", &["10:20:10,14"]),
    (0, "aclitem", &["postgres=r/postgres"]),
    (0, "refcursor", &["c"]),
    (0, "int2vector", &["1 2"]),
    (0, "oidvector", &["1 2"]),
    (0, "regclass", &["public.every", "pg_class", "12345"]),
    (0, "regtype", &["public.mood", "int4", "public.every[]"]),
    (0, "regproc", &["public.own", "now"]),
    (0, "regprocedure", &["public.own(integer)"]),
    (0, "regoper", &["||/", "^@"]),
    (0, "regoperator", &["=(integer,integer)"]),
    (0, "regrole", &["postgres"]),
    (0, "regnamespace", &["public"]),
    (0, "regconfig", &["english"]),
    (0, "regdictionary", &["simple"]),
    (0, "regcollation", &["\"C\""]),
    (19, "regdatabase", &["postgres"]),
    (19, "oid8", &["18446744073709551615"]),
    (0, "int4range", &["[1,5)", "empty", "(,)"]),
    (0, "int8range", &["[1,5]"]),
    (0, "numrange", &["(0.10,1e30]"]),
    (0, "daterange", &["[2024-01-31,infinity)"]),
    (0, "tsrange", &["[0044-01-31 12:00 BC,2024-02-01)", "[2024-01-31 12:00,)"]),
    (0, "tstzrange", &["[2024-06-29 12:00+02,)"]),
    (14, "int4multirange", &["{[1,5),[7,9)}"]),
    (14, "int8multirange", &["{}"]),
    (14, "nummultirange", &["{[0.1,1]}"]),
    (14, "datemultirange", &["{[2024-01-31,2024-02-03)}"]),
    (14, "tsmultirange", &["{[2024-01-31 12:00,)}"]),
    (14, "tstzmultirange", &["{[2024-06-29 12:00+02,)}"]),
    (0, "int4[]", &["{1,NULL,3}", "{}", "{{1,2},{3,NULL}}", "[0:1]={1,2}"]),
    (0, "text[]", &["{a,\"b \\\"c\",NULL,\"NULL\"}"]),
    (0, "float8[]", &["{0.1,NaN,-0}"]),
    (0, "timestamptz[]", &["{2024-06-29 12:00+02,NULL}"]),
    (0, "bytea[]", &["{\"\\\\x00ff\"}"]),
    (0, "interval[]", &["{1 day 2:03}"]),
    (0, "regclass[]", &["{public.every}"]),
    (0, "tstzrange[]", &["{\"[2024-06-29 12:00+02,)\"}"]),
    (0, "json[]", &["{\"{\\\"a\\\" : 1}\"}"]),
    (0, "mood", &["it's \"fine\"", "ok"]),
    (0, "mood[]", &["{ok,NULL}"]),
    (0, "positive", &["5"]),
    (0, "moment", &["2024-06-29 12:00+02"]),
    (0, "inner_type", &["(1,\"2024-06-29 12:00+02\",\"\\\\x00\",public.every)", "(,,,)"]),
    (0, "outer_type", &["(\"(1,\"\"2024-06-29 12:00+02\"\",,)\",\"{\"\"(2,,,)\"\",NULL}\",0.1)"]),
    (0, "inner_type[]", &["{\"(1,,,)\",NULL}"]),
    (0, "moodrange", &["[ok,)"]),
    (0, "pricerange", &["[1.5,2)"]),
];

/// Types of PostgreSQL's own that no value can be written of.
const WITHOUT_VALUES: &[&str] = &[
    "gtsvector",
    "pg_brin_bloom_summary",
    "pg_brin_minmax_multi_summary",
    "pg_dependencies",
    "pg_mcv_list",
    "pg_ndistinct",
    "pg_node_tree",
    "pg_ddl_command",
];

const TYPES: &str = r#"
    create table every (id int primary key, writer int default 0);
    create type mood as enum ('ok', 'it''s "fine"');
    create domain positive as int check (value > 0);
    create domain moment as timestamptz;
    create type inner_type as (a int, "at" timestamptz, b bytea, r regclass);
    create type outer_type as (one inner_type, many inner_type[], f float8);
    create type moodrange as range (subtype = mood);
    create type pricerange as range (subtype = money);
    create function own(integer) returns integer language sql as 'select $1';"#;

const SETTINGS: &[&str] = &[
    "set timezone = 'UTC'",
    "set timezone = 'Asia/Kathmandu'; set datestyle = 'German, DMY'; set intervalstyle = 'iso_8601';
     set bytea_output = 'escape'; set extra_float_digits = -15; set search_path = ''; set quote_all_identifiers = on;
     set lc_monetary = 'POSIX'",
    "set timezone = 'America/St_Johns'; set datestyle = 'SQL, MDY'; set intervalstyle = 'sql_standard';
     set extra_float_digits = 0; set xmloption = 'content'; set xmlbinary = 'hex'",
    "set datestyle = 'Postgres, YMD'; set intervalstyle = 'postgres_verbose'; set timezone = '-3:30'",
    "set timezone = 'UTC'; set bytea_output = 'escape'",
    "set timezone = 'UTC'; set quote_all_identifiers = on; set search_path = public, pg_temp",
    "set timezone = 'Etc/UTC'; set datestyle = 'ISO, DMY'; set extra_float_digits = 3",
];

/// A table with a column for each case, and a row for each value.
async fn every_type() -> Db {
    let db = Db::with(TYPES).await;
    for (at, (since, type_name, values)) in CASES.iter().enumerate() {
        let (known, built) = (*since <= db.version, *type_name != "xml" || has_xml(&db).await);
        if !known || !built || values.is_empty() {
            continue;
        }
        db.run(&format!("alter table every add column c{at} {type_name}")).await;
        for (n, value) in values.iter().enumerate() {
            let (id, value) = ((at + 1) * 100 + n, value.replace('\'', "''"));
            db.run(&format!("insert into every (id, c{at}) values ({id}, '{value}')")).await;
        }
    }
    db
}

async fn has_xml(db: &Db) -> bool {
    db.admin.batch_execute("select '<a/>'::xml").await.is_ok()
}

#[tokio::test]
async fn whatever_the_writer_s_settings_are_a_row_reads_the_same() {
    let db = every_type().await;
    db.watch("every", None).await;
    let mut before = db.rows("public.every").await;
    assert!(before.len() > 150);
    for settings in SETTINGS {
        db.clear().await;
        let writer = db.session_with(settings).await;
        writer.batch_execute("update public.every set writer = writer + 1").await.unwrap();
        let after = db.rows("public.every").await;
        assert_eq!(sorted(&db.logged().await, |row| &row.old), before, "{settings}");
        assert_eq!(sorted(&db.logged().await, |row| &row.new), after, "{settings}");
        before = after;
    }
    db.clear().await;
    db.run("set timezone = 'Asia/Kathmandu'; delete from every").await;
    assert_eq!(sorted(&db.logged().await, |row| &row.old), before);
}

fn sorted(logged: &[Logged], side: impl Fn(&Logged) -> &Option<String>) -> Vec<String> {
    let mut rows: Vec<String> = logged.iter().filter_map(|row| side(row).clone()).collect();
    rows.sort();
    rows
}

#[tokio::test]
async fn a_table_of_each_type_alone_reads_the_same() {
    let db = every_type().await;
    let columns: Vec<String> = db
        .admin
        .query("select attname::text from pg_attribute where attrelid = 'every'::regclass and attnum > 2", &[])
        .await
        .unwrap()
        .iter()
        .map(|row| row.get(0))
        .collect();
    let mut writers = Vec::new();
    for settings in &SETTINGS[1..4] {
        writers.push(db.session_with(settings).await);
    }
    db.run("create table one (id int primary key)").await;
    for column in columns {
        db.run(&format!(
            "drop table one; create table one as select id, {column} as v from every where {column} is not null;
             alter table one add primary key (id); delete from rowcast.watched"
        ))
        .await;
        db.watch("one", None).await;
        for writer in &writers {
            db.clear().await;
            writer.batch_execute("update public.one set id = -id").await.unwrap();
            let logged = db.logged().await;
            assert_eq!(sorted(&logged, |row| &row.new), db.rows("public.one").await, "{column}");
        }
    }
}

#[tokio::test]
async fn no_type_of_postgresql_s_is_left_out() {
    let db = Db::with(TYPES).await;
    let known: Vec<&str> = CASES.iter().map(|(_, name, _)| name.trim_matches('"')).collect();
    let query = "select typname::text from pg_type
        where typnamespace = 'pg_catalog'::regnamespace and typtype in ('b', 'r', 'm')
          and (typcategory <> 'A' or typname like '%vector') and typname not like '\\_%'";
    for row in db.admin.query(query, &[]).await.unwrap() {
        let name: &str = row.get(0);
        let covered = known.contains(&name) || WITHOUT_VALUES.contains(&name) || name == "bit";
        assert!(covered, "{name}");
    }
}

#[tokio::test]
async fn tables_whose_columns_depend_on_more_settings_are_pinned_from_the_next_watch_on() {
    let db = Db::watching("create table t (id int primary key)", &["t"]).await;
    let arguments = "select string_agg(distinct tgnargs::text, ',') from pg_trigger where tgname like '!rowcast%'";
    assert_eq!(db.value(arguments).await, "1");
    for (column, expected) in [
        ("n int, d date, j json, x text[]", "1"),
        ("at timestamptz[]", "2"),
        ("e numeric", "3"),
        ("b jsonb", "3"),
        ("m regclass[]", "4"),
    ] {
        for column in column.split(", ") {
            db.run(&format!("alter table t add column {column}")).await;
        }
        db.watch("t", None).await;
        assert_eq!(db.value(arguments).await, expected, "{column}");
    }
    db.run(
        "set session_replication_role = replica; insert into t (id, m) values (1, '{pg_class}')",
    )
    .await;
    assert_eq!(db.log().await.len(), 1);
    db.run("alter table t drop column m").await;
    db.watch("t", None).await;
    assert_eq!(db.value(arguments).await, "3");
}
