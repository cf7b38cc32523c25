//! Mirrors by the client for JavaScript, in a process of its own.

use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::process::{Child, ChildStdin};
use tokio::sync::{Mutex as AsyncMutex, mpsc};
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

use super::judge::Truth;
use super::mirror::Spec;
use super::proxy::Proxy;
use super::rules::{Always, Rules};
use crate::random::{Identity, SECRET};

const PROGRAM: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/mirrors/client.mjs");
const CLIENT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/clients/js/src");
const ANSWER: Duration = Duration::from_secs(30);

pub struct Script {
    pub name: String,
    pub identity: Arc<Identity>,
    pub specs: Vec<Spec>,
    pub proxy: Arc<Proxy>,
    talk: AsyncMutex<(ChildStdin, mpsc::Receiver<Value>)>,
    _child: Child,
    _reading: AbortOnDropHandle<()>,
}

/// What the process is told at its start.
pub struct Wanted {
    pub identity: Arc<Identity>,
    pub specs: Vec<Spec>,
    pub rules: Vec<Rules>,
    pub transports: Vec<&'static str>,
    pub token_secs: Option<u64>,
    pub has_pair: bool,
}

/// Where there is no Node.js, nothing can be said about its client.
pub fn is_possible() -> bool {
    let mut command = Command::new("node");
    command.arg("--version").stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

impl Script {
    pub async fn start(
        name: String,
        wanted: Wanted,
        proxy: Arc<Proxy>,
        fault: &Arc<Mutex<Option<String>>>,
        over: &CancellationToken,
    ) -> Self {
        let mut command = tokio::process::Command::new("node");
        command.args(["--no-warnings", "--experimental-websocket", PROGRAM]).kill_on_drop(true);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::inherit());
        let mut child = command.spawn().unwrap();
        let mut stdin = child.stdin.take().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let (sender, answers) = mpsc::channel(1);
        let (fault, over, named) = (Arc::clone(fault), over.clone(), name.clone());
        let reading = tokio::spawn(async move {
            while let Ok(Some(line)) = lines.next_line().await {
                let value: Value = serde_json::from_str(&line).unwrap();
                if let Some(text) = value["fault"].as_str() {
                    fault.lock().unwrap().get_or_insert(format!("{named}: {text}"));
                    over.cancel();
                } else {
                    let _ = sender.send(value).await;
                }
            }
        });
        let first = wanted.first_line(&proxy);
        stdin.write_all(first.as_bytes()).await.unwrap();
        let Wanted { identity, specs, .. } = wanted;
        let talk = AsyncMutex::new((stdin, answers));
        let _reading = AbortOnDropHandle::new(reading);
        Self { name, identity, specs, proxy, talk, _child: child, _reading }
    }

    /// What differs from what must be there; none if the process doesn't answer.
    pub async fn differences(&self, truths: &[Truth]) -> Option<Vec<String>> {
        let text = |truth: &Truth| truth.values().map(ToString::to_string).collect::<Vec<_>>();
        let rows: Vec<_> = truths.iter().map(text).collect();
        let mut talk = self.talk.lock().await;
        let line = format!("{}\n", json!({ "rows": rows }));
        talk.0.write_all(line.as_bytes()).await.ok()?;
        let answer = tokio::time::timeout(ANSWER, talk.1.recv()).await.ok()??;
        let listed = |name: &str| answer[name].as_array().cloned().unwrap_or_default();
        let wrong = listed("wrong").into_iter().chain(listed("trail"));
        Some(wrong.map(|text| text.as_str().unwrap_or_default().to_owned()).collect())
    }
}

impl Wanted {
    fn first_line(&self, proxy: &Proxy) -> String {
        let mirrors = self.specs.iter().zip(&self.rules).map(|(spec, rules)| {
            let sum = match rules.always {
                Always::Sum(sum) => Some(sum),
                Always::Anything => None,
            };
            let mut wanted = json!({"table": spec.asked.table, "params": spec.asked.params,
                "coalesce": spec.coalesce, "sum": sum});
            if let Some(filter) = &spec.asked.filter {
                wanted["where"] = json!(filter);
            }
            if let Some(columns) = &spec.asked.columns {
                wanted["columns"] = json!(columns);
            }
            wanted
        });
        let claims = self.identity.token.as_ref().map(|_| &self.identity.claims.given);
        let line = json!({
            "client": CLIENT, "url": format!("http://{}", proxy.address), "claims": claims,
            "secret": SECRET, "tokenSecs": self.token_secs, "transports": self.transports,
            "hasPair": self.has_pair, "mirrors": mirrors.collect::<Vec<_>>(),
        });
        format!("{line}\n")
    }
}
