-- A change passes without being logged, because nobody has read for longer than the retention time. Answers false if it has to be
-- logged after all.
--
-- The count goes up before the change can commit, and every read of the log compares it: a reader whose snapshot shows the
-- change sees the count that betrays it. The lock is held until the transaction ends; renew_epoch() waits until nobody
-- holds it, so that no transaction of the time without capture commits into the new epoch unnoticed. If the lock isn't to be
-- had, an epoch is beginning, so the capture is on again: nobody waits.
create or replace function rowcast.skip() returns boolean
  language plpgsql
  set search_path = pg_catalog, pg_temp
as $$
begin
  if not pg_try_advisory_xact_lock_shared(1919907683, 1) then
    return false;
  end if;
  perform nextval('rowcast.skipped');
  return true;
end
$$;
revoke execute on function rowcast.skip() from public;
