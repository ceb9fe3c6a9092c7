//! Drives the built binary as a user does.
