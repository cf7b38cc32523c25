-- Stops the capture when the log has outgrown its size and no daemon is there to rotate it.
create or replace function rowcast.guard_size() returns void
  language plpgsql
  set search_path = pg_catalog, pg_temp
as $$
begin
  if rowcast.log_size() > (select max_size from rowcast.meta) then
    perform setval('rowcast.capture_until', 0);
  end if;
end
$$;
revoke execute on function rowcast.guard_size() from public;
