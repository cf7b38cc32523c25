//! The container image.

use toml::{Table, Value};

/// Its build sees neither tests nor benches, and Cargo looks for targets that don't say where they are.
#[test]
fn every_target_says_where_it_is() {
    let manifest: Table = include_str!("../../Cargo.toml").parse().unwrap();
    for kind in ["test", "bench", "example"] {
        for target in manifest.get(kind).and_then(Value::as_array).into_iter().flatten() {
            assert!(target.get("path").is_some(), "[[{kind}]] {target}");
        }
    }
}
