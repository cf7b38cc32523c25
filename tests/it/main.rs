//! The integration tests: one binary, one private PostgreSQL, one database for each test.

#![expect(clippy::print_stdout, reason = "shown with a test that fails")]

mod altered;
mod capture;
mod catalog;
mod changelog;
mod cluster;
mod commands;
mod config;
mod database;
mod delivery;
mod demo;
mod explain;
mod identity;
mod image;
mod layers;
mod leak;
mod mirrors;
mod predicate;
mod random;
mod real_input;
mod retention;
mod snapshot;
mod support;
mod values;
mod visibility;
