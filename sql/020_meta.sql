-- The one row that every read of the log brings along: what must be known to judge a cursor.
create table if not exists rowcast.meta (
  only_row     boolean not null default true,
  -- The number of the newest upgrade that was applied; see sql/upgrade.
  version      integer not null,
  -- Which objects are in place; see objects.rs.
  objects      text    not null default '',
  -- Drawn anew whenever changes may have passed without being logged: cursors of another epoch mean nothing.
  epoch        bigint  not null,
  -- The server that the epoch was drawn on: a dump restored elsewhere has other transaction ids.
  server       text    not null,
  -- How many log tables have been truncated so far; a reader that sees it grow asks rowcast.reaches(cursor).
  truncations  bigint  not null default 0,
  -- The newest transaction of the truncations that rowcast.truncated no longer lists.
  floor        xid8    not null default '0',
  -- What rowcast.skipped had counted when the epoch was drawn: any other value means that changes were skipped.
  skipped      bigint  not null default 0,
  -- Which of rowcast.log_0, log_1 and log_2 is written to, and since when.
  current      integer not null default 0,
  rotated_at   timestamptz not null default now(),
  -- What the log may take on disk, in bytes; kept here for writers that look while no daemon does.
  max_size     bigint  not null default 2147483648,
  retention_ms bigint  not null default 86400000,
  constraint meta_pkey primary key (only_row),
  constraint meta_only_row check (only_row),
  constraint meta_current check (current between 0 and 2)
);
