//! Addresses that serve one answer, once: how methods hand out what is too much for a message (`$getFrom`).

use std::collections::VecDeque;
use std::sync::Arc;

use app::Ctx;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use model::Millis;
use parking_lot::Mutex;
use serde_json::{Map, Value};
use wire::Failure;

use crate::listing::{Form, Item, JSON, Listing, append_json};
use crate::session::Session;
use crate::{Api, body, handlers};

/// How long an address waits for its reader, in milliseconds: who asked follows at once.
const VALID: Millis = 60_000;

/// Addresses that wait; the oldest goes first. Each is a question of some hundred bytes, not an answer.
const TICKETS: usize = 1_000;

/// The addresses that wait, oldest first.
#[derive(Clone, Default)]
pub(crate) struct Tickets(Arc<Mutex<VecDeque<Ticket>>>);

struct Ticket {
    token: String,
    expires: Millis,
    session: Arc<Session>,
    what: What,
}

/// What is at an address.
enum What {
    /// A listing, with the parameters of `xo.getAllObjects`.
    Objects(Map<String, Value>),
    /// The audit log.
    Audit,
}

impl Tickets {
    /// Returns the address of a listing. The rights are those of whoever asked, at the time when it is read.
    pub(crate) fn issue(&self, ctx: &Ctx, session: Arc<Session>, params: Map<String, Value>) -> String {
        self.put(ctx, session, What::Objects(params))
    }

    /// Returns the address of the audit log.
    pub(crate) fn issue_audit(&self, ctx: &Ctx, session: Arc<Session>) -> String {
        self.put(ctx, session, What::Audit)
    }

    fn put(&self, ctx: &Ctx, session: Arc<Session>, what: What) -> String {
        let token = URL_SAFE_NO_PAD.encode(rand::random::<[u8; 32]>());
        let path = format!("/api/{token}");
        let now = ctx.app.clock.now();
        let mut tickets = self.0.lock();
        tickets.retain(|ticket| ticket.expires > now);
        if tickets.len() >= TICKETS {
            tickets.pop_front();
        }
        tickets.push_back(Ticket { token, expires: now + VALID, session, what });
        path
    }

    fn take(&self, token: &str, now: Millis) -> Option<Ticket> {
        let mut tickets = self.0.lock();
        // The token is as long as a key; how long the search takes tells nothing about those that are not asked for.
        let place = tickets.iter().position(|ticket| ticket.token == token)?;
        tickets.remove(place).filter(|ticket| ticket.expires > now)
    }
}

/// Serves an address, whatever the method: no other credentials than its secret path.
pub(crate) async fn serve(State(api): State<Api>, Path(token): Path<String>) -> Response {
    let Some(ticket) = api.tickets.take(&token, api.app.clock.now()) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let answer = match &ticket.what {
        What::Objects(params) => list(&api, &ticket, params),
        What::Audit => audit(&api, &ticket),
    };
    answer.unwrap_or_else(|failure| crate::error::to_http(&failure, false))
}

/// Returns the audit log, a page at a time: the next is read when the reader took the last.
fn audit(api: &Api, ticket: &Ticket) -> Result<Response, Failure> {
    let ctx = ticket.session.ctx(&api.app)?;
    let first = app::audit::page(&ctx, None).map_err(|error| error.failure)?;
    let pages = futures::stream::unfold(Some(first), move |page| {
        let ctx = ctx.clone();
        async move {
            let app::audit::Page { records, next } = page?;
            let mut lines = Vec::new();
            for record in &records {
                append_json(record, &mut lines);
                lines.push(b'\n');
            }
            // Where it breaks off the answer ends without its last chunk.
            let following = next.map(|next| app::audit::page(&ctx, Some(next))).transpose();
            match following {
                Ok(following) => Some((Ok(Bytes::from(lines)), following)),
                Err(error) => Some((Err(std::io::Error::other(error)), None)),
            }
        }
    });
    Ok(([(header::CONTENT_TYPE, Form::Lines.content_type())], Body::from_stream(pages)).into_response())
}

fn list(api: &Api, ticket: &Ticket, params: &Map<String, Value>) -> Result<Response, Failure> {
    let ctx = ticket.session.ctx(&api.app)?;
    let _signed_in = access::signed_in(&ctx.caller).map_err(|_| Failure::InvalidCredentials)?;
    let selection = handlers::inventory::everything(&ctx, params).map_err(|error| error.failure)?;
    body::answer(JSON, Listing::new(&api.app.inventory, selection, Form::Lines, Item::Object).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn put(tickets: &Tickets, token: &str, expires: Millis) {
        let ticket = Ticket { token: token.to_owned(), expires, session: Session::new(None, None), what: What::Audit };
        tickets.0.lock().push_back(ticket);
    }

    #[test]
    fn an_address_is_good_once_and_for_a_while() {
        let tickets = Tickets::default();
        put(&tickets, "a", 100);
        put(&tickets, "b", 100);
        assert!(tickets.take("c", 1).is_none());
        assert!(tickets.take("a", 1).is_some());
        assert!(tickets.take("a", 1).is_none());
        assert!(tickets.take("b", 100).is_none());
    }
}
