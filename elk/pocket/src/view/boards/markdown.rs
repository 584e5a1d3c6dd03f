//! Texts of boards: Markdown (GFM) → a tree of the few elements that a text may hold.
//!
//! A node is a text, or `{"tag": …, "nodes": […]}`, links with `"href"`. Markup is text, an image is what it says instead.

use pulldown_cmark::{Event, HeadingLevel, Options, Parser, Tag};
use serde_json::{Value as Json, json};

/// Elements within each other; what is deeper stands beside instead.
const DEPTH_MAX: usize = 24;

/// The nodes of `text`.
pub(super) fn tree(text: &str) -> Json {
    let options = Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH | Options::ENABLE_TASKLISTS;
    let mut tree = Tree { open: vec![Node::default()], ..Tree::default() };
    for event in Parser::new_ext(text, options) {
        match event {
            Event::Start(tag) => tree.start(&tag),
            Event::End(_) => tree.end(),
            Event::Text(text) | Event::Html(text) | Event::InlineHtml(text) => tree.text(&text),
            Event::Code(text) => tree.push(json!({"tag": "code", "nodes": [&*text]})),
            Event::SoftBreak => tree.text(" "),
            Event::HardBreak => tree.push(json!({"tag": "br", "nodes": []})),
            Event::Rule => tree.push(json!({"tag": "hr", "nodes": []})),
            Event::TaskListMarker(done) => tree.text(if done { "☑ " } else { "☐ " }),
            // Asked for by no option.
            Event::InlineMath(text) | Event::DisplayMath(text) | Event::FootnoteReference(text) => {
                tree.text(&text)
            }
        }
    }
    tree.close()
}

/// Anything else could run, or leave what a link is expected to do.
fn is_safe(address: &str) -> bool {
    let is_local = address.starts_with('/') && !address.starts_with("//") && !address.starts_with("/\\");
    is_local || ["http://", "https://", "#"].iter().any(|start| address.starts_with(start))
}

#[derive(Default)]
struct Tree {
    /// Begun elements, outermost first; the first one holds the whole.
    open: Vec<Node>,
    /// Begun elements that have none of their own: too deep, or without a tag.
    bare: Vec<bool>,
    in_head: bool,
}

#[derive(Default)]
struct Node {
    tag: &'static str,
    href: Option<String>,
    nodes: Vec<Json>,
}

impl Tree {
    fn start(&mut self, tag: &Tag) {
        self.in_head = matches!(tag, Tag::TableHead) || (self.in_head && matches!(tag, Tag::TableCell));
        let name = name(tag, self.in_head).filter(|_| self.open.len() <= DEPTH_MAX);
        self.bare.push(name.is_none());
        let Some(tag_name) = name else { return };
        let href = match tag {
            Tag::Link { dest_url, .. } if is_safe(dest_url) => Some(dest_url.to_string()),
            _ => None,
        };
        self.open.push(Node { tag: tag_name, href, nodes: Vec::new() });
    }

    fn end(&mut self) {
        if self.bare.pop() != Some(false) {
            return;
        }
        if let Some(Node { tag, href, nodes }) = self.open.pop() {
            let mut node = json!({"tag": tag, "nodes": nodes});
            if let Some(href) = href {
                node["href"] = json!(href);
            }
            self.push(node);
        }
    }

    fn push(&mut self, node: Json) {
        if let Some(open) = self.open.last_mut() {
            open.nodes.push(node);
        }
    }

    /// Adds to the text before, if that is what stands there.
    fn text(&mut self, more: &str) {
        match self.open.last_mut().and_then(|open| open.nodes.last_mut()) {
            Some(Json::String(text)) => text.push_str(more),
            _ => self.push(json!(more)),
        }
    }

    fn close(mut self) -> Json {
        json!(self.open.pop().unwrap_or_default().nodes)
    }
}

