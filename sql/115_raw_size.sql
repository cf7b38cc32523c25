-- The bytes of a row's texts and byte strings once they are decompressed, which the values' headers tell.
create or replace function rowcast.raw_size(subject record) returns bigint
  language plpgsql stable
  set search_path = pg_catalog, pg_temp
as $$
declare
  terms text;
  total bigint;
begin
  select string_agg(format('coalesce(octet_length(($1).%I), 0)::bigint', attname), ' + ')
    into terms
    from pg_type as t join pg_attribute on attrelid = typrelid
   where t.oid = pg_typeof(subject) and attnum > 0 and not attisdropped
     and atttypid in ('text'::regtype, 'varchar'::regtype, 'bpchar'::regtype, 'bytea'::regtype);
  if terms is null then
    return 0;
  end if;
  execute 'select ' || terms into total using subject;
  return total;
end
$$;
revoke execute on function rowcast.raw_size(record) from public;
