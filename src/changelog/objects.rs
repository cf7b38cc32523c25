//! What is installed: the files of `sql/`, and the script that puts them in place.

/// The installed objects, one file each, in the order of their names. Repeatable.
pub(super) const OBJECTS: &[(&str, &str)] = &[
    ("010_schema.sql", include_str!("../../sql/010_schema.sql")),
    ("020_meta.sql", include_str!("../../sql/020_meta.sql")),
    ("030_log.sql", include_str!("../../sql/030_log.sql")),
    ("040_watched.sql", include_str!("../../sql/040_watched.sql")),
    ("050_truncated.sql", include_str!("../../sql/050_truncated.sql")),
    ("060_doorbell.sql", include_str!("../../sql/060_doorbell.sql")),
    ("070_life.sql", include_str!("../../sql/070_life.sql")),
    ("100_pinned_json.sql", include_str!("../../sql/100_pinned_json.sql")),
    ("110_key_json.sql", include_str!("../../sql/110_key_json.sql")),
    ("115_raw_size.sql", include_str!("../../sql/115_raw_size.sql")),
    ("120_large_json.sql", include_str!("../../sql/120_large_json.sql")),
    ("130_skip.sql", include_str!("../../sql/130_skip.sql")),
    ("140_ring.sql", include_str!("../../sql/140_ring.sql")),
    ("145_log_size.sql", include_str!("../../sql/145_log_size.sql")),
    ("150_hold_unheard.sql", include_str!("../../sql/150_hold_unheard.sql")),
    ("160_late_json.sql", include_str!("../../sql/160_late_json.sql")),
    ("163_mark_inner.sql", include_str!("../../sql/163_mark_inner.sql")),
    ("166_is_late.sql", include_str!("../../sql/166_is_late.sql")),
    ("170_capture.sql", include_str!("../../sql/170_capture.sql")),
    ("175_capture_truncate.sql", include_str!("../../sql/175_capture_truncate.sql")),
    ("177_types_within.sql", include_str!("../../sql/177_types_within.sql")),
    ("180_settings_that_matter.sql", include_str!("../../sql/180_settings_that_matter.sql")),
    ("190_enable_always.sql", include_str!("../../sql/190_enable_always.sql")),
    ("195_put_trigger.sql", include_str!("../../sql/195_put_trigger.sql")),
    ("200_watch.sql", include_str!("../../sql/200_watch.sql")),
    ("210_unwatch.sql", include_str!("../../sql/210_unwatch.sql")),
    ("300_keep_alive.sql", include_str!("../../sql/300_keep_alive.sql")),
    ("310_hold.sql", include_str!("../../sql/310_hold.sql")),
    ("320_release.sql", include_str!("../../sql/320_release.sql")),
    ("330_renew_epoch.sql", include_str!("../../sql/330_renew_epoch.sql")),
    ("340_reaches.sql", include_str!("../../sql/340_reaches.sql")),
    ("345_forget_truncations.sql", include_str!("../../sql/345_forget_truncations.sql")),
    ("350_rotate.sql", include_str!("../../sql/350_rotate.sql")),
    ("355_rotate_if_due.sql", include_str!("../../sql/355_rotate_if_due.sql")),
    ("360_configure.sql", include_str!("../../sql/360_configure.sql")),
    ("900_grant_daemon.sql", include_str!("../../sql/900_grant_daemon.sql")),
    ("910_start.sql", include_str!("../../sql/910_start.sql")),
];

/// Changes to tables that exist already, by the version that they lead to. None so far: version 1 is the first.
pub(super) const UPGRADES: &[(i32, &str)] = &[];

/// The version of the tables that this program reads and writes.
pub(super) const VERSION: i32 = 1;

/// All of it in one transaction: upgrades from a version on (0: none is there), then the objects.
pub(super) fn script(from: i32) -> String {
    let upgrades = UPGRADES.iter().filter(|(to, _)| from > 0 && *to > from).map(|(_, sql)| *sql);
    let objects = OBJECTS.iter().map(|(_, sql)| *sql);
    let mut text = String::from("begin;\nset local client_min_messages = warning;\n");
    for part in upgrades.chain(objects) {
        text.push_str(part);
        text.push('\n');
    }
    let print = fingerprint();
    text.push_str(&format!(
        "update rowcast.meta set version = {VERSION}, objects = '{print}';\ncommit;\n"
    ));
    text
}

/// Tells one set of objects from another, so that those in place aren't replaced for nothing.
pub(super) fn fingerprint() -> String {
    let mut sum = crc32fast::Hasher::new();
    for (name, sql) in OBJECTS {
        sum.update(name.as_bytes());
        sum.update(sql.as_bytes());
    }
    format!("{:08x}", sum.finalize())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_of_sql_is_installed_in_the_order_of_the_names() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/sql");
        let mut files: Vec<String> = std::fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .filter(|name| name.ends_with(".sql"))
            .collect();
        files.sort();
        let listed: Vec<&str> = OBJECTS.iter().map(|(name, _)| *name).collect();
        assert_eq!(listed, files);
    }

    #[test]
    fn a_function_is_in_one_file_and_nobody_else_may_call_it() {
        for (name, sql) in OBJECTS {
            let made = sql.matches("create or replace function").count();
            assert!(made <= 1, "{name} makes {made} functions");
            assert_eq!(made, sql.matches("revoke execute on function").count(), "{name}");
        }
    }

    #[test]
    fn every_function_has_a_search_path_of_its_own_or_qualifies_every_operator() {
        for (name, sql) in
            OBJECTS.iter().filter(|(_, sql)| sql.contains("create or replace function"))
        {
            let pinned = sql.contains("set search_path = pg_catalog, pg_temp");
            assert!(pinned || *name == "170_capture.sql", "{name}");
        }
    }
}
