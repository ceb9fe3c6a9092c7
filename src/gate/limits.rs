//! What bounds a process of a gate and all that it starts: wall time, memory and processor time.

use super::{
    process::Unstarted,
    usage::{is_known, memory_shared_once, usage},
};
use crate::model::{error::Class, gate::GateSpec};
use rustix::process::Pid;
use std::time::Duration;

/// How often memory and processor time are looked at.
const LOOK: Duration = Duration::from_millis(25);

/// The bounds; what is not said is not bounded.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Bounds {
    /// Wall time.
    pub time: Option<Duration>,
    /// Bytes of memory, of all processes together.
    pub memory: Option<u64>,
    /// Processor time, of all processes together.
    pub cpu: Option<Duration>,
}

/// Which bound was broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Broken {
    Time,
    Memory,
    Cpu,
}

impl Bounds {
    /// Those of a command; or why they cannot be kept here.
    pub fn of(gate: &GateSpec) -> Result<Bounds, Unstarted> {
        if (gate.memory_mb.is_some() || gate.cpu_time.is_some()) && !is_known() {
            let why = "this system does not tell what processes use (/proc), so that `memory-mb` and `cpu-time` cannot be kept";
            return Err(Unstarted::new(why, Class::Permanent));
        }
        Ok(Bounds {
            time: gate.timeout.as_ref().map(|span| span.duration()),
            memory: gate.memory_mb.map(|mb| u64::from(mb) << 20),
            cpu: gate.cpu_time.as_ref().map(|span| span.duration()),
        })
    }

    /// Wait until the process `root` and what it started break one.
    ///
    /// Address space (RLIMIT_AS) is no measure of memory, since many runtimes reserve much more of it than they use; memory cgroups
    /// need rights that a user mostly has not. So they are looked at, which lets a process beyond its bound for a moment.
    pub async fn broken(&self, root: Option<Pid>) -> Broken {
        let over = async {
            match self.time {
                Some(time) => tokio::time::sleep(time).await,
                None => std::future::pending().await,
            }
        };
        let (Some(root), true) = (root, self.memory.is_some() || self.cpu.is_some()) else {
            over.await;
            return Broken::Time;
        };
        let looked = async {
            loop {
                tokio::time::sleep(LOOK).await;
                let used = usage(root);
                if self.memory.is_some_and(|most| used.memory > most && memory_shared_once(root) > most) {
                    return Broken::Memory;
                }
                if self.cpu.is_some_and(|most| used.cpu > most) {
                    return Broken::Cpu;
                }
            }
        };
        tokio::select! {
            () = over => Broken::Time,
            broken = looked => broken,
        }
    }
}
