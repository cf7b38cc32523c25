//! Delivery over real sockets, fed by hand: no database takes part.

mod access;
mod browsers;
mod filters;
pub mod fixture;
mod identities;
mod lifetime;
mod limits;
mod poll;
mod pressure;
mod sse;
mod websocket;
mod whole;
