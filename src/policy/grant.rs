//! A table's policy with an identity's claims filled in.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::{ServedTable, Unknown};
use crate::catalog::Column;
use crate::identity::Claims;
use crate::predicate::{self, Bound, Fault, Scope, Source};

/// What one identity may see of a table.
#[derive(Debug)]
pub(super) struct Grant {
    pub rows: Bound,
    /// The columns that are there at all, by their positions, ascending; the key's always are.
    pub columns: Arc<[usize]>,
    /// Where those of them are seen that aren't in every row; ascending.
    pub masks: Vec<(usize, Bound)>,
}

impl Grant {
    /// None if the table isn't for this identity.
    pub fn new(served: &ServedTable, claims: &Claims) -> Option<Self> {
        let rules = served.rules();
        if !rules.rows.concerns(claims) {
            return None;
        }
        let mut grant = Self {
            rows: rules.rows.bind(claims),
            columns: Arc::clone(served.visible()),
            masks: Vec::new(),
        };
        for (at, rule) in &rules.columns {
            if !served.key().contains(at) {
                grant.restrict(*at, rule.bind(claims));
            }
        }
        grant.masks.sort_by_key(|(at, _)| *at);
        Some(grant)
    }

    fn restrict(&mut self, at: usize, visible_if: Bound) {
        match visible_if.constant() {
            Some(true) => {}
            Some(false) => {
                self.columns =
                    self.columns.iter().copied().filter(|&column| column != at).collect();
            }
            None if self.columns.contains(&at) => self.masks.push((at, visible_if)),
            None => {}
        }
    }

    /// Leaves only the key and the named columns.
    pub fn narrow(&mut self, served: &ServedTable, names: &[String]) -> Result<(), Unknown> {
        let listed = &served.table().columns;
        let mut columns = served.key().to_vec();
        for name in names {
            let at = self.columns.iter().find(|&&at| listed[at].name == *name);
            columns.push(*at.ok_or_else(|| Unknown::Column(name.clone()))?);
        }
        columns.sort_unstable();
        columns.dedup();
        self.masks.retain(|(at, _)| columns.contains(at));
        self.columns = columns.into();
        Ok(())
    }

    /// Narrows the rows by a client's predicate, which may speak of always visible columns only. To be done before the
    /// columns are narrowed.
    pub fn filter(
        &mut self,
        columns: &[Column],
        text: &str,
        params: &[serde_json::Value],
    ) -> Result<(), Fault> {
        let masked = |at: &usize| self.masks.iter().any(|(masked, _)| masked == at);
        let visible: BTreeSet<usize> =
            self.columns.iter().copied().filter(|at| !masked(at)).collect();
        let source = Source::Filter { visible: &visible, params };
        let filter = predicate::parse(text, &Scope { columns, source })?;
        let rows = std::mem::replace(&mut self.rows, Bound::never());
        self.rows = rows.and(filter.bind(&Claims::default()));
        Ok(())
    }
}
