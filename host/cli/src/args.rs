//! Commands and arguments. The client's are those of Xen Orchestra's command line, older spellings included.

use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::recover::Recover;

/// A control plane for fleets of Xen pools.
#[derive(Debug, Parser)]
#[command(name = "xylem", version, about, after_help = EXAMPLES, allow_external_subcommands = true)]
pub(crate) struct Cli {
    /// Server to talk to instead of the one registered last: a registered one, or https://TOKEN@host/ (client commands).
    #[arg(long, env = "XYLEM_URL", hide_env_values = true, global = true)]
    pub(crate) url: Option<String>,
    #[command(subcommand)]
    pub(crate) command: Command,
}

const EXAMPLES: &str = "\
Any other command is the name of a method, with its parameters as name=value:
  xylem register https://xylem.example.org admin
  xylem list-commands '{vm,host}.*'
  xylem list-objects --id --name_label type=VM power_state=Running
  xylem vm.start id=4b2a... force=true
  xylem vm.set id=4b2a... CPUs=json:4
  xylem rest get vms fields=id,name_label limit=10
  xylem rest post vms/4b2a.../actions/snapshot name_label=before wait=result
Values are texts; true and false are booleans, json:<text> is anything else (json:4, json:[\"a\"]).";

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Runs the daemon.
    Serve(Serve),
    /// Makes an administrator when none can sign in any more.
    Recover(Recover),
    /// Writes the daemon's store to a file, encrypted with a passphrase; the daemon must not run.
    Backup(State),
    /// Makes the daemon's store out of such a file, sealed with the master key of this machine; the daemon must not run.
    Restore(Restore),
    /// Prints a completion script for a shell.
    Completions {
        /// Which shell.
        shell: clap_complete::Shell,
    },
    /// Compiles a plugin from standard input to standard output; the daemon calls this.
    #[command(hide = true)]
    PluginCompile,
    #[command(flatten)]
    Client(Client),
    /// Calls a method: its name, then name=value and --json. (Not in [`Client`]: there it would take every word.)
    #[command(external_subcommand)]
    Call(Vec<String>),
}

/// Commands of the client.
#[derive(Debug, Subcommand)]
pub(crate) enum Client {
    /// Signs in to a server and keeps a token for the commands that follow.
    Register(Register),
    /// Forgets a server and its token.
    Unregister(Unregister),
    /// Signs in to a server and prints a new token.
    CreateToken(Register),
    /// Lists the methods, or those whose names match a pattern such as {user,group}.*
    ListCommands(ListCommands),
    /// Lists objects as JSON: --<property> selects what is shown, name=value which objects.
    ListObjects(ListObjects),
    /// Calls the REST API.
    Rest(Rest),
}

#[derive(Debug, Args)]
pub(crate) struct Serve {
    /// Configuration file (TOML).
    #[arg(long, env = "XYLEM_CONFIG")]
    pub(crate) config: Option<PathBuf>,
    /// Address and port to listen on.
    #[arg(long, env = "XYLEM_LISTEN")]
    pub(crate) listen: Option<SocketAddr>,
    /// Folder of everything that survives a restart.
    #[arg(long, env = "XYLEM_STATE")]
    pub(crate) state: Option<PathBuf>,
    /// Folder with plugins; may be given several times.
    #[arg(long, env = "XYLEM_PLUGINS", value_delimiter = ':')]
    pub(crate) plugins: Vec<PathBuf>,
    /// Starts with every plugin disabled.
    #[arg(long, env = "XYLEM_SAFE_MODE")]
    pub(crate) safe_mode: bool,
    /// File with the password of the first administrator, used when there is no account yet.
    #[arg(long, env = "XYLEM_ADMIN_PASSWORD_FILE")]
    pub(crate) admin_password_file: Option<PathBuf>,
    /// error, warn, info, debug, trace, or directives such as info,xapi=debug.
    #[arg(long, env = "XYLEM_LOG_LEVEL")]
    pub(crate) log_level: Option<String>,
    /// How log lines look.
    #[arg(long, env = "XYLEM_LOG_FORMAT", value_enum)]
    pub(crate) log_format: Option<Format>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Format {
    Text,
    Json,
}

#[derive(Debug, Args)]
pub(crate) struct State {
    /// The file of the backup.
    pub(crate) file: PathBuf,
    /// Configuration file of the daemon (TOML).
    #[arg(long, env = "XYLEM_CONFIG")]
    pub(crate) config: Option<PathBuf>,
    /// State folder of the daemon.
    #[arg(long, env = "XYLEM_STATE")]
    pub(crate) state: Option<PathBuf>,
    /// File whose first line is the passphrase; without it, it is asked for or read from standard input.
    #[arg(long, env = "XYLEM_PASSPHRASE_FILE")]
    pub(crate) passphrase_file: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct Restore {
    #[command(flatten)]
    pub(crate) state: State,
    /// Takes the place of a store that is there; that one is kept beside it.
    #[arg(long)]
    pub(crate) replace: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Register {
    /// Takes any certificate of the server.
    #[arg(long = "allowUnauthorized", visible_alias = "au", alias = "allow-unauthorized")]
    pub(crate) allow_unauthorized: bool,
    /// How long the token shall be good, such as "30 days".
    #[arg(long = "expiresIn", alias = "expires-in")]
    pub(crate) expires_in: Option<String>,
    /// One-time password of the account.
    #[arg(long)]
    pub(crate) otp: Option<String>,
    /// A token that exists already, instead of account and password.
    #[arg(long, allow_hyphen_values = true, conflicts_with_all = ["user", "password", "otp", "expires_in"])]
    pub(crate) token: Option<String>,
    /// Address of the server, such as https://xylem.example.org
    #[arg(value_name = "URL")]
    pub(crate) server: String,
    /// Name of the account; asked for when missing.
    pub(crate) user: Option<String>,
    /// Its password; better leave it away and be asked for it, or give it on standard input.
    pub(crate) password: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct Unregister {
    /// Which server, if not the one registered last.
    #[arg(value_name = "URL")]
    pub(crate) server: Option<String>,
    /// Deletes the token on the server, too.
    #[arg(long)]
    pub(crate) revoke: bool,
}

#[derive(Debug, Args)]
pub(crate) struct ListCommands {
    /// Prints the descriptions as JSON.
    #[arg(long)]
    pub(crate) json: bool,
    /// Patterns of names: * is any text, ? any letter, {a,b} one of several.
    pub(crate) patterns: Vec<String>,
}

#[derive(Debug, Args)]
pub(crate) struct ListObjects {
    /// --<property> to show it (all without any), name=value to filter.
    #[arg(allow_hyphen_values = true, trailing_var_arg = true, value_name = "--PROPERTY | NAME=VALUE")]
    pub(crate) args: Vec<String>,
}

#[derive(Debug, Args)]
pub(crate) struct Rest {
    #[command(subcommand)]
    pub(crate) verb: RestVerb,
}

/// Verbs of REST.
#[derive(Debug, Subcommand)]
pub(crate) enum RestVerb {
    /// Reads a collection, an object or a task: fields=, filter=, limit=, wait.
    Get(Request),
    /// Calls an action or creates something; wait follows the task of an action, wait=result prints what came of it.
    Post(Request),
    /// Replaces something.
    Put(Request),
    /// Changes something.
    Patch(Request),
    /// Deletes something.
    #[command(alias = "delete")]
    Del(Request),
}

#[derive(Debug, Args)]
pub(crate) struct Request {
    /// File to write the answer to; ending in / a folder, where the server names the file.
    #[arg(long, short)]
    pub(crate) output: Option<String>,
    /// Prints the answer as the server gave it.
    #[arg(long)]
    pub(crate) json: bool,
    /// File to send as it is.
    #[arg(long)]
    pub(crate) input: Option<PathBuf>,
    /// Path below /rest/v0, such as vms or vms/<id>/actions/start
    pub(crate) path: String,
    /// name=value; a dotted name makes nested objects.
    pub(crate) params: Vec<String>,
}

/// Arguments behind the name of a method.
#[derive(Debug, Parser)]
#[command(no_binary_name = true, disable_help_flag = true)]
pub(crate) struct Call {
    /// Prints the answer as JSON, texts too.
    #[arg(long)]
    pub(crate) json: bool,
    /// Shows the parameters of the method.
    #[arg(long, short)]
    pub(crate) help: bool,
    /// See [`Cli::url`].
    #[arg(long)]
    pub(crate) url: Option<String>,
    /// Name of the method.
    pub(crate) method: String,
    /// name=value.
    pub(crate) params: Vec<String>,
}

/// Commands that once were written as flags.
const ONCE_FLAGS: [&str; 6] = ["register", "unregister", "create-token", "list-commands", "list-objects", "rest"];

impl Cli {
    /// Reads the command line; what is wrong with it is told and ends the process with code 2.
    pub(crate) fn read(args: impl Iterator<Item = OsString>) -> Self {
        Self::parse_from(modern(args))
    }
}

/// Turns `--list-commands` into `list-commands`, where a command is expected.
fn modern(args: impl Iterator<Item = OsString>) -> Vec<OsString> {
    let mut args: Vec<_> = args.collect();
    let place = if args.get(1).is_some_and(|arg| arg == "--url") { 3 } else { 1 };
    if let Some(arg) = args.get_mut(place)
        && let Some(name) = arg.to_str().and_then(|text| text.strip_prefix("--"))
        && ONCE_FLAGS.contains(&name)
    {
        *arg = name.into();
    }
    args
}

#[cfg(test)]
#[path = "args_tests.rs"]
mod tests;
