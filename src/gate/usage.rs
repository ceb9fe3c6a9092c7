//! What a process and all that it started use of the machine, as /proc says (proc(5)).

use rustix::process::Pid;
use std::{fs::read_to_string, time::Duration};

/// The ticks of a second in which /proc gives processor times: `USER_HZ`, which is 100 on all but long-gone processors.
const TICKS: u64 = 100;

/// What they use together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// Bytes of memory that are theirs. Pages that several of them share are counted for each.
    pub memory: u64,
    /// Processor time, that of children which have ended included.
    pub cpu: Duration,
}

/// Whether this system tells it.
pub fn is_known() -> bool {
    std::path::Path::new("/proc/thread-self/children").exists()
}

/// What the process and its descendants use now. One that has left them, by detaching itself from a parent that has ended, is not seen.
pub fn usage(root: Pid) -> Usage {
    let all = descendants(root);
    let cpu = all.iter().filter_map(|pid| ticks(*pid)).sum::<u64>();
    Usage { memory: all.iter().filter_map(|pid| resident(*pid)).sum(), cpu: Duration::from_millis(cpu.saturating_mul(1_000 / TICKS)) }
}

/// The bytes of memory that they use now, with what several share, such as what a fork has not written to yet, counted once. This
/// takes the kernel a look at each page, so it is for when [`usage`] seems to be too much.
pub fn memory_shared_once(root: Pid) -> u64 {
    descendants(root).iter().filter_map(|pid| proportional(*pid).or_else(|| resident(*pid))).sum()
}

/// The bytes of memory of this process and all that it started, counted exactly once they may be `most`.
pub fn memory_of_this(most: u64) -> u64 {
    let this = rustix::process::getpid();
    match usage(this).memory {
        seems if seems < most => seems,
        _ => memory_shared_once(this),
    }
}

fn descendants(root: Pid) -> Vec<i32> {
    let mut found = vec![root.as_raw_nonzero().get()];
    let mut next = 0;
    while let Some(pid) = found.get(next).copied() {
        next += 1;
        let threads = std::fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten();
        let children = threads.filter_map(|thread| read_to_string(thread.path().join("children")).ok());
        found.extend(children.flat_map(|pids| pids.split_whitespace().filter_map(|pid| pid.parse().ok()).collect::<Vec<i32>>()));
    }
    found
}

fn resident(pid: i32) -> Option<u64> {
    kilobytes(&read_to_string(format!("/proc/{pid}/status")).ok()?, "VmRSS:")
}

fn proportional(pid: i32) -> Option<u64> {
    kilobytes(&read_to_string(format!("/proc/{pid}/smaps_rollup")).ok()?, "Pss:")
}

/// The bytes that the line which begins with `key` tells.
fn kilobytes(text: &str, key: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix(key))?;
    Some(line.trim().strip_suffix(" kB")?.parse::<u64>().ok()? << 10)
}

/// User and system time of a process and of its children that have ended.
fn ticks(pid: i32) -> Option<u64> {
    let stat = read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name before the last bracket may hold anything; the state behind it is field 3, the times are fields 14 to 17.
    let fields: Vec<&str> = stat.get(stat.rfind(')')? + 1..)?.split_whitespace().collect();
    fields.get(11..15)?.iter().map(|field| field.parse::<u64>().ok()).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_is_counted_with_what_it_started() {
        let child = std::process::Command::new("sh").args(["-c", "sh -c 'while :; do :; done' & wait"]).spawn();
        let mut child = child.unwrap_or_else(|e| panic!("{e}"));
        let pid = Pid::from_child(&child);
        std::thread::sleep(Duration::from_millis(500));
        let (used, all, exact) = (usage(pid), descendants(pid), memory_shared_once(pid));
        for pid in all.iter().filter_map(|pid| Pid::from_raw(*pid)) {
            // One that has ended by itself is as good as killed.
            let _ = rustix::process::kill_process(pid, rustix::process::Signal::KILL);
        }
        let _ = child.wait();
        assert_eq!(all.len(), 2, "{all:?}");
        assert!(used.cpu >= Duration::from_millis(100) && used.cpu < Duration::from_secs(2), "{used:?}");
        assert!(exact > 0 && exact <= used.memory, "{exact} {used:?}");
    }
}
