//! Why a feed starts anew, in the words that clients know.

use crate::changelog::ResetReason;

/// Why readers of a feed must start anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResetCause {
    CursorExpired,
    Failover,
    /// The table changed in a way that events can't tell.
    TableChanged,
}

impl ResetCause {
    pub(super) fn from_u8(number: u8) -> Option<Self> {
        let all = [ResetCause::CursorExpired, ResetCause::Failover, ResetCause::TableChanged];
        all.into_iter().find(|cause| *cause as u8 == number)
    }

    pub fn as_str(self) -> &'static str {
        match self {
            ResetCause::CursorExpired => "cursor_expired",
            ResetCause::Failover => "failover",
            ResetCause::TableChanged => "table_changed",
        }
    }
}

impl From<ResetReason> for ResetCause {
    fn from(reason: ResetReason) -> Self {
        match reason {
            ResetReason::CursorExpired => ResetCause::CursorExpired,
            ResetReason::Failover => ResetCause::Failover,
        }
    }
}
