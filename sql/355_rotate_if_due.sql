-- Rotates if the table being written to has grown to a quarter of the size, or has been written to for half of the retention
-- time: with three tables, whatever is emptied is then older than that, and the size holds, with some room for what is written
-- until somebody looks. While the log is larger than it
-- may be, it rotates whatever the table being written to is like: the capture stays stopped until the large one is emptied.
--
-- The lock comes first: a daemon that found it due, waited while another rotated, and rotated again would empty a table
-- that isn't old.
create or replace function rowcast.rotate_if_due() returns boolean
  language plpgsql security definer
  set search_path = pg_catalog, pg_temp
as $$
declare
  known record;
begin
  if not pg_try_advisory_xact_lock(1919907683, 2) then
    return false;
  end if;
  select * into known from rowcast.meta;
  if clock_timestamp() - known.rotated_at >= known.retention_ms / 2 * interval '1 millisecond'
    or pg_total_relation_size(format('rowcast.log_%s', known.current)::regclass) >= known.max_size / 4
    or rowcast.log_size() > known.max_size
  then
    return rowcast.rotate();
  end if;
  return false;
end
$$;
revoke execute on function rowcast.rotate_if_due() from public;
