//! A daemon with its surroundings: [`Builder`] says what there shall be, [`Rig`] is what runs.

use std::fmt::Write;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use tempfile::TempDir;
use xapi_sim::Sim;

use crate::process::Process;
use crate::slapd::Slapd;
use crate::{Answer, Auth, Client, Rest, files, wait};

/// How long a soft stop may take; the daemon promises five seconds.
const SOFT_STOP: Duration = Duration::from_secs(10);

/// What a rig shall have.
#[derive(Default)]
pub struct Builder {
    pools: Vec<xapi_sim::Options>,
    plugins: Vec<String>,
    plugin_folders: Vec<PathBuf>,
    slapd: bool,
    listen: Option<String>,
    settings: String,
}

impl Builder {
    /// Pools by the names of the simulator's recorded dumps ("single-host", "pool2", "snapshots"), or paths of dumps.
    pub fn pools<'a>(mut self, names: impl IntoIterator<Item = &'a str>) -> Self {
        self.pools.extend(names.into_iter().map(|name| xapi_sim::Options { dump: name.into(), ..Default::default() }));
        self
    }

    /// A pool with the simulator's own options. TLS and the control endpoint are added.
    pub fn pool(mut self, options: xapi_sim::Options) -> Self {
        self.pools.push(options);
        self
    }

    /// Installs a built plugin by its install name, such as "auth-ldap".
    pub fn plugin(mut self, name: &str) -> Self {
        self.plugins.push(name.to_owned());
        self
    }

    /// Installs every plugin of a folder.
    pub fn plugins(mut self, folder: impl Into<PathBuf>) -> Self {
        self.plugin_folders.push(folder.into());
        self
    }

    /// Adds a directory server.
    pub fn slapd(mut self, wanted: bool) -> Self {
        self.slapd = wanted;
        self
    }

    /// Address that the daemon listens on; any free port unless told.
    pub fn listen(mut self, address: &str) -> Self {
        self.listen = Some(address.to_owned());
        self
    }

    /// Lines to add to the daemon's configuration, with their `[section]`; not http, state, plugins, log or servers.
    pub fn settings(mut self, toml: &str) -> Self {
        self.settings.push_str(toml);
        self.settings.push('\n');
        self
    }

    /// Starts everything and waits until the daemon is ready and every pool is live.
    ///
    /// # Errors
    /// When something does not start; the text has the end of the daemon's log.
    pub async fn start(self) -> Result<Rig> {
        let folder = tempfile::Builder::new().prefix("xylem-rig-").tempdir().context("make a folder for the rig")?;
        let plugins = folder.path().join("plugins");
        // TempDir makes its folder 0700; so is everything in it.
        std::fs::DirBuilder::new().mode(0o700).create(&plugins).context("make the plugin folder")?;
        for name in &self.plugins {
            files::install(&files::component(name)?, &plugins)?;
        }
        for from in &self.plugin_folders {
            let listed = std::fs::read_dir(from).with_context(|| format!("list the plugins of {}", from.display()))?;
            for file in listed.flatten().filter(|file| file.path().extension().is_some_and(|name| name == "wasm")) {
                files::install(&file.path(), &plugins)?;
            }
        }
        let slapd = if self.slapd { Some(Slapd::start(&folder.path().join("ldap")).await?) } else { None };
        let mut sims = Vec::new();
        for mut options in self.pools {
            options.tls = true;
            options.control = Some(([127, 0, 0, 1], 0).into());
            sims.push(Sim::start(options).await.context("start a simulator")?);
        }
        let config = folder.path().join("xylem.toml");
        std::fs::write(&config, config_text(folder.path(), &sims, &self.settings))
            .context("write the configuration")?;
        let listen = self.listen.unwrap_or_else(|| "127.0.0.1:0".to_owned());
        let mut rig = Rig { process: None, address: listen, sims, slapd, folder };
        rig.start_again().await?;
        rig.pools_are_live().await?;
        Ok(rig)
    }
}

fn config_text(folder: &Path, sims: &[Sim], settings: &str) -> String {
    let quoted = |text: &str| serde_json::Value::from(text).to_string();
    let mut text = format!(
        "[state]\nfolder = {}\n\n[plugins]\nfolders = [{}]\n\n{settings}",
        quoted(&folder.join("state").to_string_lossy()),
        quoted(&folder.join("plugins").to_string_lossy()),
    );
    for sim in sims {
        let _ = write!(
            text,
            "\n[[servers]]\nhost = {}\nusername = {}\npassword = {}\nfingerprint = {}\n",
            quoted(&sim.host()),
            quoted(sim.username()),
            quoted(sim.password()),
            quoted(&sim.fingerprint().unwrap_or_default()),
        );
    }
    text
}

/// A daemon with its surroundings. Dropping it ends everything.
pub struct Rig {
    process: Option<Process>,
    /// `127.0.0.1:port`; the same after a restart.
    address: String,
    sims: Vec<Sim>,
    slapd: Option<Slapd>,
    folder: TempDir,
}

