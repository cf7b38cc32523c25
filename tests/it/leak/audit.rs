//! What a table was at every change, by a trigger of the test's own.

use crate::random::Table;

/// The table beside a table that has it.
pub fn ddl(table: &Table) -> String {
    let name = &table.name;
    format!(
        "create table audit_{name} (
           audit_n bigint not null default nextval('audit_seq'),
           audit_tx text not null default pg_current_xact_id()::text,
           audit_op text not null, audit_origin text, audit_old {name}, audit_new {name});
         create function audit_{name}() returns trigger language plpgsql as $$ begin
           insert into audit_{name} (audit_op, audit_origin, audit_old, audit_new)
           values (left(tg_op, 1), nullif(current_setting('rowcast.origin', true), ''), old, new);
           return null;
         end $$;
         create trigger audit after insert or update or delete on {name}
           for each row execute function audit_{name}();
         create function audit_{name}_all() returns trigger language plpgsql as $$ begin
           insert into audit_{name} (audit_op, audit_origin)
           values ('T', nullif(current_setting('rowcast.origin', true), ''));
           return null;
         end $$;
         create trigger audit_all after truncate on {name} execute function audit_{name}_all();"
    )
}
