//! `rowcast demo`: a private PostgreSQL, a sample shop in it, a workload, and the daemon on top.

pub mod cluster;
