//! Delivery over real sockets, fed by hand: no database takes part.

mod access;
mod fixture;
mod pressure;
mod sse;
mod websocket;
