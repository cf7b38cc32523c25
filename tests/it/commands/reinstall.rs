//! What a daemon does when somebody takes its tables away.

use super::{Shop, config};
use crate::support::daemon::Daemon;

#[tokio::test]
async fn a_daemon_whose_tables_are_let_go_ends() {
    let shop = Shop::open().await;
    let tables = "[[table]]\nname = 'orders'\nrows = 'true'\n[[table]]\nname = 'events'\nrows = 'true'\nkey = []\n";
    let daemon = Daemon::start(&shop.url, tables);
    shop.place.configure(&config(&shop.url, "[[table]]\nname = 'orders'\nrows = 'true'\n"));
    shop.place.run(&["install"]).await.well();
    assert_eq!(daemon.ended().await, Some(1));
}

#[tokio::test]
async fn another_installation_has_other_numbers() {
    let shop = Shop::open().await;
    let id = "select id::text from rowcast.watched where relation = 'orders'::regclass";
    shop.place.run(&["install"]).await.well();
    let before = shop.ask(id).await;
    shop.place.run(&["uninstall"]).await.well();
    shop.place.run(&["install"]).await.well();
    assert_ne!(shop.ask(id).await, before);
}
