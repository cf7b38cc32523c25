//! Why a WebSocket ends, and what is said then.

use crate::identity::Ended;
use crate::shape::End;
use crate::wire::{self, Delivery};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Farewell {
    /// The client asked for it; its close frame has been answered.
    Answered,
    /// There is nobody to say it to.
    Gone,
    TooSlow,
    Restarting,
    Unauthenticated,
    Expired,
    SessionGone,
    /// No credential came in time.
    Unknown,
    /// Credentials can't be checked just now.
    Unchecked,
    TooFast,
    TooMany,
    /// What came isn't this protocol.
    Violation,
    TooLarge,
    /// What came isn't RFC 6455.
    BadFrame,
    BadText,
}

impl Farewell {
    /// The close frame, where one is due.
    pub fn frame(self) -> Option<Delivery> {
        let (code, reason) = match self {
            Farewell::Answered | Farewell::Gone => return None,
            Farewell::TooSlow => (4409, "this client asks more than it reads"),
            Farewell::Restarting => (1012, "restarting, come back after a random delay"),
            Farewell::Unauthenticated => (4401, "the credential is not accepted"),
            Farewell::Expired => (4401, "the credential has expired"),
            Farewell::SessionGone => (4401, "the session has ended"),
            Farewell::Unknown => (4408, "no credential was shown in time"),
            Farewell::Unchecked => (1013, "credentials can't be checked just now"),
            Farewell::TooFast => (4409, "too many messages"),
            Farewell::TooMany => (4409, "too many connections of this identity"),
            Farewell::Violation => (1008, "not a message of rowcast.v1"),
            Farewell::TooLarge => (1009, "the message is too large"),
            Farewell::BadFrame => (1002, "not a WebSocket frame"),
            Farewell::BadText => (1007, "text must be UTF-8"),
        };
        Some(wire::close(code, reason))
    }
}

impl Farewell {
    /// Whether what still waits to be written must not go out any more.
    pub fn is_abrupt(self) -> bool {
        matches!(self, Farewell::TooSlow | Farewell::Expired | Farewell::SessionGone)
    }
}

impl From<Ended> for Farewell {
    fn from(ended: Ended) -> Self {
        match ended {
            Ended::Expired => Farewell::Expired,
            Ended::Gone => Farewell::SessionGone,
        }
    }
}

impl From<End> for Farewell {
    fn from(end: End) -> Self {
        match end {
            End::TooSlow => Farewell::TooSlow,
            End::Restarting | End::Withdrawn => Farewell::Restarting,
        }
    }
}
