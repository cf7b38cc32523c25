//! `rowcast demo`: a private PostgreSQL, a sample shop in it, a workload, and the daemon on top.
//!
//! What it starts ends with it, however it ends; see `cluster`.

pub mod cluster;
pub mod shop;
pub mod workload;
