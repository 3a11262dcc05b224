//! The guide: how statepoint works, chapter by chapter.
