//! The few Python literals that an `.npy` header is made of.

/// Most levels of nesting; NumPy needs four.
const DEPTH_MAX: usize = 8;

/// A Python literal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Literal {
    Text(String),
    Integer(i64),
    Bool(bool),
    /// A tuple or a list.
    Sequence(Vec<Literal>),
    Dictionary(Vec<(String, Literal)>),
}

impl Literal {
    /// The value of a key, if this is a dictionary that has it.
    pub(super) fn get(&self, key: &str) -> Option<&Self> {
        let Self::Dictionary(entries) = self else {
            return None;
        };
        entries
            .iter()
            .find(|(name, _)| name == key)
            .map(|(_, value)| value)
    }
}

/// Parses one literal, with white space around it; the error is the byte offset of the fault.
pub(super) fn parse(text: &str) -> Result<Literal, usize> {
    let mut parser = Parser { text, at: 0 };
    let literal = parser.literal(0)?;
    parser.skip_space();
    if parser.at == text.len() {
        Ok(literal)
    } else {
        Err(parser.at)
    }
}

struct Parser<'t> {
    text: &'t str,
    at: usize,
}

impl Parser<'_> {
    fn literal(&mut self, depth: usize) -> Result<Literal, usize> {
        if depth > DEPTH_MAX {
            return Err(self.at);
        }
        self.skip_space();
        match self.peek() {
            Some(b'\'' | b'"') => Ok(Literal::Text(self.text()?)),
            Some(b'(') => self.sequence(b')', depth),
            Some(b'[') => self.sequence(b']', depth),
            Some(b'{') => self.dictionary(depth),
            Some(b'0'..=b'9' | b'-') => self.integer(),
            _ if self.eat("True") => Ok(Literal::Bool(true)),
            _ if self.eat("False") => Ok(Literal::Bool(false)),
            _ => Err(self.at),
        }
    }

    fn text(&mut self) -> Result<String, usize> {
        let quote = char::from(self.peek().ok_or(self.at)?);
        let start = self.at + 1;
        let length = self.text[start..].find(quote).ok_or(self.at)?;
        let text = &self.text[start..start + length];
        if text.contains('\\') {
            return Err(start);
        }
        self.at = start + length + 1;
        Ok(text.to_owned())
    }

    fn integer(&mut self) -> Result<Literal, usize> {
        let rest = &self.text[self.at..];
        let length = rest
            .bytes()
            .position(|byte| !byte.is_ascii_digit() && byte != b'-')
            .unwrap_or(rest.len());
        let value = rest[..length].parse().map_err(|_| self.at)?;
        self.at += length;
        // Python 2 wrote its long integers with a suffix.
        self.eat("L");
        Ok(Literal::Integer(value))
    }

    fn sequence(&mut self, close: u8, depth: usize) -> Result<Literal, usize> {
        self.at += 1;
        let mut items = Vec::new();
        loop {
            self.skip_space();
            if self.peek() == Some(close) {
                self.at += 1;
                return Ok(Literal::Sequence(items));
            }
            items.push(self.literal(depth + 1)?);
            self.separator(close)?;
        }
    }

    fn dictionary(&mut self, depth: usize) -> Result<Literal, usize> {
        self.at += 1;
        let mut entries = Vec::new();
        loop {
            self.skip_space();
            if self.peek() == Some(b'}') {
                self.at += 1;
                return Ok(Literal::Dictionary(entries));
            }
            let Literal::Text(key) = self.literal(depth + 1)? else {
                return Err(self.at);
            };
            self.skip_space();
            if !self.eat(":") {
                return Err(self.at);
            }
            entries.push((key, self.literal(depth + 1)?));
            self.separator(b'}')?;
        }
    }

    /// A comma, or the closing bracket, which is left in place.
    fn separator(&mut self, close: u8) -> Result<(), usize> {
        self.skip_space();
        if self.eat(",") || self.peek() == Some(close) {
            Ok(())
        } else {
            Err(self.at)
        }
    }

    fn skip_space(&mut self) {
        while self.peek().is_some_and(|byte| byte.is_ascii_whitespace()) {
            self.at += 1;
        }
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn eat(&mut self, word: &str) -> bool {
        let found = self.text[self.at..].starts_with(word);
        if found {
            self.at += word.len();
        }
        found
    }
}
