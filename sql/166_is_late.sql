-- Whether the client's running statement has logged a change of this table deeper than this. Marks of earlier statements mean
-- nothing: all of their triggers have fired.
create or replace function rowcast.is_late(for_table text, depth integer) returns boolean
  language sql
  set search_path = pg_catalog, pg_temp
as $$
  select starts_with(marks, (date_part('epoch', statement_timestamp()) * 1000000)::bigint::text)
     and exists (
       select from regexp_matches(marks, '\[(\d{1,9}):(\d{1,9})\]', 'g') as m
        where m[1] = for_table and m[2]::integer > depth)
    from current_setting('rowcast.inner', true) as marks
$$;
revoke execute on function rowcast.is_late(text, integer) from public;
