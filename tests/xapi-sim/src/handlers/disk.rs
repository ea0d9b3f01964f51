//! `/export_raw_vdi` and `/import_raw_vdi`: whole disks, and what differs from an older one.

use bytes::Bytes;
use hyper::{Response, StatusCode, body::Incoming};
use serde_json::json;

use super::{
    Ask,
    transfer::{Source, object},
};
use crate::{
    content::{BLOCK, Content},
    core::Core,
    db::Db,
    failure::{Failure, fail},
    model::NULL,
    server::{self, Body},
    vhd,
    wire::{Reply, Wire},
    xva,
};

impl Db {
    /// The host that can reach a storage: any for shared ones.
    pub fn home_of_sr(&self, sr: &str) -> Option<String> {
        if self.flag("SR", sr, "shared") {
            return None;
        }
        let pbds = self.list("SR", sr, "PBDs");
        pbds.iter().map(|p| self.text("PBD", p, "host").to_owned()).find(|h| h != NULL)
    }

    fn home_of_disk(&self, disk: &str) -> Option<String> {
        self.home_of_sr(self.text("VDI", disk, "SR"))
    }

    fn is_attached_to_write(&self, disk: &str) -> bool {
        let vbds = self.list("VDI", disk, "VBDs");
        vbds.iter().any(|v| self.flag("VBD", v, "currently_attached") && self.text("VBD", v, "mode") == "RW")
    }
}

/// A disk as it is now.
struct Disk {
    uuid: String,
    size: u64,
    content: Content,
}

fn disk(db: &Db, reference: &str) -> Disk {
    let size = u64::try_from(db.int("VDI", reference, "virtual_size")).unwrap_or(0);
    Disk { uuid: db.text("VDI", reference, "uuid").to_owned(), size, content: db.content(reference) }
}

pub fn export(ask: &Ask) -> Response<Body> {
    let Some(reference) = ask.object("VDI", "vdi") else { return missing(ask, "vdi") };
    let core = &ask.seat.core;
    if let Some(elsewhere) = core.read(|db| db.home_of_disk(&reference)).and_then(|home| ask.elsewhere(&home)) {
        return elsewhere;
    }
    if core.read(|db| db.is_attached_to_write(&reference)) {
        return ask.refuse(StatusCode::INTERNAL_SERVER_ERROR, &fail("VDI_IN_USE", [&reference, "export"]));
    }
    let disk = core.read(|db| disk(db, &reference));
    let name = format!("{}.{}", disk.uuid, ask.param("format").unwrap_or("raw"));
    match ask.param("format").unwrap_or("raw") {
        "raw" => {
            let size = disk.size;
            ask.download("Exporting raw VDI", "application/octet-stream", &name, size, move |mut sink| async move {
                let zeros = Bytes::from(vec![0; usize::try_from(BLOCK).unwrap_or(0)]);
                for number in 0..disk.size.div_ceil(BLOCK) {
                    let length = usize::try_from((disk.size - number * BLOCK).min(BLOCK)).unwrap_or(0);
                    let block = disk.content.block(number).unwrap_or_else(|| zeros.clone());
                    sink.send(block.slice(..length)).await?;
                }
                Ok(Wire::Text(String::new()))
            })
        }
        "vhd" => {
            let base = ask.param("base").map(|_| ask.object("VDI", "base"));
            let base = match base {
                Some(None) => return missing(ask, "base"),
                Some(Some(base)) => Some(core.read(|db| self::disk(db, &base))),
                None => None,
            };
            let blocks = match &base {
                Some(base) => disk.content.differing(&base.content, disk.size),
                None => disk.content.filled(disk.size),
            };
            let total = vhd::length(disk.size, blocks.len());
            ask.download("Exporting raw VDI", "application/vhd", &name, total, move |mut sink| async move {
                let id = |uuid: &str| uuid::Uuid::parse_str(uuid).map_or([0; 16], |u| *u.as_bytes());
                let parent = base.map(|b| vhd::Parent { uuid: id(&b.uuid), name: format!("{}.vhd", b.uuid) });
                let footer = vhd::footer(disk.size, parent.is_some(), id(&disk.uuid));
                let head = [footer.clone(), vhd::header(disk.size, parent.as_ref()), vhd::table(disk.size, &blocks)];
                sink.send(head.concat()).await?;
                for number in blocks {
                    sink.send(vec![0xff; vhd::BITMAP]).await?;
                    let zeros = || vec![0; usize::try_from(BLOCK).unwrap_or(0)].into();
                    sink.send(disk.content.block(number).unwrap_or_else(zeros)).await?;
                }
                sink.send(footer).await?;
                Ok(Wire::Text(String::new()))
            })
        }
        "tar" => {
            let size = disk.size;
            ask.download("Exporting raw VDI", "application/x-tar", &name, size, move |mut sink| async move {
                xva::write_disk(&mut sink, "vdi", &disk.content, disk.size).await?;
                sink.send(xva::END).await?;
                Ok(Wire::Text(String::new()))
            })
        }
        other => ask.refuse(StatusCode::NOT_FOUND, &fail("INTERNAL_ERROR", [&format!("unknown format {other}")])),
    }
}

