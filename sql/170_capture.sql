-- The trigger of every watched table: one row changed.
--
-- It must not fail, must not wait, and must be quick: everything here runs for every row that the application writes. So:
-- * No SET clauses (each costs as much as the rest but the INSERT): what depends on settings goes to pinned_json() when the
--   session's differ from its. As search_path isn't set and the function runs as its owner, every name is qualified, operators
--   and types included; `in`, `case x when` and `between`, which look up an operator by themselves, aren't used.
-- * The usual case comes first, in one condition and one statement: a small row, at the first level of triggers, while writers may be
--   silent. PL/pgSQL prepares an expression anew in each transaction, so each function and operator named on that way costs
--   every transaction, whether it's called or not.
-- * No exception block, which is a subtransaction, for small rows. Text has a limit of 1 GiB, and writing JSON fails beyond. A
--   row of 256 bytes can't get there: 255 bytes at most are compressed to one, and of these ten may be a number,
--   1e131071, that takes 131,072. A larger row can, however unlikely. What doesn't fit, or fails, is logged by its key alone.
--
-- An update that changes nothing, as JSON shows it, isn't logged. A WHEN clause of the trigger that compares the rows takes as
-- long, and fails for rows of more than a gibibyte. Rows that are logged by their key alone aren't compared.
--
-- The doorbell, and why no change can be overlooked. A reader that is awake holds the bell, and writers are silent. Before it
-- sleeps, it releases the hold, then reads the log with a snapshot R.
-- * A writer that reads `held_until` after the release rings, if its transaction commits.
-- * A writer that read it before the release has its transaction id by then (its row is written, or this wouldn't
--   run). So in R it has committed, and R's read shows its change; or it is in progress, and the reader goes on looking until
--   every transaction that R found in progress has ended.
-- There is no third case, so whether the log row is written before or after the look at the bell makes no difference.
--
-- The log table's name is compiled in; rowcast.rotate() replaces this function with another name in it.
create or replace function rowcast.capture() returns trigger
  language plpgsql security definer
