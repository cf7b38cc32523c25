use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Wake;

use super::*;
use crate::cursor::Era;

fn delivery(bytes: usize) -> Delivery {
    vec![b'x'; bytes - ENTRY_BYTES].into()
}

fn parcel(delivery: Delivery) -> Parcel {
    Parcel { feed: None, delivery }
}

fn of(bytes: usize) -> (Outbox, Inbox) {
    outbox(bytes, Arc::new(Notify::new()))
}

#[derive(Default)]
struct Woken(AtomicUsize);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

impl Woken {
    fn times(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }
}

fn poll<F: Future>(future: Pin<&mut F>, woken: &Arc<Woken>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(&Arc::clone(woken).into()))
}

/// What there is, up to the bound of one taking.
fn take(inbox: &mut Inbox) -> usize {
    let mut into = VecDeque::new();
    let mut cx = Context::from_waker(Waker::noop());
    match inbox.poll_take(&mut cx, &mut into) {
        Poll::Ready(Taken::Deliveries) => into.iter().map(cost_bytes).sum(),
        _ => 0,
    }
}

#[test]
fn a_courier_waits_for_room_and_is_woken_once_there_is() {
    let (outbox, mut inbox) = of(1 << 20);
    let mut courier = outbox.courier();
    let first = delivery(600 << 10);
    assert_eq!(outbox.push(&mut vec![first]), Pushed::Taken);
    let woken = Arc::new(Woken::default());
    let mut push = Box::pin(courier.push(vec![parcel(delivery(200 << 10))]));
    assert!(poll(push.as_mut(), &woken).is_pending());
    assert_eq!((take(&mut inbox), woken.times()), (600 << 10, 1));
    assert_eq!(poll(push.as_mut(), &woken), Poll::Ready(Ok(())));
    assert_eq!(take(&mut inbox), 200 << 10);
}

#[test]
fn room_that_is_not_enough_wakes_nobody() {
    let (outbox, mut inbox) = of(4 << 20);
    for _ in 0..12 {
        assert_eq!(outbox.push(&mut vec![delivery(256 << 10)]), Pushed::Taken);
    }
    let mut courier = outbox.courier();
    let woken = Arc::new(Woken::default());
    let mut push = Box::pin(courier.push(vec![parcel(delivery(512 << 10))]));
    assert!(poll(push.as_mut(), &woken).is_pending());
    take(&mut inbox);
    assert_eq!(woken.times(), 0);
    take(&mut inbox);
    assert_eq!(woken.times(), 1);
    assert_eq!(poll(push.as_mut(), &woken), Poll::Ready(Ok(())));
}

#[test]
fn the_hub_has_room_where_couriers_have_none_and_comes_first() {
    let (outbox, mut inbox) = of(1 << 20);
    let mut courier = outbox.courier();
    let woken = Arc::new(Woken::default());
    for _ in 0..3 {
        let pushed =
            poll(Box::pin(courier.push(vec![parcel(delivery(256 << 10))])).as_mut(), &woken);
        assert_eq!(pushed, Poll::Ready(Ok(())));
    }
    let mut push = Box::pin(courier.push(vec![parcel(delivery(1 << 10))]));
    assert!(poll(push.as_mut(), &woken).is_pending());
    assert_eq!(outbox.push(&mut vec![delivery(100 << 10)]), Pushed::Taken);
    assert_eq!(outbox.push(&mut vec![delivery(512 << 10)]), Pushed::Full);
    take(&mut inbox);
    assert!(woken.times() == 0 && poll(push.as_mut(), &woken).is_pending());
    take(&mut inbox);
    assert_eq!(woken.times(), 1);
    assert_eq!(outbox.push(&mut vec![delivery(512 << 10)]), Pushed::Taken);
}

#[test]
fn what_is_larger_than_the_outbox_is_taken_when_nothing_else_waits() {
    let (outbox, mut inbox) = of(1 << 20);
    let mut courier = outbox.courier();
    assert_eq!(outbox.push(&mut vec![delivery(100)]), Pushed::Taken);
    let woken = Arc::new(Woken::default());
    let mut push = Box::pin(courier.push(vec![parcel(delivery(2 << 20))]));
    assert!(poll(push.as_mut(), &woken).is_pending());
    take(&mut inbox);
    assert_eq!(woken.times(), 1);
    assert_eq!(poll(push.as_mut(), &woken), Poll::Ready(Ok(())));
}

#[test]
fn rows_come_while_little_waits() {
    let (outbox, mut inbox) = of(4 << 20);
    let mut courier = outbox.courier();
    let woken = Arc::new(Woken::default());
    for _ in 0..2 {
        let pushed =
            poll(Box::pin(courier.push_paced(vec![parcel(delivery(200 << 10))])).as_mut(), &woken);
        assert_eq!(pushed, Poll::Ready(Ok(())));
    }
    let mut push = Box::pin(courier.push_paced(vec![parcel(delivery(200 << 10))]));
    assert!(poll(push.as_mut(), &woken).is_pending());
    take(&mut inbox);
    assert_eq!(poll(push.as_mut(), &woken), Poll::Ready(Ok(())));
}

