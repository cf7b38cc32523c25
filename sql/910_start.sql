-- The first installation: a number to count the tables from, an epoch, and the capture on for a day, should no daemon come to say for how long.
select setval(pg_get_serial_sequence('rowcast.watched', 'id'), 1 + (random() * 900000000)::bigint)
 where not exists (select from rowcast.meta);

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
