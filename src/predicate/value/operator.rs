//! Operators besides comparisons.

use std::sync::Arc;

use super::function::{array, text};
use super::json::{Reader, position};
use super::output::put_text;
use super::{Array, Json, MAX_ARRAY_ELEMENTS, NotAValue, Value};
use crate::predicate::Undecidable;

/// The longest text or bytea that `||` makes; PostgreSQL's own limit is 1 GiB.
const MAX_JOINED_BYTES: usize = 64 << 20;

/// How many pairs of elements `@>`, `<@` and `&&` compare; what needs more is undecidable.
pub const MAX_COMPARISONS: usize = 1 << 24;

/// `||` of two texts, two byteas or two arrays.
pub fn concat(left: &Value, right: &Value) -> Result<Value, Undecidable> {
    match (left, right) {
        (Value::Bytea(left), Value::Bytea(right)) => {
            bounded(left.len(), right.len())?;
            Ok(Value::Bytea([&**left, &**right].concat().into()))
        }
        (Value::Array(left), Value::Array(right)) => join_arrays(left, right),
        _ => {
            let (left, right) = (text(left)?, text(right)?);
            bounded(left.len(), right.len())?;
            Ok(Value::Text([left, right].concat().into()))
        }
    }
}

fn bounded(left: usize, right: usize) -> Result<(), Undecidable> {
    if left + right > MAX_JOINED_BYTES { Err(Undecidable) } else { Ok(()) }
}

/// An empty array adds nothing; others are joined if both have one dimension. Whether PostgreSQL takes others
/// depends on the row.
fn join_arrays(left: &Arc<Array>, right: &Arc<Array>) -> Result<Value, Undecidable> {
    match (left.dimensions().len(), right.dimensions().len()) {
        (0, _) => Ok(Value::Array(right.clone())),
        (_, 0) => Ok(Value::Array(left.clone())),
        (1, 1) if left.elements().len() + right.elements().len() <= MAX_ARRAY_ELEMENTS => {
            let elements = [left.elements(), right.elements()].concat();
            Ok(Value::Array(Arc::new(Array::of(elements))))
        }
        _ => Err(Undecidable),
    }
}

/// `->` with a text or an integer.
pub fn json_at(json: &Value, step: &Value) -> Result<Option<Value>, Undecidable> {
    walk(json, &[Step::of(step)?]).map(|found| found.map(Found::json))
}

/// `->>`
pub fn json_at_text(json: &Value, step: &Value) -> Result<Option<Value>, Undecidable> {
    walk(json, &[Step::of(step)?])?.map_or(Ok(None), Found::text)
}

/// `#>` with an array of text.
pub fn json_at_path(json: &Value, path: &Value) -> Result<Option<Value>, Undecidable> {
    let Some(steps) = path_steps(path)? else { return Ok(None) };
    walk(json, &steps).map(|found| found.map(Found::json))
}

/// `#>>`
pub fn json_at_path_text(json: &Value, path: &Value) -> Result<Option<Value>, Undecidable> {
    let Some(steps) = path_steps(path)? else { return Ok(None) };
    walk(json, &steps)?.map_or(Ok(None), Found::text)
}

/// One step into JSON: what it takes of an object, and of an array.
struct Step<'v> {
    key: Option<&'v str>,
    index: Option<i64>,
}

impl<'v> Step<'v> {
    fn of(step: &'v Value) -> Result<Self, Undecidable> {
        match step {
            Value::Int(index) => Ok(Self { key: None, index: Some(*index) }),
            Value::Text(key) => Ok(Self { key: Some(key), index: None }),
            _ => Err(Undecidable),
        }
    }

    /// A single value of jsonb is stored as an array of one, and `->` with an integer takes it for one.
    fn takes_single(&self, tree: &Json) -> bool {
        let single = !matches!(tree, Json::Object(_) | Json::Array(_));
        single && self.key.is_none() && matches!(self.index, Some(0 | -1))
    }

    /// In a path, text that is an integer takes an array's element too.
    fn in_path(step: &'v Value) -> Result<Self, Undecidable> {
        let Value::Text(key) = step else { return Err(Undecidable) };
        let spaces = [' ', '\t', '\n', '\u{b}', '\u{c}', '\r'];
        let index = key.trim_start_matches(spaces).parse::<i32>().ok().map(i64::from);
        Ok(Self { key: Some(key), index })
    }
}

