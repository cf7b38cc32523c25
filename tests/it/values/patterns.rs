//! `like`, `ilike` and regular expressions.

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use rowcast::predicate::value::{Escape, Like, Regex};

use super::{answers, quoted, session};

const TEXTS: &[&str] = &[
    "", "a", "A", "ab", "aab", "abc", "a\nb", "a%b", "a_b", "a\\b", "é", "É", "éa", "😀b", "{1",
    "]", "-", "b-c", "^", "a.c", "aaa", " ", "$", "1",
];

const REGEXES: &[&str] = &[
    "",
    "a",
    "^a",
    "a$",
    "^$",
    "a.b",
    ".",
    "^.$",
    "a*",
    "a+",
    "a?b",
    "a**",
    "*",
    "^*",
    "a|b",
    "|",
    "a|",
    "(|a)b",
    "()",
    "(a)(b)",
    "(?:a|b)+c",
    "a{2}",
    "^a{2}$",
    "a{,2}",
    "a{2,}",
    "a{2,1}",
    "a{0}",
    "a{0,0}b",
    "a{256}",
    "a{255}",
    "{1",
    "a{b",
    "a}",
    "}",
    "{",
    "{,1}",
    "[a-c]",
    "[^a]",
    "^[^a]$",
    "[]]",
    "[^]]",
    "[]a]",
    "[-a]",
    "[a-]",
    "[--a]",
    "[a-b-c]",
    "[z-a]",
    "[a\\]b]",
    "[\\n]",
    "[\\-]",
    "[[]",
    "[a[b]",
    "[^-]",
    "[^^]",
    "[é]",
    "[a-é]",
    "[]-a]",
    "[+--]",
    "[\\t-b]",
    "\\.",
    "\\n",
    "\\u00e9",
    "\\e",
    "\\A",
    "\\Z",
    "\\Aa\\Z",
    "\\A*",
    "$a",
    "a^",
    "a$b",
    "(^a)*",
    "(^)*a",
    "(a*)*",
    "(a*)+b",
    "a*?b",
    "a+?",
    "a??b",
    "a{1,2}?",
    "a*+",
    "a?*",
    "(a",
    "a)",
    ")",
    "[a",
    "a\\",
    "\\",
    "^^a",
    "a$$",
    "x|^a|b$",
    "[a-a]",
    "\\{1",
    "\\$",
    "[$]",
    "[.]",
    "[*]",
    "\\\\",
    "[\\\\]",
    "é",
    "É",
    "[É]",
    "[^A]",
    "[A-Z]",
    "[X-c]",
    "[]",
    "[^]",
    "a{1}{2}",
    "(a){2}",
    "((a))",
    "a{1",
    "a{1,",
    "a{1,x}",
    "(?:)",
    "(?:a",
    "a{01}",
    "\\_",
    "\\ ",
    "\\é",
    "\\😀",
    "[\\é]",
    "[a-\\n]",
    "a#b",
    "a b",
    "(?#x)a",
    "^+",
    "(*)",
    "(+a)",
    "(|)",
    "|*",
    "[&&]",
    "[a~~b]",
    "[a||b]",
    "a{ 1}",
    "a{1 }",
    "\\a",
    "\\v",
    "\\f",
    "\\r",
    "\\U0001F600",
    "\\u0000",
    "\\ud800",
    "(^*)",
    "a|*b",
    "$*",
    "(a|)+",
    "(|a)+b",
    "a{0,1}?c",
];

#[tokio::test]
async fn regular_expressions_match_the_same() {
    let client = session().await;
    let mut patterns: Vec<String> = REGEXES.iter().map(|&pattern| pattern.to_owned()).collect();
    patterns.extend(random_patterns(1500));
    let (mut expressions, mut ours) = (Vec::new(), Vec::new());
    for pattern in &patterns {
        for insensitive in [false, true] {
            let Ok(regex) = Regex::new(pattern, insensitive) else { continue };
            for text in TEXTS {
                ours.push(regex.matches(text));
                let operator = if insensitive { "~*" } else { "~" };
                let text = quoted(text);
                expressions
                    .push(format!("({text}::text collate \"C\") {operator} {}", quoted(pattern)));
            }
        }
    }
    println!("{} matches", ours.len());
    assert!(ours.len() > 10_000, "{}", ours.len());
    for ((expression, ours), theirs) in
        expressions.iter().zip(ours).zip(answers(&client, &expressions).await)
    {
        assert_eq!(if ours { "t" } else { "f" }, theirs, "{expression}");
    }
}

fn random_patterns(count: usize) -> Vec<String> {
    const PARTS: &[&str] = &[
        "a", "b", "é", ".", "^", "$", "(", ")", "(?:", "|", "*", "+", "?", "{1,2}", "{2}", "{",
        "}", "[", "]", "[^", "-", "\\n", "\\.", ",", "1", "[ab]", "c", "[^a]", "[a-c]", "(a|b)",
        "\\]", "A",
    ];
    let mut random = StdRng::seed_from_u64(11);
    let mut pattern = |_| {
        let parts = random.random_range(1..9);
        (0..parts).map(|_| PARTS[random.random_range(0..PARTS.len())]).collect()
    };
    (0..count).map(&mut pattern).collect()
}

#[tokio::test]
async fn like_matches_the_same() {
    let client = session().await;
    let mut patterns: Vec<String> = [
        "", "%", "_", "a%", "%b", "%a%", "a\\%b", "a\\_b", "a\\\\b", "a#%b", "%%", "_%", "%_",
        "a%%b", "é", "É%", "\\é", "a\\", "##", "A%B",
    ]
    .map(str::to_owned)
    .to_vec();
    let mut random = StdRng::seed_from_u64(13);
    for _ in 0..400 {
        let parts = ["a", "b", "%", "_", "\\", "#", "é", "A"];
        let length = random.random_range(1..6);
        patterns.push((0..length).map(|_| parts[random.random_range(0..parts.len())]).collect());
    }
    let escapes = [
        (Escape::Char('\\'), ""),
        (Escape::None, "escape ''"),
        (Escape::Char('#'), "escape '#'"),
        (Escape::Char('%'), "escape '%'"),
        (Escape::Char('é'), "escape 'é'"),
    ];
    let (mut expressions, mut ours) = (Vec::new(), Vec::new());
    for pattern in &patterns {
        for (escape, sql) in escapes {
            for insensitive in [false, true] {
                let Ok(like) = Like::new(pattern, escape, insensitive) else { continue };
                for text in [
                    "", "a", "ab", "Ab", "aab", "a%b", "a_b", "a\\b", "é", "É", "a\nb", "#", "\\",
                    "bbaé",
                ] {
                    ours.push(like.matches(text));
                    let operator = if insensitive { "ilike" } else { "like" };
                    let text = quoted(text);
                    expressions.push(format!(
                        "({text}::text collate \"C\") {operator} {} {sql}",
                        quoted(pattern)
                    ));
                }
            }
        }
    }
    println!("{} matches", ours.len());
    assert!(ours.len() > 10_000, "{}", ours.len());
    for ((expression, ours), theirs) in
        expressions.iter().zip(ours).zip(answers(&client, &expressions).await)
    {
        assert_eq!(if ours { "t" } else { "f" }, theirs, "{expression}");
    }
}
