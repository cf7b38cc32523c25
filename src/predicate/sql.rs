//! A tree as SQL: every operation in parentheses, every constant a parameter, nothing pasted in but names.

use std::fmt::Write;

use super::Sql;
use super::ast::{Comparison, Constant, Function, Pattern, Relation, Term, Test};
use super::parse::Test as IsTest;
use super::value;
use crate::catalog::{DataType, Scalar};

/// Prints a tree; the first parameter is `$first_param`.
pub fn print(test: &Test, first_param: usize) -> Sql {
    let mut printer = Printer { text: String::new(), params: Vec::new(), first_param };
    printer.test(test);
    Sql { text: printer.text, params: printer.params }
}

struct Printer {
    text: String,
    params: Vec<Option<String>>,
    first_param: usize,
}

impl Printer {
    fn put(&mut self, text: &str) {
        self.text.push_str(text);
    }

    fn test(&mut self, test: &Test) {
        match test {
            Test::Constant(Some(value)) => self.put(if *value { "true" } else { "false" }),
            Test::Constant(None) => self.put("null::boolean"),
            Test::Failed => self.put("false"),
            Test::Term(term) => self.term(term),
            Test::Whole(test) => self.test(test),
            Test::And(tests) => self.tests(" and ", tests),
            Test::Or(tests) => self.tests(" or ", tests),
            Test::Not(test) => {
                self.put("(not ");
                self.test(test);
                self.put(")");
            }
            Test::Compare(comparison, left, right) => self.binary(left, comparison.sql(), right),
            Test::Distinct { not, left, right } => {
                let how = if *not { "is not distinct from" } else { "is distinct from" };
                self.binary(left, how, right);
            }
            Test::IsNull(term) => {
                self.put("(");
                self.term(term);
                self.put(" is null)");
            }
            Test::Is(how, test) => {
                self.put("(");
                self.test(test);
                self.put(match how {
                    IsTest::True => " is true)",
                    IsTest::False => " is false)",
                    IsTest::Unknown | IsTest::Null => " is unknown)",
                });
            }
            Test::OneOf { item, set, of } => self.one_of(item, set, of),
            Test::Any { item, array } => {
                self.put("(");
                self.term(item);
                self.put(" = any (");
                self.term(array);
                self.put("))");
            }
            Test::Like { text, pattern } => self.like(text, pattern),
            Test::Has(Relation::StartsWith, left, right) => {
                self.call("pg_catalog.starts_with", &[left, right]);
            }
            Test::Has(relation, left, right) => self.binary(left, relation.sql(), right),
        }
    }

    fn tests(&mut self, between: &str, tests: &[Test]) {
        self.put("(");
        for (at, test) in tests.iter().enumerate() {
            if at > 0 {
                self.put(between);
            }
            self.test(test);
        }
        self.put(")");
    }

    fn binary(&mut self, left: &Term, operator: &str, right: &Term) {
        self.put("(");
        self.term(left);
        self.put(" ");
        self.put(operator);
        self.put(" ");
        self.term(right);
        self.put(")");
    }

    fn one_of(&mut self, item: &Term, set: &[value::Value], of: &DataType) {
        self.put("(");
        self.term(item);
        // With `in`, PostgreSQL would cast what is of another type than the item.
        let same = item.data_type() == *of;
        self.put(if same { " in (" } else { " = any (array[" });
        for (at, value) in set.iter().enumerate() {
            if at > 0 {
                self.put(", ");
            }
            self.param(Some(value::to_text(value)), of);
        }
        self.put(if same { "))" } else { "]))" });
    }

    fn like(&mut self, text: &Term, pattern: &Pattern) {
        self.put("(");
        self.term(text);
        let of = super::ast::TEXT;
        match pattern {
            Pattern::Like { written, .. } => {
                self.put(if written.any_case { " ilike " } else { " like " });
                self.param(Some(written.pattern.clone()), &of);
                if let Some(escape) = &written.escape {
                    self.put(" escape ");
                    self.param(Some(escape.clone()), &of);
                }
            }
            Pattern::Regex { pattern, any_case, .. } => {
                self.put(if *any_case { " ~* " } else { " ~ " });
                self.param(Some(pattern.clone()), &of);
            }
            Pattern::Null => {
                self.put(" like ");
                self.param(None, &of);
            }
        }
        self.put(")");
    }

