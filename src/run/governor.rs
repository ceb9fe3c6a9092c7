//! The memory of a run: beside others no gate is started while the run, or what it runs in, uses more of its memory than the policy
//! lets it. One gate may always run, so that no run stands still for ever.

use crate::{
    gate::usage,
    model::{
        policy::Performance,
        time::{human, now},
    },
};
use std::{
    fs::read_to_string,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

/// From this share of memory on nothing more starts, in percent, where the policy says nothing.
const THRESHOLD: f64 = 80.0;

/// Whether gates may start, and how often they might not.
pub(super) struct Governor {
    /// Nothing where the policy does not throttle.
    bounds: Option<Bounds>,
    /// A gate that could not start yet.
    held: Option<Held>,
    times: usize,
    total: Duration,
    /// When and why the first was.
    first: Option<String>,
    /// Why gates are held back, until it is told.
    news: Option<String>,
}

struct Held {
    since: Instant,
    /// The bytes that were promised, it among them.
    promised: u64,
}

struct Bounds {
    /// A share, from 0 to 1.
    threshold: f64,
    /// Most bytes of this process and all that it started.
    run: Option<u64>,
    groups: Vec<Group>,
}

/// Memory that is used, of so much that there is, in bytes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Use {
    used: u64,
    most: u64,
}

impl Use {
    /// That of this machine by all programs; nothing where the system does not tell.
    pub fn of_machine() -> Option<Use> {
        machine(&read_to_string("/proc/meminfo").ok()?)
    }

    /// The share that new programs could have.
    pub fn available(&self) -> f64 {
        1.0 - self.used as f64 / self.most.max(1) as f64
    }
}

impl Governor {
    /// One that holds a run to `performance`.
    pub fn new(performance: &Performance) -> Self {
        let throttles = performance.throttle_on_memory != Some(false);
        let bounds = || Bounds {
            threshold: performance.memory_threshold_percent.unwrap_or(THRESHOLD) / 100.0,
            run: performance.max_memory_mb.map(|mb| mb << 20),
            groups: read_to_string("/proc/self/cgroup").map_or(Vec::new(), |text| groups(&text, Path::new("/sys/fs/cgroup"))),
        };
        Governor { bounds: throttles.then(bounds), held: None, times: 0, total: Duration::ZERO, first: None, news: None }
    }

    /// Whether memory keeps a gate from starting beside others. `promised` are the bytes that these and the gate may use by their own
    /// limits, which they have not used yet when they begin.
    pub fn refuses(&mut self, promised: u64) -> bool {
        match self.bounds.as_ref().and_then(|bounds| bounds.broken(promised)) {
            Some(why) if self.held.is_none() => {
                self.held = Some(Held { since: Instant::now(), promised });
                self.times += 1;
                if self.first.is_none() {
                    self.first = Some(format!("{}: {why}", now()));
                    self.news = Some(why);
                }
            }
            Some(_) => {}
            None => self.release(),
        }
        self.held.is_some()
    }

    /// Why gates are held back, once, when it begins.
    pub fn news(&mut self) -> Option<String> {
        self.news.take()
    }

    /// Nothing is held back any more: memory has come, or no gate is beside the one that starts.
    pub fn release(&mut self) {
        self.total += self.held.take().map_or(Duration::ZERO, |held| held.since.elapsed());
    }

    /// Whether a gate waited for memory and waits no more.
    pub fn lets_go(&mut self) -> bool {
        let promised = self.held.as_ref().map(|held| held.promised);
        promised.is_some_and(|promised| !self.refuses(promised))
    }

    /// How often and how long gates were held back, for the report; nothing where none was.
    pub fn words(&self) -> Option<String> {
        let times = if self.times == 1 { "once".into() } else { format!("{} times", self.times) };
        let total = self.total + self.held.as_ref().map_or(Duration::ZERO, |held| held.since.elapsed());
        let first = self.first.as_ref()?;
        Some(format!("for want of memory gates were held back {times}, for {} in all; first at {first}", human(total)))
    }
}

impl Bounds {
    /// Which of them is broken, in words.
    fn broken(&self, promised: u64) -> Option<String> {
        // What this run uses is asked of each of its processes, so it is asked only where it counts.
        let used = if self.run.is_none() && promised == 0 { 0 } else { usage::memory_of_this(self.run.unwrap_or(u64::MAX)) };
        let more = promised.saturating_sub(used);
        let over = |what: &str, of: Use| {
            ((of.used + more) as f64 >= of.most as f64 * self.threshold).then(|| {
                let promised =
                    if more > 0 { format!(" and has promised its gates {} MB more", more.div_ceil(1 << 20)) } else { String::new() };
                let threshold = self.threshold * 100.0;
                format!("{what} uses {} of {} MB{promised}; from {threshold} % on nothing more starts", of.used >> 20, of.most >> 20)
            })
        };
        let run = self.run.map(|most| Use { used, most });
        run.and_then(|run| over("the run", run))
            .or_else(|| self.groups.iter().filter_map(Group::now).find_map(|group| over("its cgroup", group)))
            .or_else(|| Use::of_machine().and_then(|machine| over("the machine", machine)))
    }
}

