-- Only the key columns of a row, for rows that are too large to be logged. Null when even the key is too large, or can't be got
-- out of the row (one of more than 1 GiB). It never raises an error. A table without a key has an empty one.
create or replace function rowcast.key_json(for_table integer, subject record) returns json
  language plpgsql stable
  set search_path = pg_catalog, pg_temp
  set timezone = 'UTC'
  set intervalstyle = 'postgres'
  set bytea_output = 'hex'
  set extra_float_digits = 1
  set datestyle = 'ISO, MDY'
  set lc_monetary = 'C'
  set quote_all_identifiers = off
as $$
declare
  fields text;
  shown  json;
begin
  if pg_column_size(subject) is null then
    return null;
  end if;
  select string_agg(format('($1).%1$I as %1$I', column_name), ', ' order by position)
    into fields
    from rowcast.watched, unnest(key) with ordinality as k (column_name, position)
   where id = for_table;
  if fields is null then
    return '{}';
  end if;
  -- `k.*`, as `k` alone would be a column of that name.
  execute format('select row_to_json(k.*) from (select %s) as k', fields) into shown using subject;
  return case when octet_length(shown::text) <= 65536 then shown end;
exception when others then
  return null;
end
$$;
revoke execute on function rowcast.key_json(integer, record) from public;
