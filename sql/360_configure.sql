-- What a daemon says when it comes: its configuration of the log, for writers that look while no daemon does. Names the server's
-- life, if that has no name yet.
create or replace function rowcast.configure(keep_ms bigint, keep_bytes bigint) returns void
  language sql security definer
  set search_path = pg_catalog, pg_temp
as $$
  insert into rowcast.life (id)
  values (('x' || left(replace(gen_random_uuid()::text, '-', ''), 15))::bit(60)::bigint)
  on conflict do nothing;
  update rowcast.meta set retention_ms = keep_ms, max_size = keep_bytes
   where retention_ms <> keep_ms or max_size <> keep_bytes
$$;
revoke execute on function rowcast.configure(bigint, bigint) from public;
