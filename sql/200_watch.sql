-- Captures a table from now on; repeatable, and repairs what is missing. Answers the table's number in the log.
--
-- CREATE TRIGGER waits for the transactions that are writing to the table, so those that commit afterwards unseen by the
-- log don't exist. The caller sets lock_timeout: writers queue behind the wait.
--
-- The names begin with "!" because triggers of one event fire by name: rowcast logs a row before a trigger of the
-- user's can change it again (see current_row). A partitioned table's row triggers are on its partitions too, by
-- PostgreSQL's doing; children by inheritance, and TRUNCATE on partitions, need their own.
-- Triggers are `enable always`, for sessions that apply changes of a replica. That takes the table's owner; somebody
-- with the TRIGGER privilege alone gets triggers that such sessions don't fire, and a warning.
create or replace function rowcast.watch(target regclass, key_columns text[]) returns integer
  language plpgsql
  set search_path = pg_catalog, pg_temp
as $$
declare
  table_id integer;
  member   record;
  wanted   record;
begin
  select id into table_id from rowcast.watched where relation = target;
  if table_id is null then
    insert into rowcast.watched (relation, key) values (target, key_columns) returning id into table_id;
  else
    update rowcast.watched set key = key_columns where id = table_id and key is distinct from key_columns;
  end if;

  for member in
    with recursive tree as (
      select target::oid as relid
      union
      select inhrelid from pg_inherits join tree on inhparent = relid
    )
    select c.oid::regclass as relation, c.relispartition and c.oid <> target as cloned
      from tree join pg_class as c on c.oid = relid
     where c.relkind in ('r', 'p')
     order by c.oid <> target, c.oid
  loop
    for wanted in
      select format('!rowcast_%s_%s', table_id, name) as name, what
        from (values
          ('row',      'after insert or delete on %s for each row execute function rowcast.capture(%L)'),
          ('update',   'after update on %s for each row when (old.* operator(pg_catalog.*<>) new.*) execute function rowcast.capture(%L)'),
          ('truncate', 'after truncate on %s for each statement execute function rowcast.capture_truncate(%L)')
        ) as trigger_kinds (name, what)
       where not (member.cloned and name <> 'truncate')
    loop
      perform from pg_trigger where tgrelid = member.relation and tgname = wanted.name;
      if not found then
        execute format('create trigger %I %s', wanted.name, format(wanted.what, member.relation, table_id));
      end if;
    end loop;
    perform rowcast.enable_always(member.relation, table_id);
  end loop;
  return table_id;
end
$$;
revoke execute on function rowcast.watch(regclass, text[]) from public;
