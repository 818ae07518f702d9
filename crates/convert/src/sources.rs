//! A conversion's source files: one C99 header, or a drop-in crate.

use std::fmt::Write;

use sha2::{Digest, Sha256};
use spinney_board::Core;
use spinney_codegen::{
    Encoding, EncodingError, Generated, Header, Identity, Options as Codegen, Origin, c99, drop_in,
};

use crate::{Conversion, options_for};

/// What becomes a header or a crate, and in which form.
#[derive(Debug, Clone)]
pub struct Sources<'c> {
    conversion: &'c Conversion,
    name: String,
    fingerprint: String,
    options: Codegen,
}

impl<'c> Sources<'c> {
    /// Tables that every core reads, without an early exit. Of `name`, what no package's name may
    /// hold becomes `-`.
    #[must_use]
    pub fn new(name: &str, conversion: &'c Conversion) -> Self {
        Self {
            conversion,
            name: package_name(name),
            fingerprint: hex(&Sha256::digest(conversion.model.to_json().as_bytes())),
            options: options_for(Core::CortexM0, &conversion.quant, Encoding::Table, false),
        }
    }

    /// The same in another form, for a core.
    #[must_use]
    pub fn of(self, encoding: Encoding, core: Core) -> Self {
        Self {
            options: options_for(core, &self.conversion.quant, encoding, false),
            ..self
        }
    }

    /// The model's name, as the package is called but for its ending.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The options in effect, for [`crate::forms_of`].
    pub fn options(&self) -> &Codegen {
        &self.options
    }

    /// The C99 header.
    pub fn header(&self) -> Header {
        c99(self.identity(), &self.conversion.quant, &self.options)
    }

    /// The drop-in crate.
    ///
    /// # Errors
    /// An encoding that does not hold the model.
    pub fn drop_in(&self) -> Result<Generated, EncodingError> {
        drop_in(self.identity(), &self.conversion.quant, &self.options)
    }

    fn identity(&self) -> Identity<'_> {
        Identity {
            pipeline: &self.name,
            kind: self.conversion.model.kind(),
            fingerprint: &self.fingerprint,
            origin: Origin::Model,
        }
    }
}

/// A name that cargo takes for a package: letters, digits, `-` and `_`, a letter first.
fn package_name(name: &str) -> String {
    let plain = |c: char| {
        let fits = c.is_ascii_alphanumeric() || c == '_';
        if fits { c.to_ascii_lowercase() } else { '-' }
    };
    let mut name: String = name.chars().take(64).map(plain).collect();
    if !name.starts_with(|c: char| c.is_ascii_lowercase()) {
        name.insert_str(0, "model-");
    }
    name
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").expect("writing to a string");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::package_name;

    #[test]
    fn any_name_names_a_package() {
        for (name, expected) in [
            ("digits", "digits"),
            ("My Model", "my-model"),
            ("7 segments", "model-7-segments"),
            ("", "model-"),
            ("_private", "model-_private"),
            ("é", "model--"),
        ] {
            assert_eq!(package_name(name), expected);
        }
    }
}
