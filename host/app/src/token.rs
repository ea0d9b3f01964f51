//! API tokens: made once, shown once, stored as their SHA-256.

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use model::{Caller, Millis, Secret, TokenId, UserId};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use store::{Batch, Expect, Table};
use wire::Failure;

use crate::ctx::{App, Ctx, Notice};
use crate::error::{Error, Result};

const MINUTE: Millis = 60_000;
const DAY: Millis = 24 * 60 * MINUTE;

/// Validity when nothing is asked, as in Xen Orchestra.
const DEFAULT_VALIDITY: Millis = 30 * DAY;

/// Longest validity, half a year.
const MAX_VALIDITY: Millis = 365 * DAY / 2;

/// Tokens listed at once.
const LISTED: usize = 100_000;

/// A token as it is stored.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Token {
    /// SHA-256 of the token, in hexadecimal.
    pub id: TokenId,
    /// Whose it is.
    pub user_id: UserId,
    /// When it was made, in milliseconds since the Unix epoch.
    pub created_at: Millis,
    /// When it ends, in milliseconds since the Unix epoch.
    pub expiration: Millis,
    /// What it is for, in the words of its maker.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// The client it was made for; a new one for the same client takes its place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client: Option<Client>,
}

/// A client, by an id that it chose itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Client {
    /// The id.
    pub id: String,
}

/// How a new token should be.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Request {
    /// What it is for.
    pub description: Option<String>,
    /// The client it is for.
    pub client: Option<Client>,
    /// Milliseconds as a number, or a text such as "2 days".
    pub expires_in: Option<Value>,
}

impl Token {
    /// Returns what the API shows of it.
    pub fn view(&self) -> Value {
        json!(self)
    }
}

/// Returns the id under which a token is known.
pub(crate) fn id_of(token: &Secret) -> TokenId {
    let digest = ring::digest::digest(&ring::digest::SHA256, token.expose().as_bytes());
    let digits = digest.as_ref().iter().flat_map(|byte| [byte >> 4, byte & 15]);
    TokenId::from(digits.map(|digit| char::from(b"0123456789abcdef"[usize::from(digit)])).collect::<String>())
}

impl App {
    /// Returns the record of a token that is valid now. Looking up the hash leaks nothing about the token by its time.
    pub fn token(&self, token: &Secret) -> Result<Option<Arc<Token>>> {
        let id = id_of(token);
        let found = self.known.tokens.get(self.store.version(Table::Tokens), id.as_str(), || {
            let stored = self.store.get::<Token>(Table::Tokens, id.as_str());
            Ok::<_, Error>(stored?.map(|stored| Arc::new(stored.value)))
        })?;
        let now = self.clock.now();
        Ok(found.filter(|token| token.expiration > now))
    }

    pub(crate) fn tokens_of(&self, user: &UserId) -> Result<Vec<Token>> {
        let tokens = self.store.scan::<Token>(Table::Tokens, "", None, LISTED)?;
        Ok(tokens.into_iter().map(|(_, stored)| stored.value).filter(|token| token.user_id == *user).collect())
    }

    /// Stores a new token of a user and returns it; this is the only time that it is seen.
    pub(crate) async fn issue_token(&self, user: &UserId, request: Request, validity: Millis) -> Result<Secret> {
        let text = URL_SAFE_NO_PAD.encode(rand::random::<[u8; 32]>());
        let (token, now) = (Secret::new(text), self.clock.now());
        let record = Token {
            id: id_of(&token),
            user_id: user.clone(),
            created_at: now,
            expiration: now + validity,
            description: request.description,
            client: request.client,
        };
        let mut batch = Batch::new().put(Table::Tokens, record.id.as_str(), &record, Expect::Absent)?;
        let mut replaced = Vec::new();
        for old in self.tokens_of(user)? {
            let same_client = record.client.is_some() && old.client == record.client;
            if same_client || old.expiration <= now {
                batch = batch.delete(Table::Tokens, old.id.as_str(), Expect::Any);
                replaced.push(old.id);
            }
        }
        self.store.commit(batch).await?;
        replaced.into_iter().for_each(|id| self.notify(Notice::TokenRemoved(id)));
        Ok(token)
    }
}

