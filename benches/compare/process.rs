//! What a process has used, from Linux's `/proc` (proc(5)).

use std::fs;
use std::time::Duration;

use anyhow::Context as _;
use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::{TimeVal, TimeValLike as _};

/// `USER_HZ`, which is 100 on every architecture that Linux still has.
const TICK: Duration = Duration::from_millis(10);

/// The processor time of all threads of a process, also of those that have ended, in the kernel and outside.
pub fn cpu_time(pid: u32) -> anyhow::Result<Duration> {
    read_cpu_time(&format!("/proc/{pid}/stat"))
}

/// The same of the calling thread alone, to the microsecond.
pub fn thread_cpu_time() -> anyhow::Result<Duration> {
    let usage = getrusage(UsageWho::RUSAGE_THREAD)?;
    let micros = |time: TimeVal| Duration::from_micros(time.num_microseconds().unsigned_abs());
    Ok(micros(usage.user_time()) + micros(usage.system_time()))
}

/// Memory that is the process's own or its share of what it shares, in bytes: `Pss`.
pub fn memory_bytes(pid: u32) -> anyhow::Result<u64> {
    let path = format!("/proc/{pid}/smaps_rollup");
    let text = fs::read_to_string(&path).with_context(|| format!("can't read {path}"))?;
    let kib = text.lines().find_map(|line| line.strip_prefix("Pss:")?.strip_suffix("kB"));
    let kib: u64 = kib.context("no Pss in smaps_rollup")?.trim().parse()?;
    Ok(kib * 1024)
}

/// Memory that is in use now, in bytes: `VmRSS`, which costs the process less to be asked for than `Pss`.
pub fn resident_bytes(pid: u32) -> anyhow::Result<u64> {
    status_bytes(pid, "VmRSS:")
}

/// The most that has been in use since the peak was forgotten, in bytes: `VmHWM`.
pub fn peak_bytes(pid: u32) -> anyhow::Result<u64> {
    status_bytes(pid, "VmHWM:")
}

/// Begins a new peak with what is in use now (proc(5), `clear_refs`).
pub fn forget_peak(pid: u32) -> anyhow::Result<()> {
    let path = format!("/proc/{pid}/clear_refs");
    fs::write(&path, "5").with_context(|| format!("can't write {path}"))
}

fn status_bytes(pid: u32, name: &str) -> anyhow::Result<u64> {
    let path = format!("/proc/{pid}/status");
    let text = fs::read_to_string(&path).with_context(|| format!("can't read {path}"))?;
    let kib = text.lines().find_map(|line| line.strip_prefix(name)?.strip_suffix("kB"));
    let kib: u64 = kib.with_context(|| format!("no {name} in status"))?.trim().parse()?;
    Ok(kib * 1024)
}

fn read_cpu_time(path: &str) -> anyhow::Result<Duration> {
    let text = fs::read_to_string(path).with_context(|| format!("can't read {path}"))?;
    // The second field is the program's name in parentheses, which may hold anything.
    let (_, fields) = text.rsplit_once(')').context("no name in stat")?;
    let fields: Vec<&str> = fields.split_whitespace().collect();
    let ticks = |at: usize| -> anyhow::Result<u32> {
        Ok(fields.get(at).context("too few fields in stat")?.parse()?)
    };
    let (utime, stime) = (ticks(11)?, ticks(12)?);
    Ok(TICK * (utime + stime))
}
