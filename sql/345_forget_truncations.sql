-- Keeps the list of truncations short; a cursor that old is refused without a closer look.
create or replace function rowcast.forget_truncations() returns void
  language sql
  set search_path = pg_catalog, pg_temp
as $$
  with forgotten as (
    delete from rowcast.truncated where nth <= (select truncations - 1000 from rowcast.meta) returning last_txid
  )
  update rowcast.meta set floor = greatest(floor, (select last_txid from forgotten order by last_txid desc limit 1))
   where exists (select from forgotten)
$$;
revoke execute on function rowcast.forget_truncations() from public;
