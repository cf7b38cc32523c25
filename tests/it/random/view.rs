//! What of a table is there for somebody, by the configuration's words alone.

use super::{Asked, Claims, Expr, Object, Table};

/// The part of a table that is there for somebody.
pub struct View<'t> {
    pub table: &'t Table,
    /// Those that aren't always visible have the number of their mask.
    pub columns: Vec<(&'static str, Option<usize>)>,
    pub masks: Vec<&'t Expr>,
    pub is_never: bool,
}

impl<'t> View<'t> {
    pub fn whole(table: &'t Table, claims: &Claims) -> Option<Self> {
        let policy = &table.policy;
        if !policy.rows.possible(claims).0 {
            return None;
        }
        let is_never = policy.rows.is_never(claims);
        let mut view = Self { table, columns: Vec::new(), masks: Vec::new(), is_never };
        for name in table.served() {
            let rule = policy.rules.iter().find(|rule| rule.0 == name).map(|rule| &rule.1);
            match rule {
                Some(rule) if rule.is_never(claims) => {}
                Some(rule) if rule.constant(claims).is_none() => {
                    view.columns.push((name, Some(view.masks.len())));
                    view.masks.push(rule);
                }
                _ => view.columns.push((name, None)),
            }
        }
        Some(view)
    }

    /// What is asked for of it, or the code of the answer that refuses it.
    pub fn new(
        table: &'t Table,
        claims: &Claims,
        asked: &Asked,
        filter: Option<&Expr>,
    ) -> Result<Self, &'static str> {
        let mut view = Self::whole(table, claims).ok_or("unknown_table")?;
        let always = |name: &&'static str| view.columns.contains(&(*name, None));
        let mut read = filter.into_iter().flat_map(Expr::atoms).flat_map(|atom| &atom.columns);
        if !read.all(always) {
            return Err("invalid_filter");
        }
        if let Some(names) = &asked.columns {
            if !names.iter().all(|name| view.columns.iter().any(|column| column.0 == *name)) {
                return Err("unknown_column");
            }
            view.columns.retain(|(name, _)| names.contains(name) || table.key.contains(name));
        }
        Ok(view)
    }

    /// The columns of a row that are seen, with their values.
    pub fn seen(&self, row: &Object, verdict: &[bool]) -> Object {
        let is_seen = |mask: &Option<usize>| mask.is_none_or(|at| verdict[at + 1]);
        let columns = self.columns.iter().filter(|(_, mask)| is_seen(mask));
        Object(columns.map(|(name, _)| ((*name).to_owned(), row.get(name).to_owned())).collect())
    }

    pub fn key(&self, row: &Object) -> Option<Object> {
        let key = &self.table.key;
        let values = key.iter().map(|name| ((*name).to_owned(), row.get(name).to_owned()));
        (!key.is_empty()).then(|| Object(values.collect()))
    }
}
