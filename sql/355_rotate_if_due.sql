-- Rotates if the table being written to has grown to a third of the size, or has been written to for half of the retention
-- time: with three tables, whatever is emptied is then older than that, and the size holds.
create or replace function rowcast.rotate_if_due() returns boolean
  language plpgsql security definer
  set search_path = pg_catalog, pg_temp
as $$
declare
  known record;
begin
  select * into known from rowcast.meta;
  if clock_timestamp() - known.rotated_at >= known.retention_ms / 2 * interval '1 millisecond'
    or pg_total_relation_size(format('rowcast.log_%s', known.current)::regclass) >= known.max_size / 3
  then
    return rowcast.rotate();
  end if;
  return false;
end
$$;
revoke execute on function rowcast.rotate_if_due() from public;
