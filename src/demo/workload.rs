//! What goes on in the shop: small transactions at a steady pace, in which a reader can follow each
//! order.

use std::time::Duration;

use rand::Rng as _;
use rand::seq::IndexedRandom as _;
use tokio::time::{MissedTickBehavior, interval};
use tokio_postgres::{Client, Error};

/// The most orders that are kept; past it the oldest ones are removed.
pub const MAX_ORDERS: i64 = 300;
/// The most messages that are kept.
pub const MAX_MESSAGES: i64 = 100;

/// Something that happens in the shop: one transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    PlaceOrder,
    AdvanceOrder,
    CancelOrder,
    ChangePrice,
    Restock,
    SendMessage,
    /// A message is made public, or private again.
    PublishMessage,
}

/// How often each happens, in relation to the others: an order advances three times in its life.
pub const ACTIONS: [(Action, u32); 7] = [
    (Action::PlaceOrder, 20),
    (Action::AdvanceOrder, 56),
    (Action::CancelOrder, 3),
    (Action::ChangePrice, 8),
    (Action::Restock, 3),
    (Action::SendMessage, 8),
    (Action::PublishMessage, 7),
];

/// What customers write, and the desk that it is for.
const MESSAGES: [(&str, &str); 8] = [
    ("Is the teapot dishwasher safe?", "advice"),
    ("Which grinder goes with these beans?", "advice"),
    ("How long does green tea keep?", "advice"),
    ("Please leave it with the neighbours.", "delivery"),
    ("The parcel came today. Thank you!", "delivery"),
    ("Do you ship to Norway?", "delivery"),
    ("One cup arrived with a crack.", "returns"),
    ("Can I send the kettle back?", "returns"),
];

const NOTES: [&str; 4] =
    ["pays late", "gift, no invoice in the parcel", "check the address", "regular customer"];

/// Acts `rate` times a second, until the database goes away.
pub async fn run(client: &Client, rate: f64) -> Result<(), Error> {
    if rate <= 0.0 {
        return std::future::pending().await;
    }
    let mut ticks = interval(Duration::from_secs_f64(1.0 / rate));
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        act(client, any_action()).await?;
    }
}

/// Fills the shop with orders in every status, so that there is something to see from the start.
pub async fn first_orders(client: &Client) -> Result<(), Error> {
    for _ in 0..30 {
        act(client, Action::PlaceOrder).await?;
    }
    for _ in 0..50 {
        act(client, Action::AdvanceOrder).await?;
    }
    for _ in 0..15 {
        act(client, Action::SendMessage).await?;
    }
    for _ in 0..6 {
        act(client, Action::PublishMessage).await?;
    }
    Ok(())
}

/// Does one thing and tidies up after it, in one transaction.
///
/// # Errors
///
/// If the database is gone.
pub async fn act(client: &Client, action: Action) -> Result<(), Error> {
    match action {
        Action::PlaceOrder => {
            let note = NOTES.choose(&mut rand::rng()).filter(|_| rand::rng().random_bool(0.3));
            client.execute(PLACE_ORDER, &[&note, &MAX_ORDERS]).await?;
        }
        Action::AdvanceOrder => {
            client.execute(ADVANCE_ORDER, &[]).await?;
        }
        Action::CancelOrder => {
            client.execute(CANCEL_ORDER, &[]).await?;
        }
        Action::ChangePrice => {
            client.execute(CHANGE_PRICE, &[]).await?;
        }
        Action::Restock => {
            client.execute(RESTOCK, &[]).await?;
        }
        Action::SendMessage => {
            let (body, desk) = MESSAGES.choose(&mut rand::rng()).copied().unzip();
            client.execute(SEND_MESSAGE, &[&body, &desk, &MAX_MESSAGES]).await?;
        }
        Action::PublishMessage => {
            client.execute(PUBLISH_MESSAGE, &[]).await?;
        }
    }
    Ok(())
}

fn any_action() -> Action {
    let chosen = ACTIONS.choose_weighted(&mut rand::rng(), |&(_, weight)| weight);
    chosen.map_or(Action::AdvanceOrder, |&(action, _)| action)
}

/// One to three products for a customer, half of the time for one of those as whom visitors look around;
/// what is ordered leaves the stock. `$1`: note, `$2`: the most orders to keep.
const PLACE_ORDER: &str = "
    with wanted as (
        select sku, price, cost, 1 + floor(random() * 3)::int as quantity
        from products where stock >= 3 order by random() limit 1 + floor(random() * 3)::int
    ), placed as (
        insert into orders (customer_id, total, margin, internal_note)
        select (select id from customers where id <= 2 or random() < 0.1 order by random() limit 1),
               sum(price * quantity), sum((price - cost) * quantity), $1
        from wanted having count(*) > 0
        returning id, customer_id
    ), noted as (
        update customers set last_order_at = now()
        from placed where customers.id = placed.customer_id
    ), listed as (
        insert into order_items (order_id, customer_id, line, sku, quantity, price)
        select placed.id, placed.customer_id, row_number() over (order by sku), sku, quantity, price
        from placed, wanted
    ), too_old as (
        delete from orders
        where id in (select id from orders order by id desc offset $2::bigint - 1)
    )
    update products set stock = stock - quantity from wanted where products.sku = wanted.sku";

/// The next step for one of the orders that have waited longest.
const ADVANCE_ORDER: &str = "
    update orders
    set status = case status
            when 'open' then 'paid' when 'paid' then 'packed' else 'shipped'
        end::order_status,
        updated_at = now()
    where id = (
        select id from (
            select id from orders where status <> 'shipped' order by updated_at limit 6
        ) as waiting
        order by random() limit 1
    )";

const CANCEL_ORDER: &str = "
    delete from orders
    where id = (select id from orders where status = 'open' order by random() limit 1)";

/// A little up or down, but never below what it costs.
const CHANGE_PRICE: &str = "
    update products
    set price = greatest(
        cost * 1.2, least(cost * 4, price * (0.9 + random() * 0.2)::numeric)
    )
    where sku = (select sku from products order by random() limit 1)";

const RESTOCK: &str = "
    update products set stock = stock + 40
    where sku in (select sku from products where stock < 20 order by stock limit 3)";

/// `$1`: body, `$2`: desk, `$3`: the most messages to keep.
const SEND_MESSAGE: &str = "
    with too_old as (
        delete from messages
        where id in (select id from messages order by id desc offset $3::bigint - 1)
    )
    insert into messages (customer_id, body, desk)
    select id, $1, $2 from customers where id <= 2 or random() < 0.1 order by random() limit 1";

/// One of the latest messages comes into everybody's view, or leaves it.
const PUBLISH_MESSAGE: &str = "
    update messages
    set visibility = case visibility when 'public' then 'private' else 'public' end::visibility
    where id = (
        select id from (select id from messages order by id desc limit 12) as latest
        order by random() limit 1
    )";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_action_happens() {
        let seen: Vec<Action> = (0..10_000).map(|_| any_action()).collect();
        assert!(ACTIONS.iter().all(|(action, _)| seen.contains(action)));
    }
}
