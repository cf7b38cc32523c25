-- What was lost with each log table that was truncated: decides, exactly, whether a cursor is too old.
--
-- The obvious rule, "older than the retention time", guesses: a transaction may run for a day and commit now, and
-- clocks step. So each truncation records which transactions had rows in the table (from first_txid to last_txid),
-- and which transactions were running: a table is truncated under an exclusive lock, which no transaction that wrote to
-- it and still runs lets go, so the running ones have lost nothing.
create table if not exists rowcast.truncated (
  nth        bigint not null,
  first_txid xid8   not null,
  last_txid  xid8   not null,
  running    pg_snapshot not null,
  at         timestamptz not null default clock_timestamp(),
  constraint truncated_pkey primary key (nth)
);
