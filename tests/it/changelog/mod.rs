//! The argument "Why nothing is lost" of `src/changelog/mod.rs`, sentence by sentence: a reader on a real database, and
//! whatever might make it lose something.

mod bulk;
mod connections;
mod daemons;
mod doorbell;
mod failover;
mod feed;
mod interleaving;
mod replay;
mod restarts;
mod retention;
mod setup;
mod stress;
mod truth;
mod uninstall;
mod ways;
mod workload;