fn missing(ask: &Ask, parameter: &str) -> Response<Body> {
    let given = ask.param(parameter).unwrap_or_default();
    ask.refuse(StatusCode::BAD_REQUEST, &fail("HANDLE_INVALID", ["VDI", given]))
}

pub fn import(ask: &Ask, body: Incoming) -> Response<Body> {
    let core = ask.seat.core.clone();
    let target = ask.object("VDI", "vdi");
    let sr = ask.object("SR", "sr_id").or_else(|| ask.object("SR", "sr_uuid"));
    let home = core.read(|db| match (&target, &sr) {
        (Some(disk), _) => db.home_of_disk(disk),
        (None, Some(sr)) => db.home_of_sr(sr),
        _ => None,
    });
    if let Some(elsewhere) = home.and_then(|home| ask.elsewhere(&home)) {
        return elsewhere;
    }
    let format = ask.param("format").unwrap_or("raw").to_owned();
    let chunked = ask.param("chunked").is_some();
    let encoding = ask.headers.get("transfer-encoding").and_then(|v| v.to_str().ok()).map(str::to_owned);
    let problem = match (&encoding, format.as_str()) {
        (Some(encoding), _) => Some(format!("Cannot handle encoding: {encoding}")),
        (None, "raw") => None,
        (None, "vhd") if !chunked => None,
        (None, other) => Some(format!("cannot import format {other}")),
    };
    if let Some(problem) = problem {
        return ask.refuse(StatusCode::NOT_FOUND, &fail("INTERNAL_ERROR", [&problem]));
    }
    if target.is_none() && (format != "raw" || sr.is_none()) {
        return ask.refuse(StatusCode::BAD_REQUEST, &fail("INTERNAL_ERROR", ["neither a VDI nor an SR is given"]));
    }
    if ask.is_probe() {
        return server::pieced("application/octet-stream", Vec::new(), true);
    }
    let length = ask.length().unwrap_or(0);
    ask.upload("Importing raw VDI", body, move |mut source| async move {
        let disk = match (target, sr) {
            (Some(disk), _) => disk,
            (None, sr) => core.write(|db| new_disk(db, &sr.unwrap_or_default(), length)),
        };
        if core.read(|db| db.is_attached_to_write(&disk)) {
            return Err(fail("VDI_IN_USE", [&disk, "import"]));
        }
        match (format.as_str(), chunked) {
            ("vhd", _) => read_vhd(&core, &disk, &mut source).await?,
            (_, true) => read_chunks(&core, &disk, &mut source).await?,
            _ => read_raw(&core, &disk, &mut source).await?,
        }
        Reply::Ok(object(&disk))
    })
}

fn new_disk(db: &mut Db, sr: &str, size: u64) -> String {
    let uuid = db.uuid();
    let fields = json!({
        "uuid": uuid, "name_label": "Imported VDI", "SR": sr, "virtual_size": size.next_multiple_of(BLOCK), "type": "user",
        "managed": true, "location": uuid, "physical_utilisation": size,
    });
    db.insert("VDI", crate::tasks::object(fields))
}

