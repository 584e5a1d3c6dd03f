//! Colour by value. A value that is as it should be has no colour, so that only what is wrong catches the eye.

use crate::model::{Color, Thresholds};
use serde_json::{Value, json};

pub(super) fn by_value(thresholds: Thresholds) -> Value {
    let bad = (Color::Bad, thresholds.bad);
    let steps = match thresholds.warning < thresholds.bad {
        true => vec![(Color::Warning, thresholds.warning), bad],
        false => vec![bad],
    };
    let color_stops: Vec<_> =
        steps.iter().map(|(color, from)| json!({"color": color.hex(), "stop": from})).collect();
    // `stops` holds the same steps by their ends; the last has none, and any number above it will do.
    let ends = steps.iter().skip(1).map(|(_, from)| *from).chain([thresholds.bad + 1.0]);
    let stops: Vec<_> =
        steps.iter().zip(ends).map(|((color, _), to)| json!({"color": color.hex(), "stop": to})).collect();
    json!({
        "type": "palette",
        "name": "custom",
        "params": {
            "name": "custom",
            "reverse": false,
            "progression": "fixed",
            "rangeType": "number",
            "rangeMin": steps[0].1,
            "rangeMax": null,
            "continuity": "above",
            "steps": steps.len(),
            "maxSteps": 5,
            "stops": stops,
            "colorStops": color_stops,
        },
    })
}
