-- Which life of the server this is. Recovery after a crash empties unlogged tables, and configure() draws a number where there
-- is none: so another number says that transactions which had been seen may have been lost, and their ids used again.
create unlogged table if not exists rowcast.life (
  only_row boolean not null default true,
  id       bigint  not null,
  constraint life_pkey primary key (only_row),
  constraint life_only_row check (only_row)
);
