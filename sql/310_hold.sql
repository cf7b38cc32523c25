-- Promises to read the log for so many milliseconds from now: until then writers are silent. Whoever takes the hold from
-- the released state, or when it was about to end, wakes the other readers, which hear nothing of the writers from here on.
-- Answers until when, or null while the capture is stopped.
create or replace function rowcast.hold(hold_ms integer) returns bigint
  language plpgsql security definer
  set search_path = pg_catalog, pg_temp
as $$
declare
  now_ms constant bigint := date_part('epoch', clock_timestamp()) * 1000;
  before constant bigint := pg_sequence_last_value('rowcast.held_until');
begin
  if pg_sequence_last_value('rowcast.capture_until') < now_ms then
    return null;
  end if;
  if before >= now_ms + hold_ms then
    return before;
  end if;
  perform setval('rowcast.held_until', now_ms + hold_ms);
  if before < now_ms + 100 and pg_notification_queue_usage() < 0.5 then
    perform pg_notify('rowcast', '');
  end if;
  return now_ms + hold_ms;
end
$$;
revoke execute on function rowcast.hold(integer) from public;
