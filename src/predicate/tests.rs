//! What is accepted and what is refused, with position and reason; how predicates are bound, and their keys.

use std::collections::BTreeSet;
use std::sync::Arc;

use proptest::prelude::*;
use serde_json::{Value as Given, json};

use super::{Access, Bound, Fault, Predicate, Scope, Source, parse};
use crate::catalog::{Collation, Column, DataType, EnumType, Scalar};
use crate::identity::Claims;

fn columns() -> Vec<Column> {
    let types = [
        ("id", "bigint"),
        ("customer_id", "integer"),
        ("small", "smallint"),
        ("total", "numeric(10,2)"),
        ("ratio", "real"),
        ("weight", "double precision"),
        ("name", "text"),
        ("code", "character(4)"),
        ("paid", "boolean"),
        ("day", "date"),
        ("at", "timestamp with time zone"),
        ("since", "timestamp without time zone"),
        ("data", "jsonb"),
        ("raw", "json"),
        ("tags", "text[]"),
        ("blob", "bytea"),
        ("auth", "text"),
        ("Mixed", "integer"),
        ("secret", "text"),
        ("spot", "point"),
    ];
    let numbered = types.iter().zip(1..);
    let mut columns: Vec<Column> =
        numbered.map(|((name, of), number)| Column::built_in(number, name, of)).collect();
    let mut text = |name: &str, of| {
        let mut column = Column::built_in(columns.len() as i16 + 1, name, "text");
        column.data_type = of;
        columns.push(column);
    };
    text("c_name", DataType::Scalar(Scalar::Text(Collation::C)));
    text("posix", DataType::Scalar(Scalar::Text(Collation::C)));
    text("odd", DataType::Scalar(Scalar::Text(Collation::Nondeterministic)));
    for (name, collation) in [("c_name", 950), ("posix", 951), ("odd", 16_400)] {
        let named = columns.iter_mut().find(|column| column.name == name);
        named.unwrap().collation = Some(collation);
    }
    let labels = ["sad", "ok"].map(str::to_owned).to_vec();
    let mood = Scalar::Enum(Arc::new(EnumType { name: "public.mood".to_owned(), labels }));
    let mut column = Column::built_in(90, "mood", "mood");
    column.data_type = DataType::Scalar(mood);
    columns.push(column);
    columns
}

fn policy(text: &str) -> Result<Predicate, Fault> {
    parse(text, &Scope { columns: &columns(), source: Source::Policy })
}

fn filter(text: &str, params: &[Given]) -> Result<Predicate, Fault> {
    let columns = columns();
    let visible: BTreeSet<usize> =
        (0..columns.len()).filter(|at| columns[*at].name != "secret").collect();
    let source = Source::Filter { visible: &visible, params };
    parse(text, &Scope { columns: &columns, source })
}

fn claims(claims: Given) -> Claims {
    Claims::new(claims.as_object().cloned().unwrap())
}

fn bound(text: &str, given: Given) -> Bound {
    policy(text).unwrap().bind(&claims(given))
}

