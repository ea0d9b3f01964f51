//! Networks and network cards.

use super::{Call, Handler, list, one};

handlers! {
    "network.get" => |call| one(&call, "network");
    "network.list" => |call| list(&call, "networks");
    "pif.get" => |call| one(&call, "PIF");
    "pif.list" => |call| list(&call, "pifs");
    "vif.get" => |call| one(&call, "VIF");
    "vif.list" => |call| list(&call, "vifs");
}
