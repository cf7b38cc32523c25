//! `postgres://user:password@host:5432,other/db?sslmode=require`, as libpq reads it.
//!
//! <https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-CONNSTRING-URIS>

use super::conninfo::{ConninfoError, Pair, keyword_at, syntax};
use super::keyword;

const UNESCAPED: &str = "@ / ? in a user name, password or database name must be %40 %2F %3F";

/// Reads a URL whose scheme has been found right.
pub(super) fn parse(text: &str) -> Result<Vec<Pair>, ConninfoError> {
    let mut url =
        Url { text, at: text.find("://").map_or(0, |colon| colon + 3), pairs: Vec::new() };
    url.credentials()?;
    url.hosts()?;
    url.database()?;
    url.parameters()?;
    Ok(url.pairs)
}

struct Url<'a> {
    text: &'a str,
    /// What has been read so far, in bytes.
    at: usize,
    pairs: Vec<Pair>,
}

impl<'a> Url<'a> {
    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    /// Takes everything up to one of these characters, or to the end.
    fn take_until(&mut self, ends: &[char]) -> &'a str {
        let rest = self.rest();
        let taken = &rest[..rest.find(ends).unwrap_or(rest.len())];
        self.at += taken.len();
        taken
    }

    fn take(&mut self, c: char) -> bool {
        let found = self.rest().starts_with(c);
        if found {
            self.at += c.len_utf8();
        }
        found
    }

    fn set(&mut self, name: &str, value: String) {
        let keyword = keyword::find(name).expect("the callers name known keywords");
        self.pairs.push(Pair { keyword, value });
    }

    fn credentials(&mut self) -> Result<(), ConninfoError> {
        let rest = self.rest();
        let Some(end) = rest.find(['@', '/']).filter(|&end| rest[end..].starts_with('@')) else {
            return self.no_stray_at_sign();
        };
        let (user, password) = match rest[..end].split_once(':') {
            Some((user, password)) => (user, Some(password)),
            None => (&rest[..end], None),
        };
        let user = self.decode(user)?;
        let password = password.map(|password| self.decode(password)).transpose()?;
        if !user.is_empty() {
            self.set("user", user);
        }
        if let Some(password) = password.filter(|password| !password.is_empty()) {
            self.set("password", password);
        }
        self.at += end + 1;
        self.no_stray_at_sign()
    }

    /// An `@` here means that a password holds `@` or `/`, and that what follows is a part of it.
    fn no_stray_at_sign(&self) -> Result<(), ConninfoError> {
        let rest = self.rest();
        let before_parameters = &rest[..rest.find('?').unwrap_or(rest.len())];
        match before_parameters.contains('@') {
            true => Err(syntax(self.text, self.at, UNESCAPED)),
            false => Ok(()),
        }
    }

    fn hosts(&mut self) -> Result<(), ConninfoError> {
        let (mut hosts, mut ports) = (Vec::new(), Vec::new());
        loop {
            hosts.push(self.host()?);
            ports.push(if self.take(':') { self.take_until(&['/', '?', ',']) } else { "" });
            if !self.take(',') {
                break;
            }
        }
        for (name, list) in [("host", hosts), ("port", ports)] {
            let value = self.decode(&list.join(","))?;
            if !value.is_empty() {
                self.set(name, value);
            }
        }
        Ok(())
    }

    fn host(&mut self) -> Result<&'a str, ConninfoError> {
        let start = self.at;
        if !self.take('[') {
            return Ok(self.take_until(&[':', '/', '?', ',']));
        }
        let address = self.take_until(&[']']);
        let closed = self.take(']');
        let follows = self.rest().chars().next().is_none_or(|c| ":/?,".contains(c));
        if address.is_empty() || !closed || !follows {
            return Err(syntax(self.text, start, "not an IPv6 address in brackets"));
        }
        Ok(address)
    }

    fn database(&mut self) -> Result<(), ConninfoError> {
        if self.take('/') {
            let name = self.take_until(&['?']);
            let name = self.decode(name)?;
            if !name.is_empty() {
                self.set("dbname", name);
            }
        }
        Ok(())
    }

    fn parameters(&mut self) -> Result<(), ConninfoError> {
        self.take('?');
        while !self.rest().is_empty() {
            let start = self.at;
            let parameter = self.take_until(&['&']);
            let (name, value) = match parameter.split_once('=') {
                Some(pair) => pair,
                None => {
                    return Err(syntax(self.text, start, "a parameter without \"=\" and a value"));
                }
            };
            let (name, value) = (self.decode(name)?, self.decode(value)?);
            match (name.as_str(), value.as_str()) {
                // JDBC's way to write it, which libpq accepts in URLs.
                ("ssl", "true") => self.set("sslmode", "require".into()),
                // The question mark may have been a password's, and this a piece of it.
                (unknown, _)
                    if keyword::find(unknown).is_none() && self.text[start..].contains('@') =>
                {
                    return Err(syntax(self.text, start, UNESCAPED));
                }
                _ => {
                    let keyword = keyword_at(&name, self.pairs.last(), self.text, start)?;
                    self.pairs.push(Pair { keyword, value });
                }
            }
            self.take('&');
        }
        Ok(())
    }

    /// Resolves `%40`; `+` stays as it is.
    fn decode(&self, part: &str) -> Result<String, ConninfoError> {
        let wrong = || syntax(self.text, self.at, "% must be followed by two hexadecimal digits");
        let escapes_whole = part.split('%').skip(1).all(|after| {
            let digits = after.as_bytes().get(..2);
            digits.is_some_and(|two| two.iter().all(u8::is_ascii_hexdigit) && two != b"00")
        });
        if !escapes_whole {
            return Err(wrong());
        }
        let decoded = percent_encoding::percent_decode_str(part).decode_utf8();
        Ok(decoded.map_err(|_| syntax(self.text, self.at, "not UTF-8"))?.into_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::super::conninfo::{parse, shown};

    #[test]
    fn urls_read_as_in_libpq() {
        for (url, expected) in [
            ("postgres://", ""),
            ("postgresql://", ""),
            ("postgres://db", "host=db"),
            ("postgres://db:6432", "host=db port=6432"),
            ("postgres://db:/shop", "host=db dbname=shop"),
            ("postgres://ann@db/shop", "user=ann host=db dbname=shop"),
            ("postgres://ann:pw@db", "user=ann password=pw host=db"),
            ("postgres://ann:@db", "user=ann host=db"),
            ("postgres://:pw@db", "password=pw host=db"),
            ("postgres://@/shop", "dbname=shop"),
            ("postgres:///shop", "dbname=shop"),
            ("postgres:///", ""),
            ("postgres://ann:p%40%2F%3A%25@db", "user=ann password=p@/:% host=db"),
            ("postgres://ann:a:b?c#d@db", "user=ann password=a:b?c#d host=db"),
            ("postgres://b%C3%A4r@db/%F0%9F%90%98", "user=bär host=db dbname=🐘"),
            ("postgres://a+b@db/c+d", "user=a+b host=db dbname=c+d"),
            ("postgres://a:1,b,c:3/x", "host=a,b,c port=1,,3 dbname=x"),
            ("postgres://a,b", "host=a,b port=,"),
            ("postgres://,b:2", "host=,b port=,2"),
            ("postgres://[::1]:5433/x", "host=::1 port=5433 dbname=x"),
            ("postgres://[2001:db8::1],[::1]", "host=2001:db8::1,::1 port=,"),
            ("postgres://[fe80::1%25eth0]", "host=fe80::1%eth0"),
            ("postgres://%2Frun%2Fpg/x", "host=/run/pg dbname=x"),
            ("postgres://%2Frun%2Fpg:6432/x", "host=/run/pg port=6432 dbname=x"),
            ("postgres:///x?host=/run/pg", "dbname=x host=/run/pg"),
            ("postgres://ann@/x?host=%2Frun%2Fpg&port=1", "user=ann dbname=x host=/run/pg port=1"),
            ("postgres://a?host=b", "host=a host=b"),
            ("postgres://?user=ann&password=p%26w", "user=ann password=p&w"),
            ("postgres:///?user=me@corp", "user=me@corp"),
            ("postgres://db?sslmode=require", "host=db sslmode=require"),
            ("postgres://db/?ssl=true", "host=db sslmode=require"),
            ("postgres://db?sslmode=", "host=db sslmode="),
            ("postgres://db?options=-c%20a%3Db", "host=db options=-c a=b"),
            ("postgres://db?options=-ca=b", "host=db options=-ca=b"),
            ("postgres://db?user=a&", "host=db user=a"),
            ("postgres://db?service=shop", "host=db service=shop"),
        ] {
            assert_eq!(shown(parse(url)), expected, "{url}");
        }
    }

    #[test]
    fn faults_are_named_with_their_place() {
        for (url, expected) in [
            ("mysql://db/x", "the URL must start with postgres:// or postgresql:// (character 1"),
            ("postgresql+asyncpg://db", "the URL must start with postgres://"),
            ("jdbc:postgresql://db/x", "the URL must start with postgres://"),
            ("postgres://[::1", "not an IPv6 address in brackets (character 12"),
            ("postgres://[]:1", "not an IPv6 address in brackets (character 12"),
            ("postgres://[::1]x", "not an IPv6 address in brackets (character 12"),
            ("postgres://a%4/x", "% must be followed by two hexadecimal digits"),
            ("postgres://a%/x", "% must be followed by two hexadecimal digits"),
            ("postgres://a%zz/x", "% must be followed by two hexadecimal digits"),
            ("postgres://a%00/x", "% must be followed by two hexadecimal digits"),
            ("postgres://%ff@db/x", "not UTF-8"),
            ("postgres://db?user", "a parameter without \"=\" and a value (character 15"),
            ("postgres://db?hots=a", "unknown keyword \"hots\" in the connection string"),
        ] {
            let shown = shown(parse(url));
            assert!(shown.starts_with(expected), "{url}: {shown}");
        }
    }

    #[test]
    fn no_piece_of_a_password_is_repeated() {
        for url in [
            "postgres://ann:hush@hush@db/x",
            "postgres://ann:hush/hush@db/x",
            "postgres://ann:hush/hush?hush=1@db/x",
            "postgres://ann:hush?hush/hush=1@db/x",
            "postgres://ann:1/hush?hush@db/x",
            "postgres://ann:hush%zz@db/x",
            "postgres://db?password=a&hush=b",
            "postgres://db?password=a&hush",
        ] {
            let shown = shown(parse(url));
            assert!(!shown.contains("hush") && shown.contains("character"), "{url}: {shown}");
        }
    }
}