/// The element for a part of the text; `None`: what it holds stands for it.
fn name(tag: &Tag, in_head: bool) -> Option<&'static str> {
    Some(match tag {
        Tag::Paragraph => "p",
        // The page and the panel have the first two.
        Tag::Heading { level: HeadingLevel::H1, .. } => "h3",
        Tag::Heading { level: HeadingLevel::H2, .. } => "h4",
        Tag::Heading { level: HeadingLevel::H3, .. } => "h5",
        Tag::Heading { .. } => "h6",
        Tag::BlockQuote(_) => "blockquote",
        Tag::CodeBlock(_) => "pre",
        Tag::List(None) => "ul",
        Tag::List(Some(_)) => "ol",
        Tag::Item => "li",
        Tag::Table(_) => "table",
        Tag::TableHead | Tag::TableRow => "tr",
        Tag::TableCell if in_head => "th",
        Tag::TableCell => "td",
        Tag::Emphasis => "em",
        Tag::Strong => "strong",
        Tag::Strikethrough => "del",
        Tag::Link { dest_url, .. } if is_safe(dest_url) => "a",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The tree as markup, for reading.
    fn markup(nodes: &Json) -> String {
        let one = |node: &Json| match node {
            Json::String(text) => text.replace('<', "&lt;"),
            node => {
                let tag = node["tag"].as_str().unwrap();
                let href = node["href"].as_str().map(|href| format!(" href={href}")).unwrap_or_default();
                format!("<{tag}{href}>{}</{tag}>", markup(&node["nodes"]))
            }
        };
        nodes.as_array().unwrap().iter().map(one).collect()
    }

    #[test]
    fn what_people_write_is_what_is_shown() {
        for (text, expected) in [
            ("# A *b*\nc\nd", "<h3>A <em>b</em></h3><p>c d</p>"),
            ("a  \nb\n\n---", "<p>a<br></br>b</p><hr></hr>"),
            ("- a\n  1. b\n- [x] c", "<ul><li>a<ol><li>b</li></ol></li><li>☑ c</li></ul>"),
            ("> a\n> > b", "<blockquote><p>a</p><blockquote><p>b</p></blockquote></blockquote>"),
            (
                "|a|b|\n|-|-|\n|1|`2`|",
                "<table><tr><th>a</th><th>b</th></tr><tr><td>1</td><td><code>2</code></td></tr></table>",
            ),
            ("~~a~~ **b**", "<p><del>a</del> <strong>b</strong></p>"),
            ("```sh\na\n\n<b>\n```", "<pre>a\n\n&lt;b>\n</pre>"),
            (
                "[a](https://b/c) [d](/e) [f](#g)",
                "<p><a href=https://b/c>a</a> <a href=/e>d</a> <a href=#g>f</a></p>",
            ),
        ] {
            assert_eq!(markup(&tree(text)), expected, "{text}");
        }
    }

    #[test]
    fn nothing_runs_and_nothing_is_loaded() {
        for (text, expected) in [
            ("<script>ran()</script>", "&lt;script>ran()&lt;/script>"),
            ("a <img src=x onerror=ran()>", "<p>a &lt;img src=x onerror=ran()></p>"),
            ("[a](javascript:ran()) [b](//c) [d](/\\e) [f](JaVaScRiPt:ran())", "<p>a b d f</p>"),
            ("[a](data:text/html,b) <javascript:ran()>", "<p>a javascript:ran()</p>"),
            ("![words](https://elsewhere/x.png)", "<p>words</p>"),
        ] {
            assert_eq!(markup(&tree(text)), expected, "{text}");
        }
    }

    #[test]
    fn long_and_deep_texts_stay_shallow() {
        for text in [
            ">".repeat(100_000) + "deep",
            "- ".repeat(100_000) + "deep",
            "[".repeat(100_000) + "deep",
            "*a _b ".repeat(160_000),
        ] {
            let written = tree(&text).to_string();
            assert!(written.len() < 4 * text.len() + 1000, "{}", written.len());
            // The reader of JSON refuses what nests deeper than 128.
            assert!(serde_json::from_str::<Json>(&written).is_ok());
        }
    }
}
