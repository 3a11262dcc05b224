//! The books of a composition: which points are to come, which are under way, and what the others completed with.

use core::time::Duration;
use std::collections::{BTreeMap, VecDeque};

use crate::Message;
use crate::address::Address;
use crate::compose::{Overloaded, Values};
use crate::context::Context;
use crate::lifecycle::TimedOut;
use crate::point::{IntoPoint, NewPoint};
use crate::value::Value;
use crate::vocabulary::Vocabulary as _;

/// A composition has taken as long as it may.
#[derive(Debug, Message)]
#[message(name = "statepoint.compose.TimeLimit", local)]
pub(super) struct TimeLimit;

/// How many of those that are late are named.
const NAMED: usize = 3;

#[derive(Debug, Default)]
pub(super) struct Steps {
    to_come: VecDeque<NewPoint>,
    /// The points that run, with the places of their values and the names of their machines or routines.
    under_way: BTreeMap<Address, (usize, &'static str)>,
    /// A place for each point that was created.
    values: Vec<Option<Value>>,
    pub(super) keeps_faults: bool,
    pub(super) limit: Option<Duration>,
}

impl Steps {
    pub(super) fn new(points: impl IntoIterator<Item: IntoPoint>) -> Self {
        Self { to_come: points.into_iter().map(IntoPoint::into_point).collect(), ..Self::default() }
    }

    /// Starts the limit, and as many points as may run at once. What it all has come to, when nothing is left to wait for.
    pub(super) fn begin(&mut self, at_once: usize, cx: &mut Context) -> Option<Value> {
        if let Some(limit) = self.limit {
            cx.start(limit, TimeLimit);
        }
        self.proceed(at_once, cx)
    }

    /// Notes with what a child has completed, and creates the next ones. Others that say so are not listened to.
    pub(super) fn completed(&mut self, value: Value, at_once: usize, cx: &mut Context) -> Option<Value> {
        let (place, _) = self.under_way.remove(&cx.from())?;
        if !self.keeps_faults && value.is_fault() {
            return Some(value);
        }
        self.values[place] = Some(value);
        self.proceed(at_once, cx)
    }

    fn proceed(&mut self, at_once: usize, cx: &mut Context) -> Option<Value> {
        while self.under_way.len() < at_once
            && let Some(point) = self.to_come.pop_front()
        {
            let name = point.0.look().name;
            let child = cx.create(point);
            if !child.is_none() {
                self.under_way.insert(child, (self.values.len(), name));
                self.values.push(None);
                continue;
            }
            let fault = Overloaded { request: String::new(), explanation: "there is no room for another point".into() };
            if !self.keeps_faults {
                return Some(fault.into());
            }
            self.values.push(Some(fault.into()));
        }
        let is_over = self.under_way.is_empty();
        is_over.then(|| Values(core::mem::take(&mut self.values).into_iter().flatten().collect()).into())
    }

    /// The limit has passed. Some of those that have not ended are named as in the trace.
    pub(super) fn too_late(&self) -> TimedOut {
        let (left, begun) = (self.under_way.len() + self.to_come.len(), self.values.len() + self.to_come.len());
        let mut late: Vec<_> = self.under_way.iter().map(|(address, (place, name))| (place, address, name)).collect();
        late.sort_unstable();
        let named: Vec<_> = late.iter().take(NAMED).map(|(_, address, name)| format!("{name}{address}")).collect();
        let more = if left > named.len() { ", .." } else { "" };
        let waiting_for = format!("{left} of {begun} points: {}{more}", named.join(", "));
        TimedOut { waiting_for, limit: self.limit.unwrap_or_default() }
    }
}
