//! Compares rowcast's answers with PostgreSQL's.

use rowcast::event::Row;
use rowcast::predicate::Cells;
use tokio_postgres::Client;

use super::expr::Setting;
use super::grow::Case;
use super::ours::{self, Accepted};
use super::table::Table;
use super::tally::Tally;
use super::theirs::{self, Answers, Question, Refusal};

/// A predicate of which rowcast and PostgreSQL think differently.
#[derive(Clone, Debug)]
pub struct Disagreement {
    pub case: Box<Case>,
    /// What sort it is: a reduced case must be of the same.
    pub sort: &'static str,
    pub words: String,
    /// The row in which it shows.
    pub row: Option<usize>,
}

impl Disagreement {
    fn new(case: &Case, sort: &'static str, words: impl Into<String>) -> Self {
        Self { case: Box::new(case.clone()), sort, words: words.into(), row: None }
    }

    fn in_row(self, row: usize) -> Self {
        Self { row: Some(row), ..self }
    }

    /// All that is needed to see it again.
    pub fn show(&self, table: &Table) -> String {
        let Self { case, sort, words, row } = self;
        let setting = match &case.setting {
            Setting::Filter(params) => format!("params {params:?}"),
            Setting::Policy(claims) => {
                format!("claims {}", serde_json::Value::Object(claims.clone()))
            }
        };
        let columns: Vec<usize> = match ours::read(table, case) {
            Ok(Ok(accepted)) => accepted.bound.columns().to_vec(),
            _ => Vec::new(),
        };
        let row = row.map_or_else(String::new, |row| table.replay(&columns, row));
        let text = case.expr.text();
        format!("{sort}: {words}\n    {text}\n    {setting}{row}")
    }
}

/// A predicate that was accepted, with rowcast's answers.
struct Claimed {
    case: Case,
    accepted: Accepted,
    answers: Vec<Option<Option<bool>>>,
}

/// Judges predicates over a table; gives those that are judged differently.
pub async fn judge(
    client: &Client,
    table: &Table,
    cases: Vec<Case>,
    tally: &mut Tally,
) -> Vec<Disagreement> {
    let mut found = Vec::new();
    let claimed = claim(table, cases, tally, &mut found);
    let questions: Vec<Question<'_>> = claimed
        .iter()
        .map(|one| Question {
            raw: one.case.expr.sql(&one.case.setting),
            bound: Some(&one.accepted.bound),
        })
        .collect();
    let answers = theirs::ask(client, table, &questions).await;
    for (one, answers) in claimed.iter().zip(answers) {
        let judged = match answers {
            Ok(answers) if ours::reads_claims(table, &one.case) => {
                compare(table, one, &answers, tally)
            }
            Ok(answers) => compare_unread(table, one, &answers, tally),
            Err(refusal) => explain(client, table, one, refusal, tally).await,
        };
        match judged {
            Ok(was_true) => tally.accept(&one.case, was_true),
            Err(disagreement) => found.push(disagreement),
        }
    }
    found
}

/// What rowcast says, before PostgreSQL is asked.
fn claim(
    table: &Table,
    cases: Vec<Case>,
    tally: &mut Tally,
    found: &mut Vec<Disagreement>,
) -> Vec<Claimed> {
    let rows: Vec<Row<'_>> = table
        .rows
        .iter()
        .map(|row| Row::read(row, &table.columns).expect("PostgreSQL writes JSON"))
        .collect();
    let cells: Vec<Cells<'_>> = rows.iter().map(|row| Cells::new(row, &table.columns)).collect();
    let mut claimed = Vec::new();
    for (at, case) in cases.into_iter().enumerate() {
        tally.generated += 1;
        let accepted = match ours::read(table, &case) {
            Ok(Ok(accepted)) => accepted,
            Ok(Err(fault)) => {
                tally.refuse(&fault.reason);
                continue;
            }
            Err(wrong) => {
                found.push(Disagreement::new(&case, "by itself", wrong));
                continue;
            }
        };
        let lacking = ours::check_lacking(&accepted, table, &table.rows[at % rows.len()], at);
        match lacking.and_then(|()| ours::answers(&accepted, &cells)) {
            Ok(answers) => {
                tally.indexed += u64::from(ours::is_indexed(&accepted));
                claimed.push(Claimed { case, accepted, answers });
            }
            Err(wrong) => found.push(Disagreement::new(&case, "by itself", wrong)),
        }
    }
    claimed
}

