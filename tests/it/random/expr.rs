//! Conditions at random, as a policy writes them and as PostgreSQL is asked about them.

use std::collections::HashMap;

use rand::Rng as _;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom as _;
use serde_json::{Map, Value};

use tokio_postgres::Client;

use super::table::{MOODS, Table};

/// What a claim is taken for.
#[derive(Clone, Copy, Debug)]
pub enum As {
    Text,
    Int,
    Ints,
    Numeric,
    Mood,
}

/// A condition without `and`, `or` and `not`.
#[derive(Clone, Debug)]
pub struct Atom {
    text: String,
    pub columns: Vec<&'static str>,
    claims: Vec<(&'static str, As)>,
    /// Null, if one of its claims is.
    is_strict: bool,
}

#[derive(Clone, Debug)]
pub enum Expr {
    Atom(Atom),
    And(Vec<Expr>),
    Or(Vec<Expr>),
    Not(Box<Expr>),
}

/// Somebody's claims, and what PostgreSQL says of the conditions on them alone, by their SQL.
#[derive(Clone, Debug, Default)]
pub struct Claims {
    pub given: Map<String, Value>,
    pub facts: HashMap<String, Option<bool>>,
}

pub fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

impl Claims {
    fn get(&self, name: &str) -> Option<&Value> {
        self.given.get(name).filter(|value| !value.is_null())
    }

    fn literal(&self, name: &str) -> String {
        let element = |value: &Value| match value {
            Value::Null => "NULL".to_owned(),
            Value::String(text) => format!("\"{text}\""),
            other => other.to_string(),
        };
        match self.get(name) {
            None => "null".to_owned(),
            Some(Value::String(text)) => quoted(text),
            Some(Value::Array(items)) => {
                let items: Vec<_> = items.iter().map(element).collect();
                quoted(&format!("{{{}}}", items.join(",")))
            }
            Some(other) => quoted(&other.to_string()),
        }
    }

    fn converts(&self, name: &str, kind: As) -> bool {
        let Some(value) = self.get(name) else { return true };
        let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        match kind {
            As::Text => true,
            As::Int => text.parse::<i64>().is_ok(),
            As::Numeric => text.parse::<f64>().is_ok(),
            As::Mood => MOODS.contains(&text.as_str()),
            As::Ints => value.as_array().is_some_and(|items| {
                items.iter().all(|item| item.is_null() || item.to_string().parse::<i32>().is_ok())
            }),
        }
    }
}

impl Atom {
    fn sql(&self, claims: &Claims) -> String {
        let mut sql = self.text.clone();
        for (name, _) in &self.claims {
            sql = sql.replace(&format!("auth.{name}"), &claims.literal(name));
        }
        sql
    }

    fn fails(&self, claims: &Claims) -> bool {
        self.claims.iter().any(|(name, kind)| !claims.converts(name, *kind))
    }

    /// With a claim that is null it is never true, but may be false.
    fn wants_claims(&self) -> bool {
        self.text.contains(" between ") || self.text.ends_with("any(tags)")
    }

    fn lacks_a_claim(&self, claims: &Claims) -> bool {
        self.claims.iter().any(|(name, _)| claims.get(name).is_none())
    }

    /// What it is for all rows, if it is the same for all.
    fn constant(&self, claims: &Claims, positive: bool) -> Option<Option<bool>> {
        if self.fails(claims) {
            Some(Some(!positive))
        } else if self.columns.is_empty() {
            Some(claims.facts[&self.sql(claims)])
        } else {
            (self.is_strict && self.lacks_a_claim(claims)).then_some(None)
        }
    }
}

impl Expr {
    /// As a policy or a filter writes it.
    pub fn text(&self) -> String {
        self.write(&|atom, _| atom.text.clone(), true)
    }

    /// For PostgreSQL: claims as literals; a claim that can't be converted makes nothing true.
    pub fn sql(&self, claims: &Claims) -> String {
        let atom = |atom: &Atom, positive: bool| match atom.fails(claims) {
            true => (!positive).to_string(),
            false => atom.sql(claims),
        };
        self.write(&atom, true)
    }

    fn write(&self, atom: &dyn Fn(&Atom, bool) -> String, positive: bool) -> String {
        let joined = |parts: &[Expr], word: &str| {
            let parts: Vec<_> = parts.iter().map(|part| part.write(atom, positive)).collect();
            format!("({})", parts.join(word))
        };
        match self {
            Expr::Atom(it) => format!("({})", atom(it, positive)),
            Expr::And(parts) => joined(parts, " and "),
            Expr::Or(parts) => joined(parts, " or "),
            Expr::Not(part) => format!("(not {})", part.write(atom, !positive)),
        }
    }

