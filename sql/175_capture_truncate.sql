-- The statement trigger of every watched table and of each of its partitions and children: TRUNCATE.
--
-- T says that the whole watched table is empty. R says that it changed in a way which no list of rows describes, so its
-- readers start anew: a single partition was truncated, or a table with children, of which `only` may have left the children's rows.
create or replace function rowcast.capture_truncate() returns trigger
  language plpgsql security definer
  set search_path = pg_catalog, pg_temp
as $$
declare
  now_ms  constant double precision := date_part('epoch', clock_timestamp()) * 1000;
  writer  constant xid8 := pg_current_xact_id();
  log     constant text := format('rowcast.log_%s', (select current from rowcast.meta));
  whole   boolean;
  emptied boolean;
begin
  if pg_sequence_last_value('rowcast.held_until') < now_ms and pg_sequence_last_value('rowcast.capture_until') < now_ms then
    perform rowcast.skip();
    return null;
  end if;
  select tg_relid = relation and (c.relkind = 'p' or not c.relhassubclass)
    into whole
    from rowcast.watched join pg_class as c on c.oid = relation
   where id = tg_argv[0]::integer;
  execute format('select exists (select from %s where txid = $1 and table_id = $2 and op = ''T'')', log)
     into emptied using writer, tg_argv[0]::integer;
  if whole or not emptied then
    execute format(
      'insert into %s (seq, txid, at, table_id, op, origin)
       values (nextval(''rowcast.seq''), $1, clock_timestamp(), $2, $3, current_setting(''rowcast.origin'', true))', log)
      using writer, tg_argv[0]::integer, (case when whole then 'T' else 'R' end)::"char";
  end if;
  if pg_sequence_last_value('rowcast.held_until') < now_ms and pg_sequence_last_value('rowcast.audience_until') > now_ms then
    perform rowcast.ring();
  end if;
  return null;
end
$$;
revoke execute on function rowcast.capture_truncate() from public;
