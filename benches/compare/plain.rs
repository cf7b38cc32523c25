//! What fan-out is compared to: a loop that writes the same bytes to as many plain sockets.

use std::io::Write as _;
use std::net::{TcpListener, TcpStream};
use std::time::Duration;

use anyhow::ensure;

use crate::crowd::{Crowd, Kind};
use crate::process::thread_cpu_time;

/// A single thread's sockets, and those who read them.
pub struct Plain {
    sockets: Vec<TcpStream>,
    crowd: Crowd,
}

impl Plain {
    pub fn connect(count: u32) -> anyhow::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let address = listener.local_addr()?;
        let count = count as usize;
        let accepting = std::thread::spawn(move || -> std::io::Result<Vec<TcpStream>> {
            listener.incoming().take(count).collect()
        });
        let crowd = Crowd::gather(&Kind::Connect { address, count })?;
        let sockets = accepting.join().expect("accepting doesn't panic")?;
        for socket in &sockets {
            socket.set_nodelay(true)?;
        }
        Ok(Self { sockets, crowd })
    }

    /// Writes to all sockets at every tick; answers the writes per second of this thread's processor time.
    pub fn write(&mut self, ticks: impl Iterator<Item = ()>, bytes: &[u8]) -> anyhow::Result<f64> {
        let before = self.crowd.received()?;
        let cpu_before = thread_cpu_time()?;
        let mut writes = 0;
        for () in ticks {
            for socket in &mut self.sockets {
                socket.write_all(bytes)?;
                writes += 1;
            }
        }
        let cpu = thread_cpu_time()? - cpu_before;
        ensure!(cpu > Duration::ZERO, "too short to be measured");
        let expected = before.bytes + writes / self.sockets.len() as u64 * bytes.len() as u64;
        self.crowd.wait_for("plain bytes", |now| now.fewest_bytes >= expected)?;
        Ok(writes as f64 / cpu.as_secs_f64())
    }
}
