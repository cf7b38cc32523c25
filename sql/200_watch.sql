-- Captures a table from now on; repeatable, and repairs what is missing. Answers the table's number in the log.
--
-- CREATE TRIGGER waits for the transactions that are writing to the table, so those that commit afterwards unseen by the
-- log don't exist. The caller sets lock_timeout: writers queue behind the wait.
--
-- The names begin with "!" because triggers of one event fire by name: rowcast logs a row before a trigger of the
-- user's can change it again (see late_json). A partitioned table's row triggers are on its partitions too, by
-- PostgreSQL's doing; children by inheritance, and TRUNCATE on partitions, need their own.
-- Triggers are `enable always`, for sessions that apply changes of a replica. That takes the table's owner; somebody
-- with the TRIGGER privilege alone gets triggers that such sessions don't fire, and a warning.
create or replace function rowcast.watch(target regclass, key_columns text[]) returns integer
  language plpgsql
  set search_path = pg_catalog, pg_temp
as $$
declare
  table_id  integer;
  members   oid[];
  arguments text;
  nargs     integer;
  member    record;
  wanted    record;
begin
  select id into table_id from rowcast.watched where relation = target;
  if table_id is null then
    insert into rowcast.watched (relation, key) values (target, key_columns) returning id into table_id;
  else
    update rowcast.watched set key = key_columns where id = table_id and key is distinct from key_columns;
  end if;

  with recursive tree as (
    select target::oid as relid
    union
    select inhrelid from pg_inherits join tree on inhparent = relid
  )
  select array_agg(relid) into members from tree;
  nargs := rowcast.settings_that_matter(members);
  arguments := array_to_string((array[quote_literal(table_id), '''timezone''', '''settings''', '''pinned'''])[:nargs], ', ');

  for member in
    select oid::regclass as relation, relispartition and oid <> target as cloned
      from pg_class
     where oid = any (members) and relkind in ('r', 'p')
     order by oid <> target, oid
  loop
    for wanted in
      select format('!rowcast_%s_%s', table_id, kind) as name, format(what, member.relation, arguments) as what
        from (values
          ('row',      'after insert or delete on %s for each row execute function rowcast.capture(%s)'),
          ('update',   'after update on %s for each row execute function rowcast.capture(%s)'),
          ('truncate', 'after truncate on %s for each statement execute function rowcast.capture_truncate(%s)')
        ) as kinds (kind, what)
       where not (member.cloned and kind <> 'truncate')
    loop
      perform rowcast.put_trigger(member.relation, wanted.name, wanted.what, nargs);
    end loop;
    perform rowcast.enable_always(member.relation, table_id);
  end loop;
  return table_id;
end
$$;
revoke execute on function rowcast.watch(regclass, text[]) from public;
