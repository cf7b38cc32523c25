//! What is asked of PostgreSQL for a want.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use super::{Settings, Want};
use crate::catalog::{Column, TableName};
use crate::policy::View;

/// A read in SQL.
#[derive(Debug, PartialEq, Eq)]
pub struct Statement {
    pub text: String,
    /// All of them text.
    pub params: Vec<Option<String>>,
    /// The rows are what is wanted: none is to be left out, nothing of them hidden.
    pub is_final: bool,
    /// How many rows are wanted of those that are seen, where PostgreSQL can't tell which these are.
    pub limit: Option<u64>,
}

/// What names mean that are written without a schema, in the rows' text and in predicates.
pub const SEARCH_PATH: &str = "set local search_path = pg_catalog, pg_temp";

/// Begins a read. The lock comes before the snapshot, which the first query takes: what truncates or rewrites the table
/// would otherwise, in between, leave it empty for an older snapshot.
///
/// <https://www.postgresql.org/docs/current/mvcc-caveats.html>
///
/// Text depends on settings; the log has it as `sql/100_pinned_json.sql` pins them. With row security on, PostgreSQL
/// would leave rows out where a policy says so; off, it refuses instead.
pub fn begin(want: &Want, settings: &Settings) -> String {
    let (timeout, lock_timeout) = (settings.timeout.as_millis(), settings.lock_timeout.as_millis());
    format!(
        "begin isolation level repeatable read read only;
         set local timezone = 'UTC'; set local intervalstyle = 'postgres'; set local bytea_output = 'hex';
         set local extra_float_digits = 1; set local datestyle = 'ISO, MDY';
         set local lc_monetary = 'C'; set local quote_all_identifiers = off;
         set local row_security = off; set local jit = off;
         set local statement_timeout = {timeout}; set local lock_timeout = {lock_timeout};
         lock table {} in access share mode",
        table(&want.view)
    )
}

impl Statement {
    /// None if there are no rows, whatever the table has.
    pub fn new(want: &Want) -> Option<Self> {
        let view = &want.view;
        if view.rows().constant() == Some(false) || want.limit == Some(0) {
            return None;
        }
        let filter = view.rows().prefilter(1);
        let is_final = filter.is_exact && view.masks().is_empty();
        let mut text = "select row_to_json(s.*) from (select ".to_owned();
        for (i, column) in needed(view, is_final).enumerate() {
            let between = if i > 0 { ", " } else { "" };
            let _ = write!(text, "{between}t.{}", quoted(&column.name));
        }
        let _ = write!(text, " from {} as t", table(view));
        let params = filter.sql.map_or_else(Vec::new, |sql| {
            let _ = write!(text, " where {}", sql.text);
            sql.params
        });
        write_order(&mut text, want);
        let mut limit = want.limit;
        if let Some(most) = limit.filter(|_| filter.is_exact) {
            let _ = write!(text, " limit {most}");
            limit = None;
        }
        text.push_str(") as s");
        Some(Self { text, params, is_final, limit })
    }
}

/// The columns that are seen, and where rows are judged here, those by which they are.
pub fn needed(view: &View, is_final: bool) -> impl Iterator<Item = &Column> {
    let mut needed: BTreeSet<usize> = view.columns().map(|(at, _)| at).collect();
    if !is_final {
        let predicates = view.masks().iter().map(|(_, mask)| mask).chain([view.rows()]);
        needed.extend(predicates.flat_map(|predicate| predicate.columns()));
    }
    needed.into_iter().map(|at| &view.served().table().columns[at])
}

fn write_order(text: &mut String, want: &Want) {
    let columns = &want.view.served().table().columns;
    for (i, by) in want.order.iter().enumerate() {
        let between = if i > 0 { ", " } else { " order by " };
        let direction = if by.is_descending { " desc" } else { "" };
        let nulls = match by.nulls_first {
            None => "",
            Some(true) => " nulls first",
            Some(false) => " nulls last",
        };
        let name = quoted(&columns[by.column].name);
        let _ = write!(text, "{between}t.{name}{direction}{nulls}");
    }
}

