//! An operator's console: it shows what happens, and calibrates each instrument that comes.

use crate::messages::{Calibrate, News, Subscribe};
use statepoint::prelude::*;

pub struct Console {
    pub controller: Address,
}

#[state_machine]
impl Console {
    fn ANY_Start(&mut self, _: Start, cx: &mut Context) -> Next<Self> {
        cx.send(self.controller, Subscribe { deliver_to: cx.me() });
        Next::STAY
    }
    fn ANY_News(&mut self, news: News, cx: &mut Context) -> Next<Self> {
        match news {
            News::Present { instrument, at } => {
                cx.console(format_args!("the {instrument} is here"));
                cx.send(at, Calibrate); // It leads to the instrument, two connections away.
            }
            News::Absent { instrument } => cx.console(format_args!("the {instrument} has gone")),
            News::Calibrated { instrument } => cx.console(format_args!("the {instrument} is calibrated")),
            News::Measured { instrument, sample, value } => {
                cx.console(format_args!("sample {sample}: the {instrument} says {value}"));
            }
        }
        Next::STAY
    }
    fn ANY_Stop(&mut self, _: Stop) -> Next<Self> {
        Self::complete(Aborted)
    }
}