as $$
begin
  -- Neither is larger than 255 bytes, nor less than nothing, as a size of 2 GiB and more is given.
  if (coalesce(pg_catalog.pg_column_size(old), 0) operator(pg_catalog.|) coalesce(pg_catalog.pg_column_size(new), 0))
      operator(pg_catalog.&) -256 operator(pg_catalog.=) 0
    and pg_catalog.pg_sequence_last_value('rowcast.held_until')
        operator(pg_catalog.>) (pg_catalog.date_part('epoch', pg_catalog.clock_timestamp()) operator(pg_catalog.*) 1000)
    and pg_catalog.pg_trigger_depth() operator(pg_catalog.=) 1
    and coalesce(pg_catalog.current_setting('rowcast.inner', true), '') operator(pg_catalog.=) ''
    and (tg_nargs operator(pg_catalog.=) 1
         or (tg_nargs operator(pg_catalog.=) 2 and pg_catalog.current_setting('TimeZone') operator(pg_catalog.~~) any ('{UTC,Etc/UTC}')))
    and (old operator(pg_catalog.*=) new) is not true
  then
    insert into rowcast.log_0 (seq, txid, at, table_id, old, new, origin)
    values (pg_catalog.nextval('rowcast.seq'), pg_catalog.pg_current_xact_id(), pg_catalog.clock_timestamp(),
            tg_argv[0]::integer, pg_catalog.row_to_json(old), pg_catalog.row_to_json(new),
            pg_catalog.current_setting('rowcast.origin', true));
    return null;
  end if;

  declare
    now_ms   constant double precision :=
      pg_catalog.date_part('epoch', pg_catalog.clock_timestamp()) operator(pg_catalog.*) 1000;
    -- In memory; from 2 GiB on it's given as less than nothing.
    size     constant integer :=
      case when least(pg_catalog.pg_column_size(old), pg_catalog.pg_column_size(new)) operator(pg_catalog.<) 0 then 2147483647
           else greatest(pg_catalog.pg_column_size(old), pg_catalog.pg_column_size(new)) end;
    -- Whether the session's settings make no difference to this table's columns; see settings_that_matter().
    is_plain constant boolean := tg_nargs operator(pg_catalog.=) 1
      or (tg_nargs operator(pg_catalog.<) 4
          and pg_catalog.current_setting('TimeZone') operator(pg_catalog.~~) any ('{UTC,Etc/UTC}')
          and (tg_nargs operator(pg_catalog.=) 2
               or (pg_catalog.current_setting('DateStyle') operator(pg_catalog.~~) 'ISO%'
                   and pg_catalog.current_setting('IntervalStyle') operator(pg_catalog.=) 'postgres'
                   and pg_catalog.current_setting('bytea_output') operator(pg_catalog.=) 'hex'
                   and pg_catalog.current_setting('extra_float_digits')::integer operator(pg_catalog.>) 0)));
    loud     boolean := false;
    late     boolean := false;
    fits     boolean := false;
    cut      smallint;
    old_json pg_catalog.json;
    new_json pg_catalog.json;
  begin
    if (pg_catalog.pg_sequence_last_value('rowcast.held_until') operator(pg_catalog.>) now_ms) is not true then
      if pg_catalog.pg_sequence_last_value('rowcast.capture_until') operator(pg_catalog.<) now_ms then
        if rowcast.skip() then
          return null;
        end if;
      end if;
      loud := pg_catalog.pg_sequence_last_value('rowcast.audience_until') operator(pg_catalog.>) now_ms;
      if not loud then
        perform rowcast.hold_unheard();
      end if;
    elsif size operator(pg_catalog.>) 65536 then
      if pg_catalog.pg_sequence_last_value('rowcast.audience_until') operator(pg_catalog.<=) now_ms then
        perform rowcast.hold_unheard();
      end if;
    end if;

    if pg_catalog.pg_trigger_depth() operator(pg_catalog.>) 1 then
      perform rowcast.mark_inner(tg_argv[0], pg_catalog.pg_trigger_depth());
    end if;
    if pg_catalog.current_setting('rowcast.inner', true) operator(pg_catalog.<>) '' then
      if rowcast.is_late(tg_argv[0], pg_catalog.pg_trigger_depth()) then
        late := true;
      end if;
    end if;

    if late then
      select * into old_json, new_json, cut from rowcast.late_json(tg_argv[0]::integer, old, new);
      if old_json is null and new_json is null and cut is null then
        return null;
      end if;
      fits := true;
    elsif size operator(pg_catalog.<=) 256 then
      if is_plain then
        old_json := pg_catalog.row_to_json(old);
        new_json := pg_catalog.row_to_json(new);
      else
        old_json := rowcast.pinned_json(old);
        new_json := rowcast.pinned_json(new);
      end if;
      fits := greatest(pg_catalog.pg_column_size(old_json), pg_catalog.pg_column_size(new_json)) operator(pg_catalog.<=) 16777216;
    else
      begin
        if size operator(pg_catalog.>) 8192 then
          old_json := rowcast.large_json(old, pg_catalog.pg_column_size(old));
          new_json := rowcast.large_json(new, pg_catalog.pg_column_size(new));
        elsif is_plain then
          old_json := pg_catalog.row_to_json(old);
          new_json := pg_catalog.row_to_json(new);
        else
          old_json := rowcast.pinned_json(old);
          new_json := rowcast.pinned_json(new);
        end if;
      exception when others then
        old_json := null;
        new_json := null;
      end;
    end if;
    if not fits then
      if (pg_catalog.pg_column_size(old_json) operator(pg_catalog.<=) 16777216) is not true
        and pg_catalog.pg_column_size(old) is not null
      then
        old_json := rowcast.key_json(tg_argv[0]::integer, old);
        cut := 1;
      end if;
      if (pg_catalog.pg_column_size(new_json) operator(pg_catalog.<=) 16777216) is not true
        and pg_catalog.pg_column_size(new) is not null
      then
        new_json := rowcast.key_json(tg_argv[0]::integer, new);
        cut := coalesce(cut, 0::smallint) operator(pg_catalog.|) 2::smallint;
      end if;
    end if;

    if pg_catalog.pg_column_size(old_json) operator(pg_catalog.=) pg_catalog.pg_column_size(new_json) then
      if cut is null and old_json::pg_catalog.text operator(pg_catalog.=) new_json::pg_catalog.text then
        return null;
      end if;
    end if;

    insert into rowcast.log_0 (seq, txid, at, table_id, cut, old, new, origin)
    values (pg_catalog.nextval('rowcast.seq'), pg_catalog.pg_current_xact_id(), pg_catalog.clock_timestamp(),
            tg_argv[0]::integer, cut, old_json, new_json, pg_catalog.current_setting('rowcast.origin', true));

    if loud then
      perform rowcast.ring();
    end if;
    return null;
  end;
end
$$;
revoke execute on function rowcast.capture() from public;
