-- Takes back a hold that lasts until `mine`, unless another reader has renewed it since. Answers for how many more
-- milliseconds writers stay silent: until then, the caller has to go on reading.
create or replace function rowcast.release(mine bigint) returns bigint
  language plpgsql security definer
  set search_path = pg_catalog, pg_temp
as $$
declare
  until constant bigint := pg_sequence_last_value('rowcast.held_until');
begin
  if until <= mine then
    perform setval('rowcast.held_until', 0);
    return 0;
  end if;
  return greatest(0, until - (date_part('epoch', clock_timestamp()) * 1000)::bigint + 1);
end
$$;
revoke execute on function rowcast.release(bigint) from public;
