-- Whether a change of this table was logged deeper than this before, in this transaction.
create or replace function rowcast.is_late(for_table text, depth integer) returns boolean
  language sql
  set search_path = pg_catalog, pg_temp
as $$
  select exists (
    select from regexp_matches(current_setting('rowcast.inner', true), '\[(\d+):(\d+)\]', 'g') as m
     where m[1] = for_table and m[2]::integer > depth)
$$;
revoke execute on function rowcast.is_late(text, integer) from public;
