//! The ways to read: listening and polling, on servers and with roles that are set up strangely.

use rowcast::changelog::{Settings, Wake};

use super::feed::Feed;
use super::workload::Workload;
use super::{setup, truth};
use crate::support;

const POLL: Settings = Settings {
    retention: std::time::Duration::from_secs(3600),
    max_size_bytes: 1 << 30,
    wake: Wake::Poll,
};

#[tokio::test(flavor = "multi_thread")]
async fn polling_reads_the_same() {
    let (url, client) = setup::watched().await;
    let feed = Feed::start(&url, POLL).await;
    let work = Workload::start(&url, 4);
    feed.until("changes", |seen| seen.changes().count() > 500).await;
    work.stop().await;
    truth::check(&feed, &client).await;
}

#[tokio::test]
async fn a_poller_leaves_no_state_in_its_sessions() {
    let (url, _client) = setup::watched().await;
    // One session for everything, which goes from hand to hand as a pooler's does, can't be watched from outside: so
    // the server is asked to refuse what would leave state behind.
    let feed = Feed::start(&url, POLL).await;
    let client = support::connect(&url).await;
    let query = "select count(*) from pg_stat_activity where datname = current_database()
                  and application_name like 'rowcast%' and (query ~* '^\\s*(set (?!local)|listen|prepare)')";
    for id in 0..20_i64 {
        client.execute("insert into a values ($1, 0)", &[&id]).await.unwrap();
        assert_eq!(client.query_one(query, &[]).await.unwrap().get::<_, i64>(0), 0);
    }
    feed.until("the changes", |seen| seen.changes().count() == 20).await;
}

async fn works_where_defaults_are_strange(settings: Settings) {
    let (url, client) = setup::watched().await;
    client
        .batch_execute(
            "do $$ begin
               execute format('alter database %I set default_transaction_isolation = serializable', current_database());
               execute format('alter database %I set default_transaction_read_only = on', current_database());
               execute format('alter database %I set default_transaction_deferrable = on', current_database());
               execute format('alter database %I set search_path = trap, pg_catalog, public', current_database());
               execute format('alter database %I set statement_timeout = 1', current_database());
             end $$;
             create schema trap;
             create function trap.clock_timestamp() returns timestamptz language sql as 'select null::timestamptz';
             create function trap.pg_current_snapshot() returns pg_snapshot language sql as 'select null::pg_snapshot';
             create function trap.json_build_object(text, text) returns json language sql as 'select null::json'",
        )
        .await
        .unwrap();
    let feed = Feed::start(&url, settings).await;
    truth::check(&feed, &client).await;
    assert_eq!(feed.look(|seen| seen.losses), 0);
}

#[tokio::test]
async fn listening_works_where_defaults_are_strange() {
    works_where_defaults_are_strange(Settings::default()).await;
}

#[tokio::test]
async fn polling_works_where_defaults_are_strange() {
    works_where_defaults_are_strange(POLL).await;
}

#[tokio::test]
async fn prepared_transactions_come_when_they_are_committed() {
    let url = support::fresh_database().await;
    let client = setup::watch(&url).await;
    let feed = Feed::start(&url, Settings::default()).await;
    let database: String =
        client.query_one("select current_database()::text", &[]).await.unwrap().get(0);
    let two_phases = format!(
        "begin; insert into a values (1, 0); insert into ledger (changes) values (1);
         prepare transaction 'kept in {database}';
         begin; insert into a values (2, 0); prepare transaction 'left in {database}';
         insert into a values (3, 0); insert into ledger (changes) values (1)"
    );
    client.batch_execute(&two_phases).await.unwrap();
    feed.until("the third", |seen| seen.has_inserted(3)).await;
    assert_eq!(feed.look(|seen| seen.changes().count()), 1);
    client.batch_execute(&format!("commit prepared 'kept in {database}'")).await.unwrap();
    feed.until("the first", |seen| seen.has_inserted(1)).await;
    client.batch_execute(&format!("rollback prepared 'left in {database}'")).await.unwrap();
    truth::check(&feed, &client).await;
}
