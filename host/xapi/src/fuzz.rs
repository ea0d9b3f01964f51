//! What must hold for whatever bytes a host sends. Driven by `tests/fuzz`, and by the tests below with its corpus.

use crate::rpc::{Answer, Dialect};
use crate::rrd::{Archive, Cf, Owner, Updates};
use crate::split::{Place, Splitter};
use crate::{Value, json, xmlrpc};

/// An XML-RPC answer: what could be read is the same after it was written and read again, as a whole and in pieces.
pub fn xmlrpc(data: &[u8]) {
    pieces(Dialect::Xml, data);
    let Ok(Answer::Success(value)) = Dialect::Xml.decode(data) else { return };
    let mut text = String::new();
    // Some characters can be read (by their number) and not be written.
    if xmlrpc::encode_value(&mut text, &value).is_err() {
        return;
    }
    let again = xmlrpc::decode_value(&text).expect("we read what we write");
    assert!(alike(&value, &again), "{value:?} became {again:?}");
    let answer = format!(
        "<methodResponse><params><param><value><struct><member><name>Status</name><value>Success</value></member>\
         <member><name>Value</name>{text}</member></struct></value></param></params></methodResponse>"
    );
    listed(Dialect::Xml, &value, &answer);
}

/// A JSON-RPC answer: what could be read is the same after it was written and read again, as a whole and in pieces.
pub fn jsonrpc(data: &[u8]) {
    pieces(Dialect::Json, data);
    let Ok(Answer::Success(value)) = Dialect::Json.decode(data) else { return };
    let text = format!("{{\"result\":{}}}", serde_json::to_string(&value).expect("values are JSON"));
    let again = Dialect::Json.decode(text.as_bytes()).expect("we read what we write");
    let Answer::Success(again) = again else { panic!("a result became an error") };
    assert!(alike(&value, &again), "{value:?} became {again:?}");
    listed(Dialect::Json, &value, &text);
}

/// Statistics: what could be read is the same through XML and through JSON, and took no more room than was paid for.
pub fn rrd(data: &[u8]) {
    if let Ok(updates) = Updates::parse(data) {
        let columns: Vec<Vec<f64>> =
            (0..updates.columns.len()).map(|column| updates.values(column).collect()).collect();
        assert!(columns.iter().all(|column| column.len() == updates.times.len()), "ragged columns");
        assert!(columns.len() * updates.times.len() <= data.len(), "more values than bytes");
        assert!(updates.times.windows(2).all(|pair| pair[0] < pair[1]), "times in disorder");
        let mut texts = vec![updates_as_json(&updates, &columns)];
        // XML has no word for NUL.
        if !data.contains(&0) && !texts[0].contains("\\u0000") {
            texts.push(updates_as_xml(&updates, &columns));
        }
        for text in texts {
            let again = Updates::parse(text.as_bytes()).expect("we read what we write");
            // NaN is not itself; as text it is.
            assert_eq!(format!("{updates:?}"), format!("{again:?}"), "{text}");
        }
    }
    if let Ok(archive) = Archive::parse(data) {
        let names = archive.sources.iter().map(|source| &*source.name);
        for (name, ring) in names.flat_map(|name| archive.rings.iter().map(move |ring| (name, ring))) {
            let (end, values) = archive.curve(name, ring.cf, ring.step).expect("source and ring are there");
            assert!(end <= archive.last_update, "a row from the future");
            assert!(values.len() <= data.len(), "more values than bytes");
        }
    }
}

/// The pieces in which an answer arrives make no difference to what is taken out of it.
fn pieces(dialect: Dialect, data: &[u8]) {
    for place in [Place::Events, Place::Table] {
        let whole = split(dialect, place, data, usize::MAX);
        for size in [1, 7] {
            assert_eq!(split(dialect, place, data, size), whole, "{place:?} in pieces of {size}");
        }
    }
}

/// What is taken out of an answer record by record is what stands in it.
fn listed(dialect: Dialect, value: &Value, answer: &str) {
    let Some(Value::Array(events)) = value.get("events") else { return };
    // Which of two members of one name counts is nobody's promise.
    if value.as_struct().is_some_and(|members| members.iter().filter(|(name, _)| &**name == "events").count() > 1) {
        return;
    }
    let (elements, rest) = split(dialect, Place::Events, answer.as_bytes(), usize::MAX).expect("a good answer");
    assert_eq!(elements.len(), events.len(), "{answer}");
    for (element, event) in elements.iter().zip(events) {
        let read = match dialect {
            Dialect::Json => json::parse(element),
            Dialect::Xml => xmlrpc::decode_value(std::str::from_utf8(element).expect("a piece of a text")),
        };
        assert!(alike(event, &read.expect("a good element")), "{answer}");
    }
    let Ok(Answer::Success(rest)) = dialect.decode(&rest) else { panic!("{answer} leaves no good envelope") };
    assert_eq!(rest.get("events"), Some(&Value::Array(Vec::new())), "{answer}");
}