#[test]
fn a_void_courier_is_refused_for_ever_and_told_at_once() {
    let (outbox, mut inbox) = of(1 << 20);
    let mut courier = outbox.courier();
    let mut other = courier.clone();
    assert_eq!(outbox.push(&mut vec![delivery(1 << 20)]), Pushed::Taken);
    let woken = Arc::new(Woken::default());
    let mut push = Box::pin(courier.push(vec![parcel(delivery(100))]));
    assert!(poll(push.as_mut(), &woken).is_pending());
    assert_eq!(outbox.void_couriers(), Voided { is_within: false, arrived: None });
    assert_eq!(woken.times(), 1);
    assert_eq!(poll(push.as_mut(), &woken), Poll::Ready(Err(Refused::Void)));
    take(&mut inbox);
    let refused = poll(Box::pin(other.push_paced(vec![parcel(delivery(100))])).as_mut(), &woken);
    assert_eq!(refused, Poll::Ready(Err(Refused::Void)));
    let mut next = outbox.courier();
    let pushed = poll(Box::pin(next.push(vec![parcel(delivery(100))])).as_mut(), &woken);
    assert_eq!(pushed, Poll::Ready(Ok(())));
    assert_eq!(take(&mut inbox), 100);
}

#[test]
fn the_hub_learns_whether_a_courier_was_within_something() {
    let (outbox, _inbox) = of(1 << 20);
    let woken = Arc::new(Woken::default());
    let place = Arc::new(Cursor::new(Era { epoch: 1, timeline: 1 }, "5:5:".parse().unwrap()));
    for arrived in [None, Some(place)] {
        let mut courier = outbox.courier();
        let one = || vec![parcel(delivery(100))];
        let _ = poll(Box::pin(courier.push(one())).as_mut(), &woken);
        let _ = poll(Box::pin(courier.push_paced(one())).as_mut(), &woken);
        if let Some(place) = &arrived {
            let _ = poll(Box::pin(courier.push_last(one(), place)).as_mut(), &woken);
        }
        assert_eq!(outbox.void_couriers(), Voided { is_within: arrived.is_none(), arrived });
    }
    assert_eq!(outbox.void_couriers(), Voided { is_within: false, arrived: None });
}

#[test]
fn what_is_of_a_muted_feed_is_left_out_until_couriers_are_void() {
    let (outbox, mut inbox) = of(1 << 20);
    let woken = Arc::new(Woken::default());
    let of_feed = |feed, bytes| Parcel { feed: Some(Feed(feed)), delivery: delivery(bytes) };
    outbox.mute(Feed(1));
    for (left, voided) in [(2_000, false), (3_000, true)] {
        if voided {
            let _ = outbox.void_couriers();
        }
        let mut courier = outbox.courier();
        let both = vec![of_feed(1, 1_000), of_feed(2, 2_000)];
        assert_eq!(poll(Box::pin(courier.push(both)).as_mut(), &woken), Poll::Ready(Ok(())));
        assert_eq!(take(&mut inbox), left);
    }
}

#[test]
fn couriers_of_a_connection_that_ends_are_told() {
    for leave in [true, false] {
        let (outbox, inbox) = of(1 << 20);
        assert_eq!(outbox.push(&mut vec![delivery(1 << 20)]), Pushed::Taken);
        let (mut courier, watching) = (outbox.courier(), outbox.courier());
        let (one, two) = (Arc::new(Woken::default()), Arc::new(Woken::default()));
        let mut push = Box::pin(courier.push(vec![parcel(delivery(100))]));
        let mut unwanted = Box::pin(watching.unwanted());
        assert!(poll(push.as_mut(), &one).is_pending());
        assert!(poll(unwanted.as_mut(), &two).is_pending());
        if leave {
            drop(inbox)
        } else {
            outbox.end(End::Restarting)
        }
        assert_eq!((one.times(), two.times()), (1, 1));
        assert_eq!(poll(push.as_mut(), &one), Poll::Ready(Err(Refused::Gone)));
        assert_eq!(poll(unwanted.as_mut(), &two), Poll::Ready(Refused::Gone));
        assert!(!watching.is_wanted());
    }
}

/// Several couriers and the hub fill the outbox at once: all comes, each one's in order, and the bound holds.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_many_bring_at_once_comes_once_and_in_order() {
    const EACH: usize = 2_000;
    let relief = Arc::new(Notify::new());
    let (outbox, mut inbox) = super::outbox(8 << 10, Arc::clone(&relief));
    let numbered = |who: usize, at: usize| -> Delivery {
        format!("{who} {at} {}", "x".repeat(at % 700)).into_bytes().into()
    };
    for who in 1..4 {
        let mut courier = outbox.courier();
        tokio::spawn(async move {
            for at in 0..EACH {
                courier.push(vec![parcel(numbered(who, at))]).await.unwrap();
            }
        });
    }
    tokio::spawn(async move {
        for at in 0..EACH {
            let mut one = vec![numbered(0, at)];
            while outbox.push(&mut one) == Pushed::Full {
                relief.notified().await;
            }
            assert!(outbox.waiting_bytes() <= 8 << 10);
        }
        relief.notified().await;
    });
    let mut next = [0; 4];
    let all = async {
        while next.iter().sum::<usize>() < 4 * EACH {
            let mut into = VecDeque::new();
            std::future::poll_fn(|cx| inbox.poll_take(cx, &mut into)).await;
            for delivery in into {
                let text = String::from_utf8(delivery.into_bytes().to_vec()).unwrap();
                let mut words = text.split(' ').map(|word| word.parse::<usize>());
                let (who, at) = (words.next().unwrap().unwrap(), words.next().unwrap().unwrap());
                assert_eq!(at, next[who]);
                next[who] += 1;
            }
        }
    };
    let deadline = std::time::Duration::from_secs(30);
    tokio::time::timeout(deadline, all).await.expect("nobody waits for ever");
}
