//! The types that the tables have, and how much of each is tried.

/// A type as expressions know it: lengths, domains and collations are a column's matter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ty {
    One(Scalar),
    Many(Scalar),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scalar {
    Bool,
    Int2,
    Int4,
    Int8,
    Numeric,
    Float4,
    Float8,
    Text,
    Varchar,
    Char,
    Uuid,
    Date,
    Time,
    Timestamp,
    Timestamptz,
    Interval,
    Bytea,
    Mood,
    Json,
    Jsonb,
    Inet,
    /// Nothing but `is null` can be said of it.
    Other,
}

impl Scalar {
    pub const ALL: [Scalar; 21] = [
        Scalar::Bool,
        Scalar::Int2,
        Scalar::Int4,
        Scalar::Int8,
        Scalar::Numeric,
        Scalar::Float4,
        Scalar::Float8,
        Scalar::Text,
        Scalar::Varchar,
        Scalar::Char,
        Scalar::Uuid,
        Scalar::Date,
        Scalar::Time,
        Scalar::Timestamp,
        Scalar::Timestamptz,
        Scalar::Interval,
        Scalar::Bytea,
        Scalar::Mood,
        Scalar::Json,
        Scalar::Jsonb,
        Scalar::Inet,
    ];

    /// Names that casts and typed literals may use.
    pub fn names(self) -> &'static [&'static str] {
        match self {
            Scalar::Bool => &["boolean", "bool", "BOOLEAN"],
            Scalar::Int2 => &["smallint", "int2"],
            Scalar::Int4 => &["integer", "int", "int4", "INTEGER"],
            Scalar::Int8 => &["bigint", "int8"],
            Scalar::Numeric => &["numeric", "decimal", "numeric(10,2)", "numeric(3)"],
            Scalar::Float4 => &["real", "float4", "float(20)"],
            Scalar::Float8 => &["double precision", "float8", "float"],
            Scalar::Text => &["text", "TEXT"],
            Scalar::Varchar => &["text", "varchar", "character varying", "varchar(2)"],
            Scalar::Char => &["bpchar", "char(4)", "character(3)", "char"],
            Scalar::Uuid => &["uuid"],
            Scalar::Date => &["date"],
            Scalar::Time => &["time", "time without time zone", "time(2)"],
            Scalar::Timestamp => &["timestamp", "timestamp without time zone", "timestamp(0)"],
            Scalar::Timestamptz => &["timestamptz", "timestamp with time zone"],
            Scalar::Interval => &["interval", "interval(0)"],
            Scalar::Bytea => &["bytea"],
            Scalar::Mood => &["mood"],
            Scalar::Json => &["json"],
            Scalar::Jsonb => &["jsonb"],
            Scalar::Inet => &["inet"],
            Scalar::Other => &["point"],
        }
    }

    pub fn is_number(self) -> bool {
        use Scalar::{Float4, Float8, Int2, Int4, Int8, Numeric};
        matches!(self, Int2 | Int4 | Int8 | Numeric | Float4 | Float8)
    }

    pub fn is_text(self) -> bool {
        matches!(self, Scalar::Text | Scalar::Varchar | Scalar::Char)
    }

    pub fn is_moment(self) -> bool {
        matches!(self, Scalar::Date | Scalar::Timestamp | Scalar::Timestamptz)
    }
}

/// A kind of column.
#[derive(Clone, Copy, Debug)]
pub struct Kind {
    /// As `create table` has it, without the collation.
    pub sql: &'static str,
    pub collation: &'static str,
    pub ty: Ty,
    /// How often it is taken.
    pub weight: u32,
}

/// What the kinds need.
pub const TYPES: &str = r#"
create type mood as enum ('sad', 'happy', 'Sad', 'it''s', 'a b', 'NULL', 'back\slash');
alter type mood add value 'ok' before 'happy';
alter type mood add value 'first' before 'sad';
create domain d_int as int;
create domain d_d_int as d_int check (value <> 13);
create domain d_text as text collate "C";
create domain d_d_text as d_text;
create domain d_varchar as varchar(5);
create domain d_char as char(4);
create domain d_numeric as numeric(6,2);
create domain d_mood as mood;
create domain d_stamp as timestamptz;
create domain d_ints as int[];
create domain d_jsonb as jsonb;
"#;

