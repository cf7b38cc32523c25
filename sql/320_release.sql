-- Takes back a hold that lasts until `mine`, or one that has run out, unless a reader has renewed it since. Answers for how many
-- more milliseconds writers stay silent: until then, the caller has to go on reading.
--
-- What is left is a time of January 1970, which no clock comes back to, and another one after each hold: so a reader
-- that has missed a whole hold, while writers were silent, sees that there was one.
create or replace function rowcast.release(mine bigint) returns bigint
  language plpgsql security definer
  set search_path = pg_catalog, pg_temp
as $$
declare
  now_ms constant bigint := date_part('epoch', clock_timestamp()) * 1000;
  until  constant bigint := pg_sequence_last_value('rowcast.held_until');
begin
  if until > mine and until >= now_ms then
    return until - now_ms + 1;
  end if;
  if until >= 1000000000 then
    perform setval('rowcast.held_until', until % 1000000000);
  end if;
  return 0;
end
$$;
revoke execute on function rowcast.release(bigint) from public;
