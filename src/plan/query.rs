//! A small language over items: `level eq 1 and deps.length gt 2`, `author contains ada or paths in "src/**"`.
//!
//! `or` binds weaker than `and`, that weaker than `not`; parentheses group. The comparisons are those of lex-pr-runner: `eq`, `ne`,
//! `contains`, `in`, `gt`, `lt`, `gte`, `lte`, and `=`, `!=`, `>`, `<`, `>=`, `<=` mean the same.

use crate::model::{
    Error, Result,
    error::{Location, nearest},
    plan::Strategy,
    run::Status,
};
use clap::ValueEnum;
use gix::{bstr::BStr, glob::wildmatch};
use serde::Serialize;
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;

/// What is known of an item, by the name of the field.
pub type Facts = Map<String, Value>;

/// The fields there are. `NAME.length` is the number of entries of a list, or of characters of a text.
pub const FIELDS: [&str; 14] = [
    "name",
    "branch",
    "level",
    "priority",
    "strategy",
    "deps",
    "dependents",
    "gates",
    "status",
    "conflicts",
    "author",
    "paths",
    "age",
    "head",
];

/// A question that an item answers with yes or no.
#[derive(Clone, Debug, PartialEq)]
pub struct Query {
    root: Node,
}

#[derive(Clone, Debug, PartialEq)]
enum Node {
    Or(Vec<Node>),
    And(Vec<Node>),
    Not(Box<Node>),
    Is(String, Op, Vec<String>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Op {
    Eq,
    Ne,
    Contains,
    In,
    Gt,
    Lt,
    Gte,
    Lte,
}

const OPS: [(&str, Op); 14] = [
    ("eq", Op::Eq),
    ("ne", Op::Ne),
    ("contains", Op::Contains),
    ("in", Op::In),
    ("gt", Op::Gt),
    ("lt", Op::Lt),
    ("gte", Op::Gte),
    ("lte", Op::Lte),
    ("=", Op::Eq),
    ("!=", Op::Ne),
    (">", Op::Gt),
    ("<", Op::Lt),
    (">=", Op::Gte),
    ("<=", Op::Lte),
];

impl Query {
    /// Read a question. The error says at which character it stops making sense.
    pub fn parse(text: &str) -> Result<Query> {
        let mut parser = Parser { tokens: tokens(text)?, at: 0, end: text.chars().count() + 1 };
        let root = parser.or()?;
        match parser.peek() {
            None => Ok(Query { root }),
            Some(token) => Err(wrong(token.column, format!("`{}` is one word too many", token.text), "join comparisons by `and` or `or`")),
        }
    }

    /// The fields that it asks for.
    pub fn fields(&self) -> BTreeSet<&str> {
        let mut fields = BTreeSet::new();
        let mut open = vec![&self.root];
        while let Some(node) = open.pop() {
            match node {
                Node::Or(nodes) | Node::And(nodes) => open.extend(nodes),
                Node::Not(node) => open.push(node),
                Node::Is(field, ..) => {
                    fields.insert(field.strip_suffix(LENGTH).unwrap_or(field));
                }
            }
        }
        fields
    }

    /// The answer of an item of which `facts` are known.
    pub fn fits(&self, facts: &Facts) -> bool {
        fits(&self.root, facts)
    }
}

const LENGTH: &str = ".length";

fn fits(node: &Node, facts: &Facts) -> bool {
    match node {
        Node::Or(nodes) => nodes.iter().any(|node| fits(node, facts)),
        Node::And(nodes) => nodes.iter().all(|node| fits(node, facts)),
        Node::Not(node) => !fits(node, facts),
        Node::Is(field, op, values) => {
            let length = field.strip_suffix(LENGTH).map(|field| match facts.get(field) {
                Some(Value::Array(list)) => list.len(),
                Some(Value::String(text)) => text.chars().count(),
                _ => 0,
            });
            match length {
                Some(length) => compare(&[length.to_string()], *op, values),
                None => compare(&words(facts.get(field)), *op, values),
            }
        }
    }
}

/// A fact as words: those of a list, or the one that it is.
fn words(fact: Option<&Value>) -> Vec<String> {
    match fact {
        None | Some(Value::Null) => Vec::new(),
        Some(Value::Array(list)) => list.iter().flat_map(|entry| words(Some(entry))).collect(),
        Some(Value::String(text)) => vec![text.clone()],
        Some(other) => vec![other.to_string()],
    }
}

/// A list fits where one of its entries does; `ne` where none is equal.
fn compare(have: &[String], op: Op, want: &[String]) -> bool {
    let any = |holds: &dyn Fn(&str, &str) -> bool| have.iter().any(|one| want.iter().any(|other| holds(one, other)));
    let ordered = |one: &str, other: &str| match (one.parse::<f64>(), other.parse::<f64>()) {
        (Ok(one), Ok(other)) => one.partial_cmp(&other),
        _ => Some(one.cmp(other)),
    };
    let is = |one: &str, other: &str| ordered(one, other).is_some_and(std::cmp::Ordering::is_eq) || names(other, one);
    match op {
        Op::Eq | Op::In => any(&is),
        Op::Ne => !any(&is),
        Op::Contains => any(&|one, other| is(one, other) || one.to_lowercase().contains(&other.to_lowercase())),
        Op::Gt => any(&|one, other| ordered(one, other).is_some_and(std::cmp::Ordering::is_gt)),
        Op::Lt => any(&|one, other| ordered(one, other).is_some_and(std::cmp::Ordering::is_lt)),
        Op::Gte => any(&|one, other| ordered(one, other).is_some_and(std::cmp::Ordering::is_ge)),
        Op::Lte => any(&|one, other| ordered(one, other).is_some_and(std::cmp::Ordering::is_le)),
    }
}

fn names(glob: &str, text: &str) -> bool {
    glob.contains(['*', '?', '[']) && wildmatch(glob.into(), BStr::new(text), wildmatch::Mode::NO_MATCH_SLASH_LITERAL)
}

#[derive(Clone, Debug)]
struct Token {
    text: String,
    quoted: bool,
    /// From 1, in characters.
    column: usize,
}

impl Token {
    fn is(&self, word: &str) -> bool {
        !self.quoted && self.text.eq_ignore_ascii_case(word)
    }
}

fn tokens(text: &str) -> Result<Vec<Token>> {
    let mut tokens = Vec::new();
    let mut chars = text.chars().enumerate().peekable();
    while let Some((at, c)) = chars.next() {
        let column = at + 1;
        match c {
            c if c.is_whitespace() => {}
            '(' | ')' | ',' | '[' | ']' => tokens.push(Token { text: c.into(), quoted: false, column }),
            '"' | '\'' => {
                let mut word = String::new();
                loop {
                    match chars.next() {
                        Some((_, end)) if end == c => break,
                        Some((_, other)) => word.push(other),
                        None => return Err(wrong(column, "this quote is not closed".into(), "close it by the same quote")),
                    }
                }
                tokens.push(Token { text: word, quoted: true, column });
            }
            '=' | '!' | '<' | '>' => {
                let mut word = String::from(c);
                if chars.next_if(|(_, next)| *next == '=').is_some() {
                    word.push('=');
                }
                tokens.push(Token { text: if word == "==" { "=".into() } else { word }, quoted: false, column });
            }
            c => {
                let mut word = String::from(c);
                while let Some((_, next)) = chars.next_if(|(_, next)| !next.is_whitespace() && !"(),\"'=!<>".contains(*next)) {
                    word.push(next);
                }
                // A bracket at the end closes a list; one inside is part of a glob.
                let closes = word.ends_with(']') && !word.contains('[');
                let bare = word.trim_end_matches(']').to_string();
                tokens.push(Token { text: if closes { bare.clone() } else { word }, quoted: false, column });
                if closes {
                    tokens.push(Token { text: "]".into(), quoted: false, column: column + bare.chars().count() });
                }
            }
        }
    }
    Ok(tokens)
}

struct Parser {
    tokens: Vec<Token>,
    at: usize,
    end: usize,
}

impl Parser {
    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.at)
    }

