//! The macros of statepoint.
