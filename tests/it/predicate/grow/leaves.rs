//! Columns, literals, parameters and claims.

use rand::Rng as _;
use rand::seq::IndexedRandom as _;
use serde_json::Value;

use super::super::expr::{Expr, Part, quoted};
use super::super::oddities::oddities;
use super::super::pool;
use super::super::table::{array, identifier};
use super::super::types::{KINDS, Scalar, Ty};
use super::Grower;

impl Grower<'_> {
    pub fn leaf(&mut self, ty: Ty) -> Expr {
        if self.rng.random_bool(0.55)
            && let Some(column) = self.column(ty)
        {
            return column;
        }
        if self.rng.random_bool(0.06) {
            return Expr::leaf(ty, "null", self.null());
        }
        self.constant(ty)
    }

    fn null(&mut self) -> &'static str {
        self.pick(&["null", "NULL", "Null"])
    }

    /// A column of the type, if there is one.
    pub fn column(&mut self, ty: Ty) -> Option<Expr> {
        let kinds = self.table.kinds.iter().enumerate();
        let alike: Vec<(usize, usize)> = kinds
            .filter_map(|(at, kind)| {
                kind.filter(|&kind| KINDS[kind].ty == ty).map(|kind| (at, kind))
            })
            .collect();
        let &(at, kind) = alike.choose(self.rng)?;
        Some(self.column_at(at, kind))
    }

    fn column_at(&mut self, at: usize, kind: usize) -> Expr {
        let name = &self.table.columns[at].name;
        let mut text = identifier(name);
        match self.rng.random_range(0..40) {
            0 => text = format!("{}.{text}", self.table.name),
            1 => text = format!("\"{}\"", name.replace('"', "\"\"")),
            2 if !text.starts_with('"') => text = text.to_uppercase(),
            _ => {}
        }
        Expr { kind: Some(kind), ..Expr::leaf(KINDS[kind].ty, "column", text) }
    }

    /// Any column, of whatever type.
    pub fn any_column(&mut self) -> Expr {
        let kinds = self.table.kinds.iter().enumerate();
        let all: Vec<(usize, usize)> =
            kinds.filter_map(|(at, kind)| kind.map(|kind| (at, kind))).collect();
        let &(at, kind) = all.choose(self.rng).expect("there are columns");
        self.column_at(at, kind)
    }

    /// A value in some spelling.
    pub fn constant(&mut self, ty: Ty) -> Expr {
        let text = self.spelling(ty);
        match self.rng.random_range(0..100) {
            0..25 => self.outer(ty, &text),
            25..40 => self.typed(ty, &text),
            40..70 => self.bare(ty, &text),
            _ => self.string(ty, &text),
        }
    }

    /// A value's text: mostly one that the type has.
    pub fn spelling(&mut self, ty: Ty) -> String {
        match ty {
            Ty::One(scalar) if self.rng.random_bool(0.06) => self.pick(oddities(scalar)).to_owned(),
            Ty::One(scalar) => self.pick(pool::values(scalar)).to_owned(),
            Ty::Many(_) if self.rng.random_bool(0.05) => self
                .pick(&[
                    "",
                    "{",
                    "{a,}",
                    "{{1},{1,2}}",
                    " {1 , 2} ",
                    "{a\"b}",
                    "[1:1]={1,2}",
                    "{1,null,NULL}",
                ])
                .to_owned(),
            Ty::Many(scalar) => array(pool::values(scalar), self.rng),
        }
    }

    /// An untyped literal.
    pub fn string(&mut self, ty: Ty, text: &str) -> Expr {
        let text = match self.rng.random_range(0..300) {
            0 => format!(
                "E'{}'",
                text.replace('\\', "\\\\").replace('\'', "\\'").replace('\n', "\\n")
            ),
            1 => format!("$${text}$$"),
            2 if text.is_ascii() => format!("U&{}", quoted(&text.replace('\\', "\\\\"))),
            _ => quoted(text),
        };
        Expr::leaf(ty, "literal", text)
    }

    /// `date '…'`, `'…'::date`, `cast('…' as date)`.
    pub fn typed(&mut self, ty: Ty, text: &str) -> Expr {
        let (Ty::One(scalar) | Ty::Many(scalar)) = ty;
        let name = self.name(scalar);
        let suffix = if matches!(ty, Ty::Many(_)) { "[]" } else { "" };
        let text = quoted(text);
        match self.rng.random_range(0..4) {
            0 if suffix.is_empty() => Expr::leaf(ty, "typed literal", format!("{name} {text}")),
            1 => Expr::leaf(ty, "cast( as )", format!("cast({text} as {name}{suffix})")),
            _ => Expr::leaf(ty, "::", format!("{text}::{name}{suffix}")),
        }
    }

    /// A type's name: mostly the usual one.
    pub fn name(&mut self, scalar: Scalar) -> &'static str {
        match self.rng.random_bool(0.6) {
            true => scalar.names()[0],
            false => self.pick(scalar.names()),
        }
    }

    /// A number or a boolean as it is.
    fn bare(&mut self, ty: Ty, text: &str) -> Expr {
        let is_number = !text.is_empty()
            && text.chars().all(|c| c.is_ascii_digit() || "+-.eE".contains(c))
            && text.chars().any(|c| c.is_ascii_digit());
        match ty {
            Ty::One(scalar) if scalar.is_number() && is_number => {
                Expr::leaf(ty, "number", format!(" {text}"))
            }
            Ty::One(Scalar::Bool) => {
                Expr::leaf(ty, "boolean", if text.starts_with('t') { "true" } else { "FALSE" })
            }
            Ty::Many(scalar) if self.rng.random_bool(0.6) => self.array(scalar),
            _ => self.string(ty, text),
        }
    }

    /// `array[…]`
    pub fn array(&mut self, of: Scalar) -> Expr {
        let count = self.rng.random_range(1..4);
        let items = (0..count).map(|_| self.constant(Ty::One(of))).collect();
        let places = vec!["{}"; count].join(", ");
        Expr::form(Ty::Many(of), "array[ ]", &format!("array[{places}]"), items)
    }

    /// A parameter or a claim.
    fn outer(&mut self, ty: Ty, text: &str) -> Expr {
        let json = match ty {
            Ty::Many(scalar) if self.rng.random_bool(0.8) => {
                let count = self.rng.random_range(0..4);
                let items = (0..count).map(|_| {
                    let text = self.spelling(Ty::One(scalar));
                    if self.rng.random_bool(0.1) { Value::Null } else { self.json(scalar, &text) }
                });
                Value::Array(items.collect())
            }
            Ty::Many(_) => Value::String(text.to_owned()),
            Ty::One(scalar) => self.json(scalar, text),
        };
        let json = if self.rng.random_bool(0.05) { Value::Null } else { json };
        let op = match self.setting {
            super::Setting::Filter(_) => "$n",
            super::Setting::Policy(_) => "auth",
        };
        match self.param(json) {
            Some(part) => Expr { ty, op, kind: None, parts: vec![part] },
            None => Expr::leaf(ty, "null", "null"),
        }
    }

    fn json(&mut self, scalar: Scalar, text: &str) -> Value {
        let plain = match scalar {
            Scalar::Bool if text == "t" => Some(Value::Bool(true)),
            Scalar::Bool if text == "f" => Some(Value::Bool(false)),
            _ if scalar.is_number() => serde_json::from_str(text).ok().filter(is_kept),
            _ => None,
        };
        match plain {
            Some(plain) if self.rng.random_bool(0.7) => plain,
            _ => Value::String(text.to_owned()),
        }
    }

    /// A literal or something that isn't known before.
    pub fn text_of(&mut self, from: &[&'static str]) -> Expr {
        let text = self.pick(from);
        let ty = Ty::One(Scalar::Text);
        match self.rng.random_range(0..10) {
            0 => self.outer(ty, text),
            1 => Expr::leaf(ty, "::", format!("{}::text", quoted(text))),
            _ => self.string(ty, text),
        }
    }

    pub fn small_number(&mut self) -> Expr {
        let number = self.rng.random_range(-2..4);
        Expr::leaf(Ty::One(Scalar::Int4), "number", number.to_string())
    }
}

/// Whether it is a number that JSON keeps to the last digit.
fn is_kept(value: &Value) -> bool {
    const SURE_DIGITS: usize = 15;
    match value {
        Value::Number(number) if number.is_f64() => number.to_string().len() <= SURE_DIGITS,
        other => other.is_number(),
    }
}

/// Nothing but a text.
pub fn word(ty: Ty, text: String) -> Expr {
    Expr { ty, op: "word", kind: None, parts: vec![Part::Text(text)] }
}
