//! First reads over HTTP, from a daemon and a database of their own.

mod asked;
mod failures;
mod fixture;
mod large;
mod seen;
mod shared;
mod text;
