//! Values of PostgreSQL's types, and what its operators and functions make of them: nothing here knows a tree.
//!
//! Pure. A type's text and JSON forms, its order and its equality are PostgreSQL's in a session with TimeZone UTC,
//! DateStyle ISO, IntervalStyle postgres; what can't be done exactly is refused by name.

mod array;
mod cast;
mod class;
mod function;
mod given;
mod inet;
mod input;
mod interval;
mod json;
mod like;
mod log;
mod numeric;
mod operator;
mod order;
mod output;
mod regex;
mod time;

use std::sync::Arc;

use crate::catalog::EnumType;

pub use array::{Array, MAX_ARRAY_ELEMENTS};
pub use cast::{Cast, Modifier, cast, fit};
pub use function::{array_length, cardinality, length, lower, starts_with, upper};
pub use given::from_json;
pub use inet::Inet;
pub use input::{from_text, scalar_from_text};
pub use interval::Interval;
pub use json::{Json, MAX_JSON_DEPTH, MAX_JSON_VALUES};
pub use like::{Escape, Like};
pub use log::from_log;
pub use numeric::Numeric;
pub use operator::{
    MAX_COMPARISONS, concat, contains, has_all_keys, has_any_key, has_key, json_at, json_at_path,
    json_at_path_text, json_at_text, overlaps,
};
pub use order::{compare, equal, key};
pub use output::to_text;
pub use regex::Regex;

/// A value that isn't NULL.
///
/// `==` and `Hash` tell whether two are the same in every respect, so that nothing can tell them apart: 1.0 isn't
/// 1.00, whose text differs. PostgreSQL's `=` is [`equal`].
#[derive(Clone, Debug)]
pub enum Value {
    Bool(bool),
    /// Of any of the integer types.
    Int(i64),
    Numeric(Numeric),
    Float4(f32),
    Float8(f64),
    Text(Box<str>),
    /// `character(n)`, its trailing spaces kept.
    Char(Box<str>),
    Uuid([u8; 16]),
    /// Days since 2000-01-01; `i32::MIN` and `i32::MAX` are the infinities.
    Date(i32),
    /// Microseconds since midnight.
    Time(i64),
    /// Microseconds since 2000-01-01; `i64::MIN` and `i64::MAX` are the infinities.
    Timestamp(i64),
    /// The same, in UTC.
    Timestamptz(i64),
    Interval(Interval),
    Bytea(Box<[u8]>),
    /// The label at this position of the type's labels.
    Enum(Arc<EnumType>, u32),
    /// As it was written.
    Json(Box<str>),
    Jsonb(Arc<Json>),
    /// The log has `null` in a column of json or jsonb: SQL's NULL, or JSON's. Only what is the same for both can be
    /// asked of it.
    NullOrJsonNull,
    Inet(Inet),
    Array(Arc<Array>),
}

/// Text that isn't a value of the type, or a form of it that isn't understood here.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct NotAValue {
    pub reason: String,
    /// A form that is understood.
    pub instead: Option<String>,
}

impl NotAValue {
    pub(crate) fn new(reason: impl Into<String>) -> Self {
        Self { reason: reason.into(), instead: None }
    }

    pub(crate) fn instead(mut self, form: impl Into<String>) -> Self {
        self.instead = Some(form.into());
        self
    }
}
