//! What one identity may hold at once, over all of its connections.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, MutexGuard, Weak};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::identity::{Identity, Who};
use crate::shape::Place;
use crate::wire::{Code, Refusal};

/// How many identities are known before those that hold nothing any more are looked for.
const SWEEP_AT: usize = 1_024;

/// The most answers with rows that one identity may have open.
const MAX_READS: usize = 256;

/// The most of each that one identity may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    pub connections: usize,
    pub subscriptions: usize,
}

/// Who holds what.
#[derive(Debug)]
pub struct Quotas {
    limits: Limits,
    holders: Mutex<Holders>,
}

#[derive(Debug)]
struct Holders {
    held: HashMap<Holder, Held>,
    sweep_at: usize,
}

/// Who is counted as one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Holder {
    /// Those without claims who come from one address; a proxy's guests share its address.
    Address(IpAddr),
    Known(Who),
}

#[derive(Debug, Default)]
struct Held {
    connections: Weak<Semaphore>,
    subscriptions: Weak<Semaphore>,
    reads: Weak<Semaphore>,
}

/// A connection among those that its identity may have.
#[derive(Debug)]
pub struct Share {
    holder: Holder,
    peer: IpAddr,
    subscriptions: Arc<Semaphore>,
    _connection: OwnedSemaphorePermit,
}

impl Quotas {
    pub fn new(limits: Limits) -> Self {
        let holders = Holders { held: HashMap::new(), sweep_at: SWEEP_AT };
        Self { limits, holders: Mutex::new(holders) }
    }

    /// A place for one more connection of this identity, or of this address while it is not known.
    pub fn share(&self, identity: Option<&Identity>, peer: IpAddr) -> Result<Share, Refusal> {
        let holder = holder(identity, peer);
        let (connections, subscriptions) = self.semaphores(holder);
        let place = connections.try_acquire_owned().map_err(|_| {
            let most = self.limits.connections;
            too_many(&format!("an identity may have {most} connections"))
        })?;
        Ok(Share { holder, peer, subscriptions, _connection: place })
    }

    /// A place for one more answer with rows.
    pub fn read(&self, identity: &Identity, peer: IpAddr) -> Result<OwnedSemaphorePermit, Refusal> {
        let reads = {
            let mut holders = self.holders();
            let held = holders.held.entry(holder(Some(identity), peer)).or_default();
            of(&mut held.reads, MAX_READS)
        };
        let many = || format!("an identity may have {MAX_READS} answers with rows open");
        reads.try_acquire_owned().map_err(|_| too_many(&many()))
    }

    /// The same connection's place, now that it is this identity's.
    pub fn share_again(
        &self,
        before: &Arc<Share>,
        identity: &Identity,
    ) -> Result<Arc<Share>, Refusal> {
        if holder(Some(identity), before.peer) == before.holder {
            return Ok(Arc::clone(before));
        }
        self.share(Some(identity), before.peer).map(Arc::new)
    }

    fn semaphores(&self, holder: Holder) -> (Arc<Semaphore>, Arc<Semaphore>) {
        let mut holders = self.holders();
        let held = holders.held.entry(holder).or_default();
        let connections = of(&mut held.connections, self.limits.connections);
        (connections, of(&mut held.subscriptions, self.limits.subscriptions))
    }

    /// Those who hold something, and few others.
    fn holders(&self) -> MutexGuard<'_, Holders> {
        let mut holders = self.holders.lock().expect("nothing panics while it holds the lock");
        holders.sweep();
        holders
    }
}

/// What is known, or a new one.
fn of(known: &mut Weak<Semaphore>, most: usize) -> Arc<Semaphore> {
    known.upgrade().unwrap_or_else(|| {
        let new = Arc::new(Semaphore::new(most));
        *known = Arc::downgrade(&new);
        new
    })
}

impl Holders {
    /// Forgets those who hold nothing, each time when there are twice as many as were left.
    fn sweep(&mut self) {
        if self.held.len() < self.sweep_at {
            return;
        }
        let alive = |known: &Weak<Semaphore>| known.strong_count() > 0;
        self.held.retain(|_, held| {
            [&held.connections, &held.subscriptions, &held.reads].into_iter().any(alive)
        });
        self.sweep_at = SWEEP_AT.max(2 * self.held.len());
    }
}

impl Share {
    /// A place for one more subscription.
    pub fn subscription(&self) -> Result<Place, Refusal> {
        let place = Arc::clone(&self.subscriptions).try_acquire_owned();
        place.map_err(|_| too_many("this identity has too many subscriptions"))
    }
}

fn holder(identity: Option<&Identity>, peer: IpAddr) -> Holder {
    let who = identity.and_then(Identity::who);
    who.map_or_else(|| Holder::Address(network_of(peer)), Holder::Known)
}

fn too_many(detail: &str) -> Refusal {
    Refusal::new(Code::TooManyRequests, detail)
}

/// A host has a whole /64 of IPv6 addresses (RFC 7421).
fn network_of(peer: IpAddr) -> IpAddr {
    match peer.to_canonical() {
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() & (u128::MAX << 64)).into(),
        v4 => v4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn quotas() -> Quotas {
        Quotas::new(Limits { connections: 2, subscriptions: 1 })
    }

    #[test]
    fn places_are_given_back() {
        let (quotas, peer) = (quotas(), IpAddr::from([10, 0, 0, 1]));
        let one = quotas.share(None, peer).unwrap();
        let two = quotas.share(None, peer).unwrap();
        assert!(quotas.share(None, peer).is_err());
        assert!(quotas.share(None, IpAddr::from([10, 0, 0, 2])).is_ok());
        let place = two.subscription().unwrap();
        assert!(one.subscription().is_err());
        drop((one, two));
        let again = quotas.share(None, peer).unwrap();
        assert!(again.subscription().is_err(), "a subscription may outlive its connection");
        drop(place);
        assert!(again.subscription().is_ok());
    }

    #[test]
    fn a_network_of_ipv6_addresses_counts_as_one_host() {
        let quotas = quotas();
        let address = |text: &str| text.parse::<IpAddr>().unwrap();
        let _one = quotas.share(None, address("2001:db8::1")).unwrap();
        let _two = quotas.share(None, address("2001:db8::2")).unwrap();
        assert!(quotas.share(None, address("2001:db8::3")).is_err());
        assert!(quotas.share(None, address("2001:db8:0:1::1")).is_ok());
    }

    #[test]
    fn those_who_hold_nothing_are_forgotten() {
        let quotas = quotas();
        let _kept = quotas.share(None, IpAddr::from([10, 0, 0, 1])).unwrap();
        for host in 0..10_000_u32 {
            quotas.share(None, IpAddr::from((host + 0x0b00_0000).to_be_bytes())).unwrap();
        }
        assert!(quotas.holders.lock().unwrap().held.len() <= SWEEP_AT);
    }
}
