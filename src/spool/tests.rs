use std::time::Duration;

use tokio::time::timeout;

use super::*;

fn small(memory_bytes: u64, disk_bytes_each: u64) -> Budget {
    Budget::new(Limits { memory_bytes, disk_bytes_each, ..Limits::default() })
}

fn chunk(number: usize) -> Bytes {
    let byte = u8::try_from(number % 251).unwrap();
    vec![byte; 1_000 + number % 7].into()
}

async fn all(mut follower: Follower) -> Result<Vec<Bytes>, SpoolError> {
    let mut chunks = Vec::new();
    while let Some(chunk) = follower.next().await? {
        chunks.push(chunk);
    }
    Ok(chunks)
}

#[tokio::test]
async fn chunks_come_back_as_they_were_pushed_from_memory_and_from_disk() {
    for memory in [1 << 20, 40_000] {
        let budget = small(memory, 1 << 20);
        let (mut writer, spool) = budget.open();
        for number in 0..50 {
            writer.push(chunk(number)).await.unwrap();
        }
        assert!(!spool.is_finished());
        writer.finish();
        assert!(spool.is_finished());
        assert_eq!(budget.disk_bytes() > 0, memory < 1 << 20);
        assert!(budget.memory_bytes() <= memory);
        for _ in 0..2 {
            let chunks = all(spool.follow()).await.unwrap();
            assert!(chunks.iter().enumerate().all(|(number, is)| *is == chunk(number)));
            assert_eq!(chunks.len(), 50);
        }
    }
}

#[tokio::test]
async fn many_follow_at_their_own_pace() {
    let (mut writer, spool) = small(80_000, 1 << 20).open();
    let follow = |pace: usize| {
        let mut follower = spool.follow();
        tokio::spawn(async move {
            let mut taken = 0;
            while let Some(is) = follower.next().await.unwrap() {
                assert_eq!(is, chunk(taken));
                taken += 1;
                for _ in 0..(taken * pace) % 5 {
                    tokio::task::yield_now().await;
                }
            }
            taken
        })
    };
    let early: Vec<_> = (0..20).map(follow).collect();
    for number in 0..100 {
        writer.push(chunk(number)).await.unwrap();
        if number % 3 == 0 {
            tokio::task::yield_now().await;
        }
    }
    let late: Vec<_> = (0..20).map(follow).collect();
    writer.finish();
    for follower in early.into_iter().chain(late) {
        assert_eq!(follower.await.unwrap(), 100);
    }
}

#[tokio::test]
async fn a_follower_waits_for_the_writer() {
    let (mut writer, spool) = Budget::default().open();
    let mut follower = spool.follow();
    assert!(timeout(Duration::from_millis(20), follower.next()).await.is_err());
    writer.push(chunk(1)).await.unwrap();
    assert_eq!(follower.next().await.unwrap(), Some(chunk(1)));
    let waiting = tokio::spawn(async move { follower.next().await });
    writer.finish();
    assert_eq!(waiting.await.unwrap().unwrap(), None);
}

#[tokio::test]
async fn a_writer_that_goes_away_breaks_the_spool_behind_what_it_wrote() {
    let (mut writer, spool) = Budget::default().open();
    writer.push(chunk(1)).await.unwrap();
    let waiting = tokio::spawn(all(spool.follow()));
    drop(writer);
    assert!(matches!(waiting.await.unwrap(), Err(SpoolError::Broken)));
    let mut late = spool.follow();
    assert_eq!(late.next().await.unwrap(), Some(chunk(1)));
    assert!(matches!(late.next().await, Err(SpoolError::Broken)));
}

#[tokio::test]
async fn past_its_bounds_a_spool_is_full_for_everybody() {
    let budget = small(16_000, 10_000);
    let (mut writer, spool) = budget.open();
    let mut pushed = 0;
    while writer.push(chunk(pushed)).await.is_ok() {
        pushed += 1;
    }
    assert!((20..30).contains(&pushed), "{pushed}");
    assert!(matches!(writer.push(chunk(0)).await, Err(SpoolError::Full)));
    writer.finish();
    assert!(matches!(all(spool.follow()).await, Err(SpoolError::Full)));
    assert!(!spool.is_finished());
}

#[tokio::test]
async fn all_together_have_a_bound_on_disk() {
    let limits = Limits { memory_bytes: 2_000, disk_bytes_of_all: 5_000, ..Limits::default() };
    let budget = Budget::new(limits);
    let mut spools = Vec::new();
    let full = loop {
        let (mut writer, spool) = budget.open();
        let pushed = writer.push(chunk(0)).await;
        spools.push((writer, spool));
        if let Err(error) = pushed {
            break error;
        }
    };
    assert!(matches!(full, SpoolError::Busy));
    assert_eq!((spools.len(), budget.disk_bytes()), (7, 5_000));
}

#[tokio::test]
async fn what_was_held_is_given_back_with_the_last_handle() {
    let budget = small(8_000, 1 << 20);
    let (mut writer, spool) = budget.open();
    for number in 0..20 {
        writer.push(chunk(number)).await.unwrap();
    }
    let follower = spool.follow();
    writer.finish();
    drop(spool);
    assert!(budget.memory_bytes() > 0 && budget.disk_bytes() > 0);
    drop(follower);
    assert_eq!((budget.memory_bytes(), budget.disk_bytes()), (0, 0));
}

#[tokio::test]
async fn without_a_place_for_files_there_is_an_error() {
    let directory = "/nowhere/at/all".into();
    let limits = Limits { memory_bytes: 2_000, directory, ..Limits::default() };
    let (mut writer, spool) = Budget::new(limits).open();
    writer.push(chunk(0)).await.unwrap();
    assert!(matches!(writer.push(chunk(1)).await, Err(SpoolError::Io(_))));
    assert!(matches!(all(spool.follow()).await, Err(SpoolError::Io(_))));
}

#[tokio::test]
async fn a_writer_learns_that_nobody_wants_it() {
    let (writer, spool) = Budget::default().open();
    let follower = spool.follow();
    drop(spool);
    assert!(timeout(Duration::from_millis(20), writer.unwanted()).await.is_err());
    drop(follower);
    timeout(Duration::from_secs(5), writer.unwanted()).await.unwrap();
}
