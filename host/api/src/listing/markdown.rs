//! Lists as tables of Markdown, for people and for programs that read as people do.

use serde_json::Value;

/// Written when there is nothing.
pub(crate) const NOTHING: &str = "No results.\n";

/// A table that is written row by row. Its columns are the properties that were asked for, or those of the first row.
pub(crate) struct Table {
    columns: Option<Vec<String>>,
    is_open: bool,
}

impl Table {
    /// Begins a table.
    pub(crate) fn new(columns: Option<Vec<String>>) -> Self {
        Self { columns, is_open: false }
    }

    /// Appends a row: a record, or an address, which stands on a line of its own.
    pub(crate) fn append(&mut self, record: &Value, out: &mut Vec<u8>) {
        let first = !std::mem::replace(&mut self.is_open, true);
        let Value::Object(members) = record else {
            out.extend_from_slice(record.as_str().unwrap_or_default().as_bytes());
            out.push(b'\n');
            return;
        };
        let all = || members.keys().filter(|name| *name != "href").cloned().collect();
        let columns = self.columns.get_or_insert_with(all);
        if first {
            line(columns.iter().map(|name| escape(name)), out);
            line(columns.iter().map(|_| "---".to_owned()), out);
        }
        line(columns.iter().map(|name| cell(members.get(name))), out);
    }

    /// Ends the table.
    pub(crate) fn finish(&self, out: &mut Vec<u8>) {
        if !self.is_open {
            out.extend_from_slice(NOTHING.as_bytes());
        }
    }
}

fn line(cells: impl Iterator<Item = String>, out: &mut Vec<u8>) {
    for cell in cells {
        out.extend_from_slice(b"| ");
        out.extend_from_slice(cell.as_bytes());
        out.push(b' ');
    }
    out.extend_from_slice(b"|\n");
}

fn cell(value: Option<&Value>) -> String {
    match value {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => escape(text),
        Some(other) => escape(&other.to_string()),
    }
}

fn escape(text: &str) -> String {
    text.replace('\\', "\\\\").replace('|', "\\|").replace(['\r', '\n'], " ")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn table(columns: Option<&[&str]>, rows: &[Value]) -> String {
        let mut out = Vec::new();
        let mut table = Table::new(columns.map(|names| names.iter().map(|name| (*name).to_owned()).collect()));
        rows.iter().for_each(|row| table.append(row, &mut out));
        table.finish(&mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn rows_have_the_columns_that_were_asked_for() {
        let rows = [json!({ "a": "x|y\nz", "b": [1], "href": "/a" }), json!({ "b": null, "href": "/b" })];
        assert_eq!(table(Some(&["a", "b"]), &rows), "| a | b |\n| --- | --- |\n| x\\|y z | [1] |\n|  |  |\n");
        assert_eq!(table(None, &rows[..1]), "| a | b |\n| --- | --- |\n| x\\|y z | [1] |\n");
        assert_eq!(table(None, &[json!("/a"), json!("/b")]), "/a\n/b\n");
        assert_eq!(table(Some(&["a"]), &[]), "No results.\n");
    }
}
