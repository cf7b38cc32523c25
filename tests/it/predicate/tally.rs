//! What was tried, so that a test that tries nothing can't pass.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use super::grow::Case;
use super::types::KINDS;

/// How often something was in an accepted predicate, and in one that was true for a row.
#[derive(Clone, Copy, Debug, Default)]
pub struct Seen {
    accepted: u64,
    ever_true: u64,
}

/// Counts.
#[derive(Debug, Default)]
pub struct Tally {
    pub generated: u64,
    pub refused: u64,
    pub accepted: u64,
    /// Accepted, and bound to a claim that can't be converted.
    pub in_error: u64,
    pub comparisons: u64,
    pub answers: [u64; 3],
    pub indexed: u64,
    /// Rows with a `null` in a column of json, of which nobody can tell which it is.
    pub unclear: u64,
    ops: BTreeMap<&'static str, Seen>,
    kinds: BTreeMap<usize, Seen>,
    /// Why predicates were refused.
    reasons: BTreeMap<String, u64>,
}

impl Tally {
    pub fn refuse(&mut self, reason: &str) {
        self.refused += 1;
        let plain: String = reason.split('`').step_by(2).collect::<Vec<_>>().join("…");
        if self.reasons.len() < 2000 {
            *self.reasons.entry(plain).or_default() += 1;
        }
    }

    pub fn answer(&mut self, answer: Option<bool>) {
        self.comparisons += 1;
        let which = match answer {
            Some(true) => 0,
            Some(false) => 1,
            None => 2,
        };
        self.answers[which] += 1;
    }

    /// A predicate was accepted and agreed.
    pub fn accept(&mut self, case: &Case, was_true: bool) {
        self.accepted += 1;
        let (mut ops, mut kinds) = (BTreeSet::new(), BTreeSet::new());
        case.expr.tags(&mut ops, &mut kinds);
        for op in ops {
            self.ops.entry(op).or_default().add(was_true);
        }
        for kind in kinds {
            self.kinds.entry(kind).or_default().add(was_true);
        }
    }

    pub fn merge(&mut self, other: Tally) {
        self.generated += other.generated;
        self.refused += other.refused;
        self.accepted += other.accepted;
        self.in_error += other.in_error;
        self.comparisons += other.comparisons;
        self.indexed += other.indexed;
        self.unclear += other.unclear;
        for (mine, theirs) in self.answers.iter_mut().zip(other.answers) {
            *mine += theirs;
        }
        for (op, seen) in other.ops {
            self.ops.entry(op).or_default().merge(seen);
        }
        for (kind, seen) in other.kinds {
            self.kinds.entry(kind).or_default().merge(seen);
        }
        for (reason, count) in other.reasons {
            *self.reasons.entry(reason).or_default() += count;
        }
    }

    /// Of these, what was never in a predicate that was true.
    pub fn untried(&self, ops: &[&str], kinds: impl Iterator<Item = usize>) -> Vec<String> {
        let ops = ops
            .iter()
            .filter(|&op| self.ops.get(op).is_none_or(|seen| seen.ever_true == 0))
            .map(|&op| op.to_owned());
        let kinds = kinds
            .filter(|kind| self.kinds.get(kind).is_none_or(|seen| seen.ever_true == 0))
            .map(|kind| KINDS[kind].label());
        ops.chain(kinds).collect()
    }

    /// What was refused most, and why.
    pub fn reasons(&self) -> String {
        let mut reasons: Vec<_> = self.reasons.iter().collect();
        reasons.sort_by_key(|&(_, count)| std::cmp::Reverse(*count));
        reasons.iter().take(60).map(|(reason, count)| format!("{count:8} {reason}\n")).collect()
    }
}

impl Seen {
    fn add(&mut self, was_true: bool) {
        self.accepted += 1;
        self.ever_true += u64::from(was_true);
    }

    fn merge(&mut self, other: Seen) {
        self.accepted += other.accepted;
        self.ever_true += other.ever_true;
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { generated, refused, accepted, in_error, comparisons, indexed, .. } = self;
        let [yes, no, null] = self.answers;
        writeln!(f, "{generated} predicates: {accepted} accepted, {refused} refused")?;
        writeln!(
            f,
            "{in_error} bound to a claim that can't be converted, {indexed} with index keys"
        )?;
        writeln!(
            f,
            "{comparisons} times a predicate and a row: {yes} true, {no} false, {null} null"
        )?;
        writeln!(f, "{} times not decided, for a null in json", self.unclear)?;
        writeln!(f, "in accepted predicates / in ones that were true for some row:")?;
        for (op, seen) in &self.ops {
            writeln!(f, "  {op}: {} / {}", seen.accepted, seen.ever_true)?;
        }
        for (kind, seen) in &self.kinds {
            writeln!(f, "  {}: {} / {}", KINDS[*kind].label(), seen.accepted, seen.ever_true)?;
        }
        Ok(())
    }
}
