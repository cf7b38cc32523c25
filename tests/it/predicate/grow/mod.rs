//! Predicates at random, directed by types so that many are accepted.

mod functions;
mod leaves;
mod tests_of;

use rand::Rng as _;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom as _;
use serde_json::{Map, Value};

use super::expr::{Expr, Part, Setting};
use super::table::Table;
use super::types::{KINDS, Scalar, Ty};

/// A predicate with what it was made for.
#[derive(Clone, Debug)]
pub struct Case {
    pub expr: Expr,
    pub setting: Setting,
    /// Whether `and`, `or` and `not` are where the tree says, because everything is in parentheses.
    pub is_explicit: bool,
}

/// Makes predicates over a table.
pub struct Grower<'t> {
    pub rng: &'t mut StdRng,
    table: &'t Table,
    setting: Setting,
    /// Puts every child into parentheses.
    is_explicit: bool,
}

const MAX_DEPTH: u32 = 4;
const JUNK: &[&str] = &[
    "and",
    "or",
    "not",
    "is",
    "null",
    "(",
    ")",
    "=",
    "<",
    "||",
    "::int",
    "::text",
    "in",
    "any",
    "between",
    "like",
    ",",
    "'x'",
    "1",
    "-",
    "+",
    "*",
    "case",
    "end",
    "when",
    "true",
    "collate",
    "\"C\"",
    "->",
    "@>",
    "?",
    ".",
    "distinct",
    "from",
    "all",
    "array",
    "[",
    "]",
    "[1]",
    "exists",
    "select",
    "now()",
    "/",
    "%",
    "is not",
    "escape",
    "--",
    "/*",
    "*/",
    ";",
    "at time zone",
    "row",
    "isnull",
    "~",
    "<>",
    "!=",
    "similar to",
    "^",
    "@",
    "#",
    "overlaps",
    "cast",
    "as",
    "E'a'",
];

impl<'t> Grower<'t> {
    pub fn new(rng: &'t mut StdRng, table: &'t Table) -> Self {
        Self { rng, table, setting: Setting::Filter(Vec::new()), is_explicit: false }
    }

    /// The next predicate.
    pub fn case(&mut self) -> Case {
        let is_policy = self.rng.random_bool(0.35);
        self.setting = match is_policy {
            true => Setting::Policy(Map::new()),
            false => Setting::Filter(Vec::new()),
        };
        self.is_explicit = is_policy || self.rng.random_bool(0.3);
        let depth = self.rng.random_range(1..=MAX_DEPTH);
        let mut expr = self.truth(depth);
        let mut is_explicit = self.is_explicit;
        if self.rng.random_bool(0.06) {
            expr = self.mutated(&expr);
            is_explicit = false;
        }
        Case { expr, setting: self.setting.clone(), is_explicit }
    }

    /// Something boolean.
    pub fn truth(&mut self, depth: u32) -> Expr {
        if depth == 0 {
            return self.test(0);
        }
        match self.rng.random_range(0..100) {
            0..14 => self.junction("and", depth),
            14..28 => self.junction("or", depth),
            28..36 => {
                let inner = self.truth(depth - 1);
                self.form(Ty::One(Scalar::Bool), "not", "not {}", vec![inner])
            }
            36..42 => self.value(Ty::One(Scalar::Bool), depth - 1),
            _ => self.test(depth - 1),
        }
    }

    fn junction(&mut self, op: &'static str, depth: u32) -> Expr {
        let (left, right) = (self.truth(depth - 1), self.truth(depth - 1));
        let upper = if op == "and" { "{} AND {}" } else { "{} OR {}" };
        let lower = if op == "and" { "{} and {}" } else { "{} or {}" };
        let form = if self.rng.random_bool(0.1) { upper } else { lower };
        self.form(Ty::One(Scalar::Bool), op, form, vec![left, right])
    }

    /// Something of a type.
    pub fn value(&mut self, ty: Ty, depth: u32) -> Expr {
        if depth == 0 || self.rng.random_bool(0.45) {
            return self.leaf(ty);
        }
        self.function(ty, depth - 1)
    }

