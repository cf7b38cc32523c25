-- Remembers, until the transaction ends, that the statement of the client's that is now running has logged a change of this table
-- at this depth of triggers. A savepoint that is rolled back takes the mark along with the change.
create or replace function rowcast.mark_inner(for_table text, depth integer) returns void
  language plpgsql
  set search_path = pg_catalog, pg_temp
as $$
declare
  statement constant text := (date_part('epoch', statement_timestamp()) * 1000000)::bigint;
  known     constant text := coalesce(current_setting('rowcast.inner', true), '');
  mark      constant text := format('[%s:%s]', for_table, depth);
begin
  if not starts_with(known, statement) then
    perform set_config('rowcast.inner', statement || mark, true);
  elsif strpos(known, mark) = 0 then
    perform set_config('rowcast.inner', known || mark, true);
  end if;
end
$$;
revoke execute on function rowcast.mark_inner(text, integer) from public;
