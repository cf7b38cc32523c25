-- Everything that rowcast puts into a database is in this schema, save the triggers on the watched tables, which
-- depend on a function in it: dropping the schema with cascade removes every trace.
create schema if not exists rowcast;

comment on schema rowcast is 'change capture by rowcast; remove with "rowcast uninstall"';