    /// A form whose children are in parentheses where they need them, and often where they don't.
    pub fn form(&mut self, ty: Ty, op: &'static str, form: &str, children: Vec<Expr>) -> Expr {
        let rate = if self.is_explicit { 1.0 } else { 0.65 };
        let children = children
            .into_iter()
            .map(|child| match child.is_leaf() || !self.rng.random_bool(rate) {
                true => child,
                false => {
                    let (ty, op) = (child.ty, "( )");
                    Expr::form(ty, op, "({})", vec![child])
                }
            })
            .collect();
        Expr::form(ty, op, form, children)
    }

    /// A type, rather one that a column has.
    pub fn any_type(&mut self) -> Ty {
        if self.rng.random_bool(0.85) {
            let kinds: Vec<usize> = self.table.kinds.iter().flatten().copied().collect();
            let ty = KINDS[*kinds.choose(self.rng).expect("there are columns")].ty;
            if ty != Ty::One(Scalar::Other) {
                return ty;
            }
        }
        let scalar = *Scalar::ALL.choose(self.rng).expect("there are types");
        if self.rng.random_bool(0.1) { Ty::Many(scalar) } else { Ty::One(scalar) }
    }

    /// A type that has comparisons, mostly.
    pub fn comparable(&mut self) -> Ty {
        for _ in 0..10 {
            let ty = self.any_type();
            if !matches!(ty, Ty::Many(_) | Ty::One(Scalar::Json)) || self.rng.random_bool(0.05) {
                return ty;
            }
        }
        Ty::One(Scalar::Int4)
    }

    /// A type that this one may be compared with: mostly itself.
    pub fn peer(&mut self, ty: Ty) -> Ty {
        let Ty::One(scalar) = ty else { return ty };
        let alike: Vec<Scalar> = Scalar::ALL
            .into_iter()
            .filter(|other| {
                scalar.is_number() && other.is_number()
                    || scalar.is_text() && other.is_text()
                    || scalar.is_moment() && other.is_moment()
            })
            .collect();
        match self.rng.random_range(0..100) {
            0..2 => self.any_type(),
            2..25 => alike.choose(self.rng).map_or(ty, |&other| Ty::One(other)),
            _ => ty,
        }
    }

    pub fn pick(&mut self, from: &[&'static str]) -> &'static str {
        from.choose(self.rng).expect("there is something to choose from")
    }

    /// Slightly wrong.
    fn mutated(&mut self, expr: &Expr) -> Expr {
        let mut tokens = expr.tokens();
        for _ in 0..self.rng.random_range(1..3) {
            let at = self.rng.random_range(0..tokens.len());
            match self.rng.random_range(0..5) {
                0 if tokens.len() > 1 => drop(tokens.remove(at)),
                1 => tokens.insert(at, tokens[at].clone()),
                2 if at + 1 < tokens.len() => tokens.swap(at, at + 1),
                3 => tokens[at] = Part::Text(self.pick(JUNK).to_owned()),
                _ => tokens.insert(at, Part::Text(self.pick(JUNK).to_owned())),
            }
        }
        // A point between two claims makes one name of them.
        if tokens.iter().any(|token| matches!(token, Part::Claim(_))) {
            tokens.retain(|token| !matches!(token, Part::Text(text) if text == "."));
        }
        let spaced = tokens.into_iter().flat_map(|token| [token, Part::Text(" ".to_owned())]);
        Expr { ty: Ty::One(Scalar::Bool), op: "mutated", kind: None, parts: spaced.collect() }
    }

    /// Adds a parameter; gives its number.
    fn param(&mut self, value: Value) -> Option<Part> {
        match &mut self.setting {
            Setting::Filter(params) => {
                params.push(value);
                Some(Part::Param(params.len()))
            }
            Setting::Policy(claims) => {
                let name = format!("c{}", claims.len());
                if self.rng.random_bool(0.2) {
                    let org = claims.entry("org").or_insert_with(|| Value::Object(Map::new()));
                    org.as_object_mut()?.insert(name.clone(), value);
                    return Some(Part::Claim(vec!["org".to_owned(), name]));
                }
                if !self.rng.random_bool(0.08) {
                    claims.insert(name.clone(), value);
                }
                Some(Part::Claim(vec![name]))
            }
        }
    }
}