pub const UNSURE: &str = r#"
create collation unsure (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
"#;

const fn one(sql: &'static str, ty: Scalar, weight: u32) -> Kind {
    Kind { sql, collation: "", ty: Ty::One(ty), weight }
}

const fn many(sql: &'static str, ty: Scalar) -> Kind {
    Kind { sql, collation: "", ty: Ty::Many(ty), weight: 2 }
}

const fn collated(sql: &'static str, collation: &'static str, ty: Ty) -> Kind {
    Kind { sql, collation, ty, weight: 3 }
}

pub const KINDS: &[Kind] = &[
    one("boolean", Scalar::Bool, 6),
    one("smallint", Scalar::Int2, 4),
    one("integer", Scalar::Int4, 6),
    one("bigint", Scalar::Int8, 5),
    one("numeric", Scalar::Numeric, 7),
    one("numeric(10,2)", Scalar::Numeric, 2),
    one("real", Scalar::Float4, 4),
    one("double precision", Scalar::Float8, 5),
    one("text", Scalar::Text, 5),
    one("varchar", Scalar::Varchar, 2),
    one("varchar(5)", Scalar::Varchar, 3),
    one("char(4)", Scalar::Char, 3),
    one("char", Scalar::Char, 1),
    collated("text", "\"C\"", Ty::One(Scalar::Text)),
    collated("varchar(3)", "\"C\"", Ty::One(Scalar::Varchar)),
    collated("char(5)", "\"C\"", Ty::One(Scalar::Char)),
    collated("text", "\"POSIX\"", Ty::One(Scalar::Text)),
    collated("text", "\"en-x-icu\"", Ty::One(Scalar::Text)),
    collated("text", "unsure", Ty::One(Scalar::Text)),
    collated("char(4)", "unsure", Ty::One(Scalar::Char)),
    collated("text[]", "\"C\"", Ty::Many(Scalar::Text)),
    one("uuid", Scalar::Uuid, 4),
    one("date", Scalar::Date, 4),
    one("time", Scalar::Time, 3),
    one("timestamp", Scalar::Timestamp, 4),
    one("timestamp(0)", Scalar::Timestamp, 1),
    one("timestamptz", Scalar::Timestamptz, 5),
    one("interval", Scalar::Interval, 5),
    one("bytea", Scalar::Bytea, 4),
    one("mood", Scalar::Mood, 5),
    one("json", Scalar::Json, 4),
    one("jsonb", Scalar::Jsonb, 8),
    one("inet", Scalar::Inet, 5),
    one("d_int", Scalar::Int4, 2),
    one("d_d_int", Scalar::Int4, 2),
    one("d_text", Scalar::Text, 2),
    one("d_d_text", Scalar::Text, 2),
    one("d_varchar", Scalar::Varchar, 2),
    one("d_char", Scalar::Char, 2),
    one("d_numeric", Scalar::Numeric, 2),
    one("d_mood", Scalar::Mood, 2),
    one("d_stamp", Scalar::Timestamptz, 2),
    one("d_jsonb", Scalar::Jsonb, 2),
    Kind { sql: "d_ints", collation: "", ty: Ty::Many(Scalar::Int4), weight: 2 },
    many("boolean[]", Scalar::Bool),
    many("smallint[]", Scalar::Int2),
    many("integer[]", Scalar::Int4),
    many("bigint[]", Scalar::Int8),
    many("numeric[]", Scalar::Numeric),
    many("real[]", Scalar::Float4),
    many("double precision[]", Scalar::Float8),
    many("text[]", Scalar::Text),
    many("varchar(5)[]", Scalar::Varchar),
    many("char(4)[]", Scalar::Char),
    many("uuid[]", Scalar::Uuid),
    many("date[]", Scalar::Date),
    many("time[]", Scalar::Time),
    many("timestamp[]", Scalar::Timestamp),
    many("timestamptz[]", Scalar::Timestamptz),
    many("interval[]", Scalar::Interval),
    many("bytea[]", Scalar::Bytea),
    many("mood[]", Scalar::Mood),
    many("json[]", Scalar::Json),
    many("jsonb[]", Scalar::Jsonb),
    many("inet[]", Scalar::Inet),
    one("d_int[]", Scalar::Other, 1),
    one("point", Scalar::Other, 1),
    one("money", Scalar::Other, 1),
    one("name", Scalar::Other, 1),
    one("cidr", Scalar::Other, 1),
    one("bit(3)", Scalar::Other, 1),
];

impl Kind {
    /// Whether predicates may read such a column.
    pub fn is_known(&self) -> bool {
        !matches!(self.ty, Ty::One(Scalar::Other) | Ty::Many(Scalar::Json | Scalar::Jsonb))
            || self.sql == "d_int[]"
    }

    /// How the tally calls it.
    pub fn label(&self) -> String {
        match self.collation {
            "" => self.sql.to_owned(),
            collation => format!("{} collate {collation}", self.sql),
        }
    }
}
