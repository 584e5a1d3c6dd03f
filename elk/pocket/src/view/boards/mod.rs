//! The boards: Kibana's dashboards, drawn over `_search`.
//!
//! | Address | Answers |
//! | --- | --- |
//! | `/api/boards` | every board |
//! | `/api/boards/{board}` | grid, titles, controls, texts of one |
//! | `/api/boards/{board}/panels/{panel}` | what a panel shows, for what the reader has set (`asked`, JSON) |
//! | `/api/boards/{board}/controls/{control}` | the values a control offers |
//!
//! Besides, [`kibana`] takes saved objects as Kibana does.
//!
//! ```text
//! panel → requests → answers → figures (crate `dashboards`) → drawing (`draw`) → ECharts in the browser
//! ```

mod catalogue;

mod kept;

mod asked;

mod layout;

mod markdown;

mod figures;

mod draw;

mod kibana;

mod route;

pub use catalogue::BoardsError;
pub(super) use kept::BoardFile;
pub use kept::BoardFileError;
pub(super) use route::router;
