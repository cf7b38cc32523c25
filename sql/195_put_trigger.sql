-- Creates a trigger, or replaces the one of that name if it has another number of arguments, which takes the table's owner.
create or replace function rowcast.put_trigger(relation regclass, trigger_name text, what text, arguments integer)
  returns void
  language plpgsql
  set search_path = pg_catalog, pg_temp
as $$
declare
  existing integer;
begin
  select tgnargs into existing from pg_trigger where tgrelid = relation and tgname = trigger_name;
  if existing <> arguments then
    begin
      execute format('drop trigger %I on %s', trigger_name, relation);
      existing := null;
    exception when insufficient_privilege then
      raise warning 'the columns of % have changed, and only the table''s owner can adapt its triggers', relation;
    end;
  end if;
  if existing is null then
    execute format('create trigger %I %s', trigger_name, what);
  end if;
end
$$;
revoke execute on function rowcast.put_trigger(regclass, text, text, integer) from public;
