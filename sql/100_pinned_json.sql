-- A row as JSON, whatever the session's settings are.
--
-- row_to_json prints timestamptz by TimeZone, interval by IntervalStyle, bytea by bytea_output, floats by
-- extra_float_digits, what has no JSON form of its own (ranges, money) also by DateStyle and lc_monetary, and regclass and the
-- like by search_path and quote_all_identifiers. Where the session's settings make no difference, capture() calls row_to_json
-- itself; see settings_that_matter().
create or replace function rowcast.pinned_json(subject record) returns json
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
begin
  return row_to_json(subject);
end
$$;
revoke execute on function rowcast.pinned_json(record) from public;
