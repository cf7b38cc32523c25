//! The password file, `~/.pgpass`: lines of `host:port:database:user:password`.
//!
//! <https://www.postgresql.org/docs/current/libpq-pgpass.html>

use std::fs::Metadata;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

/// Whom a password is for.
pub(super) struct Login<'a> {
    pub host: &'a str,
    pub port: u16,
    pub dbname: &'a str,
    pub user: &'a str,
}

/// The password that the file has for this login. A file that others can read is warned of and not
/// used.
pub(super) fn look_up(path: &Path, login: &Login) -> Option<String> {
    let metadata = std::fs::metadata(path).ok()?;
    if let Some(fault) = fault(&metadata) {
        tracing::warn!(path = %path.display(), "the password file is not used: {fault}");
        return None;
    }
    match std::fs::read(path) {
        Ok(bytes) => find(&String::from_utf8_lossy(&bytes), login),
        Err(error) => {
            tracing::warn!(path = %path.display(), %error, "the password file can't be read");
            None
        }
    }
}

fn fault(metadata: &Metadata) -> Option<&'static str> {
    if !metadata.is_file() {
        Some("it is not a plain file")
    } else if metadata.permissions().mode() & 0o077 != 0 {
        Some("its group or others have access to it; set its permissions to 0600")
    } else {
        None
    }
}

/// The password of the first line that matches.
fn find(text: &str, login: &Login) -> Option<String> {
    let port = login.port.to_string();
    let wanted = [login.host, &port, login.dbname, login.user];
    text.lines().filter(|line| !line.starts_with('#')).find_map(|line| {
        let fields = fields(line);
        let (password, patterns) = (fields.get(4)?, &fields[..4]);
        let all = patterns.iter().zip(wanted).all(|(pattern, wanted)| pattern.matches(wanted));
        (all && !password.text.is_empty()).then(|| password.text.clone())
    })
}

#[derive(Default)]
struct Field {
    text: String,
    /// A lone `*`, which matches everything; `\*` is a star.
    any: bool,
}

impl Field {
    fn matches(&self, wanted: &str) -> bool {
        self.any || self.text == wanted
    }
}

/// Splits at colons; a backslash takes the meaning from the colon or backslash behind it.
fn fields(line: &str) -> Vec<Field> {
    let mut fields = vec![Field::default()];
    let mut chars = line.chars();
    let mut raw_len = 0;
    while let Some(c) = chars.next() {
        let field = fields.last_mut().expect("there is a first one");
        match c {
            ':' => {
                fields.push(Field::default());
                raw_len = 0;
                continue;
            }
            '\\' => field.text.push(chars.next().unwrap_or('\\')),
            c => field.text.push(c),
        }
        raw_len += 1;
        field.any = c == '*' && raw_len == 1;
    }
    fields
}

#[cfg(test)]
mod tests {
    use super::*;

    fn password(line: &str) -> Option<String> {
        let login = Login { host: "db.example", port: 5432, dbname: "shop:1", user: r"ann\b" };
        find(line, &login)
    }

    #[test]
    fn lines_match_as_in_libpq() {
        for (line, expected) in [
            (r"db.example:5432:shop\:1:ann\\b:secret", Some("secret")),
            ("*:*:*:*:secret", Some("secret")),
            (r"*:*:*:*:a\:b\\c*", Some(r"a:b\c*")),
            ("*:*:*:*:secret:more", Some("secret")),
            ("*:*:*:*:secret\r\n", Some("secret")),
            ("*:*:*:*:secret ", Some("secret ")),
            ("#*:*:*:*:secret", None),
            ("*:*:*:*:", None),
            ("*:*:*:*", None),
            ("", None),
            (r"\*:*:*:*:secret", None),
            ("**:*:*:*:secret", None),
            ("*:5433:*:*:secret", None),
            ("DB.example:*:*:*:secret", None),
            ("*:*:other:*:x\n*:*:*:*:second\n*:*:*:*:third", Some("second")),
        ] {
            assert_eq!(password(line).as_deref(), expected, "{line:?}");
        }
    }
}
