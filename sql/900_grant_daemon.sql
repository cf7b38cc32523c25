-- Lets a role run the daemon with `--no-install`: read the log, keep the doorbell, rotate. It can't change what is captured.
create or replace function rowcast.grant_daemon(daemon regrole) returns void
  language plpgsql
  set search_path = pg_catalog, pg_temp
as $$
begin
  execute format('grant usage on schema rowcast to %s', daemon);
  execute format('grant select on all tables in schema rowcast to %s', daemon);
  execute format('grant select on all sequences in schema rowcast to %s', daemon);
  execute format('grant execute on function rowcast.keep_alive(integer), rowcast.hold(integer), rowcast.release(bigint),
    rowcast.renew_epoch(text), rowcast.reaches(pg_snapshot), rowcast.rotate_if_due(), rowcast.log_size(),
    rowcast.configure(bigint, bigint), rowcast.types_within(oid[]), rowcast.settings_that_matter(oid[]) to %s', daemon);
end
$$;
revoke execute on function rowcast.grant_daemon(regrole) from public;
