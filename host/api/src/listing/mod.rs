//! Answers made of many objects, written piece by piece: nothing is ever put together whole. Listings of everything take
//! their pieces from the kept pages and copy nothing; those that look at each object copy its kept JSON.

pub(crate) mod markdown;

use std::collections::VecDeque;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::ops::ControlFlow;
use std::sync::Arc;

use access::VisibilityClass;
use app::object::Selection;
use bytes::Bytes;
use inventory::{Inventory, JsonCache, Pages, Snapshot};
use model::Object;
use wire::Failure;

use crate::answers::Recording;
use crate::feed::{Batch, Changed, append_entry};
use crate::handlers::collection;

/// Bytes of one piece: big enough that writing it costs more than asking for it, small enough that a worker thread is free
/// again after some 50 microseconds and that a hundred readers hold 6 MB.
pub(crate) const PIECE: usize = 64 << 10;

/// Kept pages that go with one piece: nobody copies them, so only the kernel's share of the work counts, and fewer, longer
/// writes wake the reader less often.
const PAGES: usize = 4;

/// Objects looked at for one piece: a filter that finds little must not keep a worker thread longer than one that finds all.
const LOOKS: usize = 2_000;

/// Content type of JSON.
pub(crate) const JSON: &str = "application/json";

/// How the objects are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Form {
    /// One JSON map from id to object.
    Map,
    /// One JSON array.
    Array,
    /// One JSON value per line.
    Lines,
    /// A table to read.
    Markdown,
}

impl Form {
    /// Returns the content type of an answer of this form.
    pub(crate) fn content_type(self) -> &'static str {
        match self {
            Self::Map | Self::Array => JSON,
            Self::Lines => "application/x-ndjson",
            Self::Markdown => "text/markdown; charset=utf-8",
        }
    }
}

/// What is written of each object, unless the form is a map.
pub(crate) enum Item {
    /// The whole object.
    Object,
    /// The whole object with its address, which begins with this.
    WithHref(String),
    /// Some properties, and the address, which begins with this.
    Fields(Vec<String>, String),
    /// The address alone, as a text.
    Href(String),
    /// An alarm as it is shown, all of it or some properties, and the address.
    Alarm(Snapshot, Option<Vec<String>>, String),
}

impl Item {
    /// Returns what pages with this text are kept as; none where everybody asks for something else.
    fn page_key(&self, form: Form) -> Option<u64> {
        let kept = match self {
            Self::Object => (0, ""),
            Self::WithHref(base) => (1, base.as_str()),
            Self::Href(base) => (2, base.as_str()),
            Self::Fields(..) | Self::Alarm(..) => return None,
        };
        let mut hasher = DefaultHasher::new();
        (form, kept).hash(&mut hasher);
        Some(hasher.finish()).filter(|_| form != Form::Markdown)
    }
}

enum Source {
    /// With the pages, and what they are of, when this is written of every object that there is.
    Selection(Box<Selection>, Option<(Pages, u64)>),
    /// The objects of a change that a class of callers sees, from this place on.
    Changed(Arc<Batch>, VisibilityClass, usize),
}

/// A list of objects on its way out.
pub(crate) struct Listing {
    json: JsonCache,
    source: Source,
    form: Form,
    item: Item,
    /// Whether the opening bracket is written.
    is_open: bool,
    /// Whether an object is written, so that a comma is due before the next.
    any: bool,
    /// Keeps the answer for whoever asks the same.
    recording: Option<Recording>,
    /// Where the form is a table.
    table: Option<markdown::Table>,
}

impl Listing {
    /// Lists a selection.
    pub(crate) fn new(inventory: &Inventory, selection: Selection, form: Form, item: Item) -> Self {
        let pages = item.page_key(form).map(|key| (inventory.pages().clone(), key));
        let source = Source::Selection(Box::new(selection), pages);
        let table = (form == Form::Markdown).then(|| {
            markdown::Table::new(match &item {
                Item::Fields(fields, _) | Item::Alarm(_, Some(fields), _) => Some(fields.clone()),
                _ => None,
            })
        });
        let json = inventory.json().clone();
        Self { json, source, form, item, is_open: false, any: false, recording: None, table }
    }

    /// Lists what a class sees of the objects that are new or changed.
    pub(crate) fn changed(json: &JsonCache, batch: Arc<Batch>, class: VisibilityClass) -> Self {
        let source = Source::Changed(batch, class, 0);
        Self {
            json: json.clone(),
            source,
            form: Form::Map,
            item: Item::Object,
            is_open: false,
            any: false,
            recording: None,
            table: None,
        }
    }

