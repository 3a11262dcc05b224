//! The core of statepoint.
