//! What a text says before anything is known of types: PostgreSQL's grammar without what predicates don't have.

/// An expression and the character at which it starts, or at which its operator is.
#[derive(Clone, Debug)]
pub struct Syntax {
    pub at: usize,
    pub kind: Kind,
}

#[derive(Clone, Debug)]
pub enum Kind {
    /// A column, or `auth` and a path.
    Name(Vec<Name>),
    String(String),
    /// As written, with a sign before it.
    Number(String),
    Param(usize),
    Null,
    Bool(bool),
    Array(Vec<Syntax>),
    And(Vec<Syntax>),
    Or(Vec<Syntax>),
    Not(Box<Syntax>),
    Operator {
        name: String,
        left: Box<Syntax>,
        right: Box<Syntax>,
    },
    /// `= any (…)`, or `<> all (…)`.
    Quantified {
        all: bool,
        left: Box<Syntax>,
        array: Box<Syntax>,
    },
    Is {
        test: Test,
        not: bool,
        operand: Box<Syntax>,
    },
    Distinct {
        not: bool,
        left: Box<Syntax>,
        right: Box<Syntax>,
    },
    In {
        not: bool,
        operand: Box<Syntax>,
        list: Vec<Syntax>,
    },
    Between {
        not: bool,
        symmetric: bool,
        operand: Box<Syntax>,
        bounds: Box<[Syntax; 2]>,
    },
    Like {
        not: bool,
        any_case: bool,
        operand: Box<Syntax>,
        pattern: Box<Syntax>,
        escape: Option<Box<Syntax>>,
    },
    Cast {
        operand: Box<Syntax>,
        to: TypeName,
    },
    Collate {
        operand: Box<Syntax>,
        collation: Vec<Name>,
    },
    Call {
        name: String,
        arguments: Vec<Syntax>,
    },
    Case {
        operand: Option<Box<Syntax>>,
        branches: Vec<[Syntax; 2]>,
        otherwise: Option<Box<Syntax>>,
    },
}

/// What comes after `is`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Test {
    Null,
    True,
    False,
    Unknown,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Name {
    pub at: usize,
    pub text: String,
    pub quoted: bool,
}

/// A type as written: `double precision`, `public."Mood"`, `int[]`.
#[derive(Clone, Debug)]
pub struct TypeName {
    pub at: usize,
    /// A built-in one, as `format_type` prints it.
    pub built_in: Option<&'static str>,
    /// The name's parts, folded; more than one if a schema comes before it.
    pub parts: Vec<String>,
    pub is_array: bool,
}