    /// Returns the content type of the answer.
    pub(crate) fn content_type(&self) -> &'static str {
        self.form.content_type()
    }

    /// Keeps the answer when it is whole.
    pub(crate) fn recorded(mut self, recording: Option<Recording>) -> Self {
        self.recording = recording;
        self
    }

    /// Appends the next piece to `out` until that has [`PIECE`] bytes, perhaps less.
    fn fill(&mut self, out: &mut Vec<u8>) -> Result<Filled, Failure> {
        let begin = out.len();
        let Self { json, source, form, item, is_open, any, recording, table } = self;
        let (open, close): (&'static str, &'static str) = match form {
            Form::Map => ("{", "}"),
            Form::Array => ("[", "]"),
            Form::Lines | Form::Markdown => ("", ""),
        };
        if !std::mem::replace(is_open, true) {
            out.extend_from_slice(open.as_bytes());
        }
        let mut shared = Vec::new();
        let mut is_last = false;
        if let Source::Selection(selection, Some((pages, key))) = source {
            let separator: &'static [u8] = if *form == Form::Lines { b"" } else { b"," };
            let write = |object: &Arc<Object>, out: &mut Vec<u8>| {
                match form {
                    Form::Map => _ = object.write_entry(out),
                    Form::Array | Form::Lines | Form::Markdown => append_new(object, item, out),
                }
                if *form == Form::Lines {
                    out.push(b'\n');
                }
            };
            while shared.len() < PAGES * 2
                && let Some(page) = selection.piece(pages, *key, separator, write)
            {
                is_last = page.is_empty();
                if is_last {
                    shared.push(Bytes::from_static(close.as_bytes()));
                    break;
                }
                if std::mem::replace(any, true) {
                    shared.push(Bytes::from_static(separator));
                }
                shared.push(page);
            }
        }
        if !shared.is_empty() {
            if let Some(recording) = recording {
                recording.push(&out[begin..], false);
                shared.iter().for_each(|bytes| recording.push(bytes, false));
                recording.push(&[], is_last);
            }
            return Ok(Filled { is_last, shared });
        }
        let mut write = |object: &Arc<Object>, change: Option<&Changed>| {
            if std::mem::replace(any, true) && matches!(form, Form::Map | Form::Array) {
                out.push(b',');
            }
            match form {
                Form::Map => append_entry(json, object, change, out),
                Form::Array | Form::Lines => append(json, object, item, out),
                Form::Markdown => {
                    let mut record = Vec::new();
                    append(json, object, item, &mut record);
                    // It is JSON that we wrote ourselves.
                    let record = serde_json::from_slice(&record).unwrap_or_default();
                    if let Some(table) = table {
                        table.append(&record, out);
                    }
                }
            }
            if *form == Form::Lines {
                out.push(b'\n');
            }
            if out.len() >= PIECE { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        };
        let more = match source {
            Source::Selection(selection, _) => {
                selection.next(LOOKS, |object| write(object, None)).map_err(|error| error.failure)?
            }
            Source::Changed(batch, class, at) => loop {
                if *at >= batch.len() {
                    break false;
                }
                *at += 1;
                if let Some((object, change)) = batch.shown(class, *at - 1)
                    && write(object, change).is_break()
                {
                    break true;
                }
            },
        };
        if !more {
            out.extend_from_slice(close.as_bytes());
            if *form == Form::Markdown && !*any {
                out.extend_from_slice(markdown::NOTHING.as_bytes());
            }
        }
        if let Some(recording) = recording {
            recording.push(&out[begin..], !more);
        }
        Ok(Filled { is_last: !more, shared: Vec::new() })
    }
}

/// What came of asking for a piece.
pub(crate) struct Filled {
    /// Whether it was the last.
    pub is_last: bool,
    /// What comes behind the bytes that were appended, one after the other; it is kept, too, for whoever asks next.
    pub shared: Vec<Bytes>,
}

fn append(json: &JsonCache, object: &Arc<Object>, item: &Item, out: &mut Vec<u8>) {
    match item {
        Item::Object => json.append_value(object, out),
        Item::WithHref(base) => {
            json.append_value(object, out);
            add_href(base, object, out);
        }
        Item::Fields(fields, base) => append_fields(fields, base, object, out),
        Item::Href(base) => append_href(base, object, out),
        Item::Alarm(snapshot, fields, base) => append_alarm(snapshot, fields, base, object, out),
    }
}

/// Appends an object whose text is kept with the page that it is on.
fn append_new(object: &Arc<Object>, item: &Item, out: &mut Vec<u8>) {
    match item {
        Item::Object => append_json(&**object, out),
        Item::WithHref(base) => {
            append_json(&**object, out);
            add_href(base, object, out);
        }
        Item::Fields(fields, base) => append_fields(fields, base, object, out),
        Item::Href(base) => append_href(base, object, out),
        Item::Alarm(snapshot, fields, base) => append_alarm(snapshot, fields, base, object, out),
    }
}

/// Adds the address to the object that was appended last.
fn add_href(base: &str, object: &Object, out: &mut Vec<u8>) {
    // Objects have an id, so there is something before this.
    out.pop();
    out.extend_from_slice(b",\"href\":");
    append_href(base, object, out);
    out.push(b'}');
}

