-- Whether the log still has everything that comes after this cursor; see truncated.sql.
--
-- Something is missing if a truncated table had rows of a transaction that the cursor has not seen: its last one did if it is
-- beyond the cursor's xmax; one that the cursor found in progress may have, if it had ended by then.
create or replace function rowcast.reaches(cursor_snapshot pg_snapshot) returns boolean
  language sql stable security definer
  set search_path = pg_catalog, pg_temp
as $$
  select pg_snapshot_xmin(cursor_snapshot) > (select floor from rowcast.meta)
     and not exists (
       select from rowcast.truncated as t
        where t.last_txid >= pg_snapshot_xmax(cursor_snapshot)
           or exists (
             select from pg_snapshot_xip(cursor_snapshot) as txid
              where txid between t.first_txid and t.last_txid and pg_visible_in_snapshot(txid, t.running)))
$$;
revoke execute on function rowcast.reaches(pg_snapshot) from public;
