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

#[derive(Debug, Default)]
pub(super) struct Steps {
    to_come: VecDeque<NewPoint>,
    /// The points that run, with the places of their values.
    under_way: BTreeMap<Address, usize>,
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
        let place = self.under_way.remove(&cx.from())?;
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
            let child = cx.create(point);
            if !child.is_none() {
                self.under_way.insert(child, self.values.len());
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

    /// The limit has passed.
    pub(super) fn too_late(&self) -> TimedOut {
        let (left, begun) = (self.under_way.len() + self.to_come.len(), self.values.len() + self.to_come.len());
        let waiting_for = format!("{left} of {begun} points");
        TimedOut { waiting_for, limit: self.limit.unwrap_or_default() }
    }
}
