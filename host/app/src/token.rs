//! API tokens: made once, shown once, stored as their SHA-256.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::net::IpAddr;
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use model::{Caller, Millis, Secret, TokenId, UserId};
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use store::{Batch, Expect, Table};
use wire::Failure;

use crate::ctx::{App, Ctx, Notice};
use crate::error::{Error, Result};
use crate::pattern::Pattern;

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

/// Addresses of which a token's last use is kept, as in Xen Orchestra.
const USES: usize = 10;

/// A use is written down when the last one that was is older than this: a program may call many times a second.
const WRITTEN_EACH: Millis = MINUTE;

/// Pairs of token and address that are remembered; beyond it those that would be written again are forgotten.
const ENTRIES: usize = 10_000;

/// When a token was last used, by address.
type LastUses = BTreeMap<String, Use>;

/// One of them.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct Use {
    timestamp: Millis,
}

/// When which use was last written down.
#[derive(Default)]
pub(crate) struct Uses(Mutex<HashMap<(TokenId, IpAddr), Millis>>);

impl Uses {
    /// Returns whether this use is to be written down.
    fn is_news(&self, token: &TokenId, address: IpAddr, now: Millis) -> bool {
        let mut uses = self.0.lock();
        let is_old = |at: &Millis| now.saturating_sub(*at) >= WRITTEN_EACH;
        if uses.len() >= ENTRIES {
            uses.retain(|_, at| !is_old(at));
        }
        let last = uses.get(&(token.clone(), address));
        if uses.len() >= ENTRIES || last.is_some_and(|at| !is_old(at)) {
            return false;
        }
        uses.insert((token.clone(), address), now);
        true
    }
}

/// Notes that a token was used; what is written now and then is written behind the call.
pub(crate) fn used(app: &Arc<App>, token: &TokenId, address: Option<IpAddr>) {
    let (now, Some(address)) = (app.clock.now(), address) else { return };
    if !app.token_uses.is_news(token, address, now) {
        return;
    }
    let (app, token) = (app.clone(), token.clone());
    tokio::spawn(async move {
        if let Err(error) = app.write_use(&token, address, now).await {
            tracing::warn!(%error, "the use of a token could not be written down");
        }
    });
}

