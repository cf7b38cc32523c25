-- How many arguments the triggers of these tables have, by what the text of their columns depends on:
-- 1, on nothing; 2, on TimeZone; 3, on the settings that capture() looks at, or what it's worth may be of any length; 4, on others:
-- money, regclass and the like, and types that PostgreSQL doesn't come with, whose rows always go through pinned_json().
--
-- A few bytes may stand for megabytes of digits, 1e131071 for one; a jsonb value, an array or a composite may have many of these, and be
-- compressed. capture() looks at the length of the text then.
--
-- Raises an error if a column's type is turned into JSON by a function that somebody has written in a language other than C, for
-- which there is CREATE CAST: it would run with the rights of rowcast's owner, for anybody who may write to the table.
create or replace function rowcast.settings_that_matter(tables oid[]) returns integer
  language plpgsql
  set search_path = pg_catalog, pg_temp
as $$
declare
  found_cast record;
  arguments  integer;
  explosive  boolean;
begin
  for found_cast in
    select castsource::regtype as source, castfunc::regprocedure as function
      from pg_cast join pg_proc as p on p.oid = castfunc join pg_language as l on l.oid = prolang
     where castsource in (select rowcast.types_within(tables)) and casttarget = 'json'::regtype
       and lanname not in ('c', 'internal')
  loop
    raise exception 'type % is cast to json by %, which would run with the rights of rowcast''s owner',
      found_cast.source, found_cast.function
      using errcode = 'feature_not_supported', hint = 'Drop the cast, or leave the table out.';
  end loop;
  select max(case
           when typtype in ('c', 'd', 'e') then 1
           when typtype = 'b' and typnamespace <> 'pg_catalog'::regnamespace then 4
           when typname in ('bool', 'int2', 'int4', 'int8', 'numeric', 'text', 'varchar', 'bpchar', 'name', 'char', 'uuid', 'oid',
                            'date', 'timestamp', 'json') then 1
           when typname = 'timestamptz' then 2
           when typtype = 'b' and typname ~ '^(money|reg.*)$' then 4
           else 3
         end) filter (where not (typelem <> 0 and typlen = -1)),
         bool_or((typelem <> 0 and typlen = -1) or typtype = 'c') and bool_or(t.oid = 'numeric'::regtype)
    into arguments, explosive
    from pg_type as t
   where t.oid in (select rowcast.types_within(tables));
  return greatest(1, arguments, case when explosive then 3 end);
end
$$;
revoke execute on function rowcast.settings_that_matter(oid[]) from public;
