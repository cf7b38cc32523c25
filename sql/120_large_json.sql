-- A large row as JSON, or null if that would take more than 16 MiB. It never raises an error.
--
-- `size` is what the row takes in memory, where values may be compressed (at most 1 : 255) and JSON may write a byte as
-- six (\u0001). Up to 256 KiB the text can't reach PostgreSQL's limit of 1 GiB, so nothing can fail; above, the attempt is
-- made in a subtransaction, which would be too dear for every row; above 16 MiB it isn't made.
create or replace function rowcast.large_json(subject record, size integer) returns json
  language plpgsql stable
  set search_path = pg_catalog, pg_temp
as $$
declare
  shown json;
begin
  if size > 16777216 then
    return null;
  elsif size > 262144 then
    begin
      shown := rowcast.pinned_json(subject);
    exception when others then
      return null;
    end;
  else
    shown := rowcast.pinned_json(subject);
  end if;
  return case when octet_length(shown::text) <= 16777216 then shown end;
end
$$;
revoke execute on function rowcast.large_json(record, integer) from public;
