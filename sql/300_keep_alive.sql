-- The pulse of a daemon: writers ring, and log, for a while longer. Answers whether changes are being logged.
--
-- While the log is larger than it may be, the capture stays stopped: rotation has to get somewhere first.
--
-- It waits until what it writes is on disk, here and not on a standby: so while nobody else writes, readers find that all they have
-- seen is.
create or replace function rowcast.keep_alive(audience_ms integer) returns boolean
  language plpgsql security definer
  set search_path = pg_catalog, pg_temp
as $$
declare
  now_ms constant bigint := date_part('epoch', clock_timestamp()) * 1000;
  known  record;
begin
  select max_size, retention_ms into known from rowcast.meta;
  if rowcast.log_size() > known.max_size then
    perform setval('rowcast.capture_until', 0), setval('rowcast.held_until', 0);
    return false;
  end if;
  perform set_config('synchronous_commit', 'local', true);
  perform setval('rowcast.audience_until', greatest(pg_sequence_last_value('rowcast.audience_until'), now_ms + audience_ms)),
          setval('rowcast.capture_until',
                 now_ms + audience_ms + known.retention_ms);
  return true;
end
$$;
revoke execute on function rowcast.keep_alive(integer) from public;
