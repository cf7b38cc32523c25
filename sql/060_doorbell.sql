-- The doorbell: three times in milliseconds since 1970 by the database's clock, and a count. Sequences, because they are
-- read without a snapshot and written without a transaction.
--
-- held_until:     a reader promises to look at the log at least until then. Before it, writers are silent.
-- audience_until: a reader is alive until then. After it, writers are silent: nobody would hear.
-- capture_until:  changes are logged until then. After it, nobody has read for longer than the retention time, and
--                 each change that passes unlogged is counted by `skipped`.
create sequence if not exists rowcast.held_until     minvalue 0;
create sequence if not exists rowcast.audience_until minvalue 0;
create sequence if not exists rowcast.capture_until  minvalue 0;
create sequence if not exists rowcast.skipped        minvalue 0;
