-- Remembers, until the transaction ends, that a change of this table was logged at this depth of triggers.
create or replace function rowcast.mark_inner(for_table text, depth integer) returns void
  language plpgsql
  set search_path = pg_catalog, pg_temp
as $$
declare
  known constant text := coalesce(current_setting('rowcast.inner', true), '');
  mark  constant text := format('[%s:%s]', for_table, depth);
begin
  if strpos(known, mark) = 0 then
    perform set_config('rowcast.inner', known || mark, true);
  end if;
end
$$;
revoke execute on function rowcast.mark_inner(text, integer) from public;
