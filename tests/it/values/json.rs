//! The operators of json and jsonb.

use rowcast::predicate::Undecidable;
use rowcast::predicate::value::{self, Value};
use tokio_postgres::Client;

use super::{answers, data_type, quoted, session};

const DOCUMENTS: &[&str] = &[
    "{}",
    "[]",
    "1",
    "1.0",
    "\"a\"",
    "null",
    "true",
    "[1, 2, 3]",
    "[[1, 2], [3]]",
    "{\"a\": 1}",
    "{\"a\": {\"b\": [10, {\"c\": null}]}}",
    "{\"a\":1,\"a\":2}",
    "{\"a\":{\"b\":1},\"a\":{\"c\":2}}",
    "{\"a\":{\"b\":1},\"a\":5}",
    "{\"a\":null}",
    "[null]",
    "[\"a\", \"b\"]",
    "{\"1\": \"x\", \"-1\": \"y\"}",
    "[ {\"a\" : \"é\\u00e9\\n\"} ]",
    "{\"\": 0}",
    "{ \"a\" : [ 1 , 2 ] }",
    "[[\"a\"]]",
    "[1, 1.0, \"1\"]",
    "{\"a\": [1, 2], \"b\": \"a\"}",
    "[{\"a\": 1}, {\"a\": 2, \"b\": 3}]",
    "[true, false, null]",
    "1.00",
    "{\"a\": 1, \"b\": 2}",
    "[1]",
    "[2, 1]",
    "\"\"",
    "[[1]]",
    "{\"a\": [1]}",
    "{\"a\": {}}",
    "{\"a\": []}",
];
const KEYS: &[&str] = &["a", "b", "c", "", "1", "-1", "A"];
const INDEXES: &[i64] = &[0, 1, 2, -1, -3, -4, 2_147_483_647, -2_147_483_648];
const PATHS: &[&str] = &[
    "{}",
    "{a}",
    "{a,b}",
    "{a,c}",
    "{a,b,1,c}",
    "{a,b,-1}",
    "{0}",
    "{-1}",
    "{0,0}",
    "{0,-2}",
    "{1}",
    "{NULL}",
    "{a,NULL}",
    "{\" 1\"}",
    "{\"1 \"}",
    "{+1}",
    "{01}",
    "{99999999999}",
    "{\"\"}",
    "{0x1}",
    "{0,a}",
    "{1.0}",
    "{-0}",
    "{\"\u{b}1\"}",
];

type Operator = fn(&Value, &Value) -> Result<Option<Value>, Undecidable>;

fn parse(text: &str, name: &str) -> Value {
    value::from_text(text, &data_type(name)).unwrap()
}

#[derive(Default)]
struct Cases {
    expressions: Vec<String>,
    ours: Vec<String>,
}

impl Cases {
    fn extract(
        &mut self,
        document: &str,
        of: &str,
        symbol: &str,
        operator: Operator,
        step: &Value,
        sql: &str,
    ) {
        let found = operator(&parse(document, of), step).unwrap();
        self.ours.push(found.map_or(String::new(), |found| value::to_text(&found)));
        self.expressions.push(format!("{}::{of} {symbol} {sql}", quoted(document)));
    }

    fn test(&mut self, sql: String, holds: Result<bool, Undecidable>) {
        self.expressions.push(sql);
        self.ours.push(if holds.unwrap() { "t" } else { "f" }.to_owned());
    }

    async fn judge(self, client: &Client) {
        let theirs = answers(client, &self.expressions).await;
        println!("{} cases", theirs.len());
        for ((expression, ours), theirs) in self.expressions.iter().zip(self.ours).zip(theirs) {
            assert_eq!(ours, theirs, "{expression}");
        }
    }
}

#[tokio::test]
async fn steps_and_paths_lead_to_the_same() {
    let client = session().await;
    let mut cases = Cases::default();
    let steps: [(&str, Operator); 2] = [("->", value::json_at), ("->>", value::json_at_text)];
    let paths: [(&str, Operator); 2] =
        [("#>", value::json_at_path), ("#>>", value::json_at_path_text)];
    for document in DOCUMENTS {
        for of in ["json", "jsonb"] {
            for (symbol, operator) in steps {
                for key in KEYS {
                    cases.extract(
                        document,
                        of,
                        symbol,
                        operator,
                        &parse(key, "text"),
                        &format!("{}::text", quoted(key)),
                    );
                }
                for &index in INDEXES {
                    cases.extract(
                        document,
                        of,
                        symbol,
                        operator,
                        &Value::Int(index),
                        &format!("'{index}'::int"),
                    );
                }
            }
            for (symbol, operator) in paths {
                for path in PATHS {
                    cases.extract(
                        document,
                        of,
                        symbol,
                        operator,
                        &parse(path, "text[]"),
                        &format!("{}::text[]", quoted(path)),
                    );
                }
            }
        }
    }
    cases.judge(&client).await;
}

#[tokio::test]
async fn jsonb_contains_the_same() {
    let client = session().await;
    let mut cases = Cases::default();
    for document in DOCUMENTS {
        let whole = parse(document, "jsonb");
        let sql = format!("{}::jsonb", quoted(document));
        for other in DOCUMENTS {
            let part = parse(other, "jsonb");
            cases.test(format!("{sql} @> {}", quoted(other)), value::contains(&whole, &part));
            cases.test(
                format!("{sql} = {}", quoted(other)),
                value::equal(&whole, &part).ok_or(Undecidable),
            );
        }
        for key in KEYS {
            cases.test(
                format!("{sql} ? {}", quoted(key)),
                value::has_key(&whole, &parse(key, "text")),
            );
        }
        for keys in ["{}", "{a}", "{a,b}", "{NULL}", "{a,NULL}", "{c,NULL}", "{b,1}"] {
            let array = parse(keys, "text[]");
            cases.test(
                format!("{sql} ?| {}::text[]", quoted(keys)),
                value::has_any_key(&whole, &array),
            );
            cases.test(
                format!("{sql} ?& {}::text[]", quoted(keys)),
                value::has_all_keys(&whole, &array),
            );
        }
    }
    cases.judge(&client).await;
}
