//! rowcast turns a PostgreSQL database into a live feed.
//!
//! The modules in the order in which data passes them; a stage knows the stages before it, never those after it.

pub mod telemetry;

pub mod spool;

pub mod database;

pub mod catalog;
pub mod cursor;
pub mod event;

pub mod changelog;

pub mod identity;
pub mod predicate;

pub mod policy;

pub mod wire;

pub mod snapshot;

pub mod shape;

pub mod transport;

pub mod server;

pub mod config;

pub mod daemon;

pub mod demo;

pub mod cli;
