//! A panel's plan, carried out.

use super::draw;
use super::draw::color::Colors;
use crate::view::fault::Fault;
use crate::view::source::Source;
use dashboards::lens::{Context, Panel, Request, Step};
use serde_json::{Value as Json, json};
use std::time::Instant;

/// Longest answer that an inspection shows, in bytes.
const SHOWN_MAX: usize = 256 << 10;

/// Whether requests and answers are wanted too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Depth {
    /// What is drawn.
    Drawing,
    /// With what was asked and answered.
    Inspection,
}

/// Asks for a panel, and draws what comes.
pub(super) async fn draw(
    source: &Source,
    panel: &Panel,
    context: &Context,
    colors: &Colors,
    depth: Depth,
) -> Result<Json, Fault> {
    let begun = Instant::now();
    let mut step = panel.plan(context);
    let mut exchanges = Vec::new();
    let figures = loop {
        match step {
            Step::Done(figures) => break figures,
            Step::Ask(round) => {
                let mut answers = Vec::new();
                for request in round.requests() {
                    let asked = Instant::now();
                    let answer = source.ask(request).await?;
                    if depth == Depth::Inspection {
                        exchanges.push(exchange(request, &answer, asked));
                    }
                    answers.push(answer);
                }
                step = round.receive(answers)?;
            }
        }
    };
    let mut drawing = draw::drawing(panel, &figures, context, colors);
    drawing["took"] = json!(millis(begun));
    if depth == Depth::Inspection {
        drawing["exchanges"] = Json::Array(exchanges);
    }
    Ok(drawing)
}

fn exchange(request: &Request, answer: &Json, asked: Instant) -> Json {
    let text = serde_json::to_string_pretty(answer).unwrap_or_default();
    let end = (0..=SHOWN_MAX.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
    json!({
        "request": format!("POST {}\n{}", request.path, serde_json::to_string_pretty(&request.body).unwrap_or_default()),
        "answer": text[..end],
        "bytes": text.len(),
        "took": millis(asked),
    })
}

fn millis(since: Instant) -> f64 {
    (since.elapsed().as_secs_f64() * 10_000.0).round() / 10.0
}