impl Rig {
    /// Says what there shall be.
    pub fn builder() -> Builder {
        Builder::default()
    }

    /// Returns `http://127.0.0.1:port`.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Returns `127.0.0.1:port`.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Returns the folder with what survives a restart.
    pub fn state(&self) -> PathBuf {
        self.folder.path().join("state")
    }

    /// Returns the folder that the daemon looks for plugins in.
    pub fn plugins(&self) -> PathBuf {
        self.folder.path().join("plugins")
    }

    /// Returns the file of the daemon's log.
    pub fn log(&self) -> PathBuf {
        self.folder.path().join("daemon.log")
    }

    /// Returns everything that the daemon has logged.
    pub fn logged(&self) -> String {
        std::fs::read(self.log()).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default()
    }

    /// Returns the password of the first administrator, `admin`.
    ///
    /// # Errors
    /// When it was changed, which removes the file.
    pub fn password(&self) -> Result<String> {
        let file = self.state().join("admin-password");
        let text = std::fs::read_to_string(&file).with_context(|| format!("read {}", file.display()))?;
        Ok(text.trim().to_owned())
    }

    /// Returns a simulator, by its place in the builder's list.
    pub fn sim(&self, index: usize) -> &Sim {
        &self.sims[index]
    }

    /// Returns all simulators.
    pub fn sims(&self) -> &[Sim] {
        &self.sims
    }

    /// Returns the directory server.
    ///
    /// # Panics
    /// When the builder was not asked for one.
    pub fn slapd(&self) -> &Slapd {
        self.slapd.as_ref().expect("the builder was asked for slapd")
    }

    /// Returns a connection to the daemon that nobody is signed in on.
    ///
    /// # Errors
    /// When the daemon does not take it.
    pub async fn client(&self) -> Result<Client> {
        Ok(Client::connect(&self.address, &[]).await?)
    }

    /// Returns a connection on which the first administrator is signed in.
    ///
    /// # Errors
    /// When the daemon does not take it, or the password was changed.
    pub async fn admin(&self) -> Result<Client> {
        let client = self.client().await?;
        client.sign_in("admin", &self.password()?).await?;
        Ok(client)
    }

    /// Returns REST in somebody's name.
    pub fn rest(&self, auth: Auth) -> Rest {
        Rest::new(self.address.clone(), auth)
    }

    /// Returns REST in the first administrator's name.
    ///
    /// # Errors
    /// When the password was changed.
    pub fn admin_rest(&self) -> Result<Rest> {
        Ok(self.rest(Auth::Basic("admin".to_owned(), self.password()?)))
    }

    /// Sends a GET without credentials to any path.
    ///
    /// # Errors
    /// When no answer comes.
    pub async fn get(&self, path: &str) -> Result<Answer> {
        self.rest(Auth::Nobody).send("GET", path, &[], b"").await
    }

    /// Returns the sum of the samples of a metric whose labels contain `label`.
    ///
    /// # Errors
    /// When no answer comes.
    pub async fn metric(&self, name: &str, label: &str) -> Result<f64> {
        let page = self.get("/metrics").await?;
        let samples = page.text.lines().filter_map(|line| line.rsplit_once(' '));
        let ours = samples.filter(|(series, _)| {
            let (found, labels) = series.split_once('{').unwrap_or((series, ""));
            found == name && labels.contains(label)
        });
        Ok(ours.filter_map(|(_, value)| value.parse::<f64>().ok()).sum())
    }

    /// Waits until every pool is live.
    ///
    /// # Errors
    /// When one is not in time; the text has the end of the log.
    pub async fn pools_are_live(&mut self) -> Result<()> {
        let wanted = self.sims.len() as f64;
        let live = wait::until("every pool to be live", async || {
            let connected = self.metric("xylem_pools", "state=\"connected\"").await.unwrap_or(-1.0);
            (connected == wanted || wanted == 0.0).then_some(())
        });
        let outcome = live.await;
        outcome.with_context(|| self.last_words())
    }

    /// Starts the daemon on the same state and the same port, and waits until it is ready.
    ///
    /// # Errors
    /// When it runs already, or does not become ready.
    pub async fn start_again(&mut self) -> Result<()> {
        if let Some(process) = &mut self.process
            && process.ended().is_none()
        {
            bail!("the daemon runs already");
        }
        let mut command = Command::new(files::program()?);
        for (name, _) in std::env::vars_os() {
            // The runner's own settings are not the daemon's.
            if name.to_string_lossy().starts_with("XYLEM_")
                || name == "CREDENTIALS_DIRECTORY"
                || name == "NOTIFY_SOCKET"
            {
                command.env_remove(name);
            }
        }
        let log = self.log();
        let before = std::fs::metadata(&log).map(|meta| meta.len()).unwrap_or_default();
        command.arg("serve").arg("--config").arg(self.folder.path().join("xylem.toml"));
        command.arg("--listen").arg(&self.address).current_dir(self.folder.path());
        let mut process = Process::start("the daemon", &mut command, &log)?;
        let address = wait::until("the daemon to listen", async || {
            let ended = process.ended().map(|status| Err(format!("the daemon ended by itself: {status}")));
            ended.or_else(|| listening(&log, before).map(Ok))
        });
        match address.await {
            Ok(Ok(address)) => self.address = address,
            Ok(Err(text)) => bail!("{text}\n{}", process.last_words()),
            Err(error) => return Err(error.context(process.last_words())),
        }
        self.process = Some(process.telling());
        let ready = wait::until("/readyz", async || self.get("/readyz").await.ok().filter(|a| a.status == 200)).await;
        ready.with_context(|| self.last_words())?;
        Ok(())
    }

