-- Keeps writers silent for a twentieth of a second when nobody would hear them anyway, which is what a reader's hold does; a reader
-- that comes meanwhile reads on until it is over, as with any hold; one that began between a writer's look and its hold finds it by
-- its slow timer. Each time the log's size is looked at, and the capture stopped if it has
-- outgrown its bound, as no daemon is there to rotate it.
create or replace function rowcast.hold_unheard() returns void
  language plpgsql
  set search_path = pg_catalog, pg_temp
as $$
begin
  if rowcast.log_size() > (select max_size from rowcast.meta) then
    perform setval('rowcast.capture_until', 0), setval('rowcast.held_until', 0);
  else
    perform setval('rowcast.held_until',
      least(pg_sequence_last_value('rowcast.capture_until'), (date_part('epoch', clock_timestamp()) * 1000)::bigint + 50));
  end if;
end
$$;
revoke execute on function rowcast.hold_unheard() from public;
