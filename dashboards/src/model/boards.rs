//! The boards themselves. Which question each answers stands in `dashboards/README.md`.

mod service_overview;

mod endpoint_detail;

mod errors;

mod logs;

mod saturation;

mod parts;

use super::board::Board;

/// All boards, in the order of their links.
pub fn boards() -> Vec<Board> {
    vec![
        service_overview::board(),
        endpoint_detail::board(),
        errors::board(),
        logs::board(),
        saturation::board(),
    ]
}
