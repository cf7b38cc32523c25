//! Expressions as they are made: a tree whose text is what counts, so that a child without parentheses may
//! well be read otherwise than it was meant.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::types::Ty;

/// An expression.
#[derive(Clone, Debug)]
pub struct Expr {
    pub ty: Ty,
    /// What the tally calls it.
    pub op: &'static str,
    /// For a column: what kind.
    pub kind: Option<usize>,
    pub parts: Vec<Part>,
}

/// A piece of an expression's text.
#[derive(Clone, Debug)]
pub enum Part {
    Text(String),
    /// `$n`, from 1.
    Param(usize),
    /// `auth.…`
    Claim(Vec<String>),
    Child(Box<Expr>),
}

/// What `$n` and `auth` stand for.
#[derive(Clone, Debug)]
pub enum Setting {
    Filter(Vec<Value>),
    Policy(Map<String, Value>),
}

impl Setting {
    /// Whether there is an array, which may stand for an array or for JSON.
    pub fn has_lists(&self) -> bool {
        match self {
            Setting::Filter(params) => params.iter().any(Value::is_array),
            Setting::Policy(claims) => claims.values().any(|claim| {
                claim.is_array()
                    || claim.as_object().is_some_and(|org| org.values().any(Value::is_array))
            }),
        }
    }
}

impl Expr {
    pub fn leaf(ty: Ty, op: &'static str, text: impl Into<String>) -> Self {
        Self { ty, op, kind: None, parts: vec![Part::Text(text.into())] }
    }

    /// A form with `{}` for each child.
    pub fn form(ty: Ty, op: &'static str, form: &str, children: Vec<Expr>) -> Self {
        let mut parts = Vec::new();
        let mut children = children.into_iter();
        for (at, text) in form.split("{}").enumerate() {
            if at > 0 {
                parts.push(Part::Child(Box::new(children.next().expect("a child for each place"))));
            }
            if !text.is_empty() {
                parts.push(Part::Text(text.to_owned()));
            }
        }
        Self { ty, op, kind: None, parts }
    }

    pub fn children(&self) -> impl Iterator<Item = &Expr> {
        self.parts.iter().filter_map(|part| match part {
            Part::Child(child) => Some(child.as_ref()),
            _ => None,
        })
    }

    pub fn is_leaf(&self) -> bool {
        self.children().next().is_none()
    }

    /// As rowcast reads it.
    pub fn text(&self) -> String {
        let mut text = String::new();
        self.write(&mut text, &|part| match part {
            Part::Param(number) => format!("${number}"),
            Part::Claim(path) => format!("auth.{}", path.join(".")),
            _ => String::new(),
        });
        text
    }

    /// As PostgreSQL reads it: with literals for parameters and claims.
    pub fn sql(&self, setting: &Setting) -> String {
        let mut text = String::new();
        self.write(&mut text, &|part| match (part, setting) {
            (Part::Param(number), Setting::Filter(params)) => literal(params.get(number - 1)),
            (Part::Claim(path), Setting::Policy(claims)) => literal(claim(claims, path)),
            _ => "null".to_owned(),
        });
        text
    }

    fn write(&self, into: &mut String, leaf: &dyn Fn(&Part) -> String) {
        for part in &self.parts {
            match part {
                Part::Text(text) => into.push_str(text),
                Part::Child(child) => child.write(into, leaf),
                other => into.push_str(&leaf(other)),
            }
        }
    }

    /// Every operator and every kind of column in it.
    pub fn tags(&self, ops: &mut BTreeSet<&'static str>, kinds: &mut BTreeSet<usize>) {
        ops.insert(self.op);
        kinds.extend(self.kind);
        self.children().for_each(|child| child.tags(ops, kinds));
    }

    pub fn has_op(&self, is_it: fn(&str) -> bool) -> bool {
        is_it(self.op) || self.children().any(|child| child.has_op(is_it))
    }

    /// The claims in it.
    pub fn has_claims(&self) -> bool {
        self.parts.iter().any(|part| match part {
            Part::Claim(_) => true,
            Part::Child(child) => child.has_claims(),
            _ => false,
        })
    }

    /// Makes a parameter of each claim.
    pub fn claims_to_params(&mut self, claims: &Map<String, Value>, params: &mut Vec<Value>) {
        for part in &mut self.parts {
            match part {
                Part::Child(child) => child.claims_to_params(claims, params),
                Part::Claim(path) => {
                    params.push(claim(claims, path).cloned().unwrap_or(Value::Null));
                    *part = Part::Param(params.len());
                }
                _ => {}
            }
        }
    }

    /// The smallest pieces of it, for shuffling.
    pub fn tokens(&self) -> Vec<Part> {
        if self.is_leaf() {
            return self.parts.clone();
        }
        let mut tokens = Vec::new();
        for part in &self.parts {
            match part {
                Part::Child(child) => tokens.extend(child.tokens()),
                Part::Text(text) => tokens.extend(words(text).map(Part::Text)),
                other => tokens.push(other.clone()),
            }
        }
        tokens
    }
}

fn words(text: &str) -> impl Iterator<Item = String> {
    let spaced = text.replace('(', " ( ").replace(')', " ) ");
    let words: Vec<String> = spaced.split_whitespace().map(str::to_owned).collect();
    words.into_iter()
}

fn claim<'c>(claims: &'c Map<String, Value>, path: &[String]) -> Option<&'c Value> {
    let (first, rest) = path.split_first()?;
    rest.iter().try_fold(claims.get(first)?, |value, name| value.get(name))
}

/// The untyped literal that a JSON value stands for.
pub fn literal(value: Option<&Value>) -> String {
    match value {
        None | Some(Value::Null) => "null".to_owned(),
        Some(Value::String(text)) => quoted(text),
        Some(Value::Array(items)) => quoted(&array_text(items)),
        Some(other) => quoted(&other.to_string()),
    }
}

fn array_text(items: &[Value]) -> String {
    let items: Vec<String> = items
        .iter()
        .map(|item| match item {
            Value::Null => "NULL".to_owned(),
            Value::Array(items) => array_text(items),
            Value::String(text) => array_item(text),
            other => array_item(&other.to_string()),
        })
        .collect();
    format!("{{{}}}", items.join(","))
}

/// An element as an array's text has it.
pub fn array_item(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

pub fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}
