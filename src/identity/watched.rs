//! Credentials that others vouch for, asked again and again while somebody's identity rests on them.
//!
//! Connections with the same credential share one entry: it costs one question each time, however
//! many they are. Who can't answer just now leaves things as they are, for a while.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use futures_util::StreamExt as _;
use tokio::sync::watch;
use tokio::time::{Instant, MissedTickBehavior, interval};
use tokio_util::task::AbortOnDropHandle;

use super::{Claims, Refused, Timing};

/// So many entries are asked about at once.
const MAX_RECHECKS: usize = 8;

/// Within a recheck's interval, it is looked so often for what is due.
const LOOKS: u32 = 20;

/// What knows whether a credential is good.
pub trait Voucher: Send + Sync + 'static {
    type Credential: Send + Sync + 'static;

    /// By what equal credentials are known.
    fn name(credential: &Self::Credential) -> [u8; 32];

    fn ask(
        &self,
        credential: &Self::Credential,
    ) -> impl Future<Output = Result<Claims, Refused>> + Send;
}

/// Asks its voucher, and asks again.
pub struct Watched<V: Voucher> {
    shared: Arc<Shared<V>>,
    _task: AbortOnDropHandle<()>,
}

struct Shared<V: Voucher> {
    voucher: V,
    timing: Timing,
    /// No more than there are connections and questions under way.
    entries: Mutex<Entries<V>>,
}

type Entries<V> = HashMap<[u8; 32], Weak<Entry<V>>>;

/// A credential that was shown.
struct Entry<V: Voucher> {
    name: [u8; 32],
    credential: V::Credential,
    shared: Weak<Shared<V>>,
    last: tokio::sync::Mutex<Option<Asked>>,
    vouched: watch::Sender<Vouched>,
}

/// The last question.
struct Asked {
    began: Instant,
    answer: Result<Claims, Refused>,
}

/// What the last answer that came was.
#[derive(Debug)]
struct Vouched {
    claims: Option<Claims>,
    at: Instant,
}

/// That somebody's claims rest on an entry.
#[derive(Clone)]
pub struct Hold {
    vouched: watch::Receiver<Vouched>,
    claims: Claims,
    _entry: Arc<dyn Send + Sync>,
}

impl<V: Voucher> Watched<V> {
    pub fn start(voucher: V, timing: &Timing) -> Self {
        let entries = Mutex::default();
        let shared = Arc::new(Shared { voucher, timing: timing.clone(), entries });
        let task = AbortOnDropHandle::new(tokio::spawn(keep(Arc::clone(&shared))));
        Self { shared, _task: task }
    }

    /// The credential's claims, as they are now.
    pub async fn ask(&self, credential: V::Credential) -> Result<Hold, Refused> {
        let entry = self.shared.entry(credential);
        let claims = entry.ask(&self.shared, Instant::now()).await?;
        Ok(Hold { vouched: entry.vouched.subscribe(), claims, _entry: entry })
    }
}

impl Hold {
    pub fn claims(&self) -> &Claims {
        &self.claims
    }

    /// Waits until the claims are others, or nobody vouches for them any more.
    pub async fn gone(self) {
        let Self { mut vouched, claims, _entry } = self;
        let differs = |vouched: &Vouched| vouched.claims.as_ref() != Some(&claims);
        let changed = vouched.wait_for(differs).await;
        changed.expect("the sender lives as long as the entry, which is held here");
    }
}

impl<V: Voucher> Shared<V> {
    fn entry(self: &Arc<Self>, credential: V::Credential) -> Arc<Entry<V>> {
        let name = V::name(&credential);
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(entry) = entries.get(&name).and_then(Weak::upgrade) {
            return entry;
        }
        let nothing = Vouched { claims: None, at: Instant::now() };
        let entry = Arc::new(Entry {
            name,
            credential,
            shared: Arc::downgrade(self),
            last: tokio::sync::Mutex::default(),
            vouched: watch::Sender::new(nothing),
        });
        entries.insert(name, Arc::downgrade(&entry));
        entry
    }

    fn all(&self) -> Vec<Arc<Entry<V>>> {
        // An entry that is dropped takes itself off the list, for which the lock has to be free.
        let entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        entries.values().filter_map(Weak::upgrade).collect()
    }

    /// The entries that were not asked about for longer than the interval.
    fn due(&self) -> Vec<Arc<Entry<V>>> {
        self.all().into_iter().filter(|entry| entry.is_due(&self.timing)).collect()
    }
}

impl<V: Voucher> Entry<V> {
    /// The answer to a question that began after `asked`: those who wait at the same time share one.
    async fn ask(&self, shared: &Shared<V>, asked: Instant) -> Result<Claims, Refused> {
        let mut last = self.last.lock().await;
        if let Some(last) = last.as_ref().filter(|last| last.began >= asked) {
            return last.answer.clone();
        }
        let began = Instant::now();
        let answer = shared.voucher.ask(&self.credential).await;
        self.note(&answer, &shared.timing);
        *last = Some(Asked { began, answer: answer.clone() });
        answer
    }

    fn note(&self, answer: &Result<Claims, Refused>, timing: &Timing) {
        self.vouched.send_if_modified(|vouched| {
            let claims = match answer {
                Ok(claims) => Some(claims.clone()),
                Err(Refused::Unavailable) if vouched.at.elapsed() < timing.grace => return false,
                Err(_) => None,
            };
            if !matches!(answer, Err(Refused::Unavailable)) {
                vouched.at = Instant::now();
            }
            let differs = vouched.claims != claims;
            vouched.claims = claims;
            differs
        });
    }

    /// One that is being asked about isn't.
    fn is_due(&self, timing: &Timing) -> bool {
        let last = self.last.try_lock();
        last.is_ok_and(|last| {
            last.as_ref().is_some_and(|last| last.began.elapsed() >= timing.recheck)
        })
    }
}

impl<V: Voucher> Drop for Entry<V> {
    fn drop(&mut self) {
        let Some(shared) = self.shared.upgrade() else { return };
        let mut entries = shared.entries.lock().unwrap_or_else(PoisonError::into_inner);
        // Another may have taken its place meanwhile.
        if entries.get(&self.name).is_some_and(|entry| entry.strong_count() == 0) {
            entries.remove(&self.name);
        }
    }
}

/// Asks about what is due, and ends what nobody has vouched for too long, however long the answers take.
async fn keep<V: Voucher>(shared: Arc<Shared<V>>) {
    tokio::join!(recheck(&shared), lapse(&shared));
}

async fn lapse<V: Voucher>(shared: &Arc<Shared<V>>) {
    let mut look = interval(shared.timing.grace / LOOKS);
    look.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        look.tick().await;
        shared
            .all()
            .iter()
            .for_each(|entry| entry.note(&Err(Refused::Unavailable), &shared.timing));
    }
}

async fn recheck<V: Voucher>(shared: &Arc<Shared<V>>) {
    let mut look = interval(shared.timing.recheck / LOOKS);
    look.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        look.tick().await;
        let due = futures_util::stream::iter(shared.due());
        let ask = async |entry: Arc<Entry<V>>| drop(entry.ask(shared, Instant::now()).await);
        due.for_each_concurrent(MAX_RECHECKS, ask).await;
    }
}

impl<V: Voucher> fmt::Debug for Watched<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watched").finish_non_exhaustive()
    }
}

impl fmt::Debug for Hold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hold").field("claims", &self.claims).finish_non_exhaustive()
    }
}
