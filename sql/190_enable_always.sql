-- Makes the triggers of a watched table fire under session_replication_role = replica too.
create or replace function rowcast.enable_always(relation regclass, table_id integer) returns void
  language plpgsql
  set search_path = pg_catalog, pg_temp
as $$
declare
  trigger_name name;
begin
  for trigger_name in
    select tgname from pg_trigger
     where tgrelid = relation and tgname like format('!rowcast\_%s\_%%', table_id) and tgenabled <> 'A'
  loop
    execute format('alter table %s enable always trigger %I', relation, trigger_name);
  end loop;
exception when insufficient_privilege then
  raise warning 'changes of % made under session_replication_role = replica are not captured: only the table''s owner can enable that',
    relation;
end
$$;
revoke execute on function rowcast.enable_always(regclass, integer) from public;