const ACCEPTED: &[&str] = &[
    "true",
    "paid",
    "not paid",
    "customer_id = 7",
    "customer_id = '7'",
    "CUSTOMER_ID=-7",
    "customer_id<-1",
    "id = 9223372036854775807 or customer_id in (1, 2, 3)",
    "total > 1.5 and total <= 1e3",
    "customer_id between symmetric 3 and 1",
    "customer_id not between 1 and 2",
    "name = 'it''s'",
    "name is null or name is not null or name isnull",
    "paid is not true and paid is unknown",
    "paid is true = paid is false",
    "paid is null is null",
    "customer_id is distinct from 3 and name is not distinct from null",
    "customer_id = any (array[1, 2])",
    "name = any (tags) or name <> all (tags)",
    "customer_id = any (auth.orgs) and auth.role = 'admin'",
    "customer_id = auth.sub::bigint",
    "auth.org.id is not null",
    "\"auth\" = 'x' and \"Mixed\" = 1",
    "tags @> array['a'] and tags <@ '{a,b}' and tags && '{a}'",
    "cardinality(tags) = 2 and array_length(tags, 1) > 1",
    "data -> 'a' ->> 'b' = 'c' and data #>> '{a,b}' = 'c' and data ? 'a'",
    "data @> '{\"a\": 1}' and data ?| array['a'] and data ?& '{a}'",
    "name like 'a%' and name not like 'b!_' escape '!' and name ~ '^a' and name !~ 'b'",
    "c_name < 'b' and name collate \"C\" < 'b' and name collate \"C\" ilike 'A%'",
    "c_name > name and 'ok'::mood = mood and 'ok'::public.mood = mood",
    "lower(c_name) = 'a' and upper(name collate \"C\") = 'A'",
    "length(name) > 3 and length(code) = 2 and starts_with(name, 'a')",
    "name || 'x' = 'yx' and code::text || 'x' = 'y'",
    "coalesce(name, 'x') = 'x' and nullif(customer_id, 3) is null",
    "greatest(customer_id, 3, null) = 3 and least(c_name, 'a') = 'a'",
    "case when paid then customer_id else 3 end = 3",
    "case customer_id when 1 then paid when 2 then true end",
    "mood = 'ok' and mood < 'ok' and mood in ('sad', 'ok')",
    "day = '2026-11-20' and day >= date '2026-01-01' and since > day",
    "cast(customer_id as bigint) = 3 and customer_id::numeric = 3.0",
    "ratio = 0.5 and weight > 1 and customer_id = weight",
    "odd is null and odd collate \"C\" = 'x'",
];

#[test]
fn these_are_accepted() {
    for text in ACCEPTED {
        let read = policy(text);
        assert!(read.is_ok(), "{text}: {read:?}");
    }
}

/// Text, position, a part of the reason.
const REFUSED: &[(&str, usize, &str)] = &[
    ("", 1, "it ends"),
    ("paid paid", 6, "the end is expected"),
    ("paid; drop table x", 5, "not a list of statements"),
    ("paid -- comment", 6, "comments"),
    ("paid /* comment */", 6, "comments"),
    ("customer_id = 1 = paid", 17, "chained"),
    ("customer_id = (select 1)", 16, "subqueries"),
    ("exists (select 1)", 1, "subqueries"),
    ("customer_id in (select 1)", 17, "subqueries"),
    ("at > now()", 6, "now isn't available"),
    ("name = current_user", 8, "current_user"),
    ("at > current_timestamp", 6, "current_timestamp"),
    ("pg_sleep(1)", 1, "pg_sleep isn't available"),
    ("pg_catalog.lower(name) = 'a'", 1, "bare names"),
    ("orders.id = 1", 1, "without their table"),
    ("nothing = 1", 1, "no column \"nothing\""),
    ("NoThing = 1", 1, "no column \"nothing\""),
    ("Mixed = 1", 1, "no column \"mixed\""),
    ("customer_id", 1, "a condition is expected"),
    ("customer_id = 'x'", 15, "integer"),
    ("customer_id = name", 13, "no such operator"),
    ("customer_id + 1 = 2", 13, "arithmetic"),
    ("-customer_id = 2", 1, "sign"),
    ("name::int = 2", 1, "could fail"),
    ("id::int = 2", 1, "could fail"),
    ("weight = total", 10, "could fail"),
    ("tags = '{a}'", 6, "lower bounds"),
    ("tags[1] = 'a'", 5, "elements"),
    ("name < 'b'", 6, "collation"),
    ("lower(name) = 'b'", 1, "capital"),
    ("name ilike 'b'", 6, "letters"),
    ("odd = 'x'", 5, "nondeterministic"),
    ("name collate \"de_DE\" = 'x'", 6, "\"C\""),
    ("raw = '{}'", 5, "json has no comparisons"),
    ("name like tags[1]", 15, "elements"),
    ("c_name like c_name", 13, "must be written out"),
    ("spot is null", 1, "point"),
    ("(id, name) = (1, 'x')", 4, "rows of several values"),
    ("id = $1", 6, "no parameters"),
    ("id = 1e999999999", 6, ""),
    ("name = E'x'", 8, "plain string"),
    ("name = $$x$$", 8, "plain string"),
    ("name = 'x", 8, "isn't closed"),
    ("name = 'a\0'", 10, "NUL"),
    ("paid\0", 5, "NUL"),
    ("auth", 1, "auth alone"),
    ("paid and count(*) = 1", 10, "count isn't available"),
    ("'é' = 'é' and nope", 15, "no column"),
    ("customer_id = 1a", 16, "without a space"),
    ("name = code", 6, "trailing spaces"),
    ("c_name = posix", 8, "different collations"),
    ("data < '1'", 6, "jsonb depends"),
    ("name like auth.pattern", 11, "must be written out"),
    ("tags @> array['a']::varchar[]", 6, "don't go together"),
    ("tags || array['a'] @> '{a}'", 6, "can't be concatenated"),
    ("coalesce(name, customer_id) = 'x'", 16, "don't go together"),
];

