-- The change log: three tables in rotation, one written to, the others kept until they are truncated (as PgQ does).
--
-- The rows' text is `json`, not `jsonb`: digits and duplicate keys stay as they were written. `txid` is what reading
-- goes by (see src/changelog/read.sql), so it alone is indexed: each index costs every writer. No autovacuum: nothing is
-- updated or deleted here, and TRUNCATE leaves nothing to vacuum.
do $$
begin
  for n in 0..2 loop
    execute format(
      'create table if not exists rowcast.log_%1$s (
         seq      bigint      not null,
         txid     xid8        not null,
         at       timestamptz not null,
         table_id integer     not null,
         -- null: a row changed, and which of old and new is there says how. T: truncated. R: reset, see
         -- capture_truncate.sql
         op       "char",
         -- bits: 1, old has only the key columns; 2, new has only the key columns
         cut      smallint,
         old      json,
         new      json,
         origin   text
       ) with (autovacuum_enabled = off, toast.autovacuum_enabled = off)', n);
    execute format('create index if not exists log_%1$s_txid on rowcast.log_%1$s (txid)', n);
  end loop;
end
$$;

-- Identifies a change. Not commit order: it only orders the changes of one row (the second writer of a row waits for
-- the first one's lock, and so draws its number later).
create sequence if not exists rowcast.seq cache 1;