    fn next(&mut self, what: &str) -> Result<Token> {
        let token = self.peek().cloned();
        self.at += 1;
        token.ok_or_else(|| wrong(self.end, format!("it ends where {what} is missing"), "an example: level eq 1 and deps.length gt 2"))
    }

    fn eat(&mut self, word: &str) -> bool {
        let found = self.peek().is_some_and(|token| token.is(word));
        self.at += usize::from(found);
        found
    }

    fn or(&mut self) -> Result<Node> {
        let mut nodes = vec![self.and()?];
        while self.eat("or") {
            nodes.push(self.and()?);
        }
        Ok(if nodes.len() == 1 { nodes.remove(0) } else { Node::Or(nodes) })
    }

    fn and(&mut self) -> Result<Node> {
        let mut nodes = vec![self.not()?];
        while self.eat("and") {
            nodes.push(self.not()?);
        }
        Ok(if nodes.len() == 1 { nodes.remove(0) } else { Node::And(nodes) })
    }

    fn not(&mut self) -> Result<Node> {
        // Without recursion, since a thousand of them are a thousand frames.
        let mut negated = false;
        while self.eat("not") {
            negated = !negated;
        }
        let node = if self.eat("(") {
            let column = self.tokens[self.at - 1].column;
            if self.tokens[..self.at].iter().filter(|token| token.is("(")).count() > MAX_DEPTH {
                return Err(wrong(column, format!("there are more than {MAX_DEPTH} parentheses"), "ask something simpler"));
            }
            let node = self.or()?;
            if !self.eat(")") {
                return Err(wrong(column, "this parenthesis is not closed".into(), "close it by `)`"));
            }
            node
        } else {
            self.comparison()?
        };
        Ok(if negated { Node::Not(Box::new(node)) } else { node })
    }

