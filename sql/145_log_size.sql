-- What the log takes on disk, indexes and TOAST included, in bytes.
create or replace function rowcast.log_size() returns bigint
  language sql
  set search_path = pg_catalog, pg_temp
as $$
  select sum(pg_total_relation_size(format('rowcast.log_%s', n)::regclass))::bigint from generate_series(0, 2) as n
$$;
revoke execute on function rowcast.log_size() from public;
