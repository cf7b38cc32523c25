//! Who is asking: credentials of every kind, good and bad, and how they end.

mod api_keys;
mod application;
mod command;
mod daemon;
mod fixture;
mod jwks;
mod sessions;
mod tokens;
