//! The two answers as XML.

use std::borrow::Cow;

use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};

use super::{Malformed, RawArchive, RawRing, RawSource, RawUpdates, at, number, seconds, steps};

type Parsed<T> = Result<T, Malformed>;

pub(super) fn updates(text: &str) -> Parsed<RawUpdates> {
    let mut raw = RawUpdates::default();
    Xml::document(text, b"xport", |xml| {
        xml.children(|name, xml| match name {
            b"meta" => xml.children(|name, xml| {
                match name {
                    b"start" => raw.start = Some(xml.read(seconds, "expected a time")?),
                    b"end" => raw.end = Some(xml.read(seconds, "expected a time")?),
                    b"step" => raw.step = Some(xml.read(steps, "expected a number of seconds")?),
                    b"legend" => xml.children(|_, xml| {
                        raw.columns.push(xml.text()?.parse()?);
                        Ok(())
                    })?,
                    _ => xml.skip()?,
                }
                Ok(())
            }),
            b"data" => xml.children(|_, xml| {
                let mut time = None;
                xml.children(|name, xml| {
                    match name {
                        b"t" => time = Some(xml.read(seconds, "expected a time")?),
                        b"v" => raw.rows.push(xml.read(number, "expected a number")?),
                        _ => xml.skip()?,
                    }
                    Ok(())
                })?;
                raw.times.push(time.ok_or_else(|| xml.wrong("a row without a time"))?);
                raw.rows.end()
            }),
            _ => xml.skip(),
        })
    })?;
    Ok(raw)
}

pub(super) fn archive(text: &str) -> Parsed<RawArchive> {
    let mut raw = RawArchive::default();
    Xml::document(text, b"rrd", |xml| {
        xml.children(|name, xml| {
            match name {
                b"step" => raw.step = Some(xml.read(steps, "expected a number of seconds")?),
                b"lastupdate" => raw.last_update = Some(xml.read(seconds, "expected a time")?),
                b"ds" => raw.sources.push(source(xml)?.finish()?),
                b"rra" => raw.rings.push(ring(xml)?),
                _ => xml.skip()?,
            }
            Ok(())
        })
    })?;
    Ok(raw)
}

fn source(xml: &mut Xml<'_>) -> Parsed<RawSource> {
    let mut source = RawSource::default();
    xml.children(|name, xml| {
        match name {
            b"name" => source.name = xml.text()?.into(),
            b"type" => source.kind = xml.text()?.into(),
            b"min" => source.min = Some(xml.read(number, "expected a number")?),
            b"max" => source.max = Some(xml.read(number, "expected a number")?),
            _ => xml.skip()?,
        }
        Ok(())
    })?;
    Ok(source)
}

fn ring(xml: &mut Xml<'_>) -> Parsed<RawRing> {
    let mut ring = RawRing::default();
    xml.children(|name, xml| {
        match name {
            b"cf" => ring.cf = Some(xml.text()?.parse()?),
            b"pdp_per_row" => ring.per_row = Some(xml.read(steps, "expected a number of steps")?),
            b"database" => xml.children(|_, xml| {
                xml.children(|_, xml| {
                    ring.rows.push(xml.read(number, "expected a number")?);
                    Ok(())
                })?;
                ring.rows.end()
            })?,
            _ => xml.skip()?,
        }
        Ok(())
    })?;
    Ok(ring)
}

/// Reads elements one after another; whoever reads knows the shape, so nothing recurses on what is sent.
struct Xml<'a> {
    reader: Reader<&'a [u8]>,
}

impl<'a> Xml<'a> {
    /// Reads a document: `inside` is called behind the root's start tag and must read up to its end.
    fn document(text: &'a str, root: &[u8], inside: impl FnOnce(&mut Self) -> Parsed<()>) -> Parsed<()> {
        let mut reader = Reader::from_str(text);
        reader.config_mut().expand_empty_elements = true;
        let mut xml = Self { reader };
        loop {
            match xml.next()? {
                Piece::Start(tag) if tag.name().as_ref() == root => break inside(&mut xml)?,
                // A line end behind the declaration.
                Piece::Text(text) if text.trim_ascii().is_empty() => {}
                _ => return Err(xml.wrong("another document than expected")),
            }
        }
        loop {
            match xml.event()? {
                Event::Eof => return Ok(()),
                Event::Comment(_) | Event::PI(_) => {}
                Event::Text(text) if text.iter().all(u8::is_ascii_whitespace) => {}
                _ => return Err(xml.wrong("something behind the end")),
            }
        }
    }

    /// Reads up to the end of the present element: `child` is called with the name of each element inside and must read
    /// up to its end.
    fn children(&mut self, mut child: impl FnMut(&[u8], &mut Self) -> Parsed<()>) -> Parsed<()> {
        loop {
            match self.next()? {
                Piece::End => return Ok(()),
                Piece::Start(tag) => child(tag.name().as_ref(), self)?,
                Piece::Text(text) if text.trim_ascii().is_empty() => {}
                Piece::Text(_) => return Err(self.wrong("a text where none belongs")),
            }
        }
    }

    /// Reads the text of the present element, up to its end.
    fn text(&mut self) -> Parsed<Cow<'a, str>> {
        let mut text = Cow::Borrowed("");
        loop {
            match self.next()? {
                Piece::End => return Ok(text),
                Piece::Text(piece) if text.is_empty() => text = piece,
                Piece::Text(piece) => text.to_mut().push_str(&piece),
                Piece::Start(_) => return Err(self.wrong("an element inside of a text")),
            }
        }
    }

    fn read<T>(&mut self, parse: impl FnOnce(&str) -> Option<T>, what: &str) -> Parsed<T> {
        let text = self.text()?;
        parse(&text).ok_or_else(|| self.wrong(what))
    }

    /// Reads up to the end of the present element and forgets it.
    fn skip(&mut self) -> Parsed<()> {
        let mut depth = 1usize;
        while depth > 0 {
            match self.next()? {
                Piece::Start(_) => depth += 1,
                Piece::End => depth -= 1,
                Piece::Text(_) => {}
            }
        }
        Ok(())
    }

    fn next(&mut self) -> Parsed<Piece<'a>> {
        loop {
            return match self.event()? {
                Event::Start(tag) => Ok(Piece::Start(tag)),
                Event::End(_) => Ok(Piece::End),
                Event::Text(text) => text.decode().map(Piece::Text).map_err(|_| self.wrong("not UTF-8")),
                Event::CData(text) => text.decode().map(Piece::Text).map_err(|_| self.wrong("not UTF-8")),
                Event::GeneralRef(reference) => match crate::xmlrpc::letter(&reference) {
                    Some(letter) => Ok(Piece::Text(letter.to_string().into())),
                    None => Err(self.wrong("unknown entity")),
                },
                Event::Comment(_) | Event::PI(_) | Event::Decl(_) => continue,
                // No entity definitions, hence no entity bombs.
                Event::DocType(_) => Err(self.wrong("a document type")),
                Event::Eof => Err(self.wrong("the end comes too early")),
                Event::Empty(_) => Err(self.wrong("malformed XML")),
            };
        }
    }

    fn event(&mut self) -> Parsed<Event<'a>> {
        self.reader.read_event().map_err(|_| self.wrong("malformed XML"))
    }

    fn wrong(&self, problem: &str) -> Malformed {
        at(problem, self.reader.buffer_position())
    }
}

enum Piece<'a> {
    Start(BytesStart<'a>),
    End,
    Text(Cow<'a, str>),
}