    fn comparison(&mut self) -> Result<Node> {
        let field = self.next("a field")?;
        let known = FIELDS.contains(&field.text.strip_suffix(LENGTH).unwrap_or(&field.text));
        if !known || field.quoted {
            let hint = match nearest(&field.text, FIELDS) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("there are: {}", FIELDS.join(", ")),
            };
            return Err(wrong(field.column, format!("`{}` is no field of an item", field.text), hint));
        }
        let word = self.next("a comparison")?;
        let Some((_, op)) = OPS.iter().find(|(name, _)| word.is(name)) else {
            return Err(wrong(
                word.column,
                format!("`{}` is no comparison", word.text),
                "there are: eq, ne, contains, in, gt, lt, gte, lte",
            ));
        };
        let list = self.eat("[") || self.eat("(");
        let mut values = Vec::new();
        if list && (self.eat("]") || self.eat(")")) {
            return Ok(Node::Is(field.text, *op, values));
        }
        loop {
            let value = self.next("a value")?;
            check(&field.text, *op, &value)?;
            values.push(value.text);
            if !self.eat(",") {
                break;
            }
        }
        if list && !(self.eat("]") || self.eat(")")) {
            return Err(wrong(word.column, "this list is not closed".into(), "close it by `]`"));
        }
        Ok(Node::Is(field.text, *op, values))
    }
}

/// Refuse a value that a field can never have.
fn check(field: &str, op: Op, value: &Token) -> Result<()> {
    let no = |message: String, hint: String| Err(wrong(value.column, message, hint));
    let word = value.text.as_str();
    let is_number = ["level", "priority", "age"].contains(&field) || field.ends_with(LENGTH);
    if is_number && op != Op::Contains && word.parse::<f64>().is_err() {
        return no(format!("`{word}` is no number"), format!("{field} is one: {field} gt 0"));
    }
    let names = match field {
        "status" => Status::ALL.iter().map(name).collect::<Vec<_>>(),
        "strategy" => Strategy::value_variants().iter().map(name).collect(),
        _ => return Ok(()),
    };
    if !matches!(op, Op::Eq | Op::Ne | Op::In) || word.contains(['*', '?', '[']) || names.iter().any(|name| name == word) {
        return Ok(());
    }
    let hint = match nearest(word, names.iter().map(String::as_str)) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("there are: {}", names.join(", ")),
    };
    no(format!("`{word}` is no {field}"), hint)
}

