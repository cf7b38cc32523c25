-- Begins a new epoch after changes may have passed without being logged. Answers false while the capture is stopped, or a
-- transaction that skipped changes is still running: to be asked again.
--
-- What skipped() has counted when nobody holds its lock is all that was skipped before: see skip.sql. A writer that found the
-- capture stopped just before it was switched on, and counts after this, is seen by the next read of the log, which begins another
-- epoch.
create or replace function rowcast.renew_epoch(on_server text) returns boolean
  language plpgsql security definer
  set search_path = pg_catalog, pg_temp
as $$
begin
  if pg_sequence_last_value('rowcast.capture_until') < date_part('epoch', clock_timestamp()) * 1000 then
    return false;
  end if;
  if not pg_try_advisory_xact_lock(1919907683, 1) then
    return false;
  end if;
  update rowcast.meta
     set epoch   = ('x' || left(replace(gen_random_uuid()::text, '-', ''), 15))::bit(60)::bigint,
         skipped = pg_sequence_last_value('rowcast.skipped'),
         server  = on_server
   where skipped <> pg_sequence_last_value('rowcast.skipped') or server <> on_server;
  return true;
end
$$;
revoke execute on function rowcast.renew_epoch(text) from public;
