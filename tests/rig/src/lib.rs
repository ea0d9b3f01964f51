//! Everything around a daemon that a test needs: recorded pools, the daemon itself as a child process, clients, a directory.
//!
//! ```no_run
//! # async fn example() -> anyhow::Result<()> {
//! let rig = rig::Rig::builder().pools(["single-host", "pool2"]).start().await?;
//! let client = rig.admin().await?;
//! client.watch().await?;
//! let vm = client.until("CCNET", |view| view.named("VM", "CCNET").cloned()).await?;
//! client.call("vm.stop", serde_json::json!({ "id": vm["id"], "force": true })).await?;
//! rig.end().await?;
//! # Ok(())
//! # }
//! ```
//! The simulators run in the caller's process, so that a test can put faults into them; the daemon is the real program,
//! with its own process group, state folder and log. Everything waits for facts, with a limit, and everything ends with
//! the [`Rig`]. A test that does not come to [`Rig::end`] has failed: the end of the daemon's log is printed.

mod client;
mod files;
mod http;
mod process;
mod rig;
pub mod slapd;
mod view;
mod wait;

pub use client::{Client, Closed, ConnectError, RpcError};
pub use files::{component, components, install, program};
pub use http::{Answer, Auth, Rest, raw};
pub use rig::{Builder, Rig};
pub use view::View;
pub use wait::{LIMIT, until, until_within};

pub use tokio_tungstenite::tungstenite;
