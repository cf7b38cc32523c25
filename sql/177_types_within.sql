-- The types of the columns of these tables, and what they consist of: elements, fields, the types below domains and ranges.
create or replace function rowcast.types_within(tables oid[]) returns setof oid
  language sql stable
  set search_path = pg_catalog, pg_temp
as $$
  with recursive known (type) as (
    select atttypid from pg_attribute where attrelid = any (tables) and attnum > 0 and not attisdropped
    union
    select part
      from known join pg_type as t on t.oid = type cross join lateral (
        select typelem where typlen = -1
        union all select typbasetype
        union all select rngsubtype from pg_range where rngtypid = type
        union all select atttypid from pg_attribute where attrelid = typrelid and attnum > 0 and not attisdropped
      ) as parts (part)
     where part <> 0
  )
  select type from known
$$;
revoke execute on function rowcast.types_within(oid[]) from public;
