//! The grammar of RFC 7644 figure 1, for filters and for paths.

use serde_json::Value;

use super::lexer::{Token, tokens};
use super::{CompareOp, Filter, Literal, invalid};
use crate::error::{ScimError, ScimType};

const MAX_LENGTH: usize = 10 * 1024;
const MAX_NODES: usize = 200;
/// Bounds the recursion of everything that walks a filter.
const MAX_DEPTH: usize = 30;

pub(super) fn parse_filter(text: &str) -> Result<Filter, ScimError> {
    let mut parser = Parser::new(text)?;
    let filter = parser.or()?;
    parser.end()?;
    Ok(filter)
}

/// `name`, `name[filter]` or `name[filter].sub`. Every mistake is one of the path.
pub(crate) fn parse_path(text: &str) -> Result<(String, Option<Filter>, Option<String>), ScimError> {
    path(text).map_err(|error| ScimError { scim_type: Some(ScimType::InvalidPath), ..error })
}

fn path(text: &str) -> Result<(String, Option<Filter>, Option<String>), ScimError> {
    let mut parser = Parser::new(text)?;
    let name = parser.name()?;
    let filter = if parser.next_is(&Token::OpenBracket) { Some(parser.bracket()?) } else { None };
    let sub = if filter.is_some() { parser.sub()? } else { None };
    parser.end()?;
    Ok((name, filter, sub))
}

struct Parser<'t> {
    tokens: Vec<Token<'t>>,
    at: usize,
    nodes: usize,
    depth: usize,
    in_element: bool,
}

impl<'t> Parser<'t> {
    fn new(text: &'t str) -> Result<Self, ScimError> {
        if text.len() > MAX_LENGTH {
            return Err(invalid(format!("the filter is longer than {MAX_LENGTH} bytes: split the query")));
        }
        if text.contains('\0') {
            return Err(invalid("the filter has the character U+0000: leave it out"));
        }
        Ok(Self { tokens: tokens(text)?, at: 0, nodes: 0, depth: 0, in_element: false })
    }

    fn or(&mut self) -> Result<Filter, ScimError> {
        let mut branches = vec![self.and()?];
        while self.keyword("or") {
            branches.push(self.and()?);
        }
        Ok(single_or(branches, Filter::Or))
    }

    fn and(&mut self) -> Result<Filter, ScimError> {
        let mut branches = vec![self.term()?];
        while self.keyword("and") {
            branches.push(self.term()?);
        }
        Ok(single_or(branches, Filter::And))
    }

    fn term(&mut self) -> Result<Filter, ScimError> {
        self.count_node()?;
        if self.next_is(&Token::Open) {
            return self.group();
        }
        if self.peek_keyword("not") && self.tokens.get(self.at + 1) == Some(&Token::Open) {
            self.at += 1;
            return Ok(Filter::Not(Box::new(self.group()?)));
        }
        let name = self.name()?;
        if self.next_is(&Token::OpenBracket) { self.value_path(name) } else { self.test(name) }
    }

    fn group(&mut self) -> Result<Filter, ScimError> {
        self.expect(&Token::Open, "(")?;
        self.descend()?;
        let filter = self.or()?;
        self.depth -= 1;
        self.expect(&Token::Close, ")")?;
        Ok(filter)
    }

    /// `emails[type eq "work"].value eq "x"` is in no RFC, but sent; it means that one element has both.
    fn value_path(&mut self, name: String) -> Result<Filter, ScimError> {
        let filter = self.bracket()?;
        let filter = match self.sub()? {
            Some(sub) => {
                self.count_node()?;
                Filter::And(vec![filter, self.test(sub)?])
            }
            None => filter,
        };
        Ok(Filter::Element { name, filter: Box::new(filter) })
    }

    fn bracket(&mut self) -> Result<Filter, ScimError> {
        if self.in_element {
            return Err(invalid(
                "a filter in brackets cannot have another one inside: write them one after the other",
            ));
        }
        self.expect(&Token::OpenBracket, "[")?;
        self.descend()?;
        self.in_element = true;
        let filter = self.or()?;
        self.in_element = false;
        self.depth -= 1;
        self.expect(&Token::CloseBracket, "]")?;
        Ok(filter)
    }

