-- Captures a table no longer. Dropping a trigger takes the table's owner.
create or replace function rowcast.unwatch(table_id integer) returns void
  language plpgsql
  set search_path = pg_catalog, pg_temp
as $$
declare
  found_trigger record;
begin
  for found_trigger in
    select tgrelid::regclass as relation, tgname as name from pg_trigger
     where tgname like format('!rowcast\_%s\_%%', table_id) and tgparentid = 0
  loop
    execute format('drop trigger if exists %I on %s', found_trigger.name, found_trigger.relation);
  end loop;
  delete from rowcast.watched where id = table_id;
end
$$;
revoke execute on function rowcast.unwatch(integer) from public;
