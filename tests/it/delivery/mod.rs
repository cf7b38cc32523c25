//! Delivery over real sockets, fed by hand: no database takes part.

mod access;
pub mod fixture;
mod lifetime;
mod pressure;
mod sse;
mod websocket;