/// None: the path has a NULL in it, and leads nowhere.
fn path_steps(path: &Value) -> Result<Option<Vec<Step<'_>>>, Undecidable> {
    let elements = array(path)?.elements();
    elements
        .iter()
        .map(|step| step.as_ref().map(Step::in_path).transpose())
        .collect::<Result<Option<_>, _>>()
}

/// What a path leads to.
enum Found<'v> {
    Untold,
    Text(&'v str),
    Tree(&'v Json),
}

fn walk<'v>(json: &'v Value, path: &[Step<'_>]) -> Result<Option<Found<'v>>, Undecidable> {
    match json {
        Value::NullOrJsonNull => {
            let stays = path.is_empty() || matches!(path, [step] if step.takes_single(&Json::Null));
            Ok(stays.then_some(Found::Untold))
        }
        Value::Jsonb(tree) => match path {
            [step] if step.takes_single(tree) => Ok(Some(Found::Tree(tree))),
            path => Ok(walk_tree(tree, path).map(Found::Tree)),
        },
        Value::Json(text) => {
            let mut found = None;
            let mut reader = Reader::new(text);
            let walked = walk_text(&mut reader, path, 0, &mut found).and_then(|()| reader.end());
            walked.map_err(|_| Undecidable)?;
            Ok(found.map(Found::Text))
        }
        _ => Err(Undecidable),
    }
}

fn walk_tree<'v>(tree: &'v Json, path: &[Step<'_>]) -> Option<&'v Json> {
    path.iter().try_fold(tree, |at, step| match at {
        Json::Object(_) => at.get(step.key?),
        Json::Array(_) => at.at(step.index?),
        _ => None,
    })
}

/// Reads all of the text; of several ways that the path leads, the last counts.
fn walk_text<'t>(
    reader: &mut Reader<'t>,
    path: &[Step<'_>],
    depth: usize,
    found: &mut Option<&'t str>,
) -> Result<(), NotAValue> {
    let Some((step, rest)) = path.split_first() else {
        let start = reader.place();
        reader.skip(depth)?;
        *found = Some(reader.since(start));
        return Ok(());
    };
    match (reader.peek(), step) {
        (b'{', Step { key: Some(key), .. }) => reader.fields(depth, |reader, field, depth| {
            if field == *key { walk_text(reader, rest, depth, found) } else { reader.skip(depth) }
        }),
        (b'[', Step { index: Some(index), .. }) => {
            let wanted = position(*index, count(reader, *index, depth)?);
            let mut at = 0;
            reader.elements(depth, |reader, depth| {
                at += 1;
                let is_wanted = wanted == Some(at - 1);
                if is_wanted { walk_text(reader, rest, depth, found) } else { reader.skip(depth) }
            })
        }
        _ => reader.skip(depth),
    }
}

/// The number of elements, where a step counts from the end.
fn count(reader: &mut Reader<'_>, index: i64, depth: usize) -> Result<usize, NotAValue> {
    let mut count = 0;
    if index < 0 {
        reader.ahead().elements(depth, |reader, depth| {
            count += 1;
            reader.skip(depth)
        })?;
    }
    Ok(count)
}

impl Found<'_> {
    fn json(self) -> Value {
        match self {
            Found::Untold => Value::NullOrJsonNull,
            Found::Text(text) => Value::Json(text.into()),
            Found::Tree(tree) => Value::Jsonb(Arc::new(tree.clone())),
        }
    }

    fn text(self) -> Result<Option<Value>, Undecidable> {
        Ok(match self {
            Found::Untold | Found::Text("null") | Found::Tree(Json::Null) => None,
            Found::Text(string) if string.starts_with('"') => {
                let string = Reader::new(string).string().map_err(|_| Undecidable)?;
                Some(Value::Text(string.into()))
            }
            Found::Text(text) => Some(Value::Text(text.into())),
            Found::Tree(Json::String(string)) => Some(Value::Text(string.clone())),
            Found::Tree(tree) => {
                let mut text = String::new();
                put_text(&Value::Jsonb(Arc::new(tree.clone())), &mut text);
                Some(Value::Text(text.into()))
            }
        })
    }
}

/// `@>` of arrays or jsonb; `<@` with its sides changed.
pub fn contains(whole: &Value, part: &Value) -> Result<bool, Undecidable> {
    match (whole, part) {
        (Value::Array(whole), Value::Array(part)) => {
            few_enough(whole, part)?;
            let mut all = true;
            for element in part.elements() {
                all &= match element {
                    Some(element) => whole.has(element).ok_or(Undecidable)?,
                    None => false,
                };
            }
            Ok(all)
        }
        (Value::Jsonb(whole), Value::Jsonb(part)) => {
            let mut left = MAX_COMPARISONS;
            let contained = json_contains(whole, part, true, &mut left);
            if left == 0 { Err(Undecidable) } else { Ok(contained) }
        }
        _ => Err(Undecidable),
    }
}

fn few_enough(left: &Array, right: &Array) -> Result<(), Undecidable> {
    let pairs = left.elements().len().saturating_mul(right.elements().len());
    if pairs > MAX_COMPARISONS { Err(Undecidable) } else { Ok(()) }
}

/// At the top an array contains a single value that is among its elements. Means nothing once `left` is 0.
fn json_contains(whole: &Json, part: &Json, top: bool, left: &mut usize) -> bool {
    *left = left.saturating_sub(1);
    if *left == 0 {
        return false;
    }
    match (whole, part) {
        (Json::Object(_), Json::Object(fields)) => fields.iter().all(|(key, part)| {
            whole.get(key).is_some_and(|whole| json_contains(whole, part, false, left))
        }),
        (Json::Array(elements), Json::Array(parts)) => parts
            .iter()
            .all(|part| elements.iter().any(|element| json_contains(element, part, false, left))),
        (_, Json::Array(_) | Json::Object(_)) => false,
        (Json::Array(elements), single) => {
            top && elements.iter().any(|element| element.equal(single))
        }
        _ => whole.equal(part),
    }
}

/// `&&` of arrays.
pub fn overlaps(left: &Value, right: &Value) -> Result<bool, Undecidable> {
    let (left, right) = (array(left)?, array(right)?);
    few_enough(left, right)?;
    for element in right.elements().iter().flatten() {
        if left.has(element).ok_or(Undecidable)? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// `?`
pub fn has_key(json: &Value, key: &Value) -> Result<bool, Undecidable> {
    let Value::Jsonb(json) = json else { return Err(Undecidable) };
    Ok(has(json, text(key)?))
}

/// `?|`
pub fn has_any_key(json: &Value, keys: &Value) -> Result<bool, Undecidable> {
    let Value::Jsonb(json) = json else { return Err(Undecidable) };
    let mut any = false;
    for key in array(keys)?.elements().iter().flatten() {
        any |= has(json, text(key)?);
    }
    Ok(any)
}

/// `?&`
pub fn has_all_keys(json: &Value, keys: &Value) -> Result<bool, Undecidable> {
    let Value::Jsonb(json) = json else { return Err(Undecidable) };
    let mut all = true;
    for key in array(keys)?.elements().iter().flatten() {
        all &= has(json, text(key)?);
    }
    Ok(all)
}

/// Whether the string is a key, an element, or the value itself.
fn has(json: &Json, string: &str) -> bool {
    let is = |json: &Json| matches!(json, Json::String(it) if **it == *string);
    match json {
        Json::Object(_) => json.get(string).is_some(),
        Json::Array(elements) => elements.iter().any(is),
        single => is(single),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::DataType;
    use crate::predicate::value::from_log;

    #[test]
    fn much_work_is_undecidable() {
        let numbers =
            |from: usize| (from..from + 20_000).map(|it| it.to_string()).collect::<Vec<_>>();
        for of in ["jsonb", "integer[]"] {
            let of = DataType::named(of);
            let array =
                |from| from_log(&format!("[{}]", numbers(from).join(",")), &of).unwrap().unwrap();
            assert_eq!(contains(&array(0), &array(1)), Err(Undecidable));
        }
    }

    #[test]
    fn null_of_json_says_only_what_is_sure() {
        let null = from_log("null", &DataType::named("jsonb")).unwrap().unwrap();
        let key = Value::Text("a".into());
        assert_eq!(json_at(&null, &key), Ok(None));
        assert_eq!(json_at(&null, &Value::Int(0)), Ok(Some(Value::NullOrJsonNull)));
        assert_eq!(json_at_text(&null, &Value::Int(0)), Ok(None));
        assert_eq!(contains(&null, &null), Err(Undecidable));
        assert_eq!(has_key(&null, &key), Err(Undecidable));
    }
}
