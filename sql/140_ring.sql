-- Wakes the readers that sleep. What could make NOTIFY fail the user's transaction is looked at first: it can't be used in
-- a transaction that will be prepared (a daemon that finds prepared transactions enabled doesn't sleep), and a
-- full queue is an error at commit.
create or replace function rowcast.ring() returns void
  language plpgsql
  set search_path = pg_catalog, pg_temp
as $$
begin
  if current_setting('max_prepared_transactions') = '0' and pg_notification_queue_usage() < 0.5 then
    perform pg_notify('rowcast', '');
  end if;
end
$$;
revoke execute on function rowcast.ring() from public;
