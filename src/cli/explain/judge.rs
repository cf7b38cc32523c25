//! Judges the row as the daemon does, and each part of what decides by itself.

use serde_json::Value;

use crate::catalog::{Table, TableSettings};
use crate::identity::Claims;
use crate::policy::{Request, Served, Unknown};
use crate::predicate::{self, Cells, Outline, Scope, Source};

/// The row, and who looks at it.
pub struct Reader<'r> {
    pub table: &'r Table,
    pub settings: &'r TableSettings,
    pub claims: &'r Claims,
    pub cells: &'r Cells<'r>,
}

/// What somebody would get, and why.
pub struct Judged {
    pub rows: Part,
    /// The columns that have a rule.
    pub columns: Vec<(String, Part)>,
    pub filter: Option<Part>,
    pub outcome: Outcome,
}

/// What somebody would get.
pub enum Outcome {
    /// Columns with their JSON values.
    Row(Vec<(String, String)>),
    Nothing(String),
}

/// A part of a predicate, with its value.
pub struct Part {
    pub text: String,
    pub value: Truth,
    pub parts: Vec<Part>,
    /// What it read: columns and claims, with their JSON values; a claim that is missing has none.
    pub read: Vec<(String, Option<String>)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Truth {
    True,
    False,
    Null,
    /// A claim, or a value of the row, isn't of the type that it is needed in.
    Undecidable,
}

impl Truth {
    pub fn as_str(self) -> &'static str {
        match self {
            Truth::True => "true",
            Truth::False => "false",
            Truth::Null => "null",
            Truth::Undecidable => "undecidable",
        }
    }
}

/// Judges the row; an error if the request itself would be refused.
pub fn judge(reader: &Reader<'_>, served: &Served, request: Request) -> anyhow::Result<Judged> {
    let policy = |text: &str| part(reader, &predicate::outline(text)?, Source::Policy);
    let rules = reader.settings.column_rules.iter();
    let columns = rules.map(|rule| Ok((rule.column.clone(), policy(&rule.visible_if)?)));
    let columns = columns.collect::<Result<_, predicate::Fault>>()?;
    let rows = policy(&reader.settings.rows)?;
    let view = match served.view(&request, reader.claims) {
        Ok(view) => view,
        Err(Unknown::Table(_)) => {
            let outcome = Outcome::Nothing(
                "no row can be visible to this identity: for it the table doesn't exist".into(),
            );
            return Ok(Judged { rows, columns, filter: None, outcome });
        }
        Err(refused) => return Err(refusal(refused)),
    };
    let all = (0..reader.table.columns.len()).collect();
    let source = Source::Filter { visible: &all, params: &request.params };
    let filter = request.filter.as_deref();
    let filter = filter.map(|text| part(reader, &predicate::outline(text)?, source)).transpose()?;
    let outcome = match view.rows().holds(reader.cells) {
        false => Outcome::Nothing(why_not(&rows, filter.as_ref())),
        true => {
            let hidden = |at: usize| {
                view.masks().iter().any(|(masked, of)| *masked == at && !of.holds(reader.cells))
            };
            let seen = view.columns().filter(|(at, _)| !hidden(*at));
            let value = |at| reader.cells.row().value(at).unwrap_or("null").to_owned();
            Outcome::Row(seen.map(|(at, name)| (name.to_owned(), value(at))).collect())
        }
    };
    Ok(Judged { rows, columns, filter, outcome })
}

fn refusal(refused: Unknown) -> anyhow::Error {
    match refused {
        Unknown::Filter(fault) => {
            let instead =
                fault.instead.as_ref().map(|form| format!("; {form}")).unwrap_or_default();
            anyhow::anyhow!("--where, character {}: {}{instead}", fault.position, fault.reason)
        }
        other => anyhow::anyhow!("{other}"),
    }
}

fn why_not(rows: &Part, filter: Option<&Part>) -> String {
    match (rows.value, filter.map(|filter| filter.value)) {
        (Truth::True, Some(value)) => format!("the filter is {}", value.as_str()),
        (value, _) => format!("`rows` is {}", value.as_str()),
    }
}

fn part(
    reader: &Reader<'_>,
    outline: &Outline,
    source: Source<'_>,
) -> Result<Part, predicate::Fault> {
    let parts = outline.parts.iter().map(|inner| part(reader, inner, source));
    Ok(Part {
        text: outline.text.clone(),
        value: value(reader, &outline.text, source)?,
        parts: parts.collect::<Result<_, _>>()?,
        read: read(reader, outline, source)?,
    })
}

/// What can't be decided is neither true nor is its opposite.
fn value(reader: &Reader<'_>, text: &str, source: Source<'_>) -> Result<Truth, predicate::Fault> {
    let scope = Scope { columns: &reader.table.columns, source };
    let evaluate = |text: &str| {
        let bound = predicate::parse(text, &scope)?.bind(reader.claims);
        Ok::<_, predicate::Fault>(bound.evaluate(reader.cells))
    };
    Ok(match evaluate(text)? {
        Ok(Some(true)) => Truth::True,
        Ok(Some(false)) if evaluate(&format!("not ({text})"))? == Ok(Some(true)) => Truth::False,
        Ok(Some(false)) | Err(_) => Truth::Undecidable,
        Ok(None) => Truth::Null,
    })
}

fn read(
    reader: &Reader<'_>,
    outline: &Outline,
    source: Source<'_>,
) -> Result<Vec<(String, Option<String>)>, predicate::Fault> {
    let columns = &reader.table.columns;
    let predicate = predicate::parse(&outline.text, &Scope { columns, source })?;
    let row = reader.cells.row();
    let column = |&at: &usize| (columns[at].name.clone(), row.value(at).map(str::to_owned));
    let claim = |path: &Vec<String>| {
        (format!("auth.{}", path.join(".")), reader.claims.get(path).map(Value::to_string))
    };
    let columns = predicate.columns().iter().map(column);
    Ok(columns.chain(outline.claims.iter().map(claim)).collect())
}