fn append_fields(fields: &[String], base: &str, object: &Object, out: &mut Vec<u8>) {
    let href = format!("{base}/{}", object.id());
    append_json(&object.view(Some(fields), &[("href", &href)]), out);
}

fn append_alarm(snapshot: &Snapshot, fields: &Option<Vec<String>>, base: &str, object: &Object, out: &mut Vec<u8>) {
    let view = app::alarm::view(snapshot, object).unwrap_or_default();
    append_json(&collection::show(view, Some(fields), base), out);
}

fn append_href(base: &str, object: &Object, out: &mut Vec<u8>) {
    append_json(&format_args!("{base}/{}", object.id()), out);
}

/// Appends a value as JSON.
pub(crate) fn append_json<T: serde::Serialize + ?Sized>(value: &T, out: &mut Vec<u8>) {
    serde_json::to_writer(out, value).expect("our values have string keys, and memory takes all");
}

/// A part of an answer.
pub(crate) enum Part {
    /// Bytes that are there.
    Bytes(Vec<u8>),
    /// Objects.
    Listing(Box<Listing>),
}

type Refusal = Box<dyn Fn(&Failure) -> Vec<u8> + Send>;

/// An answer on its way out: parts, one after the other.
#[derive(Default)]
pub(crate) struct Stream {
    parts: VecDeque<Part>,
    /// Writes what is sent if the first piece fails.
    refusal: Option<Refusal>,
    has_begun: bool,
}

impl Stream {
    /// Returns whether there is nothing to send.
    pub(crate) fn is_empty(&self) -> bool {
        self.parts.is_empty()
    }

    /// Adds bytes at the end.
    pub(crate) fn bytes(&mut self, bytes: impl AsRef<[u8]>) {
        match self.parts.back_mut() {
            Some(Part::Bytes(last)) => last.extend_from_slice(bytes.as_ref()),
            _ => self.parts.push_back(Part::Bytes(bytes.as_ref().to_vec())),
        }
    }

    /// Adds parts at the end.
    pub(crate) fn append(&mut self, other: Self) {
        for part in other.parts {
            match part {
                Part::Bytes(bytes) => self.bytes(bytes),
                listing => self.parts.push_back(listing),
            }
        }
    }

    /// Says what is sent instead if it fails before anything is sent.
    pub(crate) fn or(mut self, refusal: impl Fn(&Failure) -> Vec<u8> + Send + 'static) -> Self {
        self.refusal = Some(Box::new(refusal));
        self
    }

    /// Appends the next piece to `out` until that has [`PIECE`] bytes, perhaps less.
    ///
    /// # Errors
    /// What was sent so far is not to be trusted and has no end.
    pub(crate) fn fill(&mut self, out: &mut Vec<u8>) -> Result<Filled, Failure> {
        let begin = out.len();
        let has_begun = std::mem::replace(&mut self.has_begun, true);
        match self.fill_parts(out) {
            Err(failure) => match self.refusal.take().filter(|_| !has_begun) {
                Some(refusal) => {
                    out.truncate(begin);
                    out.extend_from_slice(&refusal(&failure));
                    Ok(Filled { is_last: true, shared: Vec::new() })
                }
                None => Err(failure),
            },
            filled => filled,
        }
    }

    fn fill_parts(&mut self, out: &mut Vec<u8>) -> Result<Filled, Failure> {
        loop {
            match self.parts.front_mut() {
                None => return Ok(Filled { is_last: true, shared: Vec::new() }),
                Some(Part::Bytes(bytes)) => out.extend_from_slice(bytes),
                Some(Part::Listing(listing)) => {
                    let Filled { is_last, mut shared } = listing.fill(out)?;
                    if is_last && !shared.is_empty() {
                        // Our own bytes stand before the shared ones, so what comes behind goes with these.
                        self.parts.pop_front();
                        while let Some(Part::Bytes(bytes)) = self.parts.front_mut() {
                            shared.push(Bytes::from(std::mem::take(bytes)));
                            self.parts.pop_front();
                        }
                        return Ok(Filled { is_last: self.parts.is_empty(), shared });
                    }
                    if !is_last {
                        return Ok(Filled { is_last, shared });
                    }
                }
            }
            self.parts.pop_front();
            if out.len() >= PIECE {
                return Ok(Filled { is_last: self.parts.is_empty(), shared: Vec::new() });
            }
        }
    }
}

impl From<Listing> for Stream {
    fn from(listing: Listing) -> Self {
        Self { parts: VecDeque::from([Part::Listing(Box::new(listing))]), ..Self::default() }
    }
}

impl From<Vec<u8>> for Stream {
    fn from(bytes: Vec<u8>) -> Self {
        Self { parts: VecDeque::from([Part::Bytes(bytes)]), ..Self::default() }
    }
}
