//! Storage repositories: making, finding, connecting and leaving them.

use std::sync::Arc;

use model::Object;
use serde::Deserialize;
use serde_json::{Value as Json, json};
use wire::Failure;
use xapi::Value;

use crate::act::{act, acts, empty};
use crate::ctx::Ctx;
use crate::error::{Error, Result};
use crate::object::{self, Target, reference};

acts! {
    /// Reads anew what is on an SR.
    scan => "SR.scan";
    /// Connects a host to an SR.
    connect => "PBD.plug";
    /// Disconnects a host from an SR.
    disconnect => "PBD.unplug";
    /// Removes a connection of a host to an SR.
    delete_connection => "PBD.destroy";
}

/// Returns the connections of an SR.
fn connections(ctx: &Ctx, sr: &Target) -> Vec<Arc<Object>> {
    let snapshot = ctx.app.inventory.snapshot();
    let pbds = sr.as_sr().into_iter().flat_map(|sr| sr.pbds.iter());
    pbds.filter_map(|id| snapshot.get(id.as_str()).cloned()).collect()
}

/// Connects every host to an SR, or disconnects it.
pub async fn connect_all(ctx: &Ctx, sr: &Target, connect: bool) -> Result<()> {
    let method = if connect { "PBD.plug" } else { "PBD.unplug" };
    for pbd in connections(ctx, sr) {
        if pbd.as_pbd().is_some_and(|pbd| pbd.attached != connect) {
            ctx.app.run(sr, method, vec![reference(&pbd)]).await?;
        }
    }
    Ok(())
}

/// Leaves an SR; what is on it stays there.
pub async fn forget(ctx: &Ctx, sr: &Target) -> Result<()> {
    connect_all(ctx, sr, false).await?;
    act(ctx, sr, "SR.forget").await
}

/// Destroys an SR and what is on it.
pub async fn destroy(ctx: &Ctx, sr: &Target) -> Result<()> {
    connect_all(ctx, sr, false).await?;
    act(ctx, sr, "SR.destroy").await
}

/// Changes to an SR.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Changes {
    name_label: Option<String>,
    name_description: Option<String>,
}

/// Changes an SR.
pub async fn set(ctx: &Ctx, sr: &Target, changes: &Changes) -> Result<()> {
    let mut calls: Vec<(&str, Vec<Value>)> = Vec::new();
    for (method, text) in
        [("SR.set_name_label", &changes.name_label), ("SR.set_name_description", &changes.name_description)]
    {
        if let Some(text) = text {
            calls.push((method, vec![text.as_str().into()]));
        }
    }
    ctx.app.each(sr, calls).await
}

/// Has an SR give the space of what was deleted back to its device.
pub async fn reclaim(ctx: &Ctx, sr: &Target) -> Result<()> {
    let pool = ctx.app.call(sr, "pool.get_all", vec![]).await?;
    let pool = pool.as_array().unwrap_or_default().first().cloned().unwrap_or_default();
    let master = ctx.app.call(sr, "pool.get_master", vec![pool]).await?;
    let arguments = Value::record([("sr_uuid", sr.uuid())]);
    ctx.app.run(sr, "host.call_plugin", vec![master, "trim".into(), "do_trim".into(), arguments]).await.map(drop)
}

/// Returns the record of the driver of an SR.
pub async fn driver(ctx: &Ctx, sr: &Target) -> Result<Json> {
    let kind = sr.as_sr().map_or("", |sr| &sr.sr_type);
    let drivers = ctx.app.call(sr, "SM.get_all_records", vec![]).await?;
    let mut drivers = drivers.as_struct().unwrap_or_default().iter().map(|(_, record)| record);
    let driver = drivers.find(|record| record.get("type").and_then(Value::as_str) == Some(kind));
    Ok(driver.map(object::to_json).ok_or_else(|| Failure::no_such(kind, "SM"))?)
}

/// A new SR, or one that is looked for; which of the fields count depends on its type.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Place {
    name_label: String,
    name_description: String,
    device: Option<String>,
    location: Option<String>,
    path: Option<String>,
    #[serde(rename = "type")]
    kind: Option<String>,
    server: Option<String>,
    server_path: Option<String>,
    nfs_version: Option<String>,
    nfs_options: Option<String>,
    target: Option<String>,
    port: Option<i64>,
    target_iqn: Option<String>,
    scsi_id: Option<String>,
    chap_user: Option<String>,
    chap_password: Option<String>,
    user: Option<String>,
    password: Option<String>,
    sr_uuid: Option<String>,
    preferred_image_format: Option<String>,
}

/// Types of SRs that can be made here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A file system on a local disk.
    Ext,
    /// Logical volumes on a local disk.
    Lvm,
    /// A ZFS data set.
    Zfs,
    /// An NFS export.
    Nfs,
    /// An SMB share.
    Smb,
    /// A folder of discs.
    Iso,
    /// Logical volumes on iSCSI.
    Iscsi,
    /// Logical volumes on a host bus adapter.
    Hba,
}

