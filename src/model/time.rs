//! Durations as people write them, and points in time as records keep them.

use jiff::{Timestamp, tz::TimeZone};
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::time::Duration;

/// A length of time written as `90s`, `20m` or `1h 30m`; it keeps its spelling so that a document round-trips.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Span {
    text: String,
    duration: Duration,
}

impl Span {
    /// The length as a duration.
    pub fn duration(&self) -> Duration {
        self.duration
    }
}

impl std::str::FromStr for Span {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let signed: jiff::SignedDuration =
            text.parse().map_err(|_| format!("`{text}` is no length of time; write `90s`, `20m` or `1h 30m`"))?;
        let duration = Duration::try_from(signed).map_err(|_| format!("`{text}` is a negative length of time"))?;
        if duration.is_zero() {
            return Err(format!("`{text}` is no time at all"));
        }
        Ok(Span { text: text.into(), duration })
    }
}

impl std::fmt::Display for Span {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.text)
    }
}

impl Serialize for Span {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text)
    }
}

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

impl JsonSchema for Span {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Span".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": "string", "description": "A length of time such as `90s`, `20m` or `1h 30m`." })
    }
}

/// Now, in UTC, to the second, as RFC 3339 writes it.
pub fn now() -> String {
    Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// Now, in UTC, to the millisecond, as RFC 3339 writes it.
pub fn now_exact() -> String {
    Timestamp::now().strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string()
}

/// The local time zone, as tzset(3) finds it. Where it is the system's, its file tells enough; to find its name, too, every file of the
/// database is looked at.
pub fn local_zone() -> TimeZone {
    let of_system = || TimeZone::tzif("local", &std::fs::read("/etc/localtime").ok()?).ok();
    std::env::var_os("TZ").is_none().then(of_system).flatten().unwrap_or_else(TimeZone::system)
}

/// A point in time of a record, in UTC, without what is less than a second.
pub fn to_the_second(at: &str) -> String {
    at.parse::<Timestamp>().map_or(at.into(), |at| at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string())
}

/// A wait that is longer by up to a half, by chance, so that many who wait for the same do not come back at once (Brooker, Exponential
/// Backoff and Jitter, 2015).
pub fn jittered(wait: Duration) -> Duration {
    wait.mul_f64(1.0 + fastrand::f64() / 2.0)
}

/// A duration for a person: `340 ms`, `4.2 s`, `3 min 5 s`, `2 h 10 min`.
pub fn human(duration: Duration) -> String {
    let ms = duration.as_millis();
    match ms {
        0..1_000 => format!("{ms} ms"),
        1_000..60_000 => format!("{}.{} s", ms / 1_000, ms % 1_000 / 100),
        60_000..3_600_000 => format!("{} min {} s", ms / 60_000, ms % 60_000 / 1_000),
        _ => format!("{} h {} min", ms / 3_600_000, ms % 3_600_000 / 60_000),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_are_longer_by_chance() {
        let waits: Vec<Duration> = (0..50).map(|_| jittered(Duration::from_secs(2))).collect();
        assert!(waits.iter().all(|wait| (2.0..3.0).contains(&wait.as_secs_f64())));
        assert!(waits.iter().any(|wait| *wait != waits[0]));
    }
}
