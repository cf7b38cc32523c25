//! Windows: at most one delivery in each, and one event for a row.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::{Site, blocks, id_of, news, subscribe};

/// One transaction in which rows change more than once: of 1 to 4 as they were, and others.
const MUCH: &str = "begin;
    update items set n = 1 where id = 1;
    update items set note = 'b' where id = 1;
    insert into items values (10, 0);
    update items set n = 7 where id = 10;
    insert into items values (11, 0);
    delete from items where id = 11;
    delete from items where id = 2;
    insert into items values (2, 5, 'a');
    update items set n = 1 where id = 3;
    delete from items where id = 3;
    update items set id = 40 where id = 4;
    commit";

/// What that comes to, by the rows' keys.
fn check(mut events: Vec<Value>) {
    events.sort_by_key(id_of);
    let told: Vec<_> = events.iter().map(|of| (id_of(of), of["event"].as_str().unwrap())).collect();
    let expected = [
        (1, "patched"),
        (2, "patched"),
        (3, "removed"),
        (4, "removed"),
        (10, "created"),
        (40, "created"),
    ];
    assert_eq!(told, expected);
    assert_eq!(events[0]["data"], json!({"id": 1, "n": 1, "note": "b"}));
    assert_eq!(events[0]["old"], json!({"id": 1, "n": 0, "note": "a"}));
    assert_eq!(events[0]["changed"], json!(["n", "note"]));
    assert_eq!((&events[1]["changed"], &events[1]["old"]["n"]), (&json!(["n"]), &json!(0)));
    assert_eq!(events[2]["data"]["n"], json!(0), "as it was before all of it");
    assert_eq!((&events[4]["data"]["n"], events[4].get("old")), (&json!(7), None));
}

#[tokio::test]
async fn several_changes_of_a_row_come_as_one() {
    let site = Site::open(4).await;
    let mut client = site.socket().await;
    let more = json!({"coalesce": 200, "old": true});
    assert_eq!(subscribe(&mut client, "a", &more).await["op"], "subscribed");
    let mut stream = site.stream("coalesce=200&old=true").await;
    assert_eq!(stream.next().await.unwrap().event, "cursor");
    site.run(MUCH).await;
    check(news(&mut client).await.0);
    check(blocks(&mut stream).await.0);
}

/// Writes for this long, faster than windows end; gives how often.
async fn write_for(site: &Site, long: Duration) -> i64 {
    let begun = Instant::now();
    let mut written = 0;
    while begun.elapsed() < long {
        site.run("update items set n = n + 1 where id = 1").await;
        written += 1;
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    written
}

#[tokio::test]
async fn a_window_brings_one_delivery_at_most() {
    let site = Site::open(1).await;
    let mut client = site.socket().await;
    let more = json!({"coalesce": 400, "old": true});
    assert_eq!(subscribe(&mut client, "a", &more).await["op"], "subscribed");
    let mut stream = site.stream("coalesce=400&old=true").await;
    assert_eq!(stream.next().await.unwrap().event, "cursor");
    let written = write_for(&site, Duration::from_secs(2)).await;
    assert!(written > 20, "{written}");
    let (mut n, mut deliveries) = (0, 0);
    while n < written {
        let (events, _) = news(&mut client).await;
        assert_eq!(events.len(), 1, "{events:?}");
        assert_eq!(events[0]["old"]["n"], json!(n), "they join");
        n = events[0]["data"]["n"].as_i64().unwrap();
        deliveries += 1;
    }
    assert!((2..=7).contains(&deliveries), "{deliveries}");
    let (mut n, mut deliveries) = (0, 0);
    while n < written {
        let (events, _) = blocks(&mut stream).await;
        assert_eq!((events.len(), &events[0]["old"]["n"]), (1, &json!(n)));
        n = events[0]["data"]["n"].as_i64().unwrap();
        deliveries += 1;
    }
    assert!((2..=7).contains(&deliveries), "{deliveries}");
}

#[tokio::test]
async fn others_are_not_held_up_by_a_window() {
    let site = Site::open(1).await;
    let mut slow = site.socket().await;
    assert_eq!(subscribe(&mut slow, "a", &json!({"coalesce": 60_000})).await["op"], "subscribed");
    let mut quick = site.socket().await;
    assert_eq!(subscribe(&mut quick, "a", &json!({})).await["op"], "subscribed");
    for n in 1..=3 {
        site.run("update items set n = n + 1").await;
        assert_eq!(news(&mut quick).await.0[0]["data"]["n"], json!(n));
    }
}
