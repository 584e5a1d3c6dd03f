//! What the services write.
