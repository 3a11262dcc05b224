//! The controller: it has each sample measured by all instruments, which come and go.

use crate::messages::{Measure, News, Register, Subscribe};
use statepoint::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

/// What it ends with. Attempts at a sample are in vain when an instrument goes meanwhile.
#[derive(Debug, Default, Serialize, Deserialize, Message)]
#[message(name = "laboratory.Report")]
pub struct Report {
    pub samples: u32,
    pub attempts: u32,
}

pub struct Controller {
    pub listen: Listen,
    pub instruments: usize,
    pub samples: u32,
    pub report: Report,
    /// The instruments that are here, with their addresses, by their connections.
    pub present: BTreeMap<Address, (String, Address)>,
    pub subscribers: BTreeMap<Address, Address>,
}

/// The connections of the instruments that have not measured the sample yet.
type Missing = BTreeSet<Address>;

#[state_machine(INITIAL, OPENING, WAITING, MEASURING(data = Missing, timeout = "5s"), UP = WAITING | MEASURING)]
impl Controller {
    fn tell(&self, news: &News, cx: &mut Context) {
        self.subscribers.values().for_each(|subscriber| cx.send(*subscriber, news.clone()));
    }
    /// Begins with the next sample, as soon as there are enough instruments.
    fn measure(&mut self, cx: &mut Context) -> Next<Self> {
        if self.present.len() < self.instruments {
            return Self::WAITING;
        }
        self.report.attempts += 1;
        let measure = Measure { sample: self.report.samples + 1, deliver_to: cx.me() };
        self.present.values().for_each(|(_, instrument)| cx.send(*instrument, measure.clone()));
        Self::MEASURING(self.present.keys().copied().collect())
    }
    fn INITIAL_Start(&mut self, _: Start, cx: &mut Context) -> Next<Self> {
        cx.listen(self.listen.clone());
        Self::OPENING
    }
    fn OPENING_Listening(&mut self, listening: Listening, cx: &mut Context) -> Next<Self> {
        cx.console(format_args!("Listening at {}", listening.listening));
        Self::WAITING
    }
    fn OPENING_NotListening(&mut self, fault: NotListening) -> Next<Self> {
        Self::complete(fault)
    }
    fn UP_Accepted(&mut self, _: Accepted) -> Next<Self> {
        Next::STAY
    }
    fn UP_NotAccepted(&mut self, fault: NotAccepted, cx: &mut Context) -> Next<Self> {
        cx.console(fault);
        Next::STAY
    }
    fn UP_Register(&mut self, Register { instrument }: Register, cx: &mut Context) -> Next<Self> {
        self.tell(&News::Present { instrument: instrument.clone(), at: cx.from() }, cx);
        self.present.insert(cx.from().near(), (instrument, cx.from()));
        self.measure(cx)
    }
    fn UP_Subscribe(&mut self, subscribe: Subscribe, cx: &mut Context) -> Next<Self> {
        for (instrument, at) in self.present.values().cloned() {
            cx.send(subscribe.deliver_to, News::Present { instrument, at });
        }
        self.subscribers.insert(cx.from().near(), subscribe.deliver_to);
        Next::STAY
    }
    /// Whatever it was in the middle of: without an instrument the sample is measured again, by all of them.
    fn UP_Abandoned(&mut self, _: Abandoned, cx: &mut Context) -> Next<Self> {
        self.subscribers.remove(&cx.from().near());
        let Some((instrument, _)) = self.present.remove(&cx.from().near()) else { return Next::STAY };
        self.tell(&News::Absent { instrument }, cx);
        self.measure(cx)
    }
    fn MEASURING_News(&mut self, news: News, missing: &mut Missing, cx: &mut Context) -> Next<Self> {
        let is_new = matches!(news, News::Measured { sample, .. } if sample == self.report.samples + 1);
        if !is_new || !missing.remove(&cx.from().near()) {
            return Next::STAY;
        }
        self.tell(&news, cx);
        if !missing.is_empty() {
            return Next::STAY;
        }
        self.report.samples += 1;
        if self.report.samples < self.samples {
            return self.measure(cx);
        }
        Self::complete(core::mem::take(&mut self.report))
    }
    /// Of a sample that will be measured again.
    fn WAITING_News(&mut self, _: News) -> Next<Self> {
        Self::WAITING
    }
    /// An instrument is here and does not measure.
    fn MEASURING_Timeout(&mut self, _: Timeout, cx: &mut Context) -> Next<Self> {
        self.measure(cx)
    }
    fn ANY_Stop(&mut self, _: Stop) -> Next<Self> {
        Self::complete(Aborted)
    }
}
