-- The tables that are captured. `id` is what the log and the triggers' arguments say: unlike an oid it survives a dump. The
-- first one is drawn at random (see start.sql), so that after a new installation a daemon of before can't take one table's rows
-- for another's.
create table if not exists rowcast.watched (
  id       integer generated always as identity,
  relation regclass not null,
  -- The columns that identify a row; empty for a table without a key.
  key      text[]   not null,
  constraint watched_pkey primary key (id),
  constraint watched_relation unique (relation)
);
