//! Who is there: customers, administrators, some with claims that lack or can't be converted, and anonymous.

use rand::Rng as _;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom as _;
use rowcast::identity::{Secret, jwt, sign};
use serde_json::{Map, Value, json};

use super::expr::Claims;

pub const SECRET: &str = "a secret of more than thirty-two bytes";

pub struct Identity {
    pub claims: Claims,
    pub token: Option<String>,
}

impl Identity {
    pub fn anonymous() -> Self {
        Self { claims: Claims::default(), token: None }
    }

    pub fn random(rng: &mut StdRng) -> Self {
        let mut given = Map::new();
        let pool: [(&str, f64, &[Value]); 6] = [
            ("sub", 0.9, &[json!("u1"), json!("u2"), json!("u3"), json!(2), json!("x%")]),
            ("role", 0.7, &[json!("admin"), json!("clerk"), json!("guest"), json!("user")]),
            (
                "customer",
                0.8,
                &[json!(1), json!("2"), json!(3), json!("four"), json!("99999999999999999999")],
            ),
            (
                "orgs",
                0.8,
                &[
                    json!([1]),
                    json!([1, 3]),
                    json!([]),
                    json!([2, null]),
                    json!(["x"]),
                    json!([1.5]),
                ],
            ),
            ("level", 0.7, &[json!(10), json!("49.99"), json!(30.5), json!("high")]),
            ("tier", 0.7, &[json!("open"), json!("paid"), json!("gold")]),
        ];
        for (name, likely, values) in pool {
            if rng.random_bool(likely) {
                given.insert(name.to_owned(), values.choose(rng).unwrap().clone());
            } else if rng.random_bool(0.2) {
                given.insert(name.to_owned(), Value::Null);
            }
        }
        // A subject is a string.
        if given.get("sub").is_some_and(Value::is_number) {
            given.insert("sub".to_owned(), json!("2"));
        }
        Self::of(given)
    }

    pub fn of(given: Map<String, Value>) -> Self {
        let token = Some(signed(&given));
        Self { claims: Claims { given, ..Claims::default() }, token }
    }

    /// A token that ends at this time, in seconds since 1970.
    pub fn token_until(&self, secs: u64) -> Option<String> {
        self.token.as_ref()?;
        let mut given = self.claims.given.clone();
        given.insert("exp".to_owned(), json!(secs));
        Some(signed(&given))
    }
}

fn signed(given: &Map<String, Value>) -> String {
    sign(&jwt::Settings::with_secret(Secret::new(SECRET)), given).unwrap()
}
