//! `rowcast demo`: a private PostgreSQL, a sample shop in it, a workload, and the daemon on top.
//!
//! What it starts ends with it, however it ends; see `cluster`.

pub mod cluster;
mod identities;
mod run;
pub mod shop;
pub mod workload;

pub use run::{Options, run};