    fn sub(&mut self) -> Result<Option<String>, ScimError> {
        let Some(Token::Word(word)) = self.tokens.get(self.at) else { return Ok(None) };
        let Some(sub) = word.strip_prefix('.') else { return Ok(None) };
        if sub.is_empty() {
            return Err(invalid("a name must follow the dot behind the brackets"));
        }
        self.at += 1;
        Ok(Some(sub.to_owned()))
    }

    fn test(&mut self, name: String) -> Result<Filter, ScimError> {
        let word = match self.take() {
            Some(Token::Word(word)) => word,
            _ => return Err(invalid(format!("an operator must follow \"{name}\", such as eq or pr"))),
        };
        if word.eq_ignore_ascii_case("pr") {
            return Ok(Filter::Present(name));
        }
        let op = CompareOp::from_keyword(word).ok_or_else(|| {
            invalid(format!(
                "\"{}\" is no operator: use eq, ne, co, sw, ew, gt, ge, lt, le or pr",
                shortened(word)
            ))
        })?;
        let literal = self.literal(&name)?;
        Ok(Filter::Compare { name, op, literal })
    }

    fn literal(&mut self, name: &str) -> Result<Literal, ScimError> {
        let word = match self.take() {
            Some(Token::Text(text)) => return Ok(Literal::Text(text)),
            Some(Token::Word(word)) => word,
            _ => return Err(invalid(format!("a value must follow the operator behind \"{name}\""))),
        };
        for (keyword, literal) in
            [("true", Literal::Bool(true)), ("false", Literal::Bool(false)), ("null", Literal::Null)]
        {
            if word.eq_ignore_ascii_case(keyword) {
                return Ok(literal);
            }
        }
        match serde_json::from_str(word) {
            Ok(Value::Number(number)) => Ok(Literal::Number(number)),
            _ => Err(invalid(format!("the value behind \"{name}\" must be in double quotes"))),
        }
    }

    fn name(&mut self) -> Result<String, ScimError> {
        match self.take() {
            Some(Token::Word(word)) if !word.starts_with('.') && !word.ends_with(['.', ':']) => {
                Ok(word.to_owned())
            }
            Some(Token::Word(word)) => Err(invalid(format!("\"{}\" is no attribute name", shortened(word)))),
            _ => Err(invalid("an attribute name is missing")),
        }
    }

    fn end(&self) -> Result<(), ScimError> {
        match self.tokens.get(self.at) {
            None => Ok(()),
            Some(_) => Err(invalid("something follows that is neither \"and\" nor \"or\"")),
        }
    }

    fn keyword(&mut self, keyword: &str) -> bool {
        let found = self.peek_keyword(keyword);
        self.at += usize::from(found);
        found
    }

    fn peek_keyword(&self, keyword: &str) -> bool {
        matches!(self.tokens.get(self.at), Some(Token::Word(word)) if word.eq_ignore_ascii_case(keyword))
    }

    fn next_is(&self, token: &Token<'_>) -> bool {
        self.tokens.get(self.at) == Some(token)
    }

    fn expect(&mut self, token: &Token<'_>, shown: &str) -> Result<(), ScimError> {
        if !self.next_is(token) {
            return Err(invalid(format!("a \"{shown}\" is missing")));
        }
        self.at += 1;
        Ok(())
    }

    fn take(&mut self) -> Option<Token<'t>> {
        let token = self.tokens.get(self.at).cloned();
        self.at += 1;
        token
    }

    fn count_node(&mut self) -> Result<(), ScimError> {
        self.nodes += 1;
        if self.nodes > MAX_NODES {
            return Err(invalid(format!("the filter has more than {MAX_NODES} parts: split the query")));
        }
        Ok(())
    }

    fn descend(&mut self) -> Result<(), ScimError> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(invalid(format!(
                "the filter is nested deeper than {MAX_DEPTH}: leave out needless parentheses"
            )));
        }
        Ok(())
    }
}

fn single_or(mut branches: Vec<Filter>, join: fn(Vec<Filter>) -> Filter) -> Filter {
    if branches.len() == 1 { branches.remove(0) } else { join(branches) }
}

fn shortened(word: &str) -> String {
    word.chars().filter(|c| !c.is_control()).take(100).collect()
}
