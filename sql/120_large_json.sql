-- A row as JSON, or null if that would take more than 16 MiB. It never raises an error.
--
-- `size` is what the row takes in memory (less than nothing if more than 2 GiB), where values may be compressed, to a 255th at
-- most. Nothing follows from it for the text: JSON may write a byte as six (\u0001), and `1e131071` is ten bytes. What is
-- too large for sure isn't attempted.
create or replace function rowcast.large_json(subject record, size integer) returns json
  language plpgsql stable
  set search_path = pg_catalog, pg_temp
as $$
declare
  shown json;
begin
  if size < 0 or size > 16777216 then
    return null;
  end if;
  if size > 65536 then
    if rowcast.raw_size(subject) > 16777216 then
      return null;
    end if;
  end if;
  shown := rowcast.pinned_json(subject);
  return case when pg_column_size(shown) <= 16777216 then shown end;
exception when others then
  return null;
end
$$;
revoke execute on function rowcast.large_json(record, integer) from public;
