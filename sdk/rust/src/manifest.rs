//! The manifest travels inside the component, in a custom section, so that the daemon reads it without running anything.

/// Puts a manifest into the plugin; the path counts from the folder of its `Cargo.toml`.
///
/// ```ignore
/// xylem_sdk::manifest!("manifest.json");
/// ```
#[macro_export]
macro_rules! manifest {
    ($path:literal) => {
        $crate::manifest_text!(include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/", $path)));
    };
}

/// As [`manifest!`](crate::manifest), from a constant text.
#[macro_export]
macro_rules! manifest_text {
    ($text:expr) => {
        // `link_section` alone makes a custom section; with `#[used]` the text would stand in linear memory as well.
        #[cfg(target_arch = "wasm32")]
        const _: () = {
            const TEXT: &str = $text;
            #[unsafe(link_section = "xylem:manifest")]
            static MANIFEST: [u8; TEXT.len()] = $crate::manifest::bytes(TEXT);
        };
    };
}

/// Returns the bytes of a text of known length, at compile time.
#[doc(hidden)]
pub const fn bytes<const N: usize>(text: &str) -> [u8; N] {
    let mut bytes = [0; N];
    bytes.copy_from_slice(text.as_bytes());
    bytes
}