/// Adds the removal of a token.
pub(crate) fn forget(batch: Batch, id: &TokenId) -> Batch {
    batch.delete(Table::Tokens, id.as_str(), Expect::Any).delete(Table::TokenUses, id.as_str(), Expect::Any)
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

    async fn write_use(&self, token: &TokenId, address: IpAddr, now: Millis) -> Result<()> {
        let stored = self.store.get::<LastUses>(Table::TokenUses, token.as_str())?;
        let (expect, mut uses) = match stored {
            Some(stored) => (Expect::Revision(stored.revision), stored.value),
            None => (Expect::Absent, LastUses::new()),
        };
        uses.insert(address.to_string(), Use { timestamp: now });
        while uses.len() > USES
            && let Some(oldest) = uses.iter().min_by_key(|(_, last)| last.timestamp).map(|(address, _)| address.clone())
        {
            uses.remove(&oldest);
        }
        match self.store.put(Table::TokenUses, token.as_str(), &uses, expect).await {
            // Somebody else just wrote a use of it, which is as good.
            Err(store::Error::Conflict { .. }) => Ok(()),
            other => Ok(other.map(drop)?),
        }
    }

    /// Returns what the API shows of a token.
    fn token_view(&self, token: &Token) -> Result<Value> {
        let mut view = json!(token);
        if let Some(uses) = self.store.get::<LastUses>(Table::TokenUses, token.id.as_str())? {
            view["last_uses"] = json!(uses.value);
        }
        Ok(view)
    }

    /// Deletes tokens; the connections that were opened with them end. What is not there is left alone.
    pub(crate) async fn forget_tokens(&self, ids: &[TokenId]) -> Result<()> {
        let known =
            |id: &&TokenId| self.store.get::<Token>(Table::Tokens, id.as_str()).is_ok_and(|found| found.is_some());
        let there: Vec<&TokenId> = ids.iter().filter(known).collect();
        if there.is_empty() {
            return Ok(());
        }
        self.store.commit(there.iter().fold(Batch::new(), |batch, id| forget(batch, id))).await?;
        there.into_iter().for_each(|id| self.notify(Notice::TokenRemoved(id.clone())));
        Ok(())
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
                batch = forget(batch, &old.id);
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

/// Makes a token for the caller; returns its record, with the token itself as id.
pub async fn create_shown(ctx: &Ctx, request: Request) -> Result<Value> {
    let token = create(ctx, request).await?;
    let stored = ctx.app.token(&token)?.ok_or_else(|| Failure::no_such("", "token"))?;
    let mut view = ctx.app.token_view(&stored)?;
    view["id"] = json!(token.expose());
    Ok(view)
}

/// Lists the caller's tokens.
pub fn get_own(ctx: &Ctx) -> Result<Vec<Value>> {
    let own = ctx.app.tokens_of(&own_id(ctx)?)?;
    own.iter().map(|token| ctx.app.token_view(token)).collect()
}

/// Changes the description of a token of the caller, given as the token or as its id; none takes it away.
pub async fn set(ctx: &Ctx, token: &str, description: Option<Option<String>>) -> Result<()> {
    let user = own_id(ctx)?;
    let no_such = || Failure::no_such(token, "token");
    let stored = ids_of(token).find_map(|id| ctx.app.store.get::<Token>(Table::Tokens, id.as_str()).transpose());
    let mut stored = stored.ok_or_else(no_such)??;
    if stored.value.user_id != user {
        return Err(no_such().into());
    }
    let Some(description) = description else { return Ok(()) };
    stored.value.description = description;
    let expect = Expect::Revision(stored.revision);
    ctx.app.store.put(Table::Tokens, stored.value.id.as_str(), &stored.value, expect).await?;
    Ok(())
}

/// Which tokens are meant.
#[derive(Debug, Default, Deserialize)]
pub struct Which {
    /// These, given as tokens or as their ids; what is not there is left alone.
    #[serde(default)]
    pub tokens: Vec<String>,
    /// All that look like this.
    pub pattern: Option<Pattern>,
}

/// Deletes tokens of the caller.
pub async fn delete_own(ctx: &Ctx, which: &Which) -> Result<()> {
    delete_of(ctx, ctx.app.tokens_of(&own_id(ctx)?)?, which).await
}

/// Deletes tokens of anybody.
pub async fn delete(ctx: &Ctx, which: &Which) -> Result<()> {
    let _admin = access::admin(&ctx.caller)?;
    let all = ctx.app.store.scan::<Token>(Table::Tokens, "", None, LISTED)?;
    delete_of(ctx, all.into_iter().map(|(_, stored)| stored.value).collect(), which).await
}

async fn delete_of(ctx: &Ctx, tokens: Vec<Token>, which: &Which) -> Result<()> {
    if which.tokens.is_empty() && which.pattern.is_none() {
        return Err(Failure::invalid("say which: tokens or pattern").into());
    }
    let named: HashSet<TokenId> = which.tokens.iter().flat_map(|text| ids_of(text)).collect();
    let mut ids = Vec::new();
    for token in tokens {
        let looks_so = match &which.pattern {
            Some(pattern) => pattern.matches(&ctx.app.token_view(&token)?),
            None => false,
        };
        if looks_so || named.contains(&token.id) {
            ids.push(token.id);
        }
    }
    ctx.app.forget_tokens(&ids).await
}

/// Deletes the tokens that are over.
pub(crate) async fn clean(ctx: &Ctx) -> Result<()> {
    let _admin = access::admin(&ctx.caller)?;
    let now = ctx.app.clock.now();
    let all = ctx.app.store.scan::<Token>(Table::Tokens, "", None, LISTED)?.into_iter().map(|(_, stored)| stored.value);
    let over: Vec<TokenId> = all.filter(|token| token.expiration <= now).map(|token| token.id).collect();
    ctx.app.forget_tokens(&over).await
}

/// Returns the ids that a text may mean: it is one, or it is a token.
fn ids_of(text: &str) -> impl Iterator<Item = TokenId> {
    [TokenId::from(text), id_of(&Secret::new(text))].into_iter()
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
    fn a_use_is_written_once_a_minute_for_each_address() {
        let uses = Uses::default();
        let (token, here, there) = (TokenId::from("t"), IpAddr::from([127, 0, 0, 1]), IpAddr::from([192, 0, 2, 1]));
        assert!(uses.is_news(&token, here, DAY) && !uses.is_news(&token, here, DAY + MINUTE - 1));
        assert!(uses.is_news(&token, there, DAY + 1) && uses.is_news(&TokenId::from("u"), here, DAY + 1));
        assert!(uses.is_news(&token, here, DAY + MINUTE));
        for count in 0..2 * ENTRIES {
            uses.is_news(&TokenId::from(count.to_string()), here, DAY + MINUTE);
        }
        assert_eq!(uses.0.lock().len(), ENTRIES);
    }

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
