//! Literals in all kinds of forms: what is accepted means what it means to PostgreSQL.

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use rowcast::predicate::value;

use super::forms::FORMS;
use super::{answers, data_type, quoted, session};

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
