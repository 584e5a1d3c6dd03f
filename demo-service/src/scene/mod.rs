//! Services and load that tell a story.
