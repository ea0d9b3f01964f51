//! The log of a plugin instance: rate-limited, cut to size, and without secrets.

use std::sync::Arc;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use model::{InstanceId, Secret};
use parking_lot::Mutex;

use crate::{LogLevel, Services, Spec};

/// Lines a second of one instance; beyond that nobody reads them, and the disk is everyone's.
const LINES: u32 = 200;

/// Bytes of one line, its fields included.
pub(crate) const LINE_BYTES: usize = 8 << 10;

/// Bytes of stderr kept for the message of a trap.
const LAST_WORDS: usize = 2 << 10;

/// Counts the lines of one instance.
#[derive(Debug, Default)]
pub(crate) struct LogGate {
    window: Mutex<Option<(Instant, u32)>>,
    dropped: AtomicU64,
}

impl LogGate {
    fn admit(&self, now: Instant) -> bool {
        let mut window = self.window.lock();
        let (start, lines) = window.get_or_insert((now, 0));
        if now.duration_since(*start).as_millis() >= 1_000 {
            (*start, *lines) = (now, 0);
        }
        *lines += 1;
        let admitted = *lines <= LINES;
        if !admitted {
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
        admitted
    }

    pub(crate) fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }
}

/// The log as one call sees it.
pub(crate) struct CallLog {
    services: Arc<dyn Services>,
    watch: Arc<crate::supervisor::Watch>,
    instance: InstanceId,
    secrets: Vec<Secret>,
    needles: OnceLock<Vec<String>>,
    last_words: Mutex<String>,
}

impl CallLog {
    pub(crate) fn new(
        services: Arc<dyn Services>,
        watch: Arc<crate::supervisor::Watch>,
        spec: &Spec,
        typed: Option<&Secret>,
    ) -> Self {
        let secrets = spec.secrets.values().chain(typed).cloned().collect();
        let (needles, last_words) = (OnceLock::new(), Mutex::new(String::new()));
        Self { services, watch, instance: spec.instance.clone(), secrets, needles, last_words }
    }

    /// Writes a line, if it is wanted and there is room for it.
    pub(crate) fn write(&self, level: LogLevel, message: &str, fields: &[(String, String)]) {
        if level < self.services.log_level(&self.instance) || !self.watch.log.admit(Instant::now()) {
            return;
        }
        let mut left = LINE_BYTES;
        let mut take = |text: &str| {
            let text = self.mask(cut(text, LINE_BYTES));
            let kept = cut(&text, left);
            left -= kept.len();
            kept.to_owned()
        };
        let message = take(message);
        let fields: Vec<_> = fields.iter().take(64).map(|(name, value)| (take(name), take(value))).collect();
        self.services.log(&self.instance, level, &message, &fields);
    }

    /// Remembers what the plugin said on stderr; a panic speaks there and nowhere else.
    pub(crate) fn remember(&self, line: &str) {
        let mut words = self.last_words.lock();
        words.push_str(cut(line, LAST_WORDS));
        words.push('\n');
        let mut start = words.len().saturating_sub(LAST_WORDS);
        while !words.is_char_boundary(start) {
            start += 1;
        }
        words.drain(..start);
    }

    pub(crate) fn last_words(&self) -> String {
        let words = self.last_words.lock().trim().to_owned();
        self.mask(&words)
    }

    /// Returns a text with every secret of this call blotted out: as it is, in base64, in hex, percent-encoded and as JSON.
    pub(crate) fn mask(&self, text: &str) -> String {
        let needles = self.needles.get_or_init(|| self.secrets.iter().flat_map(spellings).collect());
        let mut text = text.to_owned();
        for needle in needles {
            if text.contains(needle.as_str()) {
                text = text.replace(needle.as_str(), "***");
            }
        }
        text
    }
}

/// Secrets of less than 4 characters are not masked: that would blot out every second word, and tell what they are.
fn spellings(secret: &Secret) -> Vec<String> {
    let plain = secret.expose();
    if plain.len() < 4 {
        return vec![];
    }
    let hex = |upper: bool| -> String {
        plain.bytes().map(|b| if upper { format!("{b:02X}") } else { format!("{b:02x}") }).collect()
    };
    let percent: String = plain
        .bytes()
        .map(|b| {
            if b.is_ascii_alphanumeric() || b"-._~".contains(&b) {
                char::from(b).to_string()
            } else {
                format!("%{b:02X}")
            }
        })
        .collect();
    let json = serde_json::Value::from(plain).to_string();
    let base64 = STANDARD.encode(plain);
    let mut all = vec![plain.to_owned(), base64.trim_end_matches('=').to_owned(), hex(false), hex(true), percent];
    all.push(json[1..json.len() - 1].to_owned());
    all.sort_by_key(|needle| std::cmp::Reverse(needle.len()));
    all.dedup();
    all
}

/// Returns the beginning of a text, at most so many bytes, whole characters.
pub(crate) fn cut(text: &str, bytes: usize) -> &str {
    let mut end = bytes.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spells_secrets() {
        let all = spellings(&Secret::from("p\"ss wö"));
        for spelling in ["p\"ss wö", "p\\\"ss wö", "70227373", "cCJzcyB3w7Y", "p%22ss%20w%C3%B6"] {
            assert!(all.iter().any(|needle| needle.contains(spelling)), "{spelling} in {all:?}");
        }
        assert!(spellings(&Secret::from("abc")).is_empty());
    }

    #[test]
    fn cuts_between_characters() {
        assert_eq!(cut("aöb", 2), "a");
        assert_eq!(cut("aöb", 3), "aö");
        assert_eq!(cut("ab", 9), "ab");
    }

    #[test]
    fn admits_200_lines_a_second() {
        let (gate, now) = (LogGate::default(), Instant::now());
        assert_eq!((0..500).filter(|_| gate.admit(now)).count(), 200);
        assert_eq!(gate.dropped(), 300);
        assert!(gate.admit(now + std::time::Duration::from_secs(1)));
    }
}
