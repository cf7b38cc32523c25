-- What the daemon's configuration says about the log, for writers that look while no daemon does.
create or replace function rowcast.configure(keep_ms bigint, keep_bytes bigint) returns void
  language sql security definer
  set search_path = pg_catalog, pg_temp
as $$
  update rowcast.meta set retention_ms = keep_ms, max_size = keep_bytes
   where retention_ms <> keep_ms or max_size <> keep_bytes
$$;
revoke execute on function rowcast.configure(bigint, bigint) from public;
