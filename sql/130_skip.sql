-- A change passes without being logged, because nobody has read for longer than the retention time.
--
-- The count goes up before the change can commit, and every read of the log compares it: a reader whose snapshot shows the
-- change sees the count that betrays it. The lock is held until the transaction ends; renew_epoch() waits until nobody
-- holds it, so that no transaction of the time without capture commits into the new epoch unnoticed.
create or replace function rowcast.skip() returns void
  language plpgsql
  set search_path = pg_catalog, pg_temp
as $$
begin
  perform pg_advisory_xact_lock_shared(1919907683, 1);
  perform nextval('rowcast.skipped');
end
$$;
revoke execute on function rowcast.skip() from public;
