//! JSON, merged by key; with comments and trailing commas where a file has them.

use super::{
    data::Data,
    keys::{Document, Format},
    layout::{Kind, Node, in_brackets},
};
use jsonc_parser::{
    CollectOptions, CommentCollectionStrategy, ParseOptions,
    ast::Value,
    common::{Range as Span, Ranged},
    parse_to_ast,
};
use std::{collections::BTreeMap, ops::Range};

pub(super) const JSON: Format = Format { endings: &[".json", ".jsonc", ".json5"], read, is_version, show };

/// Deeper than this nobody writes by hand.
const MAX_DEPTH: usize = 100;

fn show(path: &[String]) -> String {
    path.join(".")
}

/// The maps of dependencies in a package.json.
fn is_version(path: &[&str]) -> bool {
    matches!(path, ["dependencies" | "devDependencies" | "peerDependencies" | "optionalDependencies", _])
}

fn read(text: &str) -> Option<Document> {
    let options = ParseOptions {
        allow_comments: true,
        allow_trailing_commas: true,
        allow_loose_object_property_names: false,
        allow_missing_commas: false,
        allow_single_quoted_strings: false,
        allow_hexadecimal_numbers: false,
        allow_unary_plus_numbers: false,
        allow_bare_decimal_point_numbers: false,
        allow_non_finite_numbers: false,
        allow_extended_string_escapes: false,
    };
    let collect = CollectOptions { comments: CommentCollectionStrategy::Separate, tokens: false };
    let parsed = parse_to_ast(text, &collect, &options).ok()?;
    let mut comments: Vec<Range<usize>> =
        parsed.comments?.values().flat_map(|comments| comments.iter()).map(|comment| comment.start()..comment.end()).collect();
    comments.sort_by_key(|comment| comment.start);
    comments.dedup();
    let (root, data) = Reader { text, comments: &comments }.value(&parsed.value?, 0)?;
    Some(Document { data, root, comments })
}

struct Reader<'a> {
    text: &'a str,
    comments: &'a [Range<usize>],
}

impl Reader<'_> {
    fn value(&self, value: &Value, depth: usize) -> Option<(Node, Data)> {
        if depth > MAX_DEPTH {
            return None;
        }
        let range = |span: Span| span.start..span.end;
        let span = range(value.range());
        match value {
            Value::Object(object) => {
                let (mut entries, mut data) = (Vec::new(), BTreeMap::new());
                for property in &object.properties {
                    let (node, value) = self.value(&property.value, depth + 1)?;
                    let key = property.name.as_str().to_owned();
                    entries.push((vec![key.clone()], range(property.range), node));
                    if data.insert(key, value).is_some() {
                        return None;
                    }
                }
                let entries = in_brackets(self.text, self.comments, &span, entries)?;
                Some((Node { span, kind: Kind::Map(entries) }, Data::Map(data)))
            }
            Value::Array(array) => {
                let (mut entries, mut data) = (Vec::new(), Vec::new());
                for element in &array.elements {
                    let (node, value) = self.value(element, depth + 1)?;
                    entries.push((Vec::new(), range(element.range()), node));
                    data.push(value);
                }
                let entries = in_brackets(self.text, self.comments, &span, entries)?;
                Some((Node { span, kind: Kind::List(entries) }, Data::List(data)))
            }
            Value::StringLit(text) => Some((Node::leaf(span), Data::Text(text.value.to_string()))),
            Value::NumberLit(_) | Value::BooleanLit(_) | Value::NullKeyword(_) => {
                let word = self.text.get(span.clone())?.to_owned();
                Some((Node::leaf(span), Data::Word(word)))
            }
        }
    }
}
