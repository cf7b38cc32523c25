//! Feeds as Server-Sent Events.

use rowcast::event::Op;
use serde_json::json;

use super::fixture::{NOTES, Server, Stream};

#[tokio::test]
async fn the_last_event_of_a_batch_carries_the_cursor() {
    let mut server = Server::start().await;
    let request = reqwest::Client::new().get(server.url("/v1/tables/orders/changes"));
    let mut stream = Stream::open(request).await;
    let live = stream.next().await.unwrap();
    assert_eq!((live.event.as_str(), live.id.unwrap()), ("cursor", server.cursor()));
    let changes = vec![server.insert(1), server.insert(2)];
    server.batch(changes).await;
    let (first, last) = (stream.next().await.unwrap(), stream.next().await.unwrap());
    assert_eq!((first.event.as_str(), first.id), ("created", None));
    assert_eq!((last.event.as_str(), last.id.unwrap()), ("created", server.cursor()));
    assert_eq!(last.data["data"], json!({"id": 2, "status": "open"}));
}

#[tokio::test]
async fn line_breaks_in_a_value_do_not_end_a_block() {
    let mut server = Server::start().await;
    let request = reqwest::Client::new().get(server.url("/v1/tables/app.notes/changes"));
    let mut stream = Stream::open(request).await;
    stream.next().await.unwrap();
    let row = "{\"k\":\"a\",\"odd \\\"näme\\\"\":{\"x\":\n\n1,\r\n\r\"y\":2}}";
    let change = server.change(NOTES, Op::Insert, None, Some(row));
    server.batch(vec![change]).await;
    let block = stream.next().await.unwrap();
    assert_eq!(block.data["data"], json!({"k": "a", "odd \"näme\"": {"x": 1, "y": 2}}));
    assert_eq!(block.id.unwrap(), server.cursor());
}

#[tokio::test]
async fn parameters_that_ask_for_nothing_are_taken() {
    let server = Server::start().await;
    let path = "/v1/tables/orders/changes?snapshot=false&coalesce=0&old=false";
    let mut stream = Stream::open(reqwest::Client::new().get(server.url(path))).await;
    assert_eq!(stream.next().await.unwrap().event, "cursor");
}
