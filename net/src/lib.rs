//! The networking of statepoint.
