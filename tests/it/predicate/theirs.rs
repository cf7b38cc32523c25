//! What PostgreSQL makes of predicates: many of them at once, one by one where that fails.

use std::fmt;
use std::ops::Range;

use rowcast::predicate::Bound;
use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{Client, Error};

use super::expr::{Expr, Part, Setting};
use super::grow::Case;
use super::ours;
use super::table::Table;
use super::types::{Scalar, Ty};

/// What is asked.
pub struct Question<'q> {
    /// The predicate as it was written.
    pub raw: String,
    /// Which is printed as SQL, too.
    pub bound: Option<&'q Bound>,
}

/// For each row: the predicate's answer, and the printed one's.
pub type Answers = Vec<(Option<bool>, Option<bool>)>;

/// Why PostgreSQL doesn't answer.
#[derive(Clone, Debug)]
pub struct Refusal {
    pub code: String,
    pub message: String,
    pub sql: String,
}

impl Refusal {
    /// Whether it is a literal that isn't a value of its type, or an operation that fails.
    pub fn is_about_data(&self) -> bool {
        self.code.starts_with("22")
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({}): {}", self.message, self.code, self.sql)
    }
}

/// Asks PostgreSQL for all rows, in the order of their numbers.
pub async fn ask(
    client: &Client,
    table: &Table,
    questions: &[Question<'_>],
) -> Vec<Result<Answers, Refusal>> {
    let mut results: Vec<Option<Result<Answers, Refusal>>> =
        questions.iter().map(|_| None).collect();
    let mut open: Vec<Range<usize>> = std::iter::once(0..questions.len()).collect();
    while let Some(range) = open.pop() {
        match ask_together(client, table, &questions[range.clone()]).await {
            Ok(answers) => {
                for (at, answers) in range.zip(answers) {
                    results[at] = Some(Ok(answers));
                }
            }
            Err(refusal) if range.len() == 1 => results[range.start] = Some(Err(refusal)),
            Err(_) => {
                let middle = range.start + range.len() / 2;
                open.push(range.start..middle);
                open.push(middle..range.end);
            }
        }
    }
    results.into_iter().map(|result| result.expect("every range was asked")).collect()
}

async fn ask_together(
    client: &Client,
    table: &Table,
    questions: &[Question<'_>],
) -> Result<Vec<Answers>, Refusal> {
    if questions.is_empty() {
        return Ok(Vec::new());
    }
    let mut params: Vec<Option<String>> = Vec::new();
    let mut shown: Vec<String> = Vec::new();
    for question in questions {
        shown.push(format!("({}\n) and true", question.raw));
        if let Some(bound) = question.bound {
            let sql = bound.to_sql(params.len() + 1);
            params.extend(sql.params);
            shown.push(format!("({}\n) and true", sql.text));
        }
    }
    let sql = format!("select {} from {} order by id", shown.join(", "), table.name);
    let rows = run(client, &sql, &params).await.map_err(|error| refusal(&error, shown, &params))?;
    let mut at = 0;
    let mut all = Vec::new();
    for question in questions {
        let width = if question.bound.is_some() { 2 } else { 1 };
        let answers = rows.iter().map(|row| (row.get(at), row.get(at + width - 1)));
        all.push(answers.collect());
        at += width;
    }
    Ok(all)
}

async fn run(
    client: &Client,
    sql: &str,
    params: &[Option<String>],
) -> Result<Vec<tokio_postgres::Row>, Error> {
    let types = vec![Type::TEXT; params.len()];
    let statement = client.prepare_typed(sql, &types).await?;
    let params: Vec<&(dyn ToSql + Sync)> = params.iter().map(|param| param as _).collect();
    client.query(&statement, &params).await
}

fn refusal(error: &Error, shown: Vec<String>, params: &[Option<String>]) -> Refusal {
    let code = error.code().map_or_else(String::new, |code| code.code().to_owned());
    let message =
        error.as_db_error().map_or_else(|| format!("{error:?}"), |e| e.message().to_owned());
    Refusal { code, message, sql: format!("{} with {params:?}", shown.join("\n    ")) }
}

/// A fourth answer: an error. `true or error` is true, `false and error` is false, all else is an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Truth {
    True,
    False,
    Null,
    Error,
}

/// For each row, whether a predicate is true in which claims can't be converted. Everything in it is in parentheses.
pub async fn truth_with_errors(
    client: &Client,
    table: &Table,
    expr: &Expr,
    setting: &Setting,
) -> Result<Vec<bool>, Refusal> {
    let truths = Box::pin(truths(client, table, expr, setting)).await?;
    Ok(truths.into_iter().map(|truth| truth == Truth::True).collect())
}

async fn truths(
    client: &Client,
    table: &Table,
    expr: &Expr,
    setting: &Setting,
) -> Result<Vec<Truth>, Refusal> {
    let children: Vec<&Expr> = expr.children().collect();
    match (expr.op, children.as_slice()) {
        ("( )", [inner]) => Box::pin(truths(client, table, inner, setting)).await,
        ("not", [inner]) => {
            let inner = Box::pin(truths(client, table, inner, setting)).await?;
            Ok(inner.into_iter().map(not).collect())
        }
        ("is true" | "is false" | "is unknown", [inner]) => {
            let inner = Box::pin(truths(client, table, inner, setting)).await?;
            Ok(inner.into_iter().map(|truth| is(expr.op, truth)).collect())
        }
        ("is not true" | "is not false" | "is not unknown", [inner]) => {
            let inner = Box::pin(truths(client, table, inner, setting)).await?;
            let op = expr.op.replace("not ", "");
            Ok(inner.into_iter().map(|truth| not(is(&op, truth))).collect())
        }
        ("and" | "or", [left, right]) => {
            let left = Box::pin(truths(client, table, left, setting)).await?;
            let right = Box::pin(truths(client, table, right, setting)).await?;
            let joined = left.into_iter().zip(right).map(|(left, right)| match expr.op {
                "and" => and(left, right),
                _ => not(and(not(left), not(right))),
            });
            Ok(joined.collect())
        }
        _ => atom(client, table, expr, setting).await,
    }
}

/// For each row, whether a predicate is true whatever comes of its tests in which claims can't be converted.
pub async fn true_whatever(
    client: &Client,
    table: &Table,
    expr: &Expr,
    setting: &Setting,
) -> Result<Vec<bool>, Refusal> {
    let mut all = vec![true; table.rows.len()];
    for outcome in ["true", "false", "null"] {
        let expr = Box::pin(with_outcome(client, table, expr, setting, outcome)).await;
        let question = Question { raw: expr.sql(setting), bound: None };
        let answers = ask(client, table, &[question]).await.remove(0)?;
        for (all, (answer, _)) in all.iter_mut().zip(answers) {
            *all &= answer == Some(true);
        }
    }
    Ok(all)
}

/// With this in place of each smallest test that fails for its claims.
async fn with_outcome(
    client: &Client,
    table: &Table,
    expr: &Expr,
    setting: &Setting,
    outcome: &str,
) -> Expr {
    let mut expr = expr.clone();
    for part in &mut expr.parts {
        if let Part::Child(child) = part {
            **child = Box::pin(with_outcome(client, table, child, setting, outcome)).await;
        }
    }
    let is_test = expr.ty == Ty::One(Scalar::Bool) && expr.has_claims();
    if is_test
        && atom(client, table, &expr, setting).await.is_ok_and(|it| it.contains(&Truth::Error))
    {
        return Expr::leaf(expr.ty, "boolean", outcome);
    }
    expr
}

async fn atom(
    client: &Client,
    table: &Table,
    expr: &Expr,
    setting: &Setting,
) -> Result<Vec<Truth>, Refusal> {
    let question = Question { raw: expr.sql(setting), bound: None };
    let answers = ask(client, table, &[question]).await.remove(0);
    let case = Case { expr: expr.clone(), setting: setting.clone(), is_explicit: false };
    match answers {
        // A form of a claim that PostgreSQL reads, and rowcast doesn't, is an error here.
        Ok(_) if expr.has_claims() && !ours::reads_claims(table, &case) => {
            Ok(vec![Truth::Error; table.rows.len()])
        }
        Ok(answers) => Ok(answers.into_iter().map(|(answer, _)| truth(answer)).collect()),
        Err(refusal) if refusal.is_about_data() && expr.has_claims() => {
            Ok(vec![Truth::Error; table.rows.len()])
        }
        Err(refusal) => Err(refusal),
    }
}

fn truth(answer: Option<bool>) -> Truth {
    match answer {
        Some(true) => Truth::True,
        Some(false) => Truth::False,
        None => Truth::Null,
    }
}

fn not(truth: Truth) -> Truth {
    match truth {
        Truth::True => Truth::False,
        Truth::False => Truth::True,
        other => other,
    }
}

fn is(op: &str, truth: Truth) -> Truth {
    let wanted = match op {
        "is true" => Truth::True,
        "is false" => Truth::False,
        _ => Truth::Null,
    };
    match truth {
        Truth::Error => Truth::Error,
        truth if truth == wanted => Truth::True,
        _ => Truth::False,
    }
}

fn and(left: Truth, right: Truth) -> Truth {
    for decisive in [Truth::False, Truth::Error, Truth::Null] {
        if left == decisive || right == decisive {
            return decisive;
        }
    }
    Truth::True
}
