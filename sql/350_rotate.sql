-- Writes on to the next of the three log tables, which is emptied first. Answers false when it has to be tried again.
--
-- Nobody waits for this: the table that is emptied is not the one being written to, and if somebody still reads it, or a
-- transaction that wrote to it still runs, its lock isn't to be had and nothing happens. Readers that come while it is
-- being emptied wait for that moment.
--
-- It takes read committed: an older snapshot wouldn't show the last rows of the table that is emptied, and they would be missing
-- without a record.
create or replace function rowcast.rotate() returns boolean
  language plpgsql security definer
  set search_path = pg_catalog, pg_temp
as $$
declare
  current_name text;
  next_number  integer;
  next_name    text;
  lost         record;
begin
  if current_setting('transaction_isolation') <> 'read committed' then
    raise exception 'rowcast.rotate() takes a transaction that is read committed';
  end if;
  if not pg_try_advisory_xact_lock(1919907683, 2) then
    return false;
  end if;
  select format('rowcast.log_%s', current), (current + 1) % 3 into current_name, next_number from rowcast.meta;
  next_name := format('rowcast.log_%s', next_number);
  begin
    execute format('lock table %s in access exclusive mode nowait', next_name);
  exception when lock_not_available then
    return false;
  end;
  execute format('select (select txid from %1$s order by txid limit 1) as first, (select txid from %1$s order by txid desc limit 1) as last', next_name)
     into lost;
  if lost.first is not null then
    update rowcast.meta set truncations = truncations + 1;
    insert into rowcast.truncated (nth, first_txid, last_txid, running)
    select truncations, lost.first, lost.last, pg_current_snapshot() from rowcast.meta;
  end if;
  execute format('truncate %s', next_name);
  execute replace(pg_get_functiondef('rowcast.capture()'::regprocedure), current_name || ' ', next_name || ' ');
  update rowcast.meta set current = next_number, rotated_at = clock_timestamp();
  perform rowcast.forget_truncations();
  return true;
end
$$;
revoke execute on function rowcast.rotate() from public;