#[test]
fn these_are_refused() {
    for (text, position, reason) in REFUSED {
        let fault = policy(text).expect_err(text);
        assert!(fault.reason.contains(reason), "{text}: {fault:?}");
        assert_eq!(fault.position, *position, "{text}: {fault:?}");
    }
}

#[test]
fn a_hidden_column_looks_like_none() {
    let hidden = filter("secret = 'x'", &[]).unwrap_err();
    let absent = filter("sacred = 'x'", &[]).unwrap_err();
    assert_eq!(hidden.reason.replace("secret", "sacred"), absent.reason);
    assert_eq!((hidden.position, hidden.instead), (absent.position, absent.instead));
    assert!(filter("auth.sub = '7'", &[]).unwrap_err().reason.contains("policies alone"));
    assert!(filter("\"auth\" = '7'", &[]).is_ok());
}

#[test]
fn parameters_take_the_type_of_their_context() {
    let with = |params: &[Given]| {
        filter("customer_id = $1", params).map(|read| read.bind(&Claims::default()))
    };
    let by_text = bound("customer_id = 7", json!({}));
    assert_eq!(with(&[json!(7)]).unwrap(), by_text);
    assert_eq!(with(&[json!("7")]).unwrap(), by_text);
    assert_eq!(with(&[json!(null)]).unwrap().constant(), Some(false));
    assert_eq!(with(&[json!("x")]).unwrap_err().position, 15);
    assert_eq!(with(&[]).unwrap_err().position, 15);
    assert!(with(&[json!("7\0")]).is_err());
}

#[test]
fn what_is_too_large_is_refused_at_once() {
    let deep = format!("{}paid{}", "(".repeat(10_000), ")".repeat(10_000));
    assert!(policy(&deep).unwrap_err().reason.contains("words"));
    let deep = format!("{}paid{}", "(".repeat(1_000), ")".repeat(1_000));
    assert!(policy(&deep).unwrap_err().reason.contains("deep"));
    let nots = format!("{}paid", "not ".repeat(5_000));
    assert!(policy(&nots).is_err());
    let terms = vec!["paid"; 100_000].join(" or ");
    assert!(policy(&terms).unwrap_err().reason.contains("long"));
    let terms = vec!["a"; 5_000].join(" or ");
    assert!(policy(&terms).unwrap_err().reason.contains("words"));
    let items = vec!["1"; 1_001].join(",");
    assert!(policy(&format!("id in ({items})")).unwrap_err().reason.contains("list"));
    let casts = format!("name{} = 'x'", "::text".repeat(1_000));
    assert!(policy(&casts).unwrap_err().reason.contains("deep"));
    assert!(policy("paid between (paid between paid and paid) and paid").is_ok());
    let mut doubling = "paid".to_owned();
    for _ in 0..30 {
        doubling = format!("({doubling} between paid and paid)");
    }
    assert!(policy(&doubling).unwrap_err().reason.contains("too large"));
    let sixty = format!("{}paid{}", "(".repeat(60), ")".repeat(60));
    assert!(policy(&sixty).is_ok());
}

