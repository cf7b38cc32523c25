//! The integration tests: one binary, one private PostgreSQL, one database for each test.

mod demo;
mod support;