type Elements = (Vec<Vec<u8>>, Vec<u8>);

/// Returns the elements of the list, and the envelope.
fn split(dialect: Dialect, place: Place, data: &[u8], size: usize) -> Result<Elements, String> {
    let mut splitter = Splitter::new(dialect, place);
    let mut elements = Vec::new();
    for piece in data.chunks(size) {
        splitter.feed(piece, &mut |element| {
            elements.push(element.to_vec());
            Ok(())
        })?;
    }
    Ok((elements, splitter.finish()))
}

/// Returns whether two readings are one value: XML has no type for integers, and doubles may lose their last bit.
fn alike(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Double(one), Value::Double(other)) => {
            one.to_bits() == other.to_bits()
                || (one.is_nan() && other.is_nan())
                || (one - other).abs() <= one.abs() * f64::EPSILON * 2.0
        }
        (Value::Int(number), Value::String(text)) => *number.to_string() == **text,
        (Value::Array(one), Value::Array(other)) => {
            one.len() == other.len() && one.iter().zip(other).all(|(one, other)| alike(one, other))
        }
        (Value::Struct(one), Value::Struct(other)) => {
            let pairs = one.iter().zip(other);
            one.len() == other.len()
                && pairs.into_iter().all(|(one, other)| one.0 == other.0 && alike(&one.1, &other.1))
        }
        (one, other) => one == other,
    }
}

fn legend(updates: &Updates) -> impl Iterator<Item = String> {
    updates.columns.iter().map(|column| {
        let cf = match column.cf {
            Cf::Average => "AVERAGE",
            Cf::Min => "MIN",
            Cf::Max => "MAX",
            Cf::Last => "LAST",
        };
        let owner = match column.owner {
            Owner::Host => "host",
            Owner::Vm => "vm",
            Owner::Sr => "sr",
        };
        format!("{cf}:{owner}:{}:{}", column.uuid, column.source)
    })
}

/// Writes as XAPI since 23.31: newest first, all numbers as strings.
fn updates_as_json(updates: &Updates, columns: &[Vec<f64>]) -> String {
    let text = |number: i64| number.to_string();
    let rows = updates.times.iter().enumerate().rev().map(|(row, time)| {
        let values: Vec<String> = columns.iter().map(|column| column[row].to_string()).collect();
        serde_json::json!({ "t": text(*time), "values": values })
    });
    let (rows, legend): (Vec<_>, Vec<_>) = (rows.collect(), legend(updates).collect());
    let (start, end, step) = (text(updates.start), text(updates.end), updates.step.to_string());
    serde_json::json!({ "meta": { "start": start, "end": end, "step": step, "legend": legend }, "data": rows })
        .to_string()
}

fn updates_as_xml(updates: &Updates, columns: &[Vec<f64>]) -> String {
    let Updates { start, end, step, .. } = updates;
    let mut out = format!("<xport><meta><start>{start}</start><step>{step}</step><end>{end}</end><legend>");
    for entry in legend(updates) {
        out.push_str("<entry>");
        for letter in entry.chars() {
            // By its number: names are whatever was sent, and XML has no other word for some of it.
            out.push_str(&format!("&#{};", u32::from(letter)));
        }
        out.push_str("</entry>");
    }
    out.push_str("</legend></meta><data>");
    for (row, time) in updates.times.iter().enumerate().rev() {
        out.push_str(&format!("<row><t>{time}</t>"));
        columns.iter().for_each(|column| out.push_str(&format!("<v>{}</v>", column[row])));
        out.push_str("</row>");
    }
    out.push_str("</data></xport>");
    out
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    /// Feeds every kept input to a target.
    fn replay(target: &str, run: fn(&[u8])) {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fuzz/corpus").join(target);
        let files = std::fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
        let mut count = 0;
        for file in files {
            let path = file.expect("a file").path();
            // Shown if it fails.
            println!("{}", path.display());
            run(&std::fs::read(&path).expect("a readable file"));
            count += 1;
        }
        assert!(count > 10, "{} has {count} files", folder.display());
    }

    #[test]
    fn corpus_of_xmlrpc() {
        replay("xmlrpc", super::xmlrpc);
    }

    #[test]
    fn corpus_of_jsonrpc() {
        replay("jsonrpc", super::jsonrpc);
    }

    #[test]
    fn corpus_of_rrd() {
        replay("rrd", super::rrd);
    }
}
