//! The text of rows is that of events.

use serde_json::json;
use serde_json::value::RawValue;
use tokio_tungstenite::tungstenite::Message;

use super::fixture::Shop;
use crate::delivery::fixture::Client;

const TYPES: &str = r#"
    create type mood as enum ('sad', 'it''s "fine"');
    create type pair as (a int, b text);
    create domain email as text check (value like '%@%');
    create table things (
      id bigint primary key, "odd ""näme" text, flag boolean, small smallint, whole int, n numeric, f4 real, f8 float8,
      v varchar(20), c char(5), u uuid, d date, t time, tz timetz, ts timestamp, tstz timestamptz, i interval, b bytea,
      m mood, j json, jb jsonb, ip inet, net cidr, mac macaddr, bits bit(4), p pair, e email, texts text[], numbers numeric[][],
      r int4range, cash money, x xml, pt point, search tsvector, class regclass, jsons json[]
    )"#;

const ROWS: &str = r#"
    insert into things values
    (9007199254740993, E'tab\t "quoted" \\ line\nbreak ü 😀 \u0001', true, -1, 2147483647, 1.10, 1.1, 0.1, 'v', 'c',
     'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', '2026-11-20', '12:34:56.789', '12:34:56+05:30', '2026-11-20 01:02:03.456',
     '2026-11-20 01:02:03.456+09', '1 year 2 mons -3 days 04:05:06.7', '\xdeadbeef', 'it''s "fine"',
     E'{"b" : 1,\n "a":\r\n [1.0, 2 ], "b":2}', '{"b": 1, "a": 1.10}', '10.0.0.1/24', '10.0.0.0/8', '08:00:2b:01:02:03', B'1010',
     (1, 'x,"y'), 'a@b', '{a,NULL,"b c"}', '{{1.0,2},{3,NaN}}', '[1,5)', 12.34, '<a>&amp;</a>', '(1.5,2)', 'a fat cat',
     'things', array['{"a": 1}'::json]),
    (2, '', false, 0, 0, 'NaN', 'Infinity', '-Infinity', '', '', null, 'infinity', '24:00', null, '-infinity', 'infinity',
     '0', '', 'sad', 'null', 'null', '::1', null, null, null, null, null, '{}', '{}', 'empty', null, null, null, null, null, '{}');
    insert into things (id) values (3)"#;

/// The same text in rows as in events: whole rows, some columns, and rows that are judged one by one.
#[tokio::test]
async fn rows_have_the_text_of_events() {
    let shop = Shop::open(TYPES, "[[table]]\nname = 'things'\nrows = 'true'\n").await;
    // As a session may have it that writes.
    let settings =
        "set timezone = 'Asia/Tokyo'; set datestyle = 'German'; set intervalstyle = 'iso_8601';
        set bytea_output = 'escape'; set extra_float_digits = -15";
    shop.client.batch_execute(settings).await.unwrap();
    let judged = "(j ->> 'z' is null or id > 0) and (jb ->> 'z' is null or id > 0)";
    for (columns, filter) in [
        (None, None),
        (Some(["id", "j", "tstz", "odd \"näme"]), None),
        (None, Some(judged)),
        (Some(["id", "i", "f4", "cash"]), Some(judged)),
    ] {
        let mut client = Client::connect(shop.daemon.address).await;
        client.next().await;
        client.send(&json!({"op": "subscribe", "id": "a", "table": "things", "columns": columns, "where": filter})).await;
        assert_eq!(client.next().await["op"], "subscribed");
        shop.client.batch_execute("delete from things").await.unwrap();
        shop.client.batch_execute(ROWS).await.unwrap();
        let data = created(&mut client, 3).await;
        let columns = columns.map(|names| names.map(quoted).join(","));
        let mut query = vec![("order", "id.desc")];
        query.extend(columns.as_deref().map(|columns| ("columns", columns)));
        query.extend(filter.map(|filter| ("where", filter)));
        let answer = shop.rows("things", &query).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        assert_eq!(rows_of(&answer.text), data, "{query:?}");
    }
}

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

#[derive(serde::Deserialize)]
struct Frame<'t> {
    #[serde(borrow, default)]
    events: Vec<Event<'t>>,
}

#[derive(serde::Deserialize)]
struct Event<'t> {
    event: &'t str,
    #[serde(borrow)]
    data: Option<&'t RawValue>,
}

#[derive(serde::Deserialize)]
struct Answer<'t> {
    #[serde(borrow)]
    rows: Vec<&'t RawValue>,
}

/// The text of the next rows that are created, the largest key first. Line breaks within are spaces in rows.
async fn created(client: &mut Client, count: usize) -> Vec<String> {
    let mut rows = Vec::new();
    while rows.len() < count {
        let Message::Text(text) = client.next_message().await else { continue };
        let frame: Frame<'_> = serde_json::from_str(&text).unwrap();
        let created = frame.events.iter().filter(|event| event.event == "created");
        rows.extend(created.map(|event| event.data.unwrap().get().replace(['\n', '\r'], " ")));
    }
    rows.sort_by_key(|row| std::cmp::Reverse(id_of(row)));
    rows
}

fn id_of(row: &str) -> i64 {
    let row: serde_json::Value = serde_json::from_str(row).unwrap();
    row["id"].as_i64().unwrap()
}

fn rows_of(text: &str) -> Vec<String> {
    let answer: Answer<'_> = serde_json::from_str(text).unwrap();
    answer.rows.iter().map(|row| row.get().to_owned()).collect()
}
