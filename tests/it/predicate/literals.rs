//! What is read as a value is one to PostgreSQL, too, and has the same text: spellings at random.

use std::sync::Arc;

use rand::rngs::StdRng;
use rand::seq::IndexedRandom as _;
use rand::{Rng as _, SeedableRng as _};
use rowcast::catalog::{DataType, EnumType, Scalar as Type};
use rowcast::predicate::value;

use super::oddities::oddities;
use super::table::{World, array, session};
use super::types::Scalar;
use super::{SEED, from_environment, pool};
use crate::support::fresh_database;

const LITERALS: usize = 20_000;
const PER_QUERY: usize = 2_000;

const READ_BACK: &str =
    "create function read_back(value text, type text) returns text language plpgsql as $$
declare
  shown text;
begin
  execute format('select concat(%L::%s)', value, type) into shown;
  return shown;
exception when others then
  return null;
end
$$";

const SOME: &[&str] = &[
    " ", "-", "+", ".", ":", "/", "0", "1", "9", "e", "E", "x", "\\", "\"", "'", "{", "}", "[",
    "]", ",", "T", "Z", "BC", "AD", "inf", "nan", "day", "mon", "year", "ago", "é", "😀", "_",
    "null", "00", "12", "59", "60", "24", "\n", "\t", "+02", "-12:30", "am", "pm", "%", "true",
    "a", "::", "u0041",
];

/// A spelling, slightly changed as often as not.
fn spelling(of: Scalar, rng: &mut StdRng) -> String {
    let all = [pool::values(of), pool::values(of), oddities(of)];
    let one = all.choose(rng).and_then(|some| some.choose(rng)).expect("there are some");
    let mut text = (*one).to_owned();
    while rng.random_bool(0.5) {
        let places: Vec<usize> =
            text.char_indices().map(|(at, _)| at).chain([text.len()]).collect();
        let at = *places.choose(rng).expect("there is an end");
        match rng.random_range(0..4) {
            0 if at < text.len() => drop(text.remove(at)),
            1 => text.insert_str(at, pool::values(of).choose(rng).expect("there are some")),
            _ => text.insert_str(at, SOME.choose(rng).expect("there are some")),
        }
    }
    text
}

fn data_type(of: Scalar, is_array: bool) -> (String, DataType) {
    let name = of.names()[0];
    let scalar = match DataType::named(name) {
        DataType::Scalar(scalar) => scalar,
        _ => {
            let labels =
                ["first", "sad", "ok", "happy", "Sad", "it's", "a b", "NULL", "back\\slash"];
            let labels = labels.map(str::to_owned).to_vec();
            Type::Enum(Arc::new(EnumType { name: "mood".to_owned(), labels }))
        }
    };
    match is_array {
        true => (format!("{name}[]"), DataType::Array(scalar)),
        false => (name.to_owned(), DataType::Scalar(scalar)),
    }
}

#[tokio::test]
async fn literals_are_read_as_postgresql_reads_them() {
    let url = fresh_database().await;
    let client = session(&url).await;
    World::create(&client).await;
    client.batch_execute(READ_BACK).await.unwrap();
    let seed = from_environment("ROWCAST_PREDICATE_SEED").unwrap_or(SEED);
    let count = from_environment("ROWCAST_PREDICATE_LITERALS").unwrap_or(LITERALS);
    let mut rng = StdRng::seed_from_u64(seed);
    let (mut wrong, mut read) = (Vec::new(), 0);
    for _ in 0..count.div_ceil(PER_QUERY) {
        let (mut texts, mut types, mut ours) = (Vec::new(), Vec::new(), Vec::new());
        while texts.len() < PER_QUERY {
            let of = *Scalar::ALL.choose(&mut rng).expect("there are types");
            if matches!(of, Scalar::Varchar | Scalar::Char | Scalar::Text) {
                continue;
            }
            let is_array = rng.random_bool(0.2);
            let (name, data_type) = data_type(of, is_array);
            let text = match is_array {
                true => array(pool::values(of), &mut rng).replacen(
                    ["\"", ","].choose(&mut rng).expect("there are two"),
                    SOME.choose(&mut rng).expect("there are some"),
                    rng.random_range(0..2),
                ),
                false => spelling(of, &mut rng),
            };
            if let Ok(value) = value::from_text(&text, &data_type) {
                texts.push(text);
                types.push(name);
                ours.push(value::to_text(&value));
            }
        }
        let sql = "select read_back(value, type) from
          unnest($1::text[], $2::text[]) with ordinality as given(value, type, place) order by place";
        let theirs = client.query(sql, &[&texts, &types]).await.unwrap();
        for (at, theirs) in theirs.iter().enumerate() {
            let theirs: Option<String> = theirs.get(0);
            read += 1;
            let is_float = types[at].starts_with("real") || types[at].starts_with("double");
            let is_short = types[at].starts_with("real");
            let number = |text: &str| match is_short {
                true => text.parse::<f32>().ok().map(f64::from),
                false => text.parse::<f64>().ok(),
            };
            if is_float && number(&ours[at]) == theirs.as_deref().and_then(number) {
                continue;
            }
            if theirs.as_ref() != Some(&ours[at]) {
                wrong
                    .push(format!("{} {:?}: {:?}, not {theirs:?}", types[at], texts[at], ours[at]));
            }
        }
    }
    println!("seed {seed}, {read} literals");
    wrong.sort();
    wrong.dedup();
    wrong.truncate(100);
    assert!(wrong.is_empty(), "seed {seed}:\n{}", wrong.join("\n"));
}
