//! The stream of events.

use super::{Endpoint, Outcome, delete, line};
use crate::table::Verb;

pub(super) const LINES: &[Endpoint] = &[
    line(Verb::Post, "/events/{id}/subscriptions", "event.subscribe", Outcome::Made),
    delete("/events/{id}/subscriptions/{subscriptionId}", "event.unsubscribe")
        .named(&[("subscriptionId", "subscription")]),
];
