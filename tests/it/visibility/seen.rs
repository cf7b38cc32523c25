//! Rows enter and leave, columns are masked, and nobody learns of what isn't theirs.

use rowcast::event::RowText;
use serde_json::json;

use super::fixture::{Reader, WAYS, change, order, start, token};
use crate::delivery::fixture::{Client, get};

#[tokio::test]
async fn rows_enter_and_leave_a_customer_s_view() {
    for way in WAYS {
        let mut server = start().await;
        let mut seven = Reader::open(way, &server, &json!({"customer": 7}), json!({})).await;
        let (mine, paid) = (order(1, 7, "open", 1), order(1, 7, "paid", 2));
        let (theirs, moved) = (order(1, 8, "open", 1), order(2, 7, "open", 1));
        let changes = [
            (None, Some(&theirs)),
            (Some(&theirs), Some(&mine)),
            (Some(&mine), Some(&paid)),
            (Some(&paid), Some(&theirs)),
            (Some(&theirs), None),
            (None, Some(&mine)),
            (Some(&mine), Some(&moved)),
            (Some(&theirs), Some(&moved)),
            (Some(&moved), Some(&theirs)),
            (None, None),
            (Some(&mine), None),
        ];
        let changes = changes.map(|(old, new)| {
            change(&mut server, old.map(String::as_str), new.map(String::as_str))
        });
        server.batch(changes.into()).await;
        let open = json!({"id": 1, "customer": 7, "status": "open"});
        let other = json!({"id": 2, "customer": 7, "status": "open"});
        let paid = json!({"id": 1, "customer": 7, "status": "paid"});
        let expected = [
            json!(["created", "enter", open]),
            json!(["patched", paid, ["status"]]),
            json!(["removed", "leave", paid]),
            json!(["created", open]),
            json!(["removed", open]),
            json!(["created", other]),
            json!(["created", "enter", other]),
            json!(["removed", "leave", other]),
            json!(["truncated"]),
            json!(["removed", open]),
        ];
        assert_eq!(seven.batch().await, expected, "{way:?}");
    }
}

#[tokio::test]
async fn two_identities_see_the_same_change_each_in_their_way() {
    for way in WAYS {
        let mut server = start().await;
        let asked = json!({"old": true});
        let mut seven = Reader::open(way, &server, &json!({"customer": 7}), asked.clone()).await;
        let mut nine =
            Reader::open(way, &server, &json!({"customer": 9, "own": 9}), asked.clone()).await;
        let mut admin = Reader::open(way, &server, &json!({"role": "admin"}), asked).await;
        let (old, new) = (order(1, 7, "open", 1), order(1, 9, "open", 2));
        let moved = change(&mut server, Some(&old), Some(&new));
        server.batch(vec![moved]).await;
        let was = json!({"id": 1, "customer": 7, "status": "open"});
        assert_eq!(seven.batch().await, [json!(["removed", "leave", was, was])], "{way:?}");
        let is = json!({"id": 1, "customer": 9, "status": "open", "margin": 2});
        assert_eq!(nine.batch().await, [json!(["created", "enter", is])], "{way:?}");
        let was = json!({"id": 1, "customer": 7, "status": "open", "margin": 1});
        let expected = json!(["patched", is, ["customer", "margin"], was]);
        assert_eq!(admin.batch().await, [expected], "{way:?}");
    }
}

#[tokio::test]
async fn what_changed_behind_a_mask_is_no_news() {
    for way in WAYS {
        let mut server = start().await;
        let mut clerk = Reader::open(way, &server, &json!({"role": "clerk"}), json!({})).await;
        let (old, new) = (order(1, 7, "open", 1), order(1, 7, "open", 2));
        let changes = [(Some(&*old), Some(&*new)), (Some(&*new), None)]
            .map(|(o, n)| change(&mut server, o, n));
        server.batch(changes.into()).await;
        let seen = clerk.batch().await;
        assert_eq!(seen, [json!(["removed", {"id": 1, "customer": 7, "status": "open"}])]);
    }
}