    pub fn atoms(&self) -> Vec<&Atom> {
        match self {
            Expr::Atom(atom) => vec![atom],
            Expr::And(parts) | Expr::Or(parts) => parts.iter().flat_map(Expr::atoms).collect(),
            Expr::Not(part) => part.atoms(),
        }
    }

    /// The conditions on claims alone, as SQL.
    pub fn questions(&self, claims: &Claims) -> Vec<String> {
        let atoms = self.atoms().into_iter();
        let open = atoms.filter(|atom| atom.columns.is_empty() && !atom.fails(claims));
        open.map(|atom| atom.sql(claims)).collect()
    }

    /// Whether the conditions on claims alone let it be true, and be false.
    pub fn possible(&self, claims: &Claims) -> (bool, bool) {
        let all = |parts: &[Expr]| {
            parts.iter().map(|part| part.possible(claims)).collect::<Vec<(bool, bool)>>()
        };
        match self {
            Expr::Atom(atom) if !atom.columns.is_empty() => (true, true),
            Expr::Atom(atom) if atom.fails(claims) => (false, false),
            Expr::Atom(atom) => {
                let fact = claims.facts[&atom.sql(claims)];
                (fact == Some(true), fact == Some(false))
            }
            Expr::And(parts) => {
                let parts = all(parts);
                (parts.iter().all(|part| part.0), parts.iter().any(|part| part.1))
            }
            Expr::Or(parts) => {
                let parts = all(parts);
                (parts.iter().any(|part| part.0), parts.iter().all(|part| part.1))
            }
            Expr::Not(part) => {
                let (yes, no) = part.possible(claims);
                (no, yes)
            }
        }
    }

    /// What it is for all rows, as far as `and`, `or` and `not` of constants tell.
    pub fn constant(&self, claims: &Claims) -> Option<Option<bool>> {
        self.folded(claims, true)
    }

    fn folded(&self, claims: &Claims, positive: bool) -> Option<Option<bool>> {
        let joined = |parts: &[Expr], decisive: bool| {
            let parts: Vec<_> = parts.iter().map(|part| part.folded(claims, positive)).collect();
            if parts.contains(&Some(Some(decisive))) {
                return Some(Some(decisive));
            }
            let mut rest = parts.iter().filter(|part| **part != Some(Some(!decisive))).peekable();
            match rest.peek() {
                None => Some(Some(!decisive)),
                Some(_) => rest.all(|part| *part == Some(None)).then_some(None),
            }
        };
        match self {
            Expr::Atom(atom) => atom.constant(claims, positive),
            Expr::And(parts) => joined(parts, false),
            Expr::Or(parts) => joined(parts, true),
            Expr::Not(part) => part.folded(claims, !positive).map(|it| it.map(|it| !it)),
        }
    }

    /// Whether it is plain, without a row, that it is true for none.
    pub fn is_never(&self, claims: &Claims) -> bool {
        match self.constant(claims) {
            Some(value) => value != Some(true),
            None => match self {
                Expr::And(parts) => parts.iter().any(|part| part.is_never(claims)),
                Expr::Or(parts) => parts.iter().all(|part| part.is_never(claims)),
                Expr::Atom(atom) => atom.wants_claims() && atom.lacks_a_claim(claims),
                Expr::Not(_) => false,
            },
        }
    }

    pub fn constantly(value: bool) -> Self {
        let columns = Vec::new();
        let text = value.to_string();
        Expr::Atom(Atom { text, columns, claims: Vec::new(), is_strict: true })
    }

