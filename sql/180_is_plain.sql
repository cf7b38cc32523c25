-- Whether the columns of these tables look the same whatever the session's settings are, but for those that capture() looks at: not
-- those of money, regclass and the like, and of types that PostgreSQL doesn't come with. Such tables' rows always go
-- through pinned_json().
--
-- Raises an error if a column's type is turned into JSON by a function that somebody has written in a language other than C, for
-- which there is CREATE CAST: it would run with the rights of rowcast's owner, for anybody who may write to the table.
create or replace function rowcast.is_plain(tables oid[]) returns boolean
  language plpgsql
  set search_path = pg_catalog, pg_temp
as $$
declare
  found_cast record;
  all_plain  boolean;
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
  select coalesce(bool_and(
           typtype in ('c', 'd', 'e', 'r')
           or (typnamespace = 'pg_catalog'::regnamespace and typtype = 'b' and typname !~ '^(money|reg.*)$')), true)
    into all_plain
    from pg_type
   where oid in (select rowcast.types_within(tables)) and not (typelem <> 0 and typlen = -1);
  return all_plain;
end
$$;
revoke execute on function rowcast.is_plain(oid[]) from public;
