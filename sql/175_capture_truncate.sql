-- The statement trigger of every watched table and of each of its partitions and children: TRUNCATE.
--
-- T says that the whole watched table is empty. R says that it changed in a way which no list of rows describes, so its
-- readers start anew: a single partition was truncated, or a table with children, of which `only` may have left the children's rows.
--
-- TRUNCATE of a partitioned table fires for the root first, then for each partition, which then has nothing to add. That
-- it's the same statement shows in the sequence: this session has drawn no number since. Asking the log instead would be
-- reading it, and could make a serializable transaction fail.
create or replace function rowcast.capture_truncate() returns trigger
  language plpgsql security definer
  set search_path = pg_catalog, pg_temp
as $$
declare
  now_ms  constant double precision := date_part('epoch', clock_timestamp()) * 1000;
  log     constant text := format('rowcast.log_%s', (select current from rowcast.meta));
  whole   boolean;
  seq     bigint;
begin
  if (pg_sequence_last_value('rowcast.held_until') > now_ms) is not true and pg_sequence_last_value('rowcast.capture_until') < now_ms then
    if rowcast.skip() then
      return null;
    end if;
  end if;
  select tg_relid = relation and (c.relkind = 'p' or not c.relhassubclass)
    into whole
    from rowcast.watched join pg_class as c on c.oid = relation
   where id = tg_argv[0]::integer;
  if current_setting('rowcast.emptied', true) <> '' and not whole then
    if current_setting('rowcast.emptied', true) = format('%s:%s', tg_argv[0], currval('rowcast.seq')) then
      return null;
    end if;
  end if;
  seq := nextval('rowcast.seq');
  execute format(
    'insert into %s (seq, txid, at, table_id, op, origin)
     values ($1, pg_current_xact_id(), clock_timestamp(), $2, $3, current_setting(''rowcast.origin'', true))', log)
    using seq, tg_argv[0]::integer, (case when whole then 'T' else 'R' end)::"char";
  perform set_config('rowcast.emptied', format('%s:%s', tg_argv[0], seq), true);
  if (pg_sequence_last_value('rowcast.held_until') > now_ms) is not true
    and pg_sequence_last_value('rowcast.audience_until') > now_ms
  then
    perform rowcast.ring();
  end if;
  return null;
end
$$;
revoke execute on function rowcast.capture_truncate() from public;
