-- A change that is logged late, its new row as it is now; no row at all if it came and went. It never raises an error.
--
-- A trigger of the user's that changes the watched table again has its changes logged at the end of its inner
-- statement, before the rest of the outer statement's: by `seq` the row would end up as it was in between. So after an inner
-- change the outer ones log what the row has become, not what it became then, and whoever applies the log in order ends
-- up right. (A function that the outer statement calls in an expression, not as a trigger, can do the same at the same depth:
-- that goes unnoticed.) Where the row can't be told by its key, or not be read, it's taken to be as the change left it.
--
-- Row security is off: with it, the policies would run with the rights of rowcast's owner, and hide rows from it.
create or replace function rowcast.late_json(
  for_table integer, was record, became record, out old_json json, out new_json json, out cut smallint)
  language plpgsql
  set search_path = pg_catalog, pg_temp
  set row_security = off
as $$
declare
  root       regclass;
  same_key   text;
  found_rows bigint;
  present    record;
begin
  old_json := rowcast.large_json(was, pg_column_size(was));
  if old_json is null and pg_column_size(was) is not null then
    old_json := rowcast.key_json(for_table, was);
    cut := 1;
  end if;

  present := became;
  select relation, string_agg(format('t.%1$I is not distinct from ($1).%1$I', column_name), ' and ') filter (where column_name is not null)
    into root, same_key
    from rowcast.watched left join unnest(key) as column_name on true
   where id = for_table
   group by relation;
  if same_key is not null then
    begin
      if pg_column_size(became) is null then
        execute format('select t.* from %s as t where %s limit 2', root, same_key) into present using was;
      else
        execute format('select t.* from %s as t where %s limit 2', root, same_key) into present using became;
      end if;
      get diagnostics found_rows = row_count;
      if found_rows = 0 then
        return;
      elsif found_rows > 1 then
        present := became;
      end if;
    exception when others then
      present := became;
    end;
  end if;

  new_json := rowcast.large_json(present, pg_column_size(present));
  if new_json is null and pg_column_size(present) is not null then
    -- The present row has the same key; it's a row of no named type, which key_json() couldn't look into.
    new_json := rowcast.key_json(for_table, became);
    if new_json is null then
      new_json := rowcast.key_json(for_table, was);
    end if;
    cut := coalesce(cut, 0) | 2;
  end if;
end
$$;
revoke execute on function rowcast.late_json(integer, record, record) from public;
