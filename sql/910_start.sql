-- The first installation: an epoch, and the capture on for a day, should no daemon come to say for how long.
insert into rowcast.meta (version, epoch, server)
select 0, ('x' || left(replace(gen_random_uuid()::text, '-', ''), 15))::bit(60)::bigint, ''
 where not exists (select from rowcast.meta);

select setval('rowcast.held_until', 0), setval('rowcast.audience_until', 0), setval('rowcast.skipped', 0),
       setval('rowcast.capture_until', (date_part('epoch', clock_timestamp()) * 1000)::bigint + 86400000)
 where pg_sequence_last_value('rowcast.capture_until') is null;

-- capture() as it is written in its file logs to log_0.
do $$
declare
  current_name constant text := (select format('rowcast.log_%s ', current) from rowcast.meta);
begin
  execute replace(pg_get_functiondef('rowcast.capture()'::regprocedure), 'rowcast.log_0 ', current_name);
end
$$;