/// A control group with a limit, of either version.
#[derive(Debug, PartialEq)]
struct Group {
    folder: PathBuf,
    most: u64,
    /// The file that tells what is used, and the key in `memory.stat` of the part of it that can be given up at once.
    used: &'static str,
    cached: &'static str,
}

impl Group {
    fn now(&self) -> Option<Use> {
        let used: u64 = number(&self.folder.join(self.used))?;
        let stat = read_to_string(self.folder.join("memory.stat")).unwrap_or_default();
        let cached = stat.lines().find_map(|line| line.strip_prefix(self.cached)?.trim().parse().ok()).unwrap_or(0);
        Some(Use { used: used.saturating_sub(cached), most: self.most })
    }
}

/// The groups with a limit that a process is in by its `/proc/self/cgroup`, the innermost first (cgroups(7)). `root` is where they are
/// mounted; a container sees its own group there, whatever it is called outside.
fn groups(text: &str, root: &Path) -> Vec<Group> {
    let mut found: Vec<Group> = Vec::new();
    for line in text.lines() {
        let mut fields = line.splitn(3, ':').skip(1);
        let (Some(controllers), Some(path)) = (fields.next(), fields.next()) else { continue };
        let (place, most, used, cached) = match controllers {
            "" => (root.to_path_buf(), "memory.max", "memory.current", "inactive_file "),
            _ if controllers.split(',').any(|name| name == "memory") => {
                (root.join("memory"), "memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file ")
            }
            _ => continue,
        };
        let inner = place.join(path.trim_start_matches('/'));
        for folder in inner.ancestors().take_while(|folder| folder.starts_with(&place)) {
            // Version 1 says by a number beyond all memory that there is no limit, version 2 by a word.
            if let Some(most) = number(&folder.join(most)).filter(|most| *most < u64::MAX >> 12) {
                found.push(Group { folder: folder.to_path_buf(), most, used, cached });
            }
        }
    }
    found
}

fn number(file: &Path) -> Option<u64> {
    read_to_string(file).ok()?.trim().parse().ok()
}

/// The memory that programs hold, as proc_meminfo(5) tells.
fn machine(info: &str) -> Option<Use> {
    let field = |name: &str| -> Option<u64> {
        let line = info.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))?;
        Some(line.split_whitespace().next()?.parse::<u64>().ok()? << 10)
    };
    let most = field("MemTotal")?;
    Some(Use { used: most.saturating_sub(field("MemAvailable")?), most })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_of_both_versions_are_found_with_their_limits() -> std::io::Result<()> {
        let root = tempfile::tempdir()?;
        let write = |path: &str, text: &str| {
            let path = root.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap_or(root.path()))?;
            std::fs::write(path, text)
        };
        write("user.slice/memory.max", "max\n")?;
        write("user.slice/app/memory.max", "1000000\n")?;
        write("user.slice/app/memory.current", "900000\n")?;
        write("user.slice/app/memory.stat", "anon 1\ninactive_file 300000\nactive_file 7\n")?;
        write("memory/box/memory.limit_in_bytes", "2000\n")?;
        write("memory/box/memory.usage_in_bytes", "1500\n")?;
        write("memory/memory.limit_in_bytes", "9223372036854771712\n")?;
        let two = groups("0::/user.slice/app\n", root.path());
        assert_eq!(two.iter().map(Group::now).collect::<Vec<_>>(), [Some(Use { used: 600_000, most: 1_000_000 })]);
        let one = groups("5:cpu,cpuacct:/box\n4:memory:/box\n0::/\n", root.path());
        assert_eq!(one.iter().map(Group::now).collect::<Vec<_>>(), [Some(Use { used: 1500, most: 2000 })]);
        assert_eq!(groups("0::/elsewhere/than/here\n", root.path()), []);
        Ok(())
    }

    #[test]
    fn a_full_machine_is_seen() {
        let info = "MemTotal:        1000 kB\nMemFree:   10 kB\nMemAvailable:     200 kB\n";
        assert_eq!(machine(info), Some(Use { used: 800 << 10, most: 1000 << 10 }));
        let bounds = Bounds { threshold: 0.0, run: None, groups: Vec::new() };
        assert!(bounds.broken(0).is_some_and(|why| why.contains("the machine uses")), "nothing is below no threshold at all");
    }
}