    fn term(&mut self, term: &Term) {
        match term {
            Term::Constant(Constant { value, of }) => {
                self.param(value.as_ref().map(value::to_text), of);
            }
            Term::Column(column) => {
                let name = column.name.replace('"', "\"\"");
                let _ = write!(self.text, "\"{name}\"");
            }
            Term::Claim { of, .. } => self.param(None, of),
            Term::Cast { to, of, .. } => {
                self.put("(");
                self.term(of);
                self.put(")::");
                self.type_name(to);
            }
            Term::Collate(of) => {
                self.put("(");
                self.term(of);
                self.put(" collate \"C\")");
            }
            Term::Call(function, terms, _) => self.called(*function, terms),
            Term::Case { branches, otherwise, .. } => self.case(branches, otherwise),
            Term::Coalesce(terms, _) => self.call("coalesce", &terms.iter().collect::<Vec<_>>()),
            Term::NullIf(terms, _) => self.call("nullif", &terms.iter().collect::<Vec<_>>()),
            Term::Extreme { greatest, among, .. } => {
                let name = if *greatest { "greatest" } else { "least" };
                self.call(name, &among.iter().collect::<Vec<_>>());
            }
            Term::Array(terms, of) => {
                self.put("array[");
                self.listed(&terms.iter().collect::<Vec<_>>());
                self.put("]::");
                self.type_name(of);
            }
            Term::Test(test) => self.test(test),
        }
    }

    fn case(&mut self, branches: &[(Test, Term)], otherwise: &Term) {
        self.put("(case");
        for (condition, result) in branches {
            self.put(" when ");
            self.test(condition);
            self.put(" then ");
            self.term(result);
        }
        self.put(" else ");
        self.term(otherwise);
        self.put(" end)");
    }

    fn called(&mut self, function: Function, terms: &[Term]) {
        if let (Some(operator), [left, right]) = (function.operator(), terms) {
            return self.binary(left, operator, right);
        }
        let name = match function {
            Function::Length => "pg_catalog.length",
            Function::Lower => "pg_catalog.lower",
            Function::Upper => "pg_catalog.upper",
            Function::Cardinality => "pg_catalog.cardinality",
            _ => "pg_catalog.array_length",
        };
        self.call(name, &terms.iter().collect::<Vec<_>>());
    }

    fn call(&mut self, name: &str, terms: &[&Term]) {
        self.put(name);
        self.put("(");
        self.listed(terms);
        self.put(")");
    }

    fn listed(&mut self, terms: &[&Term]) {
        for (at, term) in terms.iter().enumerate() {
            if at > 0 {
                self.put(", ");
            }
            self.term(term);
        }
    }

    /// Sent as text, so that no driver has to know the type.
    fn param(&mut self, text: Option<String>, of: &DataType) {
        let number = self.first_param + self.params.len();
        self.params.push(text);
        let _ = write!(self.text, "${number}::pg_catalog.text");
        if !matches!(of, DataType::Scalar(Scalar::Text(_))) {
            self.put("::");
            self.type_name(of);
        }
    }

    fn type_name(&mut self, of: &DataType) {
        let (DataType::Scalar(scalar) | DataType::Array(scalar)) = of else { return };
        let name = match scalar {
            Scalar::Bool => "bool",
            Scalar::Int2 => "int2",
            Scalar::Int4 => "int4",
            Scalar::Int8 => "int8",
            Scalar::Numeric => "numeric",
            Scalar::Float4 => "float4",
            Scalar::Float8 => "float8",
            Scalar::Text(_) => "text",
            Scalar::Char(_) => "bpchar",
            Scalar::Uuid => "uuid",
            Scalar::Date => "date",
            Scalar::Time => "time",
            Scalar::Timestamp => "timestamp",
            Scalar::Timestamptz => "timestamptz",
            Scalar::Interval => "interval",
            Scalar::Bytea => "bytea",
            Scalar::Json => "json",
            Scalar::Jsonb => "jsonb",
            Scalar::Inet => "inet",
            Scalar::Enum(of) => &of.name,
        };
        if !matches!(scalar, Scalar::Enum(_)) {
            self.put("pg_catalog.");
        }
        self.put(name);
        if let DataType::Array(_) = of {
            self.put("[]");
        }
    }
}

impl Comparison {
    fn sql(self) -> &'static str {
        match self {
            Comparison::Equal => "=",
            Comparison::NotEqual => "<>",
            Comparison::Less => "<",
            Comparison::LessOrEqual => "<=",
            Comparison::Greater => ">",
            Comparison::GreaterOrEqual => ">=",
        }
    }
}

impl Relation {
    fn sql(self) -> &'static str {
        match self {
            Relation::Contains => "@>",
            Relation::ContainedBy => "<@",
            Relation::Overlaps => "&&",
            Relation::HasKey => "?",
            Relation::HasAnyKey => "?|",
            Relation::HasAllKeys => "?&",
            Relation::StartsWith => "^@",
        }
    }
}

impl Function {
    fn operator(self) -> Option<&'static str> {
        Some(match self {
            Function::Concat => "||",
            Function::JsonAt => "->",
            Function::JsonAtText => "->>",
            Function::JsonAtPath => "#>",
            Function::JsonAtPathText => "#>>",
            _ => return None,
        })
    }
}