/// Creates a token of the caller and returns it.
pub async fn create(ctx: &Ctx, request: Request) -> Result<Secret> {
    let user = own_id(ctx)?;
    let validity = match &request.expires_in {
        Some(value) => parse_duration(value)?,
        None => DEFAULT_VALIDITY,
    };
    if validity < MINUTE {
        return Err(Failure::invalid("expiresIn is too short: at least 60 seconds").into());
    }
    if validity > MAX_VALIDITY {
        return Err(Failure::invalid("expiresIn is too long: at most half a year").into());
    }
    ctx.app.issue_token(&user, request, validity).await
}

/// Lists the caller's tokens.
pub fn get_own(ctx: &Ctx) -> Result<Vec<Token>> {
    ctx.app.tokens_of(&own_id(ctx)?)
}

/// Deletes tokens of the caller, given as tokens or as their ids; what is not there is left alone.
pub async fn delete_own(ctx: &Ctx, tokens: &[String]) -> Result<()> {
    let own = ctx.app.tokens_of(&own_id(ctx)?)?;
    delete_if(ctx, tokens, |id| own.iter().any(|token| token.id == *id)).await
}

/// Deletes tokens of anybody.
pub async fn delete(ctx: &Ctx, tokens: &[String]) -> Result<()> {
    let _admin = access::admin(&ctx.caller)?;
    delete_if(ctx, tokens, |_| true).await
}

async fn delete_if(ctx: &Ctx, tokens: &[String], allowed: impl Fn(&TokenId) -> bool) -> Result<()> {
    let ids = tokens.iter().flat_map(|text| [TokenId::from(text.as_str()), id_of(&Secret::new(text.as_str()))]);
    for id in ids.filter(allowed) {
        if ctx.app.store.delete(Table::Tokens, id.as_str(), Expect::Any).await? {
            ctx.app.notify(Notice::TokenRemoved(id));
        }
    }
    Ok(())
}

fn own_id(ctx: &Ctx) -> Result<UserId> {
    match &ctx.caller {
        Caller::User(principal) => Ok(principal.id.clone()),
        _ => Err(Error::from(Failure::Unauthorized { permission: "signed in".into(), object: None })),
    }
}

/// Reads milliseconds, or a text such as "30 days", "0.5 year", "10h".
fn parse_duration(value: &Value) -> Result<Millis> {
    let wrong = || Error::from(Failure::invalid("expiresIn is not a duration, such as 3600000 or \"2 days\""));
    let number = match value {
        Value::Number(number) => number.as_f64().ok_or_else(wrong)?,
        Value::String(text) => {
            let text = text.trim();
            let split = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
            let (count, unit) = text.split_at(split);
            let unit = match unit.trim().to_lowercase().as_str() {
                "" | "ms" | "millisecond" | "milliseconds" => 1.0,
                "s" | "sec" | "second" | "seconds" => 1_000.0,
                "m" | "min" | "minute" | "minutes" => 60_000.0,
                "h" | "hour" | "hours" => 3_600_000.0,
                "d" | "day" | "days" => 86_400_000.0,
                "w" | "week" | "weeks" => 7.0 * 86_400_000.0,
                "month" | "months" => 30.0 * 86_400_000.0,
                "y" | "year" | "years" => 365.0 * 86_400_000.0,
                _ => return Err(wrong()),
            };
            count.parse::<f64>().map_err(|_| wrong())? * unit
        }
        _ => return Err(wrong()),
    };
    if number.is_finite() && (0.0..1e15).contains(&number) { Ok(number as Millis) } else { Err(wrong()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations() {
        for (value, expected) in [
            (json!(90_000), Some(90_000)),
            (json!("2 days"), Some(2 * DAY)),
            (json!("0.5 year"), Some(MAX_VALIDITY)),
            (json!("10h"), Some(10 * 60 * MINUTE)),
            (json!("soon"), None),
            (json!("-1 day"), None),
            (json!(null), None),
        ] {
            assert_eq!(parse_duration(&value).ok(), expected, "{value}");
        }
    }
}
