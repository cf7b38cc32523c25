//! `rowcast explain`: what somebody would get of a row, and why.

mod judge;
mod row;
mod show;

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, bail};
use serde_json::Value;
use serde_json::value::RawValue;

use self::judge::Reader;
use super::{Checked, Global, Keys, Usage, print, token};
use crate::catalog::{Catalog, Found, Table, TableId, nearest};
use crate::event::{Row, RowText};
use crate::identity::Claims;
use crate::policy::{Request, Served};
use crate::predicate::Cells;
use crate::wire::read_param;

/// Say what an identity would get of a row, and why
///
/// Reads the row as it is in the database now, and judges it as the daemon does: each part of the
/// table's policy, of its rules for columns and of the filter, with its value.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Arguments {
    /// The table, as the configuration lists it: orders or sales.orders
    pub table: String,

    /// A column that tells the row, with its value; may be given many times
    #[arg(long = "key", value_name = "NAME=VALUE", required = true)]
    pub key: Vec<String>,

    /// A claim of the identity, as in `rowcast token`; without any it is anonymous
    #[arg(long = "claim", value_name = "NAME=VALUE")]
    pub claims: Vec<String>,

    /// A client's filter
    #[arg(long, value_name = "PREDICATE")]
    pub r#where: Option<String>,

    /// A value for $1, then for $2, …; what JSON understands is that, anything else is text
    #[arg(long = "param", value_name = "VALUE", requires = "where")]
    pub params: Vec<String>,

    /// Only these columns, and the key
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    pub columns: Option<Vec<String>>,

    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
}

const EXAMPLES: &str = "\
Examples:
  rowcast explain orders --key id=42 --claim sub=7
  rowcast explain orders --key id=42 --claim role=admin --where 'total > $1' --param 100";

pub async fn run(arguments: Arguments, global: &Global) -> anyhow::Result<()> {
    let claims = Claims::new(token::claims(&arguments.claims)?);
    let Checked { config, session, found } =
        global.checked(Duration::ZERO, Keys::NotNeeded).await?;
    let found = listed(&found, &arguments.table)?;
    let json = row::read(&session.client, found, &arguments.key).await?;
    let table = Arc::new(found.clone().into_table(TableId(0)));
    let catalog = Catalog { tables: [(table.id, Arc::clone(&table))].into() };
    let settings = &config.settings.tables[found.settings..=found.settings];
    let served = Served::bind(&catalog, settings, config.settings.server.max_event_bytes)?;
    let text = RowText { json, key_only: false };
    let row = Row::read(&text, &table.columns).context("the row can't be read")?;
    let cells = Cells::new(&row, &table.columns);
    let reader = Reader { table: &table, settings: &settings[0], claims: &claims, cells: &cells };
    let judged = judge::judge(&reader, &served, request(&arguments, &table))?;
    print(&match arguments.json {
        true => format!("{}\n", show::json(&judged, &reader)),
        false => show::text(&judged, &reader),
    })
}

fn listed<'f>(found: &'f [Found], name: &str) -> anyhow::Result<&'f Found> {
    let bare = name.strip_prefix("public.").unwrap_or(name);
    let is_it = |found: &&Found| {
        found.listed_as == name || (found.schema == "public" && found.name == bare)
    };
    if let Some(found) = found.iter().find(is_it) {
        return Ok(found);
    }
    let near = nearest(name, found.iter().map(|found| found.listed_as.as_str()));
    let hint = near.map(|near| format!(": did you mean `{near}`?")).unwrap_or_default();
    bail!(Usage(format!("the configuration lists no table `{name}`{hint}")))
}

fn request(arguments: &Arguments, table: &Table) -> Request {
    let exact = |text: &String| {
        let raw: &RawValue = serde_json::from_str(text).ok()?;
        read_param(raw.get()).ok()
    };
    let param = |text: &String| exact(text).unwrap_or_else(|| Value::from(&**text));
    Request {
        columns: arguments.columns.clone(),
        filter: arguments.r#where.clone(),
        params: arguments.params.iter().map(param).collect(),
        ..Request::whole(&table.listed_as)
    }
}
