//! Literals in all kinds of forms: what is accepted means what it means to PostgreSQL.

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use rowcast::predicate::value;

use super::{answers, data_type, quoted, session};

const FORMS: &[(&str, &[&str])] = &[
    (
        "boolean",
        &[
            "t", "TRUE", " yes ", "o", "of", "off", "on", "1", "0", "2", "", "tru", "truee", "n",
            "\tno\n", "ye",
        ],
    ),
    (
        "integer",
        &[
            "+5",
            " 7 ",
            "-0",
            "0x10",
            "1_0",
            "",
            "+",
            "1.0",
            "1e3",
            "2147483648",
            "٣",
            "\u{a0}1",
            "0005",
            "--1",
            "\u{b}1",
        ],
    ),
    (
        "numeric",
        &[
            " 1 ",
            ".5",
            "5.",
            ".",
            "+.5e1",
            "1e",
            "1e+",
            "nan",
            "-nan",
            "inf",
            "+Infinity",
            "1 2",
            "0e-20",
            "0e-16384",
            "1e-16383",
            "1e131072",
            "00.10",
            "1e 5",
            "-.0",
        ],
    ),
    (
        "real",
        &[
            "1e39",
            "1e-46",
            "3.4028236e38",
            " 1",
            "0x1p3",
            "nan",
            "inf",
            "+inf",
            "1e-40",
            "infinit",
            "1d",
            "-nan",
        ],
    ),
    (
        "double precision",
        &[
            "1e400",
            "1e-400",
            "0e-400",
            "1.",
            ".5",
            "",
            "nan(1)",
            "1e-310",
            "0.1e1",
            "+1",
            "1 ",
            "-infinity",
        ],
    ),
    (
        "uuid",
        &[
            "A0EEBC999C0B4EF8BB6D6BB9BD380A11",
            "{a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11}",
            "a0ee-bc99-9c0b-4ef8-bb6d-6bb9-bd38-0a11",
            "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11 ",
            "a0eebc99--9c0b4ef8bb6d6bb9bd380a11",
            "{a0eebc999c0b4ef8bb6d6bb9bd380a11",
            "a0-eebc999c0b4ef8bb6d6bb9bd380a11",
        ],
    ),
    (
        "date",
        &[
            "2024-1-5",
            " 2024-01-05 ",
            "20240105",
            "2024/01/05",
            "01/05/2024",
            "99-01-05",
            "099-01-05",
            "0000-01-01",
            "2023-02-29",
            "2024-13-01",
            "44-03-15 BC",
            "0044-03-15 bc",
            "Infinity",
            "5874898-01-01",
            "2024-01-05 10:00",
            "now",
            "epoch",
            "2024-01-00",
            "+infinity",
            "4714-11-23 BC",
            "12024-01-01",
        ],
    ),
    (
        "time without time zone",
        &[
            "1:02",
            "01:02:03.1234567",
            "24:00:00",
            "24:00:01",
            "23:59:60",
            "12:60",
            "12:00 PM",
            "00:00:00.9999999",
            "12:00:00+02",
            "1:2:3",
        ],
    ),
    (
        "timestamp without time zone",
        &[
            "2024-01-05",
            "2024-01-05T10:00",
            "2024-01-05 10:00:00.1234567",
            "2024-01-05 10:00:00+02",
            "2024-01-05 24:00:00",
            "2024-01-05 10:00:00 BC",
            "2024-01-05 10:00:00Z",
            "2024-12-31 23:59:60",
            "294277-01-01 00:00:00",
            "2024-01-05  10:00",
            "2024-01-05 1:00",
            "0001-01-01 00:00:00 BC",
            "2024-01-05 23:59:59.9999999",
            "2024-01-05t10:00",
            "2024-01-05 10:00:00.0000005",
            "2024-01-05 10:00:00.0000015",
        ],
    ),
    (
        "timestamp with time zone",
        &[
            "2024-01-05",
            "2024-01-05T10:00Z",
            "2024-01-05 10:00:00+02",
            "2024-01-05 10:00:00-0330",
            "2024-01-05 10:00:00+05:30:15",
            "2024-01-05 10:00:00+16",
            "2024-01-05 10:00:00 UTC",
            "2024-01-05 10:00:00+2",
            "2024-01-05 10:00:00 Europe/Rome",
            "4714-11-24 00:00:00+01 BC",
            "294276-12-31 23:59:59-01",
            "2024-01-05 10:00:00utc",
            "2024-01-05 10:00:00z",
            "2024-01-05 10:00:00+15:59:59",
            "2024-01-05 10:00:00+15:60",
        ],
    ),
    (
        "interval",
        &[
            "1 day",
            "1 hour",
            "90 minutes",
            "1 week 2 days",
            "-1 day",
            "1 day -02:00:00",
            "1 day 2 hours",
            "1.5 seconds",
            "-1.5 seconds",
            "-0.5 secs",
            "1 mon 1 month",
            "02:03",
            "-02:03",
            "+02:03:04.5",
            "1 day ago",
            "1.5 days",
            "P1D",
            "5",
            "1 YEAR 2 Months",
            "2147483647 years",
            "178956970 years",
            "100:00:00",
            "1 sec 1 min",
            "0.0000001 seconds",
            "2147483647 hours",
            "2147483648 hours",
            "-0 days",
            "01:02:03.1234565",
            "1:2:3",
            "99:99",
            "3000000000:00:00",
            "1 day  1 hour",
            "1 hour 2 days",
            "0.1234565 seconds",
            "-00:00:00.5",
            "1 day 00:00",
            "1 minute 01:00:00",
        ],
    ),
    (
        "bytea",
        &[
            "\\x 0a 0B",
            "abc",
            "a\\\\b",
            "\\001",
            "\\400",
            "\\x0",
            "\\xzz",
            "é",
            "\\",
            "\\x0 a",
            "\\X00",
        ],
    ),
    (
        "inet",
        &[
            "10.1",
            "10.0.0.1/32",
            "10.0.0.1/33",
            "10.0.0.1/08",
            "010.0.0.1",
            "::1/128",
            "::FFFF:1.2.3.4",
            "1:2:3:4:5:6:7",
            ":::",
            "1.2.3.4/",
            " 1.2.3.4",
            "::1%lo",
            "1::2:3:4:5:6:7",
            "1:2:3:4:5:6:7::",
        ],
    ),
    (
        "json",
        &[
            "{\"a\":1,}",
            " [1 , 2] ",
            "{'a':1}",
            "01",
            "1.",
            "-",
            "\"\\x\"",
            "\"\\u12\"",
            "",
            "nul",
            "[1]]",
            "1e5",
            "\"\t\"",
            "-0",
            "\"\\/\"",
        ],
    ),
    (
        "jsonb",
        &[
            "{\"a\":1,\"a\":2}",
            " [1 , 2] ",
            "\"\\u0000\"",
            "\"\\ud800\"",
            "\"\\ud83d\\ude00\"",
            "1e5",
            "1e-5",
            "-0",
            "-0.0",
            "1E+2",
            "\"\\udc00\"",
            "\"\\ud800x\"",
            "1e400",
            "{\"\":0}",
            "{\"b\":1,\"a\":{\"zz\":1,\"y\":2},\"aa\":3}",
            "\"\\u00e9\\b\\f\\/\"",
            "1.10",
        ],
    ),
    (
        "integer[]",
        &[
            "{ 1 , 2 }",
            "{1,}",
            "{,1}",
            "{1 2}",
            "{\"1\"}",
            "{null}",
            "{\"null\"}",
            "[0:1]={1,2}",
            "{{1},{2,3}}",
            "{{1},2}",
            " {1} ",
            "{1}x",
            "{{}}",
            "{{},{}}",
            "1,2",
            "",
            "{1,2",
            "{\"\"}",
            "{{{{{{1}}}}}}",
            "{{{{{{{1}}}}}}}",
            "{{1,2},{3}}",
            "{}{}",
            "{ }",
            "{\t1\n}",
        ],
    ),
    (
        "text[]",
        &[
            "{a b, c}",
            "{\"a\"b}",
            "{a\\,b}",
            "{a\"b}",
            "{ \" a\" }",
            "{NuLL}",
            "{\"a\\\\\"}",
            "{'a'}",
            "{\"{\",}",
            "{a{b}",
            "{\u{a0}}",
            "{\" \" , x}",
            "{a\nb}",
        ],
    ),
    ("mood", &["sad", "Sad", " sad", "very happy", ""]),
];

