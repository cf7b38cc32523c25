//! `host=db dbname='my db'`, as libpq reads it.
//!
//! <https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-CONNSTRING-KEYWORD-VALUE>

use std::iter::Peekable;
use std::str::CharIndices;

use super::conninfo::{ConninfoError, Pair, keyword_at, syntax};

pub(super) fn parse(text: &str) -> Result<Vec<Pair>, ConninfoError> {
    let mut rest = text.char_indices().peekable();
    let mut pairs: Vec<Pair> = Vec::new();
    loop {
        skip_space(&mut rest);
        let Some(&(start, _)) = rest.peek() else { return Ok(pairs) };
        let name = name(text, &mut rest, start)?;
        let value = value(text, &mut rest)?;
        let keyword = keyword_at(name, pairs.last(), text, start)?;
        pairs.push(Pair { keyword, value });
    }
}

type Chars<'a> = Peekable<CharIndices<'a>>;

fn skip_space(rest: &mut Chars) {
    while rest.next_if(|(_, c)| c.is_ascii_whitespace()).is_some() {}
}

/// The word before `=`; takes the `=` and the space around it too.
fn name<'a>(text: &'a str, rest: &mut Chars, start: usize) -> Result<&'a str, ConninfoError> {
    let mut end = start;
    while let Some((at, c)) = rest.next_if(|(_, c)| *c != '=' && !c.is_ascii_whitespace()) {
        end = at + c.len_utf8();
    }
    skip_space(rest);
    if rest.next_if(|(_, c)| *c == '=').is_none() {
        return Err(syntax(text, start, "a keyword without \"=\" and a value"));
    }
    skip_space(rest);
    Ok(&text[start..end])
}

fn value(text: &str, rest: &mut Chars) -> Result<String, ConninfoError> {
    let quote = rest.next_if(|(_, c)| *c == '\'');
    let mut value = String::new();
    while let Some((_, c)) = rest.peek().copied() {
        match c {
            '\'' if quote.is_some() => {
                rest.next();
                return Ok(value);
            }
            c if quote.is_none() && c.is_ascii_whitespace() => return Ok(value),
            '\\' => {
                rest.next();
                value.extend(rest.next().map(|(_, escaped)| escaped));
            }
            c => {
                rest.next();
                value.push(c);
            }
        }
    }
    match quote {
        Some((at, _)) => Err(syntax(text, at, "a quoted value without its end")),
        None => Ok(value),
    }
}

#[cfg(test)]
mod tests {
    use super::super::conninfo::{parse, shown};

    #[test]
    fn strings_read_as_in_libpq() {
        for (text, expected) in [
            ("", ""),
            ("  ", ""),
            ("host=db", "host=db"),
            (" host = db\tport\n=\n5433 ", "host=db port=5433"),
            ("dbname='my db' user=ann", "dbname=my db user=ann"),
            (r"password='it\'s \\ odd'", r"password=it's \ odd"),
            (r"password=a\ b\\c\'d", r"password=a b\c'd"),
            ("password=a'b", "password=a'b"),
            ("password='' user=x", "password= user=x"),
            ("host='a'port=1", "host=a port=1"),
            ("password=x\\", "password=x"),
            ("user=a=b", "user=a=b"),
            ("host= port=1", "host=port=1"),
            ("host=a host=b", "host=a host=b"),
            ("host=/run/pg", "host=/run/pg"),
            ("user=bär dbname=🐘", "user=bär dbname=🐘"),
            ("password='a://b' host=x", "password=a://b host=x"),
        ] {
            assert_eq!(shown(parse(text)), expected, "{text}");
        }
    }

    #[test]
    fn faults_are_named_with_their_place() {
        for (text, expected) in [
            ("shop", "a keyword without \"=\" and a value (character 1 of"),
            ("ä=1", "unknown keyword \"ä\""),
            ("user=ä db", "a keyword without \"=\" and a value (character 8 of"),
            ("user='ann", "a quoted value without its end (character 6 of"),
            ("usr=ann", "unknown keyword \"usr\" in the connection string"),
            ("=x", "unknown keyword \"\""),
        ] {
            let shown = shown(parse(text));
            assert!(shown.starts_with(expected), "{text}: {shown}");
        }
    }

    #[test]
    fn no_piece_of_a_password_is_repeated() {
        for text in [
            "password=my hush",
            "password=my hush host=db",
            "password=my hu=sh",
            "password=my hush=1",
            "password='hush",
            "sslpassword=my hush=1",
        ] {
            let shown = shown(parse(text));
            assert!(!shown.contains("hu") && shown.contains("character"), "{text}: {shown}");
        }
    }
}