/// Writes, unless it would be behind the end.
fn write(core: &Core, disk: &str, offset: u64, data: &[u8]) -> Result<(), Failure> {
    core.write(|db| {
        let size = u64::try_from(db.int("VDI", disk, "virtual_size")).unwrap_or(0);
        if offset + data.len() as u64 > size {
            return Err(fail("VDI_IO_ERROR", ["Device I/O errors"]));
        }
        db.write_content(disk, |content| content.write(offset, data));
        Ok(())
    })
}

async fn read_raw(core: &Core, disk: &str, source: &mut Source) -> Result<(), Failure> {
    let mut offset = 0;
    loop {
        let data = source.take(usize::try_from(BLOCK).unwrap_or(0)).await?;
        if data.is_empty() {
            return Ok(());
        }
        write(core, disk, offset, &data)?;
        offset += data.len() as u64;
    }
}

/// Frames of offset, length and data; the empty one at 0 is the last. Little endian.
async fn read_chunks(core: &Core, disk: &str, source: &mut Source) -> Result<(), Failure> {
    loop {
        let head = source.take(12).await?;
        let (Some(offset), Some(length)) = (head.first_chunk::<8>(), head.last_chunk::<4>()) else {
            return Err(fail("VDI_IO_ERROR", ["the stream ends early"]));
        };
        let (offset, length) = (u64::from_le_bytes(*offset), u32::from_le_bytes(*length));
        if head.len() < 12 {
            return Err(fail("VDI_IO_ERROR", ["the stream ends early"]));
        } else if (offset, length) == (0, 0) {
            return Ok(());
        }
        let data = source.take(usize::try_from(length).unwrap_or(0)).await?;
        write(core, disk, offset, &data)?;
    }
}

async fn read_vhd(core: &Core, disk: &str, source: &mut Source) -> Result<(), Failure> {
    let bad = |error: anyhow::Error| fail("VDI_IO_ERROR", [&format!("{error:#}")]);
    let image = vhd::read_footer(&source.take(512).await?).map_err(bad)?;
    let layout = vhd::read_header(&source.take(1024).await?).map_err(bad)?;
    let size = core.read(|db| db.int("VDI", disk, "virtual_size"));
    if image.size > u64::try_from(size).unwrap_or(0) {
        return Err(fail("VDI_IO_ERROR", ["the image is larger than the disk"]));
    }
    let mut at = 1536;
    source.skip(layout.table - at).await?;
    at = layout.table;
    let table = source.take(layout.entries * 4).await?;
    at += table.len() as u64;
    if !image.differencing {
        // What a dynamic image leaves out is zeros.
        core.write(|db| db.write_content(disk, |content| *content = Content::default()));
    }
    for (sector, number) in vhd::read_table(&table) {
        let Some(gap) = (sector * vhd::SECTOR).checked_sub(at) else {
            return Err(fail("VDI_IO_ERROR", ["blocks overlap"]));
        };
        source.skip(gap).await?;
        let bitmap = source.take(vhd::BITMAP).await?;
        let data = source.take(usize::try_from(BLOCK).unwrap_or(0)).await?;
        if bitmap.len() < vhd::BITMAP || (data.len() as u64) < BLOCK {
            return Err(fail("VDI_IO_ERROR", ["the image ends early"]));
        }
        at = sector * vhd::SECTOR + vhd::BITMAP as u64 + BLOCK;
        for (first, count) in vhd::runs(&bitmap) {
            let (from, to) = (first * 512, (first + count) * 512);
            let offset = number * BLOCK + from as u64;
            let end = usize::try_from(image.size.saturating_sub(number * BLOCK)).unwrap_or(usize::MAX).min(to);
            write(core, disk, offset, &data[from.min(end)..end])?;
        }
    }
    // The closing footer, when it comes, is the first one again.
    source.skip(u64::MAX).await
}
