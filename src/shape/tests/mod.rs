//! The hub alone, driven step by step: without sockets, without a database, with rounds over a log that is made up.

mod at_random;
mod client;
mod told;
mod world;
