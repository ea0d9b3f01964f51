//! register, unregister, create-token: from an account and a password to a token. The password is kept nowhere.

use std::io::{BufRead, IsTerminal, Write};

use anyhow::{Context, Result, bail};
use rustix::termios::{LocalModes, OptionalActions, tcgetattr, tcsetattr};
use serde_json::{Map, Value, json};

use super::output;
use super::registry::{self, Registry, Server};
use super::rpc::{INVALID_CREDENTIALS, INVALID_PARAMETERS, Refusal, Rpc};
use crate::args;

/// Signs in and keeps a token.
pub(crate) async fn register(args: args::Register) -> Result<()> {
    let mut registry = Registry::read()?;
    let mut server = registry::server(&args.server)?;
    server.allow_unauthorized = args.allow_unauthorized;
    if let Some(token) = args.token.clone().or(server.token.take()) {
        server.token = Some(token);
        return registry.add(&server);
    }
    let client = Some(json!({ "id": registry.client_id() }));
    let description = format!("xylem {} - {}", env!("CARGO_PKG_VERSION"), machine());
    let (user, token) = new_token(&server, args, client, &description).await?;
    server.token = Some(token);
    registry.add(&server)?;
    eprintln!("Registered {} as {user}", server.url);
    Ok(())
}

/// Signs in and prints a token.
pub(crate) async fn create_token(args: args::Register) -> Result<()> {
    if args.token.is_some() {
        bail!("create-token makes a token, it takes none: give an account");
    }
    let mut server = registry::server(&args.server)?;
    server.allow_unauthorized = args.allow_unauthorized;
    let (_, token) = new_token(&server, args, None, "xylem create-token").await?;
    output::write(format!("{token}\n").as_bytes())
}

/// Forgets a server.
pub(crate) async fn unregister(args: args::Unregister, url: Option<&str>) -> Result<()> {
    let mut registry = Registry::read()?;
    let server = registry.server(args.server.as_deref().or(url))?;
    if args.revoke {
        let mut rpc = Rpc::signed_in(&server).await?;
        let deleted = rpc.call("token.deleteOwn", json!({ "tokens": [server.token] })).await;
        // The connection ends with its token, at times before the answer: whether the token is good is asked anew.
        if let Err(error) = deleted
            && !Rpc::signed_in(&server).await.is_err_and(|error| is(&error, INVALID_CREDENTIALS))
        {
            return Err(error.context("delete the token"));
        }
    }
    registry.remove(&server)
}

async fn new_token(
    server: &Server,
    args: args::Register,
    client: Option<Value>,
    description: &str,
) -> Result<(String, String)> {
    let user = args.user.map_or_else(|| ask("User: "), Ok)?;
    let password = args.password.map_or_else(|| ask_secret("Password: "), Ok)?;
    let mut rpc = Rpc::open(server).await?;
    let mut credentials = json!({ "email": user, "password": password });
    if let Some(otp) = args.otp {
        credentials["otp"] = otp.into();
    }
    let account = rpc.call("session.signIn", credentials).await?;
    let mut wanted = Map::new();
    let validity = args.expires_in.map(|text| text.parse::<u64>().map_or(Value::from(text), Value::from));
    wanted.extend(validity.map(|validity| ("expiresIn".to_owned(), validity)));
    let mut full = wanted.clone();
    full.insert("description".to_owned(), description.into());
    full.extend(client.map(|client| ("client".to_owned(), client)));
    let token = match rpc.call("token.create", Value::Object(full)).await {
        // A server of an older API knows neither clients nor descriptions.
        Err(error) if is(&error, INVALID_PARAMETERS) => rpc.call("token.create", Value::Object(wanted)).await,
        other => other,
    };
    let token = token?.as_str().context("the server gave no token")?.to_owned();
    Ok((account["email"].as_str().unwrap_or(&user).to_owned(), token))
}

fn is(error: &anyhow::Error, code: i64) -> bool {
    error.downcast_ref::<Refusal>().is_some_and(|refusal| refusal.code == code)
}

fn machine() -> String {
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    format!("{} - {} {}", name.trim(), std::env::consts::OS, std::env::consts::ARCH)
}

fn ask(prompt: &str) -> Result<String> {
    if std::io::stdin().is_terminal() {
        eprint!("{prompt}");
        std::io::stderr().flush().context("ask")?;
    }
    line(prompt)
}

/// Asks without showing what is typed; where nobody types, takes the next line of standard input.
pub(crate) fn ask_secret(prompt: &str) -> Result<String> {
    if !std::io::stdin().is_terminal() {
        return line(prompt);
    }
    let shown = tcgetattr(std::io::stdin()).context("ask")?;
    let mut hidden = shown.clone();
    hidden.local_modes.remove(LocalModes::ECHO);
    // Before the question stands there, and without throwing away what was typed ahead of it.
    tcsetattr(std::io::stdin(), OptionalActions::Now, &hidden).context("ask")?;
    eprint!("{prompt}");
    let typed = std::io::stderr().flush().context("ask").and_then(|()| line(prompt));
    eprintln!();
    tcsetattr(std::io::stdin(), OptionalActions::Now, &shown).context("show again what is typed")?;
    typed
}

fn line(prompt: &str) -> Result<String> {
    let mut line = String::new();
    let read = std::io::stdin().lock().read_line(&mut line).context("read from standard input")?;
    if read == 0 {
        let what = prompt.trim_end_matches([':', ' ']).to_lowercase();
        bail!("there is no {what}: give it as an argument or on standard input");
    }
    Ok(line.trim_end_matches(['\r', '\n']).to_owned())
}
