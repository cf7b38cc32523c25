//! What gives a value of a type.

use rand::Rng as _;
use rand::seq::IndexedRandom as _;

use super::super::expr::Expr;
use super::super::pool;
use super::super::types::{Scalar, Ty};
use super::Grower;
use super::leaves::word;

const JSONS: [Scalar; 2] = [Scalar::Json, Scalar::Jsonb];

impl Grower<'_> {
    pub fn function(&mut self, ty: Ty, depth: u32) -> Expr {
        if self.rng.random_bool(0.4) {
            return self.choice(ty, depth);
        }
        match ty {
            Ty::One(Scalar::Text | Scalar::Varchar) => self.texts(depth),
            Ty::One(Scalar::Int4) if self.rng.random_bool(0.6) => self.counts(depth),
            Ty::One(of @ (Scalar::Json | Scalar::Jsonb)) if self.rng.random_bool(0.8) => {
                self.dig(of, depth, false)
            }
            Ty::One(Scalar::Bytea) if self.rng.random_bool(0.5) => self.joined(ty, depth),
            Ty::Many(scalar) if self.rng.random_bool(0.5) => match self.rng.random_bool(0.5) {
                true => self.array(scalar),
                false => self.joined(ty, depth),
            },
            Ty::One(Scalar::Bool) => self.truth(depth),
            _ => self.converted(ty, depth),
        }
    }

    /// `case`, `coalesce`, `nullif`, `greatest`, `least`.
    fn choice(&mut self, ty: Ty, depth: u32) -> Expr {
        let (one, two) = (self.value(ty, depth), self.value(ty, depth));
        let three = self.value(ty, depth);
        match self.rng.random_range(0..8) {
            0 => self.form(ty, "coalesce", "coalesce({}, {})", vec![one, two]),
            1 => self.form(ty, "coalesce", "COALESCE({}, {}, {})", vec![one, two, three]),
            2 => self.form(ty, "nullif", "nullif({}, {})", vec![one, two]),
            3 => self.form(ty, "greatest", "greatest({}, {}, {})", vec![one, two, three]),
            4 => self.form(ty, "least", "least({}, {})", vec![one, two]),
            5 => {
                let when = self.truth(depth);
                let form = "case when {} then {} else {} end";
                self.form(ty, "case when", form, vec![when, one, two])
            }
            6 => {
                let (first, second) = (self.truth(depth), self.truth(depth));
                let form = "case when {} then {} when {} then {} end";
                self.form(ty, "case when", form, vec![first, one, second, two])
            }
            _ => {
                let of = self.any_type();
                let (subject, value) = (self.value(of, depth), self.value(of, depth));
                let form = "case {} when {} then {} else {} end";
                self.form(ty, "case of", form, vec![subject, value, one, two])
            }
        }
    }

    fn texts(&mut self, depth: u32) -> Expr {
        let ty = Ty::One(Scalar::Text);
        match self.rng.random_range(0..8) {
            0 => {
                let inner = self.value(ty, depth);
                self.form(ty, "lower", "lower({})", vec![inner])
            }
            1 => {
                let inner = self.value(ty, depth);
                self.form(ty, "upper", "upper({})", vec![inner])
            }
            2 => {
                let inner = self.value(ty, depth);
                let form = if self.rng.random_bool(0.5) {
                    "upper({} collate \"C\")"
                } else {
                    "lower({} collate \"C\")"
                };
                self.form(ty, "collate", form, vec![inner])
            }
            3 | 4 => {
                let of = *JSONS.choose(self.rng).expect("there are two");
                self.dig(of, depth, true)
            }
            5 => {
                let other = self.any_type();
                let (left, right) = (self.value(ty, depth), self.value(other, depth));
                self.form(ty, "|| of text", "{} || {}", vec![left, right])
            }
            6 => self.joined(ty, depth),
            _ => self.converted(ty, depth),
        }
    }

    fn joined(&mut self, ty: Ty, depth: u32) -> Expr {
        let (left, right) = (self.value(ty, depth), self.value(ty, depth));
        let op = match ty {
            Ty::Many(_) => "|| of arrays",
            Ty::One(Scalar::Bytea) => "|| of bytea",
            Ty::One(Scalar::Jsonb) => "|| of jsonb",
            _ => "|| of text",
        };
        match (ty, self.rng.random_range(0..4)) {
            (Ty::Many(scalar), 0) => {
                let item = self.value(Ty::One(scalar), depth);
                self.form(ty, op, "{} || {}", vec![left, item])
            }
            (Ty::Many(scalar), 1) => {
                let item = self.value(Ty::One(scalar), depth);
                self.form(ty, op, "{} || {}", vec![item, left])
            }
            _ => self.form(ty, op, "{} || {}", vec![left, right]),
        }
    }

    fn counts(&mut self, depth: u32) -> Expr {
        let ty = Ty::One(Scalar::Int4);
        match self.rng.random_range(0..4) {
            0 | 1 => {
                let of = *[Scalar::Text, Scalar::Varchar, Scalar::Char, Scalar::Bytea]
                    .choose(self.rng)
                    .expect("there are some");
                let inner = self.value(Ty::One(of), depth);
                self.form(ty, "length", "length({})", vec![inner])
            }
            2 => {
                let list = self.some_array(depth);
                let dimension = self.small_number();
                self.form(ty, "array_length", "array_length({}, {})", vec![list, dimension])
            }
            _ => {
                let list = self.some_array(depth);
                self.form(ty, "cardinality", "cardinality({})", vec![list])
            }
        }
    }

    /// An array, rather of a type that a column has.
    pub fn some_array(&mut self, depth: u32) -> Expr {
        for _ in 0..8 {
            if let ty @ Ty::Many(_) = self.any_type() {
                return self.anchored(ty, depth);
            }
        }
        self.value(Ty::Many(Scalar::Int4), depth)
    }

    /// `->`, `#>` and their text forms.
    pub fn dig(&mut self, of: Scalar, depth: u32, as_text: bool) -> Expr {
        let from = self.anchored(Ty::One(of), depth);
        let ty = if as_text { Ty::One(Scalar::Text) } else { Ty::One(of) };
        if self.rng.random_bool(0.3) {
            let path = self.path();
            let (op, form) = if as_text { ("#>>", "{} #>> {}") } else { ("#>", "{} #> {}") };
            return self.form(ty, op, form, vec![from, path]);
        }
        let key = match self.rng.random_bool(0.3) {
            true => self.small_number(),
            false => self.text_of(pool::JSON_KEYS),
        };
        let (op, form) = if as_text { ("->>", "{} ->> {}") } else { ("->", "{} -> {}") };
        let tight = if as_text { "{}->>{}" } else { "{}->{}" };
        let form = if self.rng.random_bool(0.3) { tight } else { form };
        self.form(ty, op, form, vec![from, key])
    }

    /// Something whose type is known without its surroundings, mostly.
    pub fn anchored(&mut self, ty: Ty, depth: u32) -> Expr {
        let anchored = match self.rng.random_range(0..10) {
            0 => None,
            1..3 => {
                let text = self.spelling(ty);
                Some(self.typed(ty, &text))
            }
            _ => self.column(ty),
        };
        anchored.unwrap_or_else(|| self.value(ty, depth))
    }

    /// Keys, as an array of text.
    pub fn path(&mut self) -> Expr {
        let ty = Ty::Many(Scalar::Text);
        let count = self.rng.random_range(0..4);
        let keys: Vec<&str> = (0..count).map(|_| self.pick(pool::JSON_KEYS)).collect();
        if self.rng.random_bool(0.5) || keys.is_empty() {
            let keys: Vec<String> =
                keys.iter().map(|key| super::super::expr::array_item(key)).collect();
            return self.string(ty, &format!("{{{}}}", keys.join(",")));
        }
        let keys: Vec<String> = keys.iter().map(|key| super::super::expr::quoted(key)).collect();
        let array = word(ty, format!("array[{}]", keys.join(", ")));
        Expr { op: "array[ ]", ..array }
    }

    /// A cast from another type.
    fn converted(&mut self, ty: Ty, depth: u32) -> Expr {
        let (Ty::One(scalar) | Ty::Many(scalar)) = ty;
        let from = match scalar {
            Scalar::Text | Scalar::Varchar | Scalar::Char => self.any_type(),
            Scalar::Numeric | Scalar::Float8 | Scalar::Float4 | Scalar::Int8 | Scalar::Int4 => {
                let numbers =
                    [Scalar::Int2, Scalar::Int4, Scalar::Int8, Scalar::Float4, Scalar::Numeric];
                Ty::One(*numbers.choose(self.rng).expect("there are some"))
            }
            Scalar::Timestamptz | Scalar::Timestamp | Scalar::Date => self.peer(Ty::One(scalar)),
            Scalar::Jsonb => Ty::One(Scalar::Json),
            Scalar::Json => Ty::One(Scalar::Jsonb),
            other => Ty::One(other),
        };
        let from = match (ty, from) {
            (Ty::Many(_), Ty::One(scalar)) => Ty::Many(scalar),
            (_, from) => from,
        };
        let inner = self.value(from, depth);
        let suffix = if matches!(ty, Ty::Many(_)) { "[]" } else { "" };
        let name = self.name(scalar);
        match self.rng.random_bool(0.25) {
            true => {
                self.form(ty, "cast( as )", &format!("cast({{}} as {name}{suffix})"), vec![inner])
            }
            false => self.form(ty, "::", &format!("{{}}::{name}{suffix}"), vec![inner]),
        }
    }
}
