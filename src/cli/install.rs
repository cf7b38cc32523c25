//! `rowcast install`: the schema and the triggers, put in place.

use std::fmt::Write as _;
use std::time::Duration;

use super::status::{Report, listed};
use super::{Checked, Global, Keys, print, warn};
use crate::changelog::{self, Done, Installed, Plan};

/// Put the schema and the triggers in place
///
/// Creates or upgrades the schema `rowcast`, and the triggers on the tables of the configuration;
/// tables that it lists no longer lose theirs. Repeatable: what is already as it should be stays
/// untouched.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// Print the SQL and change nothing
    ///
    /// It is what would be run on a database without rowcast.
    #[arg(long)]
    pub dry_run: bool,

    /// Let this role run the daemon
    ///
    /// The role gets what `rowcast serve --no-install` needs, and nothing more.
    #[arg(long, value_name = "ROLE")]
    pub grant_to: Option<String>,
}

pub async fn run(arguments: Arguments, global: &Global) -> anyhow::Result<()> {
    let Checked { config, session, found } =
        global.checked(Duration::ZERO, Keys::NotNeeded).await?;
    warn(&config.warnings, global.log_format);
    let grant_to = arguments.grant_to.as_deref();
    let plan = Plan { found: &found, grant_to, unwatch_others: true };
    if arguments.dry_run {
        return print(&changelog::dry_run(&plan));
    }
    let installed = changelog::install(&session.client, &plan).await?;
    print(&report(&installed, grant_to))?;
    let status = changelog::status(&session.client).await?;
    for warning in Report::new(&status, &listed(&config)).table_warnings() {
        tracing::warn!("{warning}");
    }
    Ok(())
}

/// What was done, a line for each thing.
fn report(installed: &Installed, grant_to: Option<&str>) -> String {
    let objects = match installed.objects {
        Done::Created => "created",
        Done::Changed => "upgraded",
        Done::Nothing => "in place",
    };
    let listed = installed.tables.iter().map(|(table, done)| {
        let done = match done {
            Done::Created => "captured from now on",
            Done::Changed => "repaired: its key or its triggers were not as they should be",
            Done::Nothing => "in place",
        };
        (table.listed_as.as_str(), done)
    });
    let lines: Vec<(&str, &str)> = std::iter::once(("schema rowcast", objects))
        .chain(listed)
        .chain(installed.unwatched.iter().map(|name| (name.as_str(), "not captured any more")))
        .chain(grant_to.map(|role| (role, "may run `rowcast serve --no-install`")))
        .collect();
    let width = lines.iter().map(|(name, _)| name.chars().count()).max().unwrap_or_default();
    lines.iter().fold(String::new(), |mut text, (name, done)| {
        let _ = writeln!(text, "{name:width$}  {done}");
        text
    })
}