fn name(value: &impl Serialize) -> String {
    json!(value).as_str().unwrap_or_default().to_string()
}

/// Parentheses nest at most so deep.
const MAX_DEPTH: usize = 64;

fn wrong(column: usize, message: String, hint: impl Into<String>) -> Error {
    Error::input("bad-query", message).at(Location::new(format!("query:{column}"))).hint(hint)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn facts() -> Facts {
        let Value::Object(facts) = serde_json::json!({
            "name": "cart/add", "level": 1, "deps": ["cart/base", "api"], "author": "Ada Lovelace <ada@example.com>",
            "paths": ["src/cart.rs", "docs/cart.md"], "status": "skipped-gates", "age": 2.5, "gates": [],
        }) else {
            unreachable!()
        };
        facts
    }

    #[test]
    fn questions_are_answered() {
        for (query, answer) in [
            ("level eq 1", true),
            ("level = 1.0", true),
            ("level gt 1", false),
            ("level gte 1 AND level lte 1", true),
            ("deps.length gt 2", false),
            ("deps.length eq 2 and name contains CART", true),
            ("deps contains api", true),
            ("deps eq api", true),
            ("deps ne api", false),
            ("gates.length = 0", true),
            ("gates eq x", false),
            ("gates ne x", true),
            ("name in [cart/base, cart/add]", true),
            ("name in (cart/base,cart/add)", true),
            ("name in cart/base, cart/remove", false),
            ("name eq cart/*", true),
            ("name eq 'cart/*' or level eq 7", true),
            ("paths contains src/**", true),
            ("paths in \"*.rs\"", false),
            ("not level eq 1", false),
            ("not not level eq 1", true),
            ("not (level eq 2 or level eq 3) and status = skipped-gates", true),
            ("level eq 2 or level eq 3 and level eq 1", false),
            ("author contains lovelace", true),
            ("age < 3", true),
            ("head eq abc", false),
            ("name.length eq 8", true),
            ("name in []", false),
            ("name ne ()", true),
            ("status in [skipped-*, merged]", true),
            ("status contains skip", true),
        ] {
            assert_eq!(Query::parse(query).unwrap().fits(&facts()), answer, "{query}");
        }
    }

    #[test]
    fn what_makes_no_sense_is_told_with_its_place() {
        for (query, column, words) in [
            ("levl eq 1", 1, "`levl` is no field"),
            ("level is 1", 7, "`is` is no comparison"),
            ("level eq", 9, "a value is missing"),
            ("level eq 1 level eq 2", 12, "one word too many"),
            ("(level eq 1", 1, "not closed"),
            ("name eq 'x", 9, "not closed"),
            ("", 1, "a field is missing"),
            ("name in [a, b", 6, "list is not closed"),
            ("status eq skiped-gates", 11, "did you mean `skipped-gates`?"),
            ("status in [merged, landed]", 20, "there are: pending, merged"),
            ("strategy ne sqash", 13, "did you mean `squash`?"),
            ("level gt abc", 10, "`abc` is no number"),
            ("deps.length eq 'two'", 16, "`two` is no number"),
        ] {
            let error = Query::parse(query).unwrap_err();
            let text = format!("{error} {}", error.hint.as_deref().unwrap_or_default());
            assert!(text.contains(words) && text.contains(&format!("query:{column}")), "{query}: {text}");
        }
        assert!(Query::parse(&"(".repeat(100_000)).is_err());
        assert!(Query::parse(&format!("{} level eq 1", "not ".repeat(100_001))).is_ok());
    }

    #[test]
    fn the_fields_are_known_before_anything_is_asked() {
        let query = Query::parse("level eq 1 and (paths contains x or not deps.length gt 2)").unwrap();
        assert_eq!(query.fields().into_iter().collect::<Vec<_>>(), ["deps", "level", "paths"]);
    }
}
