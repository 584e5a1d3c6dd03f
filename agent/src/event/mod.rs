//! A line becomes an ECS document in one scan.