#[tokio::test]
async fn what_is_accepted_means_the_same() {
    let client = session().await;
    let (mut expressions, mut ours) = (Vec::new(), Vec::new());
    for (name, texts) in FORMS {
        for text in *texts {
            let value = value::from_text(text, &data_type(name));
            ours.push(value.ok().map(|value| value::to_text(&value)));
            expressions.push(format!("{}::{name}", quoted(text)));
        }
    }
    let (mut refused, mut wrong) = (Vec::new(), Vec::new());
    for ((expression, ours), theirs) in
        expressions.iter().zip(&ours).zip(answers(&client, &expressions).await)
    {
        match ours {
            Some(ours) if *ours == theirs => {}
            Some(ours) => wrong.push((expression, ours, theirs)),
            None if theirs == "error" => {}
            None => refused.push(expression),
        }
    }
    println!("refused, though PostgreSQL has it: {refused:#?}");
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(ours.iter().flatten().count() > 100);
}

/// Numbers, dates and intervals at random: printed by us, they are what PostgreSQL prints.
#[tokio::test]
async fn random_values_come_back() {
    let client = session().await;
    let mut random = StdRng::seed_from_u64(7);
    let mut expressions = Vec::new();
    let mut ours = Vec::new();
    let mut try_text = |name: &str, text: String| {
        let value = value::from_text(&text, &data_type(name)).unwrap();
        expressions.push(format!("{}::{name}", quoted(&text)));
        ours.push(value::to_text(&value));
    };
    for power in -1074..1024 {
        try_text("double precision", format!("{:e}", 2f64.powi(power)));
    }
    for power in -149..128 {
        try_text("real", format!("{:e}", 2f32.powi(power)));
    }
    for _ in 0..3000 {
        let (double, single) = (f64::from_bits(random.random()), f32::from_bits(random.random()));
        try_text("double precision", format!("{double:e}"));
        try_text("real", format!("{single:e}"));
        try_text(
            "date",
            format!(
                "{:04}-{:02}-{:02}",
                random.random_range(1..9999),
                random.random_range(1..13),
                random.random_range(1..29)
            ),
        );
        let (hour, second) = (random.random_range(-100..100), random.random_range(0..60));
        try_text(
            "interval",
            format!(
                "{} mons {} days {hour:02}:01:{second:02}.{:06}",
                random.random_range(-99..99),
                random.random_range(-99..99),
                random.random_range(0..1_000_000)
            ),
        );
        try_text(
            "inet",
            std::net::Ipv6Addr::from(
                random.random::<u128>()
                    & random.random::<u128>()
                    & (random.random::<u128>() << random.random_range(0..128)),
            )
            .to_string(),
        );
        try_text("numeric", format!("{}e{}", random.random::<i64>(), random.random_range(-60..60)));
    }
    for ((expression, ours), theirs) in
        expressions.iter().zip(ours).zip(answers(&client, &expressions).await)
    {
        if expression.ends_with("real") || expression.ends_with("double precision") {
            let of = data_type(expression.rsplit("::").next().unwrap());
            assert_eq!(
                value::from_text(&ours, &of),
                value::from_text(&theirs, &of),
                "{expression}"
            );
        } else {
            assert_eq!(ours, theirs, "{expression}");
        }
    }
}
