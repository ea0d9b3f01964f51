//! The two answers as JSON, in all its dialects.

use super::lexer::Lexer;
use super::{Malformed, RawArchive, RawRing, RawSource, RawUpdates, Rows, number, seconds, steps};

type Parsed<T> = Result<T, Malformed>;

pub(super) fn updates(text: &str) -> Parsed<RawUpdates> {
    let mut raw = RawUpdates::default();
    let mut lexer = Lexer::new(text);
    lexer.object(|name, json| match name {
        "meta" => json.object(|name, json| {
            match name {
                "start" => raw.start = Some(json.read(seconds, "expected a time")?),
                "end" => raw.end = Some(json.read(seconds, "expected a time")?),
                "step" => raw.step = Some(json.read(steps, "expected a number of seconds")?),
                "legend" => json.list(|json| {
                    raw.columns.push(json.scalar()?.parse()?);
                    Ok(())
                })?,
                // `rows` and `columns`: old hosts miscount, and we see for ourselves.
                _ => json.skip()?,
            }
            Ok(())
        }),
        "data" => json.list(|json| {
            let mut time = None;
            json.object(|name, json| match name {
                "t" => {
                    time = Some(json.read(seconds, "expected a time")?);
                    Ok(())
                }
                "values" => row(json, &mut raw.rows),
                _ => json.skip(),
            })?;
            raw.times.push(time.ok_or_else(|| json.wrong("a row without a time"))?);
            raw.rows.end()
        }),
        _ => json.skip(),
    })?;
    lexer.end()?;
    Ok(raw)
}

pub(super) fn archive(text: &str) -> Parsed<RawArchive> {
    let mut raw = RawArchive::default();
    let mut lexer = Lexer::new(text);
    lexer.object(|name, json| match name {
        "step" => {
            raw.step = Some(json.read(steps, "expected a number of seconds")?);
            Ok(())
        }
        "lastupdate" => {
            raw.last_update = Some(json.read(seconds, "expected a time")?);
            Ok(())
        }
        "ds" => json.list(|json| {
            raw.sources.push(source(json)?.finish()?);
            Ok(())
        }),
        "rra" => json.list(|json| {
            raw.rings.push(ring(json)?);
            Ok(())
        }),
        _ => json.skip(),
    })?;
    lexer.end()?;
    Ok(raw)
}

fn source(json: &mut Lexer<'_>) -> Parsed<RawSource> {
    let mut source = RawSource::default();
    json.object(|name, json| {
        match name {
            "name" => source.name = json.scalar()?.into(),
            "type" => source.kind = json.scalar()?.into(),
            "min" => source.min = Some(json.read(number, "expected a number")?),
            "max" => source.max = Some(json.read(number, "expected a number")?),
            _ => json.skip()?,
        }
        Ok(())
    })?;
    Ok(source)
}

fn ring(json: &mut Lexer<'_>) -> Parsed<RawRing> {
    let mut ring = RawRing::default();
    json.object(|name, json| {
        match name {
            "cf" => ring.cf = Some(json.scalar()?.parse()?),
            "pdp_per_row" => ring.per_row = Some(json.read(steps, "expected a number of steps")?),
            "database" => json.list(|json| {
                row(json, &mut ring.rows)?;
                ring.rows.end()
            })?,
            _ => json.skip()?,
        }
        Ok(())
    })?;
    Ok(ring)
}

fn row(json: &mut Lexer<'_>, rows: &mut Rows) -> Parsed<()> {
    json.list(|json| {
        rows.push(json.read(number, "expected a number")?);
        Ok(())
    })
}
