//! The panel of controls from before boards had controls of their own.

use serde_json::Value as Json;

use crate::lens::control::Control;
use crate::lens::fault::Unsupported;
use crate::lens::filter::Selection;
use crate::lens::saved::panel::Saved;
use crate::lens::saved::text;

/// The controls of such a panel; `None` if it is none.
pub(crate) fn controls(saved: &Saved, panel: &str) -> Option<Vec<Result<Control, Unsupported>>> {
    let state = super::state(saved).ok().filter(|state| state["type"] == "input_control_vis")?;
    let written = state["params"]["controls"].as_array().into_iter().flatten();
    Some(
        written
            .enumerate()
            .map(|(place, written)| control(saved, written, format!("{panel}/{place}")))
            .collect(),
    )
}

fn control(saved: &Saved, written: &Json, id: String) -> Result<Control, Unsupported> {
    let (field, label) = (text(written, "fieldName"), text(written, "label"));
    if written["type"] != "list" {
        return Err(Unsupported::new(format!("the control `{label}` of type `{}`", text(written, "type"))));
    }
    let name = ["indexPatternRefName", "indexPattern"].into_iter().find_map(|key| written[key].as_str());
    let name = name.ok_or_else(|| Unsupported::new(format!("the control `{label}` without a data view")))?;
    Ok(Control {
        id,
        title: if label.is_empty() { field.clone() } else { label },
        data_view: saved.objects.data_view(saved.reference(name).unwrap_or(name))?,
        selection: Selection { field: field.clone(), values: Vec::new(), exclude: false },
        field,
    })
}
