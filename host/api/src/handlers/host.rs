//! Hosts and their devices.

use app::stats;

use super::{Call, Handler, list, one, to_text};

handlers! {
    "host.get" => |call| one(&call, "host");
    "host.list" => |call| list(&call, "hosts");
    "host.stats" => |call| to_text(&stats::host(&call.ctx, call.text("host"), call.granularity()?).await?);
    "pci.get" => |call| one(&call, "PCI");
    "pci.list" => |call| list(&call, "pcis");
    "pgpu.get" => |call| one(&call, "PGPU");
    "pgpu.list" => |call| list(&call, "pgpus");
}
