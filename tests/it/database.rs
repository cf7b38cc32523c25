//! Connecting: every sslmode against every kind of server, credentials, and what a session
//! promises.

mod credentials;
mod failures;
mod security;
mod server;
mod session;

use std::collections::HashMap;

use rowcast::database::{ConnectError, Database, Session};

/// Resolves a connection string in an environment without any of the tester's settings.
fn resolve(conninfo: &str, variables: &[(&str, &str)]) -> Database {
    let mut env: HashMap<&str, &str> = HashMap::from([("HOME", "/nowhere")]);
    env.extend(variables.iter().copied());
    Database::resolve(Some(conninfo), &|name| env.get(name).map(|value| (*value).to_owned()))
        .unwrap_or_else(|error| panic!("{conninfo}: {error}"))
}

async fn connect(conninfo: &str) -> Result<Session, ConnectError> {
    resolve(conninfo, &[]).connect("test").await
}

async fn connected(conninfo: &str) -> Session {
    connect(conninfo).await.unwrap_or_else(|error| panic!("{conninfo}: {}", error.explain()))
}

/// What a query that gives one text answers.
async fn ask(session: &Session, query: &str) -> String {
    session.client.query_one(query, &[]).await.unwrap().get(0)
}

/// How a connection ended up, for tables.
async fn outcome(conninfo: &str) -> &'static str {
    match connect(conninfo).await {
        Ok(session) => {
            let asked = "select ssl from pg_stat_ssl where pid = pg_backend_pid()";
            let tls: bool = session.client.query_one(asked, &[]).await.unwrap().get(0);
            if tls { "tls" } else { "plain" }
        }
        Err(ConnectError::Unreachable(_)) => "unreachable",
        Err(ConnectError::Refused(_)) => "refused",
        Err(ConnectError::Tls(_)) => "tls fault",
    }
}

/// Why there is no connection.
async fn refusal(conninfo: &str) -> ConnectError {
    match connect(conninfo).await {
        Ok(_) => panic!("connected: {conninfo}"),
        Err(error) => error,
    }
}
