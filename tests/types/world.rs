//! Durations, dates, UUIDs, network addresses.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use jiff::civil::{Date, DateTime, Time};
use jiff::tz::Offset;
use jiff::{SignedDuration, Span, Timestamp, Zoned};
use statepoint::prelude::*;
use uuid::Uuid;

use crate::trip::survive;

#[test]
fn durations() {
    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Message)]
    #[message(name = "types.Durations")]
    struct Durations(Vec<Duration>, Vec<SignedDuration>);
    let durations = vec![Duration::ZERO, Duration::from_nanos(1), Duration::from_millis(1_500), Duration::MAX];
    let signed = vec![SignedDuration::from_nanos(-1), SignedDuration::MIN, SignedDuration::MAX];
    survive([Durations(durations, signed)]);
}

#[test]
fn moments_by_the_standard_library() {
    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Message)]
    #[message(name = "types.Moments")]
    struct Moments(Vec<SystemTime>);
    let after = |time| SystemTime::UNIX_EPOCH + time;
    survive([Moments(vec![
        SystemTime::UNIX_EPOCH,
        after(Duration::from_nanos(1_700_000_000_123_456_789)),
        after(Duration::from_secs(1 << 40)),
    ])]);
}

#[test]
fn dates_and_times() {
    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Message)]
    #[message(name = "types.Dates")]
    struct Dates {
        dates: Vec<Date>,
        time: Time,
        both: DateTime,
        stamps: Vec<Timestamp>,
    }
    survive([Dates {
        dates: vec![Date::MIN, Date::constant(1969, 7, 20), Date::constant(2024, 2, 29), Date::MAX],
        time: Time::constant(23, 59, 59, 999_999_999),
        both: DateTime::constant(1969, 7, 20, 20, 17, 40, 1),
        stamps: vec![Timestamp::MIN, Timestamp::UNIX_EPOCH, Timestamp::constant(-1, -1), Timestamp::MAX],
    }]);
}

/// The reference system brings a negative time zone home as a positive one.
#[test]
fn dates_with_time_zones_east_and_west() {
    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Message)]
    #[message(name = "types.Zones")]
    struct Zones(Vec<Zoned>);
    let stamp = Timestamp::constant(1_700_000_000, 0);
    let fixed = |seconds| stamp.to_zoned(Offset::from_seconds(seconds).expect("an offset").to_time_zone());
    let named = |name| stamp.in_tz(name).expect("a time zone");
    let zones: Vec<Zoned> =
        vec![fixed(0), fixed(19_800), fixed(-3_600), named("Europe/Berlin"), named("America/St_Johns")];
    let sent = zones.clone();
    let home = crate::trip::there_and_back(0, move |_| vec![Zones(sent)], |_| Vec::new());
    assert_eq!(home, [Zones(zones)]);
    let offsets: Vec<_> = home[0].0.iter().map(|zoned| zoned.offset().seconds()).collect();
    assert_eq!(offsets, [0, 19_800, -3_600, 3_600, -12_600], "two dates of different zones can be equal");
}

#[test]
fn spans_of_the_calendar() {
    #[derive(Debug, Clone, Serialize, Deserialize, Message)]
    #[message(name = "types.Spans")]
    struct Spans(Vec<Span>);
    /// A month has no length of its own, so spans are compared field by field.
    impl PartialEq for Spans {
        fn eq(&self, other: &Self) -> bool {
            self.0.iter().copied().map(Span::fieldwise).eq(other.0.iter().copied().map(Span::fieldwise))
        }
    }
    survive([Spans(vec![Span::new().months(1).days(2), Span::new().hours(-36), Span::new().nanoseconds(1)])]);
}

#[test]
fn uuids() {
    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
    #[serde(untagged)]
    enum Which {
        Id(Uuid),
        Name(String),
    }
    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
    struct Owner {
        id: Uuid,
    }
    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Message)]
    #[message(name = "types.Uuids")]
    struct Uuids {
        ids: Vec<Uuid>,
        by_id: BTreeMap<Uuid, u8>,
        which: Vec<Which>,
        #[serde(flatten)]
        owner: Owner,
    }
    let id = Uuid::from_u128(0x1234_5678_9abc_def0_1234_5678_9abc_def0);
    survive([Uuids {
        ids: vec![Uuid::nil(), id, Uuid::max()],
        by_id: [(id, 1)].into(),
        which: vec![Which::Id(id), Which::Name("it".into())],
        owner: Owner { id },
    }]);
}

#[test]
fn network_addresses_and_paths() {
    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
    #[serde(tag = "kind")]
    enum Place {
        Host { at: IpAddr },
        Port { at: SocketAddr },
        Named { at: HostPort },
    }
    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Message)]
    #[message(name = "types.Places")]
    struct Places {
        v4: Ipv4Addr,
        v6: Ipv6Addr,
        sockets: BTreeMap<SocketAddr, PathBuf>,
        places: Vec<Place>,
    }
    let at: SocketAddr = "[2001:db8::7]:443".parse().expect("an address");
    survive([Places {
        v4: Ipv4Addr::LOCALHOST,
        v6: Ipv6Addr::LOCALHOST,
        sockets: [(at, "/var/lib/it".into())].into(),
        places: vec![
            Place::Host { at: at.ip() },
            Place::Port { at },
            Place::Named { at: HostPort::new("server.lab", 32_011) },
        ],
    }]);
}
