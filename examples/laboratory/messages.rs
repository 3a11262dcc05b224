//! What they say to each other.

use statepoint::prelude::*;

/// From an instrument to the controller.
#[derive(Debug, Serialize, Deserialize, Message)]
#[message(name = "laboratory.Register")]
pub struct Register {
    pub instrument: String,
}

/// From the controller to an instrument.
#[derive(Debug, Clone, Serialize, Deserialize, Message)]
#[message(name = "laboratory.Measure")]
pub struct Measure {
    pub sample: u32,
    pub deliver_to: Address,
}

/// From an operator to an instrument.
#[derive(Debug, Serialize, Deserialize, Message)]
#[message(name = "laboratory.Calibrate")]
pub struct Calibrate;

/// From an operator to the controller.
#[derive(Debug, Serialize, Deserialize, Message)]
#[message(name = "laboratory.Subscribe")]
pub struct Subscribe {
    pub deliver_to: Address,
}

/// From instruments to whoever has asked them, and from the controller to those who have subscribed.
#[derive(Debug, Clone, Serialize, Deserialize, Message)]
#[message(name = "laboratory.News")]
pub enum News {
    Present { instrument: String, at: Address },
    Absent { instrument: String },
    Measured { instrument: String, sample: u32, value: u64 },
    Calibrated { instrument: String },
}
