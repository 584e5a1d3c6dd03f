//! Lines, bars and areas.

mod reference;

mod scale;

mod series;

use super::color::Colors;
use super::format::plain;
use dashboards::lens::{Extent, SeriesType, Table, TimeRange, Xy, XyLayer};
use scale::Scale;
use serde_json::{Value as Json, json};
use series::{Drawn, Place};

pub(super) fn draw(xy: &Xy, tables: &[Table], range: TimeRange, colors: &Colors) -> Json {
    let mut drawn: Vec<Drawn> = Vec::new();
    for layer in &xy.layers {
        if let XyLayer::Data(data) = layer {
            drawn.extend(series::drawn(xy, data, tables, colors));
        }
    }
    let types = || {
        xy.layers.iter().filter_map(|layer| match layer {
            XyLayer::Data(series) => Some(series.series_type),
            XyLayer::ReferenceLine(_) => None,
        })
    };
    let horizontal = types().any(SeriesType::is_horizontal);
    let bucket = drawn.iter().find_map(|series| series.bucket);
    // A bar stands for its whole bucket and is drawn in the middle of it; a line's point stands at its start.
    let shift = bucket.filter(|_| types().any(SeriesType::is_bar)).map_or(0, |bucket| bucket / 2);
    let categories = series::categories(&drawn);
    drawn.iter_mut().for_each(|part| part.end_at(range.to()));
    series::align(&mut drawn);
    drawn.iter_mut().for_each(Drawn::fill_stack);
    series::share(&mut drawn);
    let ends = Ends::of(&drawn, range, bucket, shift);
    let lines = reference::lines(xy, tables);
    let options = drawn.iter().map(|part| part.option(xy, shift, &categories, horizontal));
    let marks = lines.iter().map(|line| line.option(&ends, &categories, horizontal));
    let places = if bucket.is_some() {
        json!({"type": "time", "min": ends.from, "max": ends.to, "splitLine": {"show": false}})
    } else {
        // Lying bars are read from the top.
        json!({"type": "category", "data": categories, "inverse": horizontal})
    };
    let axes = [0, 1].map(|axis| value_axis(xy, axis, &drawn, &lines));
    let first_on = |axis| drawn.iter().find(|part: &&Drawn| part.axis == axis);
    let formats = [0, 1].map(|axis| first_on(axis).map_or_else(plain, |part| part.format.clone()));
    let (x, y) = if horizontal { (json!(axes[0]), places) } else { (places, json!(axes)) };
    json!({
        "kind": "xy",
        "time": bucket.is_some(),
        "bucket": bucket,
        "shift": shift,
        "horizontal": horizontal,
        "legend": xy.legend.is_visible.then_some(&xy.legend.position),
        "formats": formats,
        "series": drawn.iter().map(Drawn::about).collect::<Vec<_>>(),
        "option": {
            "grid": {"left": 6, "right": 14, "top": 14, "bottom": 4, "containLabel": true},
            "xAxis": x,
            "yAxis": y,
            "series": options.chain(marks).collect::<Vec<_>>(),
        },
    })
}

/// First and last moment of a time axis: the range, and the buckets at its borders whole where bars stand for them.
struct Ends {
    from: i64,
    to: i64,
}

impl Ends {
    fn of(drawn: &[Drawn], range: TimeRange, bucket: Option<i64>, shift: i64) -> Self {
        let (mut from, mut to) = (range.from(), range.to());
        if let (Some(bucket), true) = (bucket, shift > 0) {
            for start in drawn.iter().flat_map(|part| &part.points).filter_map(|(place, _)| place.moment()) {
                from = from.min(start);
                to = to.max(start + bucket);
            }
        }
        Self { from, to }
    }
}

fn value_axis(xy: &Xy, axis: usize, drawn: &[Drawn], lines: &[reference::Line]) -> Json {
    let own = || drawn.iter().filter(|part| part.axis == axis);
    let (extent, scale, title) = match axis {
        0 => (&xy.left_extent, xy.left_scale.as_deref(), &xy.left_title),
        _ => (&xy.right_extent, None, &xy.right_title),
    };
    let mut json = json!({
        "type": if scale == Some("log") { "log" } else { "value" },
        "show": axis == 0 || own().next().is_some(),
        "name": title,
        "splitLine": {"show": axis == 0},
    });
    match extent {
        Extent { mode: Some(mode), lower_bound, upper_bound } if mode == "custom" => {
            json["min"] = json!(lower_bound);
            json["max"] = json!(upper_bound);
        }
        Extent { mode: Some(mode), .. } if mode == "dataBounds" => json["scale"] = json!(true),
        _ if own().any(|part| part.percent) => json["max"] = json!(1),
        _ => {}
    }
    // Constant lines do not stretch an axis by themselves, and one that is out of sight is no use.
    let highest = lines.iter().filter(|line| line.axis == axis).map(|line| line.value).fold(0.0, f64::max);
    let top = series::top(drawn, axis);
    let format = own().next().map_or_else(plain, |part| part.format.clone());
    let scale = if highest > 0.0 && highest * 1.1 > top {
        Some(Scale::around(highest * 1.1, &format))
    } else {
        Scale::of(top, &format)
    };
    let is_free = ["min", "max", "scale"].iter().all(|key| json[key].is_null());
    if let Some(Scale { max, step }) = scale.filter(|_| is_free && json["type"] == "value") {
        json["max"] = json!(max);
        json["interval"] = json!(step);
    }
    if series::whole(drawn, axis) && format["kind"] == "number" {
        json["minInterval"] = json!(1);
    }
    json
}

impl Place {
    fn moment(&self) -> Option<i64> {
        match self {
            Self::Moment(moment) => Some(*moment),
            Self::Name(_) => None,
        }
    }
}
