//! What a database has in its catalogs, as text to be compared.

use tokio_postgres::Client;

/// What `install` puts into a database: objects, triggers, rights and settings, without what differs from one
/// installation to the next, the tables' numbers among it.
pub async fn schema(client: &Client) -> Vec<String> {
    lines(
        client,
        "select pg_get_functiondef(p.oid) || coalesce(proacl::text, '')
           from pg_proc p where pronamespace = 'rowcast'::regnamespace
         union all
         select concat_ws(' ', relname, relkind, reloptions, relacl, relpersistence,
                  (select array_agg((attname, format_type(atttypid, atttypmod), attnotnull, attidentity,
                                     pg_get_expr(adbin, adrelid))::text order by attnum)
                     from pg_attribute left join pg_attrdef on adrelid = attrelid and adnum = attnum
                    where attrelid = c.oid and attnum > 0))
           from pg_class c where relnamespace = 'rowcast'::regnamespace
         union all
         select conname || pg_get_constraintdef(oid) from pg_constraint
          where connamespace = 'rowcast'::regnamespace
         union all
         select indexdef from pg_indexes where schemaname = 'rowcast'
         union all
         select sequencename || min_value || cache_size from pg_sequences where schemaname = 'rowcast'
         union all
         select concat_ws(' ', tgrelid::regclass,
                  regexp_replace(pg_get_triggerdef(oid), '(rowcast_|'')\\d+', '\\1N', 'g'), tgenabled) from pg_trigger
         union all
         select concat_ws(' ', nspname, nspacl, obj_description(oid)) from pg_namespace
          where nspname = 'rowcast'
         union all
         select concat_ws(' ', version, objects, current, max_size, retention_ms) from rowcast.meta
         union all
         select concat_ws(' ', relation, key) from rowcast.watched",
    )
    .await
}

/// Which version of each object and trigger there is: any change of a catalog's row shows.
pub async fn versions(client: &Client) -> Vec<String> {
    lines(
        client,
        "select concat_ws(' ', 'proc', oid, xmin, proname) from pg_proc where pronamespace = 'rowcast'::regnamespace
         union all
         select concat_ws(' ', 'trigger', oid, xmin, tgname) from pg_trigger
         union all
         select concat_ws(' ', 'class', oid, xmin, relname) from pg_class
          where relnamespace in ('rowcast'::regnamespace, 'public'::regnamespace)
         union all
         select concat_ws(' ', 'namespace', oid, xmin, nspname) from pg_namespace
         union all
         select concat_ws(' ', 'watched', xmin, w) from rowcast.watched w",
    )
    .await
}

/// Everything that is in the database's catalogs, rowcast or not, by name.
pub async fn everything(client: &Client) -> Vec<String> {
    lines(
        client,
        "select concat_ws(' ', 'class', relnamespace::regnamespace, relname, relacl, reloptions) from pg_class
          where relnamespace <> 'pg_toast'::regnamespace
         union all
         select concat_ws(' ', 'attribute', attrelid::regclass, attname, attacl) from pg_attribute
          where attrelid::regclass::text !~ '^pg_toast'
         union all
         select concat_ws(' ', 'proc', oid::regprocedure, proacl) from pg_proc
         union all
         select concat_ws(' ', 'trigger', tgrelid::regclass, tgname) from pg_trigger
         union all
         select concat_ws(' ', 'namespace', nspname, nspacl) from pg_namespace where nspname !~ '^pg_t'
         union all
         select concat_ws(' ', 'default', defaclrole, defaclacl) from pg_default_acl
         union all
         select concat_ws(' ', 'type', typnamespace::regnamespace, typname) from pg_type
         union all
         select concat_ws(' ', 'setting', setrole, setconfig) from pg_db_role_setting
          where setdatabase = (select oid from pg_database where datname = current_database())
         union all
         select concat_ws(' ', 'description', classoid::regclass, description) from pg_description
         union all
         select concat_ws(' ', 'shared', classid::regclass, objid, deptype) from pg_shdepend
          where dbid = (select oid from pg_database where datname = current_database())
         union all
         select concat_ws(' ', 'other', 'casts', count(*)) from pg_cast
         union all
         select concat_ws(' ', 'other', evtname) from pg_event_trigger
         union all
         select concat_ws(' ', 'other', extname) from pg_extension",
    )
    .await
}

async fn lines(client: &Client, query: &str) -> Vec<String> {
    let rows = client.query(&format!("select * from ({query}) as l (line) order by 1"), &[]).await;
    rows.unwrap_or_else(|error| panic!("{error:?}")).iter().map(|row| row.get(0)).collect()
}
