//! Messages of pools.

use super::{Call, Handler, list, one};

handlers! {
    "message.get" => |call| one(&call, "message");
    "message.list" => |call| list(&call, "messages");
}
