//! Why a predicate is refused.

/// Something wrong with a predicate's text.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct Fault {
    /// The character at which it is, from 1.
    pub position: usize,
    pub reason: String,
    /// The form that works, where there is one.
    pub instead: Option<String>,
}

impl Fault {
    pub(super) fn new(position: usize, reason: impl Into<String>) -> Self {
        Self { position, reason: reason.into(), instead: None }
    }

    pub(super) fn instead(mut self, form: impl Into<String>) -> Self {
        self.instead = Some(form.into());
        self
    }
}