impl Kind {
    fn driver(self) -> &'static str {
        match self {
            Self::Ext => "ext",
            Self::Lvm => "lvm",
            Self::Zfs => "zfs",
            Self::Nfs => "nfs",
            Self::Smb => "smb",
            Self::Iso => "iso",
            Self::Iscsi => "lvmoiscsi",
            Self::Hba => "lvmohba",
        }
    }

    /// Returns what the driver needs to know, and whether all hosts share the SR.
    fn device(self, place: &Place) -> Result<(Vec<(&'static str, String)>, bool)> {
        let port = place.port.map(|port| port.to_string());
        let mut device: Vec<(&str, Option<String>)> = Vec::new();
        let mut shared = true;
        match self {
            Self::Ext | Self::Lvm => {
                shared = false;
                device.push(("device", place.device.clone()));
            }
            Self::Zfs => {
                shared = false;
                device.push(("location", place.location.clone()));
            }
            Self::Nfs => device.extend([
                ("server", place.server.clone()),
                ("serverpath", place.server_path.clone()),
                ("nfsversion", place.nfs_version.clone()),
                ("options", place.nfs_options.clone()),
            ]),
            Self::Smb => device.extend([
                ("server", place.server.clone()),
                ("username", place.user.clone()),
                ("password", place.password.clone()),
            ]),
            Self::Iso => {
                device.push(("location", place.path.clone()));
                match place.kind.as_deref() {
                    Some("local") => {
                        shared = false;
                        device.push(("legacy_mode", Some("true".into())));
                    }
                    Some("nfs") => device.extend([
                        ("type", Some("nfs_iso".into())),
                        ("nfsversion", place.nfs_version.clone()),
                        ("options", place.nfs_options.clone()),
                    ]),
                    Some("smb") => device.extend([
                        ("type", Some("cifs".into())),
                        ("username", place.user.clone()),
                        ("cifspassword", place.password.clone()),
                    ]),
                    other => {
                        let other = other.unwrap_or_default();
                        return Err(Failure::invalid(format!("the type {other} is none of local, nfs, smb")).into());
                    }
                }
            }
            Self::Iscsi => device.extend([
                ("target", place.target.clone()),
                ("port", port),
                ("targetIQN", place.target_iqn.clone()),
                ("SCSIid", place.scsi_id.clone()),
                ("chapuser", place.chap_user.clone()),
                ("chappassword", place.chap_password.clone()),
            ]),
            Self::Hba => device.push(("SCSIid", place.scsi_id.clone())),
        }
        device.push(("preferred-image-formats", place.preferred_image_format.clone()));
        let device = device.into_iter().filter_map(|(name, value)| Some((name, value.filter(|it| !it.is_empty())?)));
        Ok((device.collect(), shared))
    }
}

/// Makes an SR, or takes in again one that exists; returns its id.
pub async fn create(ctx: &Ctx, host: &Target, kind: Kind, place: &Place) -> Result<String> {
    let app = &ctx.app;
    let (device, shared) = kind.device(place)?;
    let content = if kind == Kind::Iso { "iso" } else { "user" };
    let text = |text: &str| Value::from(text);
    let Some(uuid) = &place.sr_uuid else {
        let params = vec![
            reference(host),
            Value::record(device),
            Value::Int(0),
            text(&place.name_label),
            text(&place.name_description),
            text(kind.driver()),
            text(content),
            shared.into(),
            empty(),
        ];
        let made = app.make(host, "SR.create", params).await?;
        return Ok(app.seen(host, &made).await?.id().to_string());
    };
    let params = vec![
        text(uuid),
        text(&place.name_label),
        text(&place.name_description),
        text(kind.driver()),
        text(content),
        shared.into(),
        empty(),
    ];
    let made = app.make(host, "SR.introduce", params).await?;
    let mut connections = Vec::new();
    let join = async {
        let hosts = match shared {
            true => app.call(host, "host.get_all", vec![]).await?,
            false => Value::Array(vec![reference(host)]),
        };
        for each in hosts.as_array().unwrap_or_default() {
            let record = Value::record([
                ("host", each.clone()),
                ("SR", (&*made).into()),
                ("device_config", Value::record(device.clone())),
            ]);
            let pbd = app.make(host, "PBD.create", vec![record]).await?;
            connections.push(pbd.clone());
            app.run(host, "PBD.plug", vec![(&*pbd).into()]).await?;
        }
        Ok(())
    };
    let joined: Result<()> = join.await;
    if let Err(error) = joined {
        // An SR with a connection that is plugged in is not forgotten.
        for pbd in &connections {
            app.undo(host, "PBD.unplug", pbd).await;
        }
        app.undo(host, "SR.forget", &made).await;
        return Err(error);
    }
    Ok(app.seen(host, &made).await?.id().to_string())
}

