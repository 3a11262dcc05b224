//! An instrument: asked at any time, by anybody, it does one thing after the other.

use crate::messages::{Calibrate, Measure, News, Register};
use statepoint::prelude::*;

pub struct Instrument {
    pub name: String,
    pub controller: Address,
}

#[state_machine(
    WARMING(defer(Measure, Calibrate), timeout = "300ms"),
    IDLE,
    MEASURING(data = Measure, defer(Measure, Calibrate), timeout = "100ms"),
    CALIBRATING(data = Address, defer(Measure, Calibrate), timeout = "200ms"),
)]
impl Instrument {
    fn WARMING_Start(&mut self, _: Start, cx: &mut Context) -> Next<Self> {
        cx.send(self.controller, Register { instrument: self.name.clone() });
        Self::WARMING
    }
    fn WARMING_Timeout(&mut self, _: Timeout) -> Next<Self> {
        Self::IDLE
    }
    fn IDLE_Measure(&mut self, measure: Measure) -> Next<Self> {
        Self::MEASURING(measure)
    }
    fn IDLE_Calibrate(&mut self, _: Calibrate, cx: &mut Context) -> Next<Self> {
        Self::CALIBRATING(cx.from())
    }
    fn MEASURING_Timeout(&mut self, _: Timeout, measure: &mut Measure, cx: &mut Context) -> Next<Self> {
        let (instrument, sample, value) = (self.name.clone(), measure.sample, cx.random() % 1_000);
        cx.send(measure.deliver_to, News::Measured { instrument, sample, value });
        Self::IDLE
    }
    fn CALIBRATING_Timeout(&mut self, _: Timeout, operator: &mut Address, cx: &mut Context) -> Next<Self> {
        cx.send(*operator, News::Calibrated { instrument: self.name.clone() });
        Self::IDLE
    }
    fn ANY_Stop(&mut self, _: Stop) -> Next<Self> {
        Self::complete(Aborted)
    }
}
