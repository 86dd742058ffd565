//! What the specification shows, byte for byte.