/// What can be asked of a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Probe {
    /// The exports of an NFS server.
    Exports,
    /// The names of an iSCSI target.
    Iqns,
    /// The units of an iSCSI target.
    Luns,
    /// The disks behind host bus adapters.
    Adapters,
    /// SRs that are there already.
    Existing,
}

/// Codes by which drivers answer a probe that leaves something open; the list is in their last parameter.
const OPEN: [&str; 4] =
    ["SR_BACKEND_FAILURE_90", "SR_BACKEND_FAILURE_96", "SR_BACKEND_FAILURE_101", "SR_BACKEND_FAILURE_107"];

/// Asks a host what there is at a place.
pub async fn probe(ctx: &Ctx, host: &Target, kind: Kind, what: Probe, place: &Place) -> Result<Json> {
    let (device, _) = kind.device(place)?;
    let params = vec![reference(host), Value::record(device), kind.driver().into(), empty()];
    let xml = match ctx.app.run(host, "SR.probe", params).await {
        Ok(xml) => xml.as_str().unwrap_or_default().to_owned(),
        Err(Error { failure: Failure::Xapi { code, params, .. }, .. }) if OPEN.contains(&&*code) => {
            params.last().cloned().unwrap_or_default()
        }
        Err(error) => return Err(error),
    };
    Ok(read(what, &xml))
}

/// Asks a host for its ZFS pools.
pub async fn probe_zfs(ctx: &Ctx, host: &Target) -> Result<Json> {
    let params = vec![reference(host), "zfs.py".into(), "list_zfs_pools".into(), empty()];
    let text = ctx.app.run(host, "host.call_plugin", params).await?;
    let pools = serde_json::from_str(text.as_str().unwrap_or_default());
    Ok(pools.map_err(|error| Failure::Internal(format!("zfs.py answered no JSON: {error}")))?)
}

fn read(what: Probe, xml: &str) -> Json {
    let (tag, fields): (_, &[(&str, &str)]) = match what {
        Probe::Exports => ("Export", &[("path", "Path"), ("acl", "Accesslist")]),
        Probe::Iqns => ("TGT", &[("iqn", "TargetIQN"), ("ip", "IPAddress")]),
        Probe::Luns => (
            "LUN",
            &[("id", "LUNid"), ("vendor", "vendor"), ("serial", "serial"), ("size", "size"), ("scsiId", "SCSIid")],
        ),
        Probe::Adapters => (
            "BlockDevice",
            &[
                ("hba", "hba"),
                ("id", "id"),
                ("lun", "lun"),
                ("path", "path"),
                ("scsiId", "SCSIid"),
                ("serial", "serial"),
                ("size", "size"),
                ("vendor", "vendor"),
            ],
        ),
        Probe::Existing => ("SR", &[("uuid", "UUID")]),
    };
    let entry = |block: &str| {
        let fields = fields
            .iter()
            .map(|(name, tag)| ((*name).to_owned(), json!(elements(block, tag).next().unwrap_or_default())));
        Json::Object(fields.collect())
    };
    // A star stands for all targets together.
    elements(xml, tag).map(|block| entry(&block)).filter(|entry| entry["iqn"] != "*").collect()
}

/// Returns the content of each element of that name. What drivers answer is flat and has no attributes.
fn elements<'a>(xml: &'a str, tag: &str) -> impl Iterator<Item = String> + use<'a> {
    let (open, close) = (format!("<{tag}>"), format!("</{tag}>"));
    let mut rest = xml;
    std::iter::from_fn(move || {
        let start = rest.find(&open)? + open.len();
        let end = start + rest[start..].find(&close)?;
        let content = rest[start..end].trim();
        rest = &rest[end + close.len()..];
        Some(content.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&amp;", "&"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_of_drivers() {
        let exports = "<?xml version=\"1.0\"?><nfs-exports>\n<Export>\n\t<Target>\n10.0.0.1</Target><Path>\n/a&amp;b\n</Path>\
            <Accesslist>*</Accesslist></Export><Export><Path>/c</Path></Export></nfs-exports>";
        assert_eq!(read(Probe::Exports, exports), json!([{ "path": "/a&b", "acl": "*" }, { "path": "/c", "acl": "" }]));
        let targets = "<iscsi-target-iqns><TGT><Index>0</Index><IPAddress>10.0.0.2</IPAddress><TargetIQN>iqn.a</TargetIQN>\
            </TGT><TGT><TargetIQN>*</TargetIQN></TGT></iscsi-target-iqns>";
        assert_eq!(read(Probe::Iqns, targets), json!([{ "iqn": "iqn.a", "ip": "10.0.0.2" }]));
        let found = "<SRlist><SR><UUID>u1</UUID></SR><SR><UUID>u2</UUID></SR></SRlist>";
        assert_eq!(read(Probe::Existing, found), json!([{ "uuid": "u1" }, { "uuid": "u2" }]));
        assert_eq!(read(Probe::Luns, "<half><LUN>"), json!([]));
    }
}