/// Whether all answers agree; then, whether any is true.
fn compare(
    table: &Table,
    one: &Claimed,
    answers: &Answers,
    tally: &mut Tally,
) -> Result<bool, Disagreement> {
    let mut was_true = false;
    let is_unclear = |row: usize| ours::is_unclear(&one.accepted, table, &table.rows[row]);
    for (row, (ours, &(theirs, printed))) in one.answers.iter().zip(answers).enumerate() {
        let words =
            |ours: &dyn std::fmt::Debug| format!("rowcast says {ours:?}, PostgreSQL {theirs:?}");
        match ours {
            None if is_unclear(row) => tally.unclear += 1,
            None => {
                let words = format!("rowcast can't decide, PostgreSQL says {theirs:?}");
                return Err(Disagreement::new(&one.case, "undecided", words).in_row(row));
            }
            Some(ours) if *ours != theirs && is_unclear(row) && *ours != Some(true) => {
                tally.unclear += 1;
            }
            Some(ours) if *ours != theirs => {
                return Err(Disagreement::new(&one.case, "answers", words(ours)).in_row(row));
            }
            Some(_) => {}
        }
        if (printed == Some(true)) != (theirs == Some(true)) && !is_unclear(row) {
            let sql = one.accepted.bound.to_sql(1);
            let words = format!("printed, it is {printed:?} instead of {theirs:?}: {sql:?}");
            return Err(Disagreement::new(&one.case, "printed", words).in_row(row));
        }
        tally.answer(theirs);
        was_true |= theirs == Some(true);
    }
    Ok(was_true)
}

/// Claims are in a form that PostgreSQL reads, and rowcast doesn't: never true where PostgreSQL's answer isn't.
fn compare_unread(
    table: &Table,
    one: &Claimed,
    answers: &Answers,
    tally: &mut Tally,
) -> Result<bool, Disagreement> {
    for (row, (ours, &(theirs, printed))) in one.answers.iter().zip(answers).enumerate() {
        let is_true = *ours == Some(Some(true));
        let is_unclear = ours::is_unclear(&one.accepted, table, &table.rows[row]);
        let printed_is_same = is_true == (printed == Some(true)) || is_unclear && !is_true;
        if !printed_is_same || is_true && theirs != Some(true) {
            let words = format!("unread claims: {ours:?}, printed {printed:?}, not {theirs:?}");
            return Err(Disagreement::new(&one.case, "claims", words).in_row(row));
        }
        tally.answer(ours.flatten());
    }
    tally.in_error += 1;
    Ok(false)
}

/// PostgreSQL refuses it: right, if it is for the claims.
async fn explain(
    client: &Client,
    table: &Table,
    one: &Claimed,
    refusal: Refusal,
    tally: &mut Tally,
) -> Result<bool, Disagreement> {
    let Claimed { case, accepted, answers } = one;
    let may_be_claims = refusal.is_about_data() && case.expr.has_claims();
    let is_about_lists = refusal.is_about_data() && case.setting.has_lists();
    if may_be_claims && !case.is_explicit || is_about_lists {
        tally.in_error += 1;
        return Ok(false);
    }
    if !may_be_claims {
        return Err(Disagreement::new(case, "refused by PostgreSQL", refusal.to_string()));
    }
    let expected = theirs::truth_with_errors(client, table, &case.expr, &case.setting).await;
    let expected = expected
        .map_err(|refusal| Disagreement::new(case, "refused by PostgreSQL", refusal.to_string()))?;
    let surely = theirs::true_whatever(client, table, &case.expr, &case.setting).await;
    let allowed: Vec<bool> = match surely {
        Ok(surely) => expected.iter().zip(surely).map(|(&one, other)| one || other).collect(),
        Err(_) => expected.clone(),
    };
    let question = Question { raw: "null".to_owned(), bound: Some(&accepted.bound) };
    let printed = theirs::ask(client, table, &[question]).await.remove(0);
    let printed =
        printed.map_err(|refusal| Disagreement::new(case, "printed", refusal.to_string()))?;
    for (row, &expected) in expected.iter().enumerate() {
        let (ours, printed) = (answers[row] == Some(Some(true)), printed[row].1 == Some(true));
        let is_unclear = ours::is_unclear(accepted, table, &table.rows[row]);
        let differ = ours != printed || (ours && !allowed[row]) || (!ours && expected);
        // Under `is`, an error may hide more than it must.
        let may_hide = is_unclear || case.expr.has_op(|op| op.starts_with("is "));
        let is_undecided = is_unclear && !ours;
        if differ && !is_undecided && (ours || printed || !may_hide) {
            let words = format!("with claims in error {ours}, printed {printed}, not {expected}");
            return Err(Disagreement::new(case, "claims", words).in_row(row));
        }
        tally.answer(expected.then_some(true));
    }
    tally.in_error += 1;
    Ok(expected.contains(&true))
}