/// The table, and those that inherit from it: their changes are logged under it.
fn table(view: &View) -> String {
    let table = view.served().table();
    TableName { schema: table.schema.clone(), name: table.name.clone() }.sql()
}

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::super::OrderBy;
    use super::*;
    use crate::catalog::{Catalog, ColumnRule, Table, TableId, TableSettings};
    use crate::identity::Claims;
    use crate::policy::{Request, Served};

    fn view(columns: &[&str], filter: &str, mask: Option<&str>) -> Arc<View> {
        let names = [("id", "bigint"), ("a \"b\"", "text"), ("doc", "jsonb"), ("secret", "text")];
        let column =
            |(number, (name, of)): (i16, &(&str, &str))| Column::built_in(number, name, of);
        let table = Table {
            id: TableId(1),
            schema: "S".to_owned(),
            name: "t\"t".to_owned(),
            listed_as: "t".to_owned(),
            columns: (1..).zip(&names).map(column).collect(),
            key: vec!["id".to_owned()],
        };
        let rule =
            |text: &str| ColumnRule { column: "doc".to_owned(), visible_if: text.to_owned() };
        let settings = TableSettings {
            hide: vec!["secret".to_owned()],
            column_rules: mask.map(rule).into_iter().collect(),
            ..TableSettings::open_to_all("t")
        };
        let catalog = Catalog { tables: [(TableId(1), Arc::new(table))].into() };
        let served = Served::bind(&catalog, &[settings], 1 << 20).unwrap();
        let columns = Some(columns.iter().map(|name| (*name).to_owned()).collect());
        let filter = Some(filter.to_owned());
        let request = Request { columns, filter, ..Request::whole("t") };
        Arc::new(served.view(&request, &Claims::default()).unwrap())
    }

    fn statement(view: Arc<View>, limit: Option<u64>) -> Option<Statement> {
        let by =
            |column, is_descending, nulls_first| OrderBy { column, is_descending, nulls_first };
        let order = vec![by(1, true, Some(false)), by(0, false, None)];
        Statement::new(&Want { view, order, limit })
    }

    #[test]
    fn what_postgresql_can_decide_alone_is_left_to_it() {
        let made = statement(view(&["id"], "id > 3", None), Some(7)).unwrap();
        let text = r#"select row_to_json(s.*) from (select t."id" from "S"."t""t" as t where (("id" > $1::pg_catalog.text::pg_catalog.int4)) order by t."a ""b""" desc nulls last, t."id" limit 7) as s"#;
        let params = vec![Some("3".to_owned())];
        let text = text.to_owned();
        assert_eq!(made, Statement { text, params, is_final: true, limit: None });
    }

    #[test]
    fn where_rows_are_judged_here_what_decides_is_read_too() {
        let made = statement(view(&["id"], "doc ->> 'a' = 'x'", None), Some(7)).unwrap();
        assert!(made.text.contains(r#"select t."id", t."doc" from"#), "{}", made.text);
        assert!(!made.text.contains("limit") && made.text.contains("->>"), "{}", made.text);
        assert_eq!((made.is_final, made.limit), (false, Some(7)));
        let masked = view(&["id", "doc"], "id > 3", Some("secret = 'x'"));
        let made = statement(masked, Some(7)).unwrap();
        assert!(made.text.contains(r#"select t."id", t."doc", t."secret" from"#), "{}", made.text);
        assert!(made.text.ends_with("limit 7) as s") && !made.is_final, "{}", made.text);
    }

    #[test]
    fn where_there_are_no_rows_nothing_is_read() {
        assert_eq!(statement(view(&["id"], "false", None), None), None);
        assert_eq!(statement(view(&["id"], "true", None), Some(0)), None);
    }
}
