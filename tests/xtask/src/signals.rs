//! Turns signals into values to wait for, so that a stop request and a child's end are noticed at once and in one place.
//!
//! The signals stay blocked in the whole process; `group::spawn` gives a child an empty mask again.

use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::time::Duration;

/// What ended a wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Woken {
    /// Somebody asks us to stop; the number of the signal.
    Stop(i32),
    /// A child ended (one or several; look at all of them).
    Child,
    /// Nothing happened within the given time.
    Timeout,
}

/// The blocked signals, readable. Made once, by the main thread, before any other thread exists.
pub struct Signals {
    fd: OwnedFd,
}

impl Signals {
    /// Blocks SIGINT, SIGTERM, SIGHUP and SIGCHLD for this process and makes them readable here.
    #[allow(unsafe_code)]
    pub fn take_over() -> io::Result<Signals> {
        // SAFETY: `set` is initialised by sigemptyset before use and outlives the calls, `action` is plain data and only
        // written to; signalfd returns a fresh descriptor that nobody else owns.
        unsafe {
            let mut set: libc::sigset_t = std::mem::zeroed();
            libc::sigemptyset(&mut set);
            for signal in [libc::SIGINT, libc::SIGTERM, libc::SIGHUP, libc::SIGCHLD] {
                // Under nohup a hang-up is ignored; once blocked, it would be read here all the same.
                let mut action: libc::sigaction = std::mem::zeroed();
                libc::sigaction(signal, std::ptr::null(), &mut action);
                if signal != libc::SIGHUP || action.sa_sigaction != libc::SIG_IGN {
                    libc::sigaddset(&mut set, signal);
                }
            }
            let failed = libc::pthread_sigmask(libc::SIG_BLOCK, &set, std::ptr::null_mut());
            if failed != 0 {
                return Err(io::Error::from_raw_os_error(failed));
            }
            let fd = libc::signalfd(-1, &set, libc::SFD_CLOEXEC | libc::SFD_NONBLOCK);
            if fd < 0 {
                return Err(io::Error::last_os_error());
            }
            Ok(Signals { fd: OwnedFd::from_raw_fd(fd) })
        }
    }

    /// Waits for the next signal, at most `timeout`. A stop request wins over ended children.
    #[allow(unsafe_code)]
    pub fn wait(&self, timeout: Duration) -> io::Result<Woken> {
        let mut poll = libc::pollfd { fd: self.fd.as_raw_fd(), events: libc::POLLIN, revents: 0 };
        let millis = i32::try_from(timeout.as_millis()).unwrap_or(i32::MAX);
        // SAFETY: one valid pollfd, and its count is 1.
        if unsafe { libc::poll(&mut poll, 1, millis) } < 0 {
            let error = io::Error::last_os_error();
            return if error.kind() == io::ErrorKind::Interrupted { Ok(Woken::Timeout) } else { Err(error) };
        }
        let mut woken = Woken::Timeout;
        loop {
            let size = size_of::<libc::signalfd_siginfo>();
            // SAFETY: signalfd_siginfo is plain data (all zeroes is valid), and read writes at most `size` bytes to it.
            let info = unsafe {
                let mut info: libc::signalfd_siginfo = std::mem::zeroed();
                if libc::read(self.fd.as_raw_fd(), (&raw mut info).cast(), size) != size as isize {
                    return Ok(woken);
                }
                info
            };
            match info.ssi_signo as i32 {
                libc::SIGCHLD if woken == Woken::Timeout => woken = Woken::Child,
                libc::SIGCHLD => {}
                _ if matches!(woken, Woken::Stop(_)) => {}
                stop => woken = Woken::Stop(stop),
            }
        }
    }
}

/// Somebody asked us to stop before the work was done. `main` turns it into the exit code a shell expects.
#[derive(Debug)]
pub struct Stopped(pub i32);

impl std::fmt::Display for Stopped {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "stopped by signal {}", self.0)
    }
}

impl std::error::Error for Stopped {}