#[test]
fn little_stack_is_enough() {
    let work = || {
        let deep = format!("{}paid{}", "(not ".repeat(31), ")".repeat(31));
        let read = policy(&deep).unwrap().bind(&Claims::default());
        assert!(!read.to_sql(1).text.is_empty());
        let wide = vec!["customer_id = 1 or paid"; 500].join(" and ");
        assert!(policy(&wide).is_ok());
    };
    let thread = std::thread::Builder::new().stack_size(1024 * 1024).spawn(work).unwrap();
    thread.join().unwrap();
}

#[test]
fn equal_meanings_are_shared() {
    let text = "customer_id = auth.sub::bigint or auth.role = 'admin'";
    let admin = |sub: u32| bound(text, json!({"sub": sub, "role": "admin"}));
    assert_eq!(admin(1), admin(2));
    assert_eq!(admin(1), Bound::always());
    assert_eq!(
        bound(text, json!({"sub": 7, "role": "a"})),
        bound(text, json!({"sub": "7", "role": "x"}))
    );
    assert_ne!(bound(text, json!({"sub": 7})), bound(text, json!({"sub": 8})));
    let shared = bound("customer_id = auth.sub", json!({"sub": "7"}));
    assert_eq!(shared, bound("7 = customer_id", json!({})));
    assert_eq!(Bound::always().and(shared.clone()), shared);
    assert_eq!(Bound::never().and(shared.clone()).constant(), Some(false));
}

#[test]
fn claims_that_fail_make_nothing_visible() {
    let bad = json!({"sub": "seven", "role": "admin"});
    for (text, constant) in [
        ("customer_id = auth.sub", Some(false)),
        ("not (customer_id = auth.sub)", Some(false)),
        ("auth.sub::int = 3 or auth.role = 'admin'", Some(true)),
        ("not (customer_id = auth.sub and auth.role = 'x')", Some(true)),
        ("(customer_id = auth.sub) is null", Some(false)),
        ("(customer_id = auth.sub) is not true", Some(false)),
        ("customer_id not in (1, auth.sub)", Some(false)),
        ("customer_id in (customer_id, auth.sub)", Some(false)),
        ("customer_id not between auth.sub and 3", Some(false)),
        ("coalesce(customer_id, auth.sub) = 3", Some(false)),
    ] {
        assert_eq!(bound(text, bad.clone()).constant(), constant, "{text}");
    }
}

#[test]
fn missing_claims_are_null() {
    for (text, constant) in [
        ("customer_id = auth.sub", Some(false)),
        ("auth.sub is null", Some(true)),
        ("auth.org.id is not null", Some(false)),
        ("customer_id is not distinct from auth.sub", None),
        ("customer_id = any (auth.orgs)", Some(false)),
    ] {
        assert_eq!(bound(text, json!({"org": 3})).constant(), constant, "{text}");
    }
    assert_eq!(bound("auth.org is not null", json!({"org": {"id": 3}})).constant(), Some(true));
}

#[test]
fn a_policy_concerns_those_whom_its_own_conditions_let_in() {
    let concerns = |text: &str, given: Given| policy(text).unwrap().concerns(&claims(given));
    assert!(concerns("auth.role = 'admin'", json!({"role": "admin"})));
    assert!(!concerns("auth.role = 'admin'", json!({})));
    assert!(!concerns("not (auth.role = 'admin')", json!({})));
    assert!(concerns("customer_id = auth.sub", json!({})));
    assert!(concerns("not (customer_id = auth.sub)", json!({})));
    assert!(!concerns("customer_id = 3 and auth.role = 'admin'", json!({"role": "x"})));
    assert!(concerns("customer_id = 3 or auth.role = 'admin'", json!({"role": "x"})));
    assert!(!concerns("auth.sub::int = 3", json!({"sub": "x"})));
    assert!(!concerns("not (auth.sub::int = 3)", json!({"sub": "x"})));
    assert!(!concerns("false", json!({})));
}

