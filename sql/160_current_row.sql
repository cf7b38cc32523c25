-- The row as it is now, for a change that is logged late; null if it is gone.
--
-- A trigger of the user's that changes the watched table again has its changes logged at the end of its inner
-- statement, before the rest of the outer statement's: by `seq` the row would end up as it was in between. So after an inner
-- change the outer ones log what the row has become, not what it became then, and whoever applies the log in order ends
-- up right.
create or replace function rowcast.current_row(for_table integer, subject record) returns json
  language plpgsql
  set search_path = pg_catalog, pg_temp
as $$
declare
  root     regclass;
  same_key text;
  shown    json;
begin
  select relation, string_agg(format('t.%1$I is not distinct from ($1).%1$I', column_name), ' and ')
    into root, same_key
    from rowcast.watched left join unnest(key) as column_name on true
   where id = for_table
   group by relation;
  if same_key is null then
    return rowcast.pinned_json(subject);
  end if;
  execute format('select rowcast.pinned_json(t) from %s as t where %s', root, same_key) into shown using subject;
  return shown;
exception when others then
  return rowcast.pinned_json(subject);
end
$$;
revoke execute on function rowcast.current_row(integer, record) from public;
