//! Words in sizes: read as what it says, a table of terms and their numbers.

use serde::Deserialize;

use crate::lens::visualization::datatable::{Datatable, TableColumn};

/// Columns of a tag cloud.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct TagCloud {
    layer_id: String,
    tag_accessor: Option<String>,
    value_accessor: String,
}

impl From<TagCloud> for Datatable {
    fn from(cloud: TagCloud) -> Self {
        let columns = cloud.tag_accessor.into_iter().chain([cloud.value_accessor]);
        Self {
            layer: cloud.layer_id,
            columns: columns.map(|column| TableColumn { column, ..TableColumn::default() }).collect(),
            sorting: None,
            paging: None,
        }
    }
}
