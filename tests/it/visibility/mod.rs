//! Who sees what, over real sockets, fed by hand: no database takes part.

mod altered;
mod doubt;
mod fixture;
mod index;
mod renewed;
mod seen;