/// How many keys, of which columns; none: any row.
fn keys(text: &str, given: Given) -> Option<Vec<usize>> {
    match bound(text, given).access() {
        Access::Scan => None,
        Access::Never => Some(Vec::new()),
        Access::Keys(keys) => Some(keys.into_iter().map(|(column, _)| column).collect()),
    }
}

#[test]
fn equalities_are_index_keys() {
    let none = || json!({});
    assert_eq!(keys("customer_id = 7", none()), Some(vec![1]));
    assert_eq!(keys("7 = customer_id", none()), Some(vec![1]));
    assert_eq!(keys("customer_id in (1, 2, 2)", none()), Some(vec![1, 1]));
    assert_eq!(keys("customer_id = any (auth.orgs)", json!({"orgs": [1, 2]})), Some(vec![1, 1]));
    assert_eq!(keys("customer_id = any (auth.orgs)", json!({"orgs": []})), Some(vec![]));
    assert_eq!(keys("customer_id is not distinct from 3", none()), Some(vec![1]));
    assert_eq!(keys("customer_id = 1 or id = 2", none()), Some(vec![1, 0]));
    assert_eq!(keys("customer_id in (1, 2) and id = 2", none()), Some(vec![0]));
    assert_eq!(keys("customer_id = 1 and name like 'a%'", none()), Some(vec![1]));
    assert_eq!(keys("customer_id = 1 or paid", none()), None);
    assert_eq!(keys("not (customer_id = 1)", none()), None);
    assert_eq!(keys("customer_id <> 1", none()), None);
    assert_eq!(keys("customer_id is not distinct from null", none()), None);
    assert_eq!(keys("customer_id = 1 and false", none()), Some(vec![]));
    assert_eq!(keys("code = 'a'", none()), Some(vec![7]));
    assert_eq!(keys("ratio = 0.5", none()), None, "compared as double precision");
    let key = |text: &str| bound(text, json!({})).access();
    assert_eq!(key("total = 1.0"), key("total = 1.00"));
    assert_eq!(key("code = 'a'"), key("code = 'a  '"));
    assert_eq!(key("weight = '-0'"), key("weight = '0'"));
}

#[test]
fn constants_are_parameters() {
    let sql =
        bound("name = 'a'';drop' and customer_id in (1, 2) or \"Mixed\" = 3", json!({})).to_sql(3);
    assert_eq!(
        sql.text,
        "(((\"name\" = $3::pg_catalog.text) and (\"customer_id\" in ($4::pg_catalog.text::pg_catalog.int4, \
         $5::pg_catalog.text::pg_catalog.int4))) or (\"Mixed\" = $6::pg_catalog.text::pg_catalog.int4))"
    );
    let params = ["a';drop", "1", "2", "3"].map(|param| Some(param.to_owned()));
    assert_eq!(sql.params, params);
}

fn token() -> impl Strategy<Value = String> {
    let words = "and or not is null true in between symmetric like escape ~ ~* = <> < >= || -> ->> #> @> <@ && ? \
        ?| :: ( ) [ ] , . ; case when then else end any all array collate \"C\" cast as int text date distinct \
        from customer_id name tags data paid code at auth.sub auth $1 $2 $9 'x' '1' 1 2.5 1e9 - + coalesce \
        greatest length lower nullif -- /* é \u{0} ' \" select";
    let words: Vec<&str> = words.split_whitespace().collect();
    prop_oneof![9 => prop::sample::select(words).prop_map(str::to_owned), 1 => any::<char>().prop_map(String::from)]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]
    #[test]
    fn nothing_makes_the_parser_panic(tokens in prop::collection::vec(token(), 0..24), spaced: bool) {
        let text = tokens.join(if spaced { " " } else { "" });
        let given = claims(json!({"sub": 7}));
        if let Ok(read) = policy(&text) {
            let bound = read.bind(&given);
            let _ = (bound.access(), bound.to_sql(1), read.concerns(&given));
        }
        if let Err(fault) = filter(&text, &[json!("a\0"), json!([1, {"a": null}])]) {
            prop_assert!(fault.position >= 1 && fault.position <= text.chars().count() + 1);
        }
    }
}
