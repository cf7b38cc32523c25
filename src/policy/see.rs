//! What a change looks like through a view: rows enter it and leave it.

use super::case::Case;
use super::visible::Seen;
use super::{Cause, View, Visible};
use crate::event::{Kind, Op};
use crate::predicate::Cells;

impl View {
    /// The events that are seen of a change of the view's table, in order: two where the key changed.
    pub fn see<'a>(&'a self, case: &'a Case<'_>) -> impl Iterator<Item = Visible<'a>> + use<'a> {
        let old = case.old.as_ref().filter(|row| self.holds(row));
        let new = case.new.as_ref().filter(|row| match case.leaves(self.rows().columns()) {
            true => old.is_some(),
            false => self.holds(row),
        });
        let entered = old.is_none().then_some(Cause::Enter);
        let left = new.is_none().then_some(Cause::Leave);
        let seen = match (case.change.op, old, new) {
            (Op::Insert, _, Some(new)) => [Some(self.created(case, new, None)), None],
            (Op::Delete, Some(old), _) => [Some(self.removed(case, old, None)), None],
            (Op::Update, Some(old), Some(new)) if case.same_key => {
                [self.patched(case, old, new), None]
            }
            (Op::Update, old, new) => [
                old.map(|old| self.removed(case, old, left)),
                new.map(|new| self.created(case, new, entered)),
            ],
            (Op::Truncate, ..) => [self.truncated(case), None],
            (Op::Insert | Op::Delete | Op::Reset, ..) => [None, None],
        };
        seen.into_iter().flatten()
    }

    fn holds(&self, row: &Cells<'_>) -> bool {
        self.rows().constant().unwrap_or_else(|| self.rows().holds(row))
    }

    fn created<'a>(
        &'a self,
        case: &'a Case<'_>,
        new: &'a Cells<'_>,
        cause: Option<Cause>,
    ) -> Visible<'a> {
        let row = Some(Seen::new(self, new));
        Visible { cause, row, ..self.bare(case, Kind::Created) }
    }

    fn removed<'a>(
        &'a self,
        case: &'a Case<'_>,
        old: &'a Cells<'_>,
        cause: Option<Cause>,
    ) -> Visible<'a> {
        let row = Seen::new(self, old);
        let old = Some(row.clone());
        Visible { cause, row: Some(row), old, ..self.bare(case, Kind::Removed) }
    }

    /// Nothing, if all that is seen is as it was.
    fn patched<'a>(
        &'a self,
        case: &'a Case<'_>,
        old: &'a Cells<'_>,
        new: &'a Cells<'_>,
    ) -> Option<Visible<'a>> {
        let (old, new) = (Seen::new(self, old), Seen::new(self, new));
        let known = !old.row.is_key_only() && !new.row.is_key_only();
        let changed = known.then(|| new.differing_from(&old));
        let is_news = changed.as_ref().is_none_or(|changed| !changed.is_empty());
        if !is_news && new.has_all_of(&old) {
            return None;
        }
        let (row, old) = (Some(new), Some(old));
        Some(Visible { row, old, changed, ..self.bare(case, case.updates) })
    }

    /// Everybody is told who may have rows.
    fn truncated<'a>(&'a self, case: &'a Case<'_>) -> Option<Visible<'a>> {
        (self.rows().constant() != Some(false)).then(|| self.bare(case, Kind::Truncated))
    }

    fn bare<'a>(&'a self, case: &'a Case<'_>, kind: Kind) -> Visible<'a> {
        let change = case.change;
        Visible { view: self, change, kind, cause: None, row: None, old: None, changed: None }
    }
}