    /// Asks the daemon to stop (SIGTERM) and waits until it has. Simulators and directory stay.
    ///
    /// # Errors
    /// When it takes too long.
    pub async fn stop(&mut self) -> Result<()> {
        match self.process.take() {
            Some(mut process) => process.stop(SOFT_STOP).await.map(|_| ()),
            None => Ok(()),
        }
    }

    /// Ends everything; the daemon is asked to stop, and has to end well.
    ///
    /// A rig that is dropped without it shows the end of the daemon's log: the test broke off.
    ///
    /// # Errors
    /// When the daemon takes too long, ended by itself before, or ends with a failure.
    pub async fn end(mut self) -> Result<()> {
        let Some(mut process) = self.process.take() else { return Ok(()) };
        if let Some(status) = process.ended() {
            bail!("the daemon ended by itself: {status}\n{}", process.last_words());
        }
        let status = process.stop(SOFT_STOP).await?;
        if !status.success() {
            bail!("the daemon ended with {status} after SIGTERM\n{}", process.last_words());
        }
        Ok(())
    }

    /// Stops the daemon softly and starts it again.
    ///
    /// # Errors
    /// As [`Rig::stop`] and [`Rig::start_again`].
    pub async fn restart(&mut self) -> Result<()> {
        self.stop().await?;
        self.start_again().await
    }

    /// Kills the daemon (SIGKILL), as a power failure would.
    pub fn kill9(&mut self) {
        if let Some(mut process) = self.process.take() {
            process.kill();
        }
    }

    fn process(&self) -> Result<&Process> {
        self.process.as_ref().context("the daemon does not run")
    }

    /// Returns the daemon's process id.
    ///
    /// # Errors
    /// When it does not run.
    pub fn pid(&self) -> Result<u32> {
        Ok(self.process()?.pid())
    }

    /// Returns the daemon's resident memory in bytes.
    ///
    /// # Errors
    /// When it does not run.
    pub fn rss(&self) -> Result<u64> {
        self.process()?.rss()
    }

    /// Returns the daemon's most resident memory in bytes, since its start or the last [`Rig::reset_peak`].
    ///
    /// # Errors
    /// When it does not run.
    pub fn peak(&self) -> Result<u64> {
        self.process()?.peak()
    }

    /// Lets [`Rig::peak`] start over.
    ///
    /// # Errors
    /// When it does not run.
    pub fn reset_peak(&self) -> Result<()> {
        self.process()?.reset_peak()
    }

    /// Returns the daemon's processor time in seconds, in steps of 10 ms.
    ///
    /// # Errors
    /// When it does not run.
    pub fn processor(&self) -> Result<f64> {
        self.process()?.processor()
    }

    /// Returns how many descriptors the daemon has open.
    ///
    /// # Errors
    /// When it does not run.
    pub fn fds(&self) -> Result<usize> {
        self.process()?.fds()
    }

    /// Returns how many threads the daemon has.
    ///
    /// # Errors
    /// When it does not run.
    pub fn threads(&self) -> Result<u64> {
        self.process()?.threads()
    }

    /// Returns how the daemon ended, if it has: nothing but [`Rig::stop`] and [`Rig::kill9`] should end it.
    pub fn ended(&mut self) -> Option<std::process::ExitStatus> {
        self.process.as_mut().and_then(Process::ended)
    }

    /// Returns the end of the daemon's log.
    pub fn last_words(&self) -> String {
        self.process.as_ref().map_or_else(|| "the daemon does not run".to_owned(), Process::last_words)
    }
}

/// Finds the address in what was logged since `from`.
fn listening(log: &Path, from: u64) -> Option<String> {
    let text = std::fs::read(log).ok()?;
    let text = String::from_utf8_lossy(text.get(usize::try_from(from).ok()?..)?).into_owned();
    // Whole lines only: the last one may still be being written.
    let lines = text.split_inclusive('\n').filter(|line| line.ends_with('\n'));
    let mut found = lines.filter(|line| line.contains("listening"));
    found.find_map(|line| Some(line.split_once("address=")?.1.split_whitespace().next()?.to_owned()))
}
