//! Each promise of the simulated network, one by one.
