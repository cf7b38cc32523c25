-- The demo's sample shop. `cost`, `margin`, `internal_note` and `email` are there to be hidden from
-- some readers; customers 1 and 2 are those as whom visitors look around.

create type order_status as enum ('open', 'paid', 'packed', 'shipped');
create type visibility as enum ('private', 'public');

create table customers (
    id            bigint generated always as identity primary key,
    name          text not null,
    email         text not null,
    city          text not null,
    joined_on     date not null,
    last_order_at timestamptz
);

create table products (
    sku   text primary key,
    name  text not null,
    price numeric(8, 2) not null check (price > 0),
    cost  numeric(8, 2) not null,
    stock integer not null
);

create table orders (
    id            bigint generated always as identity primary key,
    customer_id   bigint not null references customers,
    status        order_status not null default 'open',
    total         numeric(10, 2) not null,
    margin        numeric(10, 2) not null,
    internal_note text,
    created_at    timestamptz not null default now(),
    updated_at    timestamptz not null default now()
);

create table order_items (
    order_id    bigint not null references orders on delete cascade,
    line        integer not null,
    customer_id bigint not null references customers,
    sku         text not null references products,
    quantity    integer not null check (quantity > 0),
    price       numeric(8, 2) not null,
    primary key (order_id, line)
);

create table messages (
    id          bigint generated always as identity primary key,
    customer_id bigint not null references customers,
    body        text not null,
    desk        text not null,
    visibility  visibility not null default 'private',
    sent_at     timestamptz not null default now()
);

insert into customers (name, email, city, joined_on)
select names.name, 'customer' || names.place || '@shop.example', cities.name, date '2023-01-01' + (17 * names.place)::integer
from unnest(array[
    'Ada Lovelace', 'Grace Hopper', 'Amara Okafor', 'Ben Fischer', 'Chiara Russo', 'Dmitri Volkov', 'Elif Yılmaz', 'Freya Lindqvist',
    'Gabriel Costa', 'Hana Sato', 'Ines Moreau', 'Jakub Nowak', 'Kofi Mensah', 'Leila Haddad',
    'Mateo García', 'Nora O''Brien', 'Oscar Jensen', 'Priya Nair', 'Quentin Dubois',
    'Rosa Méndez',
    'Sven Bakker', 'Thị Mai Trần', 'Uma Reddy', 'Viktor Horváth', 'Wanjiru Kamau', 'Zoë van Dijk'
]) with ordinality as names (name, place)
join unnest(array[
    'Lagos', 'Berlin', 'Bologna', 'Tallinn', 'İzmir', 'Göteborg', 'Porto', 'Ōsaka'
])
    with ordinality as cities (name, place) on cities.place = 1 + names.place % 8
order by names.place;

insert into products (sku, name, price, cost, stock) values
    ('TEA-001', 'Green tea, 100 g',           8.90,  3.10, 60),
    ('TEA-002', 'Smoked black tea, 100 g',   11.50,  4.60, 40),
    ('TEA-003', 'Peppermint, 50 g',           4.20,  1.20, 80),
    ('COF-001', 'Espresso beans, 1 kg',      24.00, 12.80, 50),
    ('COF-002', 'Filter roast, 500 g',       13.90,  7.10, 50),
    ('POT-001', 'Cast-iron teapot',          49.00, 26.50, 12),
    ('POT-002', 'Glass teapot',              27.50, 11.90, 20),
    ('CUP-001', 'Porcelain cup',              9.80,  3.40, 90),
    ('CUP-002', 'Stoneware mug',             12.40,  4.90, 70),
    ('MIL-001', 'Hand grinder',              58.00, 31.00, 15),
    ('KET-001', 'Gooseneck kettle',          74.00, 42.00, 10),
    ('HON-001', 'Heather honey, 250 g',       6.70,  3.30, 45);
