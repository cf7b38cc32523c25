//! What each column holds, as real tables have it.

use rowcast::catalog::{self, Collation, DataType, EnumType, Scalar};
use tokio_postgres::Client;

use super::{database, listed};
use crate::support;

/// The types of the columns of `t`, which the SQL makes.
async fn types(client: &Client, sql: &str) -> Vec<DataType> {
    client.batch_execute(sql).await.unwrap();
    let loaded = catalog::load(client, &[listed("t")]).await.unwrap();
    loaded.found[0].columns.iter().map(|column| column.data_type.clone()).collect()
}

fn scalars<const N: usize>(scalars: [Scalar; N]) -> Vec<DataType> {
    scalars.map(DataType::Scalar).into()
}

fn text(collation: Collation) -> DataType {
    DataType::Scalar(Scalar::Text(collation))
}

fn mood(name: &str, labels: &[&str]) -> Scalar {
    let labels = labels.iter().map(|label| (*label).to_owned()).collect();
    Scalar::Enum(EnumType { name: name.to_owned(), labels }.into())
}

#[tokio::test]
async fn built_in_types_are_known() {
    let client = database("").await;
    let typed = types(
        &client,
        "create table t (id smallserial primary key, b bool, c int, d bigint, e numeric(10,2), f real, g float8,
           h text collate \"C\", i varchar(20) collate \"C\", j char(3) collate \"C\", k uuid, l date, m time(3),
           n timestamp, o timestamptz, p interval day, q bytea, r json, s jsonb, u inet)",
    )
    .await;
    let mut expected = scalars([
        Scalar::Int2,
        Scalar::Bool,
        Scalar::Int4,
        Scalar::Int8,
        Scalar::Numeric,
        Scalar::Float4,
        Scalar::Float8,
        Scalar::Text(Collation::C),
        Scalar::Text(Collation::C),
        Scalar::Char(Collation::C),
        Scalar::Uuid,
        Scalar::Date,
        Scalar::Time,
        Scalar::Timestamp,
        Scalar::Timestamptz,
        Scalar::Interval,
        Scalar::Bytea,
    ]);
    expected.extend(scalars([Scalar::Json, Scalar::Jsonb, Scalar::Inet]));
    assert_eq!(typed, expected);
}

#[tokio::test]
async fn nothing_is_known_of_other_types() {
    let client = database("create extension citext").await;
    let typed = types(
        &client,
        "create type pair as (a int, b int);
         create type inner_text; create type shout; create domain pairs as pair;
         create function shout_in(cstring) returns shout language internal strict immutable as 'textin';
         create function shout_out(shout) returns cstring language internal strict immutable as 'textout';
         create type shout (input = shout_in, output = shout_out, like = text);
         create table t (id int primary key, a citext, b money, c xml, d int4range, e pair, f timetz, g cidr, h point,
           i name, j \"char\", k oid, l regclass, m bit(3), n tsvector, o macaddr, p pairs, q int2vector, r citext[],
           s shout, u int4range[], v pair[])",
    )
    .await;
    assert_eq!(typed[0], DataType::Scalar(Scalar::Int4));
    assert!(typed[1..].iter().all(|of| *of == DataType::Other), "{typed:?}");
    assert_eq!(typed.len(), 22);
}

#[tokio::test]
async fn domains_and_arrays_are_resolved() {
    let client = database(
        "create domain small as int check (value < 10); create domain smaller as small;
         create domain list as int[]; create domain lists as list; create domain letters as text collate \"C\";
         create type mood as enum ('sad', 'ok'); create domain happy as mood",
    )
    .await;
    let typed = types(
        &client,
        "create table t (id smaller primary key, a int[][], b list, c lists, d small[], e smaller[], f list[],
           g letters, h letters[], i happy, j mood[], k happy[], l varchar(3)[] collate \"C\")",
    )
    .await;
    let moods = || mood("public.mood", &["sad", "ok"]);
    let ints = || DataType::Array(Scalar::Int4);
    let texts = || DataType::Array(Scalar::Text(Collation::C));
    assert_eq!(
        typed,
        [
            DataType::Scalar(Scalar::Int4),
            ints(),
            ints(),
            ints(),
            ints(),
            ints(),
            DataType::Other,
            text(Collation::C),
            texts(),
            DataType::Scalar(moods()),
            DataType::Array(moods()),
            DataType::Array(moods()),
            texts(),
        ]
    );
}

