//! Makes a predicate small that is judged differently: part by part is left out, as long as it still is.

use tokio_postgres::Client;

use super::expr::{Expr, Part};
use super::grow::Case;
use super::judge::{Disagreement, judge};
use super::table::Table;
use super::tally::Tally;
use super::types::{Scalar, Ty};

const MAX_ATTEMPTS: usize = 600;

/// The smallest disagreement of the same sort that is found from this one.
pub async fn reduce(client: &Client, table: &Table, mut worst: Disagreement) -> Disagreement {
    let mut attempts = 0;
    'smaller: loop {
        let size = worst.case.expr.text().len();
        for expr in smaller(&worst.case.expr, worst.case.is_explicit) {
            if expr.text().len() >= size {
                continue;
            }
            attempts += 1;
            if attempts > MAX_ATTEMPTS {
                return worst;
            }
            let case = Case { expr, ..(*worst.case).clone() };
            let found = judge(client, table, vec![case], &mut Tally::default()).await;
            if let Some(same) = found.into_iter().find(|found| found.sort == worst.sort) {
                worst = same;
                continue 'smaller;
            }
        }
        return worst;
    }
}

/// What is left of an expression if something in it is left out.
fn smaller(expr: &Expr, is_explicit: bool) -> Vec<Expr> {
    let mut found = Vec::new();
    within(expr, expr.ty, &mut found);
    if is_explicit {
        let enclosed = |one: Expr| match one.is_leaf() || one.op == "( )" {
            true => one,
            false => Expr::form(one.ty, "( )", "({})", vec![one]),
        };
        found = found.into_iter().map(enclosed).collect();
    }
    if !expr.is_leaf() {
        found.push(Expr::leaf(expr.ty, "null", "null"));
        if expr.ty == Ty::One(Scalar::Bool) {
            found.push(Expr::leaf(expr.ty, "boolean", "true"));
            found.push(Expr::leaf(expr.ty, "boolean", "false"));
        }
    }
    for (at, part) in expr.parts.iter().enumerate() {
        if let Part::Child(child) = part {
            for one in smaller(child, is_explicit) {
                let mut expr = expr.clone();
                expr.parts[at] = Part::Child(Box::new(one));
                found.push(expr);
            }
        } else if expr.is_leaf() && expr.parts.len() > 1 && !is_space(part) {
            let mut expr = expr.clone();
            expr.parts.remove(at);
            found.push(expr);
        }
    }
    found
}

/// What keeps two words apart.
fn is_space(part: &Part) -> bool {
    matches!(part, Part::Text(text) if text == " ")
}

/// Everything below of the same type.
fn within(expr: &Expr, ty: Ty, found: &mut Vec<Expr>) {
    for child in expr.children() {
        if child.ty == ty {
            found.push(child.clone());
        }
        within(child, ty, found);
    }
}
