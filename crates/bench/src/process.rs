//! What the system says of processes, in `/proc`.

use std::{collections::BTreeMap, fs, process};

use super::BenchError;

/// Of a second, in `/proc/PID/stat`: Linux shows every program this many (`USER_HZ`).
const TICKS: f64 = 100.0;

/// Processes.
#[derive(Debug, Clone)]
pub(crate) struct Family {
    roots: Vec<u32>,
    /// Whether what they started counts too. Looking for it takes milliseconds.
    children: bool,
}

struct Stat {
    parent: u32,
    cpu: f64,
    /// Of its children that ended.
    ended: f64,
}

/// Seconds of processor time of this process, without the servers that it started.
pub(crate) fn own_cpu() -> f64 {
    stat(process::id()).map_or(f64::NAN, |stat| stat.cpu)
}

impl Family {
    pub(crate) fn alone(pids: impl IntoIterator<Item = u32>) -> Self {
        Self { roots: pids.into_iter().collect(), children: false }
    }

    pub(crate) fn with_children(pid: u32) -> Self {
        Self { roots: vec![pid], children: true }
    }

    /// Seconds of processor time, of user and system, those of ended children included.
    pub(crate) fn cpu(&self) -> f64 {
        self.members().values().map(|stat| stat.cpu + stat.ended).sum()
    }

    /// KiB of resident memory.
    pub(crate) fn resident(&self) -> f64 {
        self.members().keys().filter_map(|pid| field(&format!("/proc/{pid}/status"), "VmRSS:")).sum()
    }

    /// Bytes written on their way to a disk.
    pub(crate) fn written(&self) -> f64 {
        self.members().keys().filter_map(|pid| field(&format!("/proc/{pid}/io"), "write_bytes:")).sum()
    }

    fn members(&self) -> BTreeMap<u32, Stat> {
        if !self.children {
            return self.roots.iter().filter_map(|pid| Some((*pid, stat(*pid)?))).collect();
        }
        let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
        let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
        let mut all: BTreeMap<u32, Stat> = pids.filter_map(|pid| Some((pid, stat(pid)?))).collect();
        let mut members = BTreeMap::new();
        let mut next = self.roots.clone();
        while let Some(pid) = next.pop() {
            next.extend(all.iter().filter(|(_, stat)| stat.parent == pid).map(|(child, _)| *child));
            members.extend(all.remove_entry(&pid));
        }
        members
    }
}

/// proc(5): fields 4 and 14 to 17, counted from behind the name, which may contain anything.
fn stat(pid: u32) -> Option<Stat> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (_, rest) = text.rsplit_once(") ")?;
    let fields: Vec<&str> = rest.split(' ').collect();
    let seconds = |field: usize| Some(fields.get(field)?.parse::<f64>().ok()? / TICKS);
    let (cpu, ended) = (seconds(11)? + seconds(12)?, seconds(13)? + seconds(14)?);
    Some(Stat { parent: fields.get(1)?.parse().ok()?, cpu, ended })
}

fn field(path: &str, key: &str) -> Option<f64> {
    let text = fs::read_to_string(path).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix(key))?;
    line.split_whitespace().next()?.parse().ok()
}

/// KiB that the kernel keeps in its own structures, all processes together.
pub(crate) fn kernel_slab() -> f64 {
    field("/proc/meminfo", "Slab:").unwrap_or(f64::NAN)
}

/// How busy the machine was in the last minute: runnable tasks.
pub(crate) fn load() -> f64 {
    let text = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split(' ').next().and_then(|load| load.parse().ok()).unwrap_or(f64::NAN)
}

/// Refuses when this process, and with it the server that it starts, may not open so many files.
pub(crate) fn ensure_files(needed: u64) -> Result<(), BenchError> {
    let limit = field("/proc/self/limits", "Max open files").unwrap_or(f64::INFINITY);
    let needed = needed.next_multiple_of(1000);
    if limit >= needed as f64 {
        return Ok(());
    }
    Err(BenchError::Options(format!(
        "a process may open {limit} files here and this needs {needed} (each connection takes one in the generator \
         and one in the server): run `ulimit -n {needed}` before, as root if it is refused, or give a smaller \
         --connections"
    )))
}
