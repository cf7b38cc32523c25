//! Frames of snapshots' rows: made once for readers that are brought the same rows at about the same time, as all are who
//! come back after a restart.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use bytes::Bytes;

use crate::wire::{self, Delivery, Feed, Format};

/// How many frames are kept; each is about as large as a snapshot's chunk.
const MAX_FRAMES: usize = 64;

/// The newest frames.
#[derive(Debug, Default)]
pub struct Frames(Mutex<VecDeque<Framed>>);

#[derive(Debug)]
struct Framed {
    format: Format,
    feed: Feed,
    /// Kept, so that its address stays its own.
    chunk: Bytes,
    delivery: Delivery,
}

impl Frames {
    /// The frame of these rows. It is shared by those whose chunk is the same memory: what comes from a file never is.
    pub fn rows(&self, format: Format, feed: Feed, chunk: &Bytes) -> Delivery {
        let mut frames = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let known = frames.iter().find(|framed| framed.is_of(format, feed, chunk));
        if let Some(framed) = known {
            return framed.delivery.clone();
        }
        let delivery = wire::rows(format, feed, chunk);
        if frames.len() == MAX_FRAMES {
            frames.pop_front();
        }
        let (chunk, kept) = (chunk.clone(), delivery.clone());
        frames.push_back(Framed { format, feed, chunk, delivery: kept });
        delivery
    }
}

impl Framed {
    fn is_of(&self, format: Format, feed: Feed, chunk: &Bytes) -> bool {
        let is_same = self.chunk.as_ptr() == chunk.as_ptr() && self.chunk.len() == chunk.len();
        is_same && self.format == format && self.feed == feed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(frames: &Frames, format: Format, feed: u64, chunk: &Bytes) -> Bytes {
        frames.rows(format, Feed(feed), chunk).into_bytes()
    }

    #[test]
    fn a_frame_is_made_once_for_each_chunk_feed_and_format() {
        let (frames, chunk) = (Frames::default(), Bytes::from(b"{\"a\":1}".to_vec()));
        let one = frame(&frames, Format::WebSocket, 1, &chunk);
        let same = frame(&frames, Format::WebSocket, 1, &chunk.clone());
        assert_eq!(one.as_ptr(), same.as_ptr());
        let copy = Bytes::copy_from_slice(&chunk);
        for (format, feed, chunk) in [
            (Format::WebSocket, 2, &chunk),
            (Format::EventStream, 1, &chunk),
            (Format::WebSocket, 1, &copy),
        ] {
            assert_ne!(frame(&frames, format, feed, chunk).as_ptr(), one.as_ptr());
        }
    }

    #[test]
    fn only_the_newest_frames_are_kept() {
        let (frames, first) = (Frames::default(), Bytes::from(b"{}".to_vec()));
        let before = frame(&frames, Format::WebSocket, 1, &first);
        for feed in 2..=MAX_FRAMES as u64 + 1 {
            frame(&frames, Format::WebSocket, feed, &first);
        }
        assert_eq!(frames.0.lock().unwrap().len(), MAX_FRAMES);
        assert_ne!(frame(&frames, Format::WebSocket, 1, &first).as_ptr(), before.as_ptr());
    }
}