#[tokio::test]
async fn a_filter_narrows_and_rows_enter_and_leave_it() {
    for way in WAYS {
        let mut server = start().await;
        let asked = json!({"where": "status = $1", "params": ["open"], "columns": ["id"]});
        let mut seven = Reader::open(way, &server, &json!({"customer": 7}), asked).await;
        let (open, paid) = (order(1, 7, "open", 1), order(1, 7, "paid", 1));
        let theirs = order(2, 8, "open", 1);
        let changes = [
            change(&mut server, None, Some(&theirs)),
            change(&mut server, None, Some(&paid)),
            change(&mut server, Some(&paid), Some(&open)),
            change(&mut server, Some(&open), Some(&paid)),
        ];
        server.batch(changes.into()).await;
        let expected =
            [json!(["created", "enter", {"id": 1}]), json!(["removed", "leave", {"id": 1}])];
        assert_eq!(seven.batch().await, expected, "{way:?}");
    }
}

#[tokio::test]
async fn what_is_too_large_to_be_judged_is_invisible() {
    for way in WAYS {
        let mut server = start().await;
        let mut seven = Reader::open(way, &server, &json!({"customer": 7}), json!({})).await;
        let mut clerk = Reader::open(way, &server, &json!({"role": "clerk"}), json!({})).await;
        let mine = order(1, 7, "open", 1);
        let mut grown = change(&mut server, Some(&mine), Some(&mine));
        grown.new = Some(RowText { json: r#"{"id":1}"#.to_owned(), key_only: true });
        let again = change(&mut server, None, Some(&order(2, 7, "open", 1)));
        server.batch(vec![grown, again]).await;
        let (one, two) = (
            json!({"id": 1, "customer": 7, "status": "open"}),
            json!({"id": 2, "customer": 7, "status": "open"}),
        );
        assert_eq!(
            seven.batch().await,
            [json!(["removed", "leave", one]), json!(["created", two])]
        );
        assert_eq!(clerk.batch().await, [json!(["patched"]), json!(["created", two])]);
    }
}

#[tokio::test]
async fn nobody_is_told_of_a_table_that_is_not_for_them() {
    let server = start().await;
    let token = token(&json!({"customer": 7}));
    let bearer = format!("Bearer {token}");
    let headers = [("authorization", bearer.as_str())];
    let (_, listing, _) = get(&server, "/v1/tables", &headers).await;
    let columns = listing["tables"][0]["columns"].as_array().unwrap();
    let names: Vec<_> = columns.iter().map(|column| column["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["id", "customer", "status"]);
    let mut refusals = Vec::new();
    for path in [
        "orders/changes?columns=secret",
        "orders/changes?columns=margin",
        "orders/changes?columns=nothing",
    ] {
        let (status, mut problem, _) = get(&server, &format!("/v1/tables/{path}"), &headers).await;
        let name = path.split('=').next_back().unwrap();
        problem["detail"] = problem["detail"].as_str().unwrap().replace(name, "…").into();
        refusals.push((status, problem));
    }
    assert_eq!(refusals[0].1["code"], "unknown_column");
    assert!(refusals.iter().all(|refusal| *refusal == refusals[0]), "{refusals:?}");
}

#[tokio::test]
async fn equal_policies_share_a_feed_and_others_do_not() {
    let server = start().await;
    let mut feeds = Vec::new();
    for claims in [
        json!({"role": "admin", "sub": 1}),
        json!({"role": "admin", "sub": 2}),
        json!({"customer": 7}),
        json!({"customer": 8}),
        json!({"customer": 7, "sub": 3}),
    ] {
        let query = format!("/v1/ws?access_token={}", token(&claims));
        let mut client = Client::connect_to(server.address, &query).await;
        client.next().await;
        feeds.push(client.subscribe("a", "orders").await["feed"].as_u64().unwrap());
    }
    assert_eq!(feeds[0], feeds[1]);
    assert_eq!(feeds[2], feeds[4]);
    assert!(feeds[0] != feeds[2] && feeds[2] != feeds[3]);
}
