//! What has become of a table, in words for the log: names, never values.

use super::{Column, Table};

/// How the table differs from what it was.
pub fn differences(was: &Table, is: &Table) -> Vec<String> {
    let same = |columns: &[Column], number: i16| {
        columns.iter().find(|column| column.number == number).cloned()
    };
    let mut said = Vec::new();
    for old in &was.columns {
        match same(&is.columns, old.number) {
            None => said.push(format!("column `{}` was dropped", old.name)),
            Some(new) => said.extend(changes(old, &new)),
        }
    }
    let is_new = |new: &&Column| same(&was.columns, new.number).is_none();
    let added = is.columns.iter().filter(is_new);
    said.extend(added.map(|new| format!("column `{}` was added: restart to serve it", new.name)));
    if was.key != is.key && renamed_key(was, is) != is.key {
        said.push(format!("its key is ({}) now", is.key.join(", ")));
    }
    said
}

fn changes(old: &Column, new: &Column) -> Vec<String> {
    let mut said = Vec::new();
    if old.name != new.name {
        said.push(format!("column `{}` is called `{}` now", old.name, new.name));
    }
    if old.type_name != new.type_name {
        let (name, old, new) = (&new.name, &old.type_name, &new.type_name);
        said.push(format!("column `{name}` is {new} now, and was {old}"));
    } else if old.data_type != new.data_type {
        let (name, of) = (&new.name, &new.type_name);
        said.push(format!("the type {of} of column `{name}` is another one now"));
    }
    said
}

/// The key as it would be if its columns had only changed their names.
fn renamed_key(was: &Table, is: &Table) -> Vec<String> {
    let number = |name: &String| was.columns.iter().find(|it| it.name == *name).map(|it| it.number);
    let name = |number: i16| is.columns.iter().find(|it| it.number == number);
    let renamed = was.key.iter().filter_map(|key| name(number(key)?)).map(|it| it.name.clone());
    renamed.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::TableId;

    fn table(columns: &[(i16, &str, &str)], key: &[&str]) -> Table {
        let column = |&(number, name, of): &(i16, &str, &str)| Column::built_in(number, name, of);
        Table {
            id: TableId(1),
            schema: "public".into(),
            name: "t".into(),
            listed_as: "t".into(),
            columns: columns.iter().map(column).collect(),
            key: key.iter().map(|name| (*name).into()).collect(),
        }
    }

    #[test]
    fn columns_are_told_by_their_numbers() {
        let was = table(&[(1, "id", "integer"), (2, "a", "text"), (3, "b", "date")], &["id"]);
        let is = table(&[(1, "no", "bigint"), (3, "c", "date"), (4, "a", "text")], &["no"]);
        assert_eq!(
            differences(&was, &is),
            [
                "column `id` is called `no` now",
                "column `no` is bigint now, and was integer",
                "column `a` was dropped",
                "column `b` is called `c` now",
                "column `a` was added: restart to serve it",
            ]
        );
        assert_eq!(differences(&was, &was), Vec::<String>::new());
    }

    #[test]
    fn another_key_is_named() {
        let columns = [(1, "id", "integer"), (2, "a", "text")];
        let said = differences(&table(&columns, &["id"]), &table(&columns, &["a", "id"]));
        assert_eq!(said, ["its key is (a, id) now"]);
    }
}
