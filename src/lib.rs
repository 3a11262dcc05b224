//! statepoint: machines that talk.
