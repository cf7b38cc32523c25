//! What is true or false of values.

use rand::Rng as _;
use rand::seq::IndexedRandom as _;

use super::super::expr::Expr;
use super::super::pool;
use super::super::types::{Scalar, Ty};
use super::Grower;

const BOOL: Ty = Ty::One(Scalar::Bool);

impl Grower<'_> {
    /// A comparison or another test.
    pub fn test(&mut self, depth: u32) -> Expr {
        match self.rng.random_range(0..100) {
            0..32 => self.comparison(depth),
            32..38 => self.null_test(depth),
            38..42 => self.truth_test(depth),
            42..47 => self.distinct(depth),
            47..55 => self.listed(depth),
            55..63 => self.quantified(depth),
            63..69 => self.between(depth),
            69..77 => self.like(depth),
            77..82 => self.regex(depth),
            82..85 => self.starts(depth),
            85..92 => self.jsonb(depth),
            92..97 => self.overlap(depth),
            97..99 => self.value(BOOL, 0),
            _ => self.wrong(depth),
        }
    }

    fn comparison(&mut self, depth: u32) -> Expr {
        let ty = self.comparable();
        let other = self.peer(ty);
        let (mut left, right) = (self.value(ty, depth), self.value(other, depth));
        if let Ty::One(Scalar::Text | Scalar::Varchar) = ty
            && self.rng.random_bool(0.3)
        {
            left = self.form(ty, "collate", "{} collate \"C\"", vec![left]);
        }
        let (op, form) = match ty {
            Ty::One(Scalar::Jsonb) => {
                *[("=", "{} = {}"), ("<>", "{} <> {}")].choose(self.rng).expect("there are two")
            }
            _ => self.comparing(),
        };
        self.form(BOOL, op, form, vec![left, right])
    }

    fn comparing(&mut self) -> (&'static str, &'static str) {
        *[
            ("=", "{} = {}"),
            ("=", "{} = {}"),
            ("=", "{}={}"),
            ("<>", "{} <> {}"),
            ("<>", "{} != {}"),
            ("<", "{} < {}"),
            ("<=", "{} <= {}"),
            (">", "{} > {}"),
            (">=", "{} >= {}"),
        ]
        .choose(self.rng)
        .expect("there are some")
    }

    fn null_test(&mut self, depth: u32) -> Expr {
        let subject = match self.rng.random_bool(0.5) {
            true => self.any_column(),
            false => {
                let ty = self.any_type();
                self.value(ty, depth)
            }
        };
        let (op, form) = *[
            ("is null", "{} is null"),
            ("is not null", "{} is not null"),
            ("is null", "{} isnull"),
            ("is not null", "{} NOTNULL"),
        ]
        .choose(self.rng)
        .expect("there are some");
        self.form(BOOL, op, form, vec![subject])
    }

    fn truth_test(&mut self, depth: u32) -> Expr {
        let subject = self.truth(depth);
        let (op, form) = *[
            ("is true", "{} is true"),
            ("is not true", "{} is not true"),
            ("is false", "{} is false"),
            ("is not false", "{} IS NOT FALSE"),
            ("is unknown", "{} is unknown"),
            ("is not unknown", "{} is not unknown"),
        ]
        .choose(self.rng)
        .expect("there are some");
        self.form(BOOL, op, form, vec![subject])
    }

    fn distinct(&mut self, depth: u32) -> Expr {
        let ty = self.comparable();
        let other = self.peer(ty);
        let (left, right) = (self.value(ty, depth), self.value(other, depth));
        match self.rng.random_bool(0.5) {
            true => {
                self.form(BOOL, "is distinct from", "{} is distinct from {}", vec![left, right])
            }
            false => {
                let form = "{} is not distinct from {}";
                self.form(BOOL, "is not distinct from", form, vec![left, right])
            }
        }
    }

    fn listed(&mut self, depth: u32) -> Expr {
        let ty = self.comparable();
        let subject = self.value(ty, depth);
        let count = self.rng.random_range(1..5);
        let mut all = vec![subject];
        for _ in 0..count {
            let other = self.peer(ty);
            let item =
                if self.rng.random_bool(0.8) { self.leaf(other) } else { self.value(other, depth) };
            all.push(item);
        }
        let places = vec!["{}"; count].join(", ");
        match self.rng.random_bool(0.5) {
            true => self.form(BOOL, "in", &format!("{{}} in ({places})"), all),
            false => self.form(BOOL, "not in", &format!("{{}} not in ({places})"), all),
        }
    }

    fn quantified(&mut self, depth: u32) -> Expr {
        let list = self.some_array(depth);
        let (Ty::One(scalar) | Ty::Many(scalar)) = list.ty;
        let other = self.peer(Ty::One(scalar));
        let subject = self.value(other, depth);
        let usual =
            if self.rng.random_bool(0.5) { ("any", "{} = {}") } else { ("all", "{} <> {}") };
        let is_usual = self.rng.random_bool(0.85);
        let (_, form) = if is_usual { usual } else { self.comparing() };
        let sign = form.trim_start_matches("{}").trim_end_matches("{}");
        let words = [("any", "any"), ("any", "ANY "), ("any", "some"), ("all", "all")];
        let (op, word) = match is_usual {
            true => (usual.0, usual.0),
            false => *words.choose(self.rng).expect("there are some"),
        };
        self.form(BOOL, op, &format!("{{}}{sign}{word}({{}})"), vec![subject, list])
    }

    fn between(&mut self, depth: u32) -> Expr {
        let ty = self.comparable();
        let (low, high) = (self.peer(ty), self.peer(ty));
        let all = vec![self.value(ty, depth), self.value(low, depth), self.value(high, depth)];
        let (op, form) = *[
            ("between", "{} between {} and {}"),
            ("between", "{} BETWEEN {} AND {}"),
            ("not between", "{} not between {} and {}"),
            ("between symmetric", "{} between symmetric {} and {}"),
            ("not between symmetric", "{} not between symmetric {} and {}"),
        ]
        .choose(self.rng)
        .expect("there are some");
        self.form(BOOL, op, form, all)
    }

    /// A text of any of the text types.
    fn some_text(&mut self, depth: u32) -> Expr {
        let of = *[Scalar::Text, Scalar::Text, Scalar::Varchar, Scalar::Char]
            .choose(self.rng)
            .expect("there are some");
        self.value(Ty::One(of), depth)
    }

    fn like(&mut self, depth: u32) -> Expr {
        let mut subject = self.some_text(depth);
        let (op, form) = *[
            ("like", "{} like {}"),
            ("like", "{} LIKE {}"),
            ("not like", "{} not like {}"),
            ("ilike", "{} ilike {}"),
            ("not ilike", "{} not ilike {}"),
        ]
        .choose(self.rng)
        .expect("there are some");
        if op.ends_with("ilike") && self.rng.random_bool(0.6) {
            subject = self.form(subject.ty, "collate", "{} collate \"C\"", vec![subject]);
        }
        let pattern = match self.rng.random_bool(0.9) {
            true => self.text_of(pool::PATTERNS),
            false => self.some_text(depth),
        };
        let test = self.form(BOOL, op, form, vec![subject, pattern]);
        if !self.rng.random_bool(0.3) {
            return test;
        }
        let escape = self.text_of(pool::ESCAPES);
        Expr::form(BOOL, "escape", "{} escape {}", vec![test, escape])
    }

    fn regex(&mut self, depth: u32) -> Expr {
        let mut subject = self.some_text(depth);
        if self.rng.random_bool(0.6) {
            subject = self.form(subject.ty, "collate", "{} collate \"C\"", vec![subject]);
        }
        let (op, form) =
            *[("~", "{} ~ {}"), ("~*", "{} ~* {}"), ("!~", "{} !~ {}"), ("!~*", "{} !~* {}")]
                .choose(self.rng)
                .expect("there are some");
        let pattern = self.text_of(pool::REGEXES);
        self.form(BOOL, op, form, vec![subject, pattern])
    }

    fn starts(&mut self, depth: u32) -> Expr {
        let subject = self.some_text(depth);
        let prefix = match self.rng.random_bool(0.7) {
            true => self.text_of(pool::values(Scalar::Text)),
            false => self.some_text(depth),
        };
        self.form(BOOL, "starts_with", "starts_with({}, {})", vec![subject, prefix])
    }

    fn jsonb(&mut self, depth: u32) -> Expr {
        let ty = Ty::One(Scalar::Jsonb);
        let left = self.anchored(ty, depth);
        match self.rng.random_range(0..7) {
            0 | 1 => {
                let right = self.value(ty, depth);
                self.form(BOOL, "@> of jsonb", "{} @> {}", vec![left, right])
            }
            2 => {
                let right = self.value(ty, depth);
                self.form(BOOL, "<@ of jsonb", "{} <@ {}", vec![left, right])
            }
            3 | 4 => {
                let key = self.text_of(pool::JSON_KEYS);
                self.form(BOOL, "?", "{} ? {}", vec![left, key])
            }
            5 => {
                let keys = self.path();
                self.form(BOOL, "?|", "{} ?| {}", vec![left, keys])
            }
            _ => {
                let keys = self.path();
                self.form(BOOL, "?&", "{} ?& {}", vec![left, keys])
            }
        }
    }

    fn overlap(&mut self, depth: u32) -> Expr {
        let left = self.some_array(depth);
        let right = self.value(left.ty, depth);
        let (op, form) =
            *[("&&", "{} && {}"), ("@> of arrays", "{} @> {}"), ("<@ of arrays", "{} <@ {}")]
                .choose(self.rng)
                .expect("there are some");
        self.form(BOOL, op, form, vec![left, right])
    }

    /// What is to be refused: arithmetic, unknown functions, types that don't go together.
    fn wrong(&mut self, depth: u32) -> Expr {
        let (one, two) = (self.any_type(), self.any_type());
        let (left, right) = (self.value(one, depth), self.value(two, depth));
        let form = *[
            "{} = {}",
            "{} + {} > 1",
            "{} / {} is null",
            "abs({}) = {}",
            "({}, {}) = (1, 2)",
            "{} like {}",
            "{} @> {}",
            "coalesce({}, {}) is null",
            "{} = now() or {} is null",
            "{} similar to {}",
            "{} at time zone {} is null",
            "exists (select {} = {})",
            "position({} in {}) > 0",
        ]
        .choose(self.rng)
        .expect("there are some");
        self.form(BOOL, "wrong", form, vec![left, right])
    }
}
