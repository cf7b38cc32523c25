-- Everything after a cursor: the log rows that are visible now and were not visible in the cursor's snapshot.
--
-- The obvious query, `seq > last`, loses rows: a transaction draws 5, another draws 6 and commits first; whoever has
-- read 6 never sees 5. Waiting until no lower number can come stalls everybody behind one long transaction.
--
-- $1 is the cursor's xmax, $2 the transactions that it found in progress. What a snapshot doesn't see are exactly these two
-- sets, and they don't overlap: `txid >= xmax`, and `txid = any(xip)`. Each is a probe of an index on txid, whatever
-- else the log holds. That a row is visible now is PostgreSQL's own doing, and the first row carries the snapshot by which it was
-- decided: one statement has one snapshot (in read committed, which is pinned by the session), taken after the
-- statement has locked its tables. So the chain of cursors has no gap and no overlap, and a table that is truncated before
-- that lock shows in `truncations`, which the reader checks before it takes the first change.
--
-- By `seq`, the changes of one row come in the order in which they were made: its second writer waits for the first one's
-- lock, and only then draws a number. Whole transactions come, because a snapshot shows all of one or nothing.
select null::bigint as seq,
       null::xid8   as txid,
       clock_timestamp() as at,
       null::integer as table_id,
       null::"char" as op,
       null::smallint as cut,
       json_build_object(
         'snapshot', pg_current_snapshot()::text,
         'epoch', epoch,
         'server', server,
         'timeline', left(pg_walfile_name(pg_current_wal_insert_lsn()), 8),
         'truncations', truncations,
         'skipped_before', skipped,
         'skipped', pg_sequence_last_value('rowcast.skipped'),
         'life', (select id from rowcast.life),
         'wal', pg_current_wal_insert_lsn() - '0/0'::pg_lsn,
         'flushed', pg_current_wal_flush_lsn() - '0/0'::pg_lsn,
         'held_until', pg_sequence_last_value('rowcast.held_until'),
         'held_ms', pg_sequence_last_value('rowcast.held_until') - (date_part('epoch', clock_timestamp()) * 1000)::bigint
       )::text as old,
       null::text as new,
       null::text as origin
  from rowcast.meta
union all
select seq, txid, at, table_id, op, cut, old::text, new::text, origin from rowcast.log_0 where txid >= ($1::text)::xid8
union all
select seq, txid, at, table_id, op, cut, old::text, new::text, origin from rowcast.log_1 where txid >= ($1::text)::xid8
union all
select seq, txid, at, table_id, op, cut, old::text, new::text, origin from rowcast.log_2 where txid >= ($1::text)::xid8
union all
select seq, txid, at, table_id, op, cut, old::text, new::text, origin from rowcast.log_0 where txid = any ($2::text[]::xid8[])
union all
select seq, txid, at, table_id, op, cut, old::text, new::text, origin from rowcast.log_1 where txid = any ($2::text[]::xid8[])
union all
select seq, txid, at, table_id, op, cut, old::text, new::text, origin from rowcast.log_2 where txid = any ($2::text[]::xid8[])
 order by seq nulls first
