//! Capture: what the triggers write into the log, for every kind of change, value, table and session.

mod epochs;
mod fixture;
mod late;
mod names;
mod objects;
mod partitions;
mod privileges;
mod reaches;
mod rotation;
mod search_path;
mod sessions;
mod sizes;
mod statements;
mod transactions;
mod types;