    /// A condition on the table's columns, and on claims unless it is a client's.
    pub fn random(rng: &mut StdRng, table: &Table, depth: u32, with_claims: bool) -> Self {
        let part = |rng: &mut StdRng| Self::random(rng, table, depth - 1, with_claims);
        let parts = |rng: &mut StdRng| (0..rng.random_range(2..4)).map(|_| part(rng)).collect();
        match rng.random_range(0..20) {
            0..=6 if depth > 0 => Expr::And(parts(rng)),
            7..=14 if depth > 0 => Expr::Or(parts(rng)),
            15..=16 if depth > 0 => Expr::Not(Box::new(part(rng))),
            _ => Expr::Atom(Atom::random(rng, table, with_claims)),
        }
    }
}

type Known = (&'static str, &'static [&'static str], &'static [(&'static str, As)], bool);

const OF_CLAIMS: &[Known] = &[
    ("customer = auth.customer", &["customer"], &[("customer", As::Int)], true),
    ("auth.customer = customer", &["customer"], &[("customer", As::Int)], true),
    ("customer = auth.customer::bigint", &["customer"], &[("customer", As::Int)], true),
    ("customer in (1, auth.customer)", &["customer"], &[("customer", As::Int)], false),
    ("customer <> auth.customer", &["customer"], &[("customer", As::Int)], true),
    ("customer is not distinct from auth.customer", &["customer"], &[("customer", As::Int)], false),
    ("org = any(auth.orgs)", &["org"], &[("orgs", As::Ints)], true),
    ("org <> all(auth.orgs)", &["org"], &[("orgs", As::Ints)], true),
    ("owner = auth.sub", &["owner"], &[("sub", As::Text)], true),
    ("owner = auth.sub", &["owner"], &[("sub", As::Text)], true),
    ("status = auth.tier", &["status"], &[("tier", As::Mood)], true),
    ("status >= auth.tier", &["status"], &[("tier", As::Mood)], true),
    ("amount > auth.level", &["amount"], &[("level", As::Numeric)], true),
    ("amount between 5 and auth.level", &["amount"], &[("level", As::Numeric)], false),
    ("auth.sub = any(tags)", &["tags"], &[("sub", As::Text)], false),
    ("auth.role = 'admin'", &[], &[("role", As::Text)], true),
    ("auth.role in ('admin', 'clerk')", &[], &[("role", As::Text)], true),
    ("auth.role <> 'guest'", &[], &[("role", As::Text)], true),
    ("auth.customer is null", &[], &[("customer", As::Text)], true),
    ("auth.level::numeric > 20", &[], &[("level", As::Numeric)], true),
];

const OF_COLUMNS: &[Known] = &[
    ("customer in (1, 2)", &["customer"], &[], true),
    ("customer is null", &["customer"], &[], true),
    ("customer > 2 and org > 1", &["customer", "org"], &[], true),
    ("org = 1", &["org"], &[], true),
    ("org is distinct from 2", &["org"], &[], true),
    ("owner like 'u%'", &["owner"], &[], true),
    ("owner not like '%2'", &["owner"], &[], true),
    ("owner is null", &["owner"], &[], true),
    ("status = 'open'", &["status"], &[], true),
    ("status in ('new', 'paid')", &["status"], &[], true),
    ("status > 'open'", &["status"], &[], true),
    ("amount between 5 and 50", &["amount"], &[], true),
    ("amount not between 5 and 50", &["amount"], &[], true),
    ("amount >= 10.5", &["amount"], &[], true),
    ("seen_at < '2026-03-01 12:00+01'", &["seen_at"], &[], true),
    ("seen_at is not null", &["seen_at"], &[], true),
    ("'a' = any(tags)", &["tags"], &[], true),
    ("tags && '{a,b}'", &["tags"], &[], true),
    ("cardinality(tags) = 2", &["tags"], &[], true),
    ("doc ->> 'kind' = 'x'", &["doc"], &[], true),
    ("doc ? 'kind'", &["doc"], &[], true),
    ("doc @> '{\"n\": 1}'", &["doc"], &[], true),
    ("flag", &["flag"], &[], true),
    ("flag is not true", &["flag"], &[], true),
    ("coalesce(flag, customer = 1)", &["flag", "customer"], &[], true),
    ("note is not null", &["note"], &[], true),
    ("secret like '%0'", &["secret"], &[], true),
    ("length(body) < 100", &["body"], &[], true),
    ("id > 5", &["id"], &[], true),
    ("id = 3", &["id"], &[], true),
    ("region = 'eu'", &["region"], &[], true),
];

impl Atom {
    fn known(known: &Known) -> Self {
        let &(text, columns, claims, is_strict) = known;
        let (columns, claims) = (columns.to_vec(), claims.to_vec());
        Self { text: text.to_owned(), columns, claims, is_strict }
    }

    fn random(rng: &mut StdRng, table: &Table, with_claims: bool) -> Self {
        let fits = |known: &&Known| known.1.iter().all(|name| table.column(name).is_some());
        let of_claims = with_claims && rng.random_bool(0.6);
        let pool: Vec<&Known> =
            if of_claims { OF_CLAIMS } else { OF_COLUMNS }.iter().filter(fits).collect();
        Self::known(pool.choose(rng).unwrap())
    }
}

impl Expr {
    /// One of those that a policy may have, by its words.
    pub fn known(text: &str) -> Self {
        let known = OF_CLAIMS.iter().find(|known| known.0 == text);
        Expr::Atom(Atom::known(known.expect("one of them")))
    }

    /// A client's condition with a parameter.
    pub fn equal_to_param(column: &'static str) -> Self {
        let text = format!("{column} = $1");
        Expr::Atom(Atom { text, columns: vec![column], claims: Vec::new(), is_strict: true })
    }
}

/// Answers the conditions on somebody's claims alone.
pub async fn ask_about_claims(client: &Client, tables: &[Table], claims: &mut Claims) {
    for table in tables {
        let rules = table.policy.rules.iter().map(|rule| &rule.1);
        for expr in rules.chain([&table.policy.rows]) {
            for question in expr.questions(claims) {
                let answer = client.query_one(&format!("select ({question})"), &[]).await.unwrap();
                claims.facts.insert(question, answer.get(0));
            }
        }
    }
}
