//! What the connected role may do with rowcast's objects, looked at before it is tried: so that a refusal names the remedy.

use tokio_postgres::{Client, Error};

use super::InstallError;

/// What the role sees of rowcast.
pub(super) enum Look {
    NoSchema,
    /// A schema of that name without rowcast's objects.
    Schema {
        is_empty: bool,
    },
    MayNotUse {
        role: String,
    },
    Objects,
}

// No names of objects in the schema: to look one up without USAGE is an error.
const LOOK: &str = "
    select pg_catalog.has_schema_privilege(n.oid, 'USAGE')
             and coalesce(pg_catalog.has_table_privilege(meta.oid, 'SELECT'), true),
           meta.oid is not null,
           not exists (select from pg_catalog.pg_class where relnamespace = n.oid)
             and not exists (select from pg_catalog.pg_proc where pronamespace = n.oid),
           current_user::text
      from pg_catalog.pg_namespace as n
      left join pg_catalog.pg_class as meta on meta.relnamespace = n.oid and meta.relname = 'meta'
     where n.nspname = 'rowcast'";

pub(super) async fn look(client: &Client) -> Result<Look, Error> {
    let Some(row) = client.query_opt(LOOK, &[]).await? else { return Ok(Look::NoSchema) };
    let (may_use, has_objects): (bool, bool) = (row.try_get(0)?, row.try_get(1)?);
    Ok(match (has_objects, may_use) {
        (false, _) => Look::Schema { is_empty: row.try_get(2)? },
        (true, false) => Look::MayNotUse { role: row.try_get(3)? },
        (true, true) => Look::Objects,
    })
}

const MAY_INSTALL: &str = "
    select current_user::text, pg_catalog.current_database()::text,
           pg_catalog.has_database_privilege(pg_catalog.current_database(), 'CREATE')";

/// The objects are to be created or replaced.
pub(super) async fn check_install(client: &Client) -> Result<(), InstallError> {
    check_uninstall(client).await?;
    let row = client.query_one(MAY_INSTALL, &[]).await?;
    match row.try_get(2)? {
        true => Ok(()),
        false => {
            Err(InstallError::MayNotCreate { role: row.try_get(0)?, database: row.try_get(1)? })
        }
    }
}

const OWNER: &str = "
    select current_user::text, pg_catalog.pg_get_userbyid(nspowner)::text,
           pg_catalog.pg_has_role(nspowner, 'USAGE')
      from pg_catalog.pg_namespace where nspname = 'rowcast'";

/// The objects, if there are any, are to be removed.
pub(super) async fn check_uninstall(client: &Client) -> Result<(), InstallError> {
    let Some(row) = client.query_opt(OWNER, &[]).await? else { return Ok(()) };
    match row.try_get(2)? {
        true => Ok(()),
        false => Err(InstallError::NotOwner { role: row.try_get(0)?, owner: row.try_get(1)? }),
    }
}

/// The role is to be granted something.
pub(super) async fn check_role(client: &Client, role: &str) -> Result<(), InstallError> {
    let query = "select from pg_catalog.pg_roles where rolname = $1";
    match client.query_opt(query, &[&role]).await? {
        Some(_) => Ok(()),
        None => Err(InstallError::NoRole(role.to_owned())),
    }
}
