//! Masks passwords and secrets in text that is about to be shown. In doubt it masks too much.

use std::ops::Range;

/// Names whose values are nobody else's business; also as the end of a longer name.
const SECRET_KEYS: [&str; 5] = ["password", "passwd", "secret", "token", "sha256"];

/// Whether all of a variable's value is a secret.
pub fn is_secret_variable(name: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    SECRET_KEYS.iter().any(|key| {
        lower
            .match_indices(key)
            .any(|(at, _)| value_after(&format!("{}=", &lower[at + key.len()..])).is_some())
    })
}

/// The text with every password overwritten byte for byte, so that places stay where they are.
pub fn masked(text: &str) -> String {
    let mut bytes = text.as_bytes().to_vec();
    for range in in_urls(text).chain(after_keys(text)) {
        bytes[range].fill(b'*');
    }
    String::from_utf8(bytes).expect("whole characters were replaced by as many stars as bytes")
}

/// The password of each `scheme://user:password@`, up to the last `@` before a blank.
fn in_urls(text: &str) -> impl Iterator<Item = Range<usize>> + '_ {
    text.match_indices("://").filter_map(|(at, scheme)| {
        let start = at + scheme.len();
        let word = text[start..].split(char::is_whitespace).next()?;
        let user_info = &word[..word.rfind('@')?];
        let colon = user_info.find(':')?;
        Some(start + colon + 1..start + user_info.len())
    })
}

/// What follows `password=`, `secret = "`, `"secrets": [` and the like.
fn after_keys(text: &str) -> impl Iterator<Item = Range<usize>> + '_ {
    let lower = text.to_ascii_lowercase();
    let ends = |key: &'static str| {
        lower.match_indices(key).map(move |(at, _)| at + key.len()).collect::<Vec<_>>()
    };
    let ends: Vec<usize> = SECRET_KEYS.into_iter().flat_map(ends).collect();
    ends.into_iter().filter_map(|end| {
        let value = value_after(&text[end..])?;
        if let Some(list) = value.strip_prefix('[') {
            let start = text.len() - list.len();
            return Some(start..start + list_length(list));
        }
        let (quote, secret) = split_quote(value);
        let start = text.len() - secret.len();
        Some(start..start + secret_length(quote, secret))
    })
}

/// What stands after a key and its `=` or `:`. The key may be a plural, numbered (`SECRET__0`), or in quotes.
fn value_after(key_end: &str) -> Option<&str> {
    let blank = [' ', '\t'];
    let rest = key_end.strip_prefix(['s', 'S']).unwrap_or(key_end);
    let rest = match rest.strip_prefix("__") {
        Some(number) => number.trim_start_matches(|c: char| c.is_ascii_digit()),
        None => rest,
    };
    let rest = rest.strip_prefix(['"', '\'']).unwrap_or(rest).trim_start_matches(blank);
    let rest = rest.strip_prefix('=').or_else(|| rest.strip_prefix(':'))?;
    Some(rest.trim_start_matches(blank))
}

/// Up to the `]` that isn't quoted, else to the end.
fn list_length(list: &str) -> usize {
    let (mut quote, mut escaped) = (None, false);
    for (at, c) in list.char_indices() {
        match quote {
            None if c == ']' => return at,
            None if matches!(c, '"' | '\'') => quote = Some(c),
            Some(open) if c == open && !escaped => quote = None,
            _ => {}
        }
        escaped = c == '\\' && !escaped;
    }
    list.len()
}

/// A value's opening quote, and what follows it.
fn split_quote(value: &str) -> (Option<char>, &str) {
    let quote = value.chars().next().filter(|c| matches!(c, '"' | '\''));
    (quote, if quote.is_some() { &value[1..] } else { value })
}

/// A quoted secret goes up to its closing quote, another up to a blank or a quote. What `\` escapes
/// ends neither.
fn secret_length(quote: Option<char>, secret: &str) -> usize {
    let mut escaped = false;
    for (at, c) in secret.char_indices() {
        let ends = match quote {
            Some(quote) => c == quote || c == '\n',
            None => c.is_whitespace() || matches!(c, '"' | '\''),
        };
        if ends && !escaped {
            return at;
        }
        escaped = c == '\\';
    }
    secret.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_masked_and_nothing_moves() {
        for (text, shown) in [
            ("postgres://app:s3cret@db/shop", "postgres://app:******@db/shop"),
            ("postgres://app@db/shop", "postgres://app@db/shop"),
            ("postgres://app:p@ss'w\"ord@db/shop", "postgres://app:**********@db/shop"),
            ("url = \"host=db password=abc user=x\"", "url = \"host=db password=*** user=x\""),
            ("host=db password = 'a b\\'c' user=x", "host=db password = '******' user=x"),
            ("postgres://db/x?user=u&password=a&b", "postgres://db/x?user=u&password=***"),
            ("secret = \"ab\\\"cd\" # x", "secret = \"******\" # x"),
            ("client_secret='äö'\nnext", "client_secret='****'\nnext"),
            ("PGPASSWORD=abc", "PGPASSWORD=***"),
            ("secret = [\"ab\", 'c]d'] # x", "secret = [***********] # x"),
            ("secrets = [\n\"ab\"\n]", "secrets = [******]"),
            ("secret = [\"ab", "secret = [***"),
            ("{\"secret\": \"ab\"}", "{\"secret\": \"**\"}"),
            ("secret__1=ab", "secret__1=**"),
            ("sha256 = \"ab\"", "sha256 = \"**\""),
            ("secret_file = \"ab\"", "secret_file = \"ab\""),
            ("password", "password"),
            ("secret =", "secret ="),
        ] {
            assert_eq!(masked(text), shown);
            assert_eq!(masked(text).len(), text.len());
        }
    }

    #[test]
    fn variables_that_are_secrets() {
        for name in ["ROWCAST_AUTH__JWT__SECRET", "ROWCAST_AUTH__SESSION__SECRET__0", "PGPASSWORD"]
        {
            assert!(is_secret_variable(name), "{name}");
        }
        for name in ["ROWCAST_AUTH__JWT__SECRET_FILE", "ROWCAST_SERVER__LISTEN", "DATABASE_URL"] {
            assert!(!is_secret_variable(name), "{name}");
        }
    }

    #[test]
    fn a_quote_that_never_closes_hides_the_rest_of_its_line() {
        assert_eq!(masked("password = 'abc\nx = 1"), "password = '***\nx = 1");
    }
}