#[tokio::test]
async fn enums_have_their_labels_in_order_and_a_name_that_sql_understands() {
    let client = database(
        r#"create schema "we.ird"; create type "we.ird"."Mo""od" as enum ('b', 'c');
           alter type "we.ird"."Mo""od" add value 'it''s' before 'b';
           alter type "we.ird"."Mo""od" add value 'a' after 'b'"#,
    )
    .await;
    let made = r#"create table t (id "we.ird"."Mo""od" primary key)"#;
    let name = r#""we.ird"."Mo""od""#;
    assert_eq!(
        types(&client, made).await,
        [DataType::Scalar(mood(name, &["it's", "b", "a", "c"]))]
    );
    client.batch_execute(&format!("select 'b'::{name}")).await.unwrap();
}

#[tokio::test]
async fn a_type_with_a_cast_to_json_of_its_own_is_none_that_is_known() {
    let client = database(
        "create type mood as enum ('sad', 'ok');
         create function shown(mood) returns json language sql immutable as $$ select '1'::json $$;
         create cast (mood as json) with function shown(mood)",
    )
    .await;
    let typed = types(&client, "create table t (id int primary key, a mood, b mood[])").await;
    assert_eq!(typed[1..], [DataType::Other, DataType::Other]);
}

#[tokio::test]
async fn collations_are_told_apart_by_how_they_behave() {
    let client = database(
        "create collation loose (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
         create collation bytes (provider = libc, locale = 'C');
         create collation half (provider = libc, lc_collate = 'C', lc_ctype = 'C.UTF-8');
         create collation german (provider = icu, locale = 'de')",
    )
    .await;
    let typed = types(
        &client,
        "create table t (id int primary key, a text collate \"C\", b text collate \"POSIX\", c text collate ucs_basic,
           d text collate bytes, e text collate half, f text collate german, g text collate loose,
           h text[] collate loose)",
    )
    .await;
    let mut expected = vec![DataType::Scalar(Scalar::Int4)];
    expected.extend([Collation::C; 4].map(text));
    expected.extend([Collation::Deterministic; 2].map(text));
    expected.push(text(Collation::Nondeterministic));
    expected.push(DataType::Array(Scalar::Text(Collation::Nondeterministic)));
    assert_eq!(typed, expected);
}

/// A database made with these options, and what a text column without a collation of its own is there.
async fn type_in_database_with(name: &str, options: &str) -> Vec<DataType> {
    let admin = support::connect(&support::fresh_database().await).await;
    let made = format!("create database {name} template template0 {options}");
    admin.batch_execute(&made).await.unwrap();
    let client = support::connect(&support::cluster().url(name)).await;
    types(&client, "create table t (a text primary key, b text collate \"C\", c jsonb, d int)")
        .await
}

#[tokio::test]
async fn the_database_s_own_collation_counts_where_a_column_names_none() {
    let c = type_in_database_with("types_c", "encoding utf8 locale 'C'").await;
    assert_eq!(c[..2], [text(Collation::C), text(Collation::C)]);
    let mixed = "encoding utf8 lc_collate 'C' lc_ctype 'C.UTF-8'";
    let mixed = type_in_database_with("types_mixed", mixed).await;
    assert_eq!(mixed[..2], [text(Collation::Deterministic), text(Collation::C)]);
    let icu = "encoding utf8 locale 'C' locale_provider icu icu_locale 'und'";
    let icu = type_in_database_with("types_icu", icu).await;
    assert_eq!(icu[..2], [text(Collation::Deterministic), text(Collation::C)]);
}

#[tokio::test]
async fn order_by_bytes_is_another_one_in_other_encodings() {
    let latin = type_in_database_with("types_latin", "encoding latin1 locale 'C'").await;
    assert_eq!(latin[..2], [Collation::Deterministic; 2].map(text));
    let ascii = type_in_database_with("types_ascii", "encoding sql_ascii locale 'C'").await;
    let none = DataType::Other;
    assert_eq!(
        ascii,
        [none.clone(), none.clone(), none, DataType::Scalar(Scalar::Int4)],
        "lengths are counted in bytes there"
    );
}
