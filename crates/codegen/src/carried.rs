//! Manifests of packages that copies of are carried: by generated crates, and by programs that are
//! built from sources in a package.

/// Texts that are compiled in, each with its path: a name behind `$to`, and the file of that name behind
/// `$from`, which is relative to where this stands.
#[macro_export]
macro_rules! texts {
    ($to:literal, $from:literal, [$($name:literal),+ $(,)?]) => {
        [$((concat!($to, $name), include_str!(concat!($from, $name)))),+]
    };
}

/// What only a registry reads of a package.
const OF_REGISTRIES: [&str; 6] = [
    "publish",
    "documentation",
    "readme",
    "keywords",
    "categories",
    "include",
];

/// A package's own manifest as a copy of it has it: never published, without what only a registry
/// reads, and without the dependencies of tests, which lie in this project alone.
pub fn carried(manifest: &str) -> String {
    let mut is_of_tests = false;
    let mut copy = String::new();
    for line in manifest.lines() {
        if line.starts_with('[') {
            is_of_tests = line == "[dev-dependencies]";
        }
        let key = line.split_once(" = ").map_or("", |(key, _)| key);
        if is_of_tests || OF_REGISTRIES.contains(&key) {
            continue;
        }
        copy.push_str(line);
        copy.push('\n');
        if key == "license" {
            copy.push_str("publish = false\n");
        }
    }
    copy
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_is_for_nobody_but_its_owner() {
        let manifest = "[package]\nname = \"a\"\nlicense = \"MIT\"\nreadme = \"../README.md\"\n\
                        include = [\"/src\"]\n\n[dependencies]\nb = \"1\"\n\n[dev-dependencies]\n\
                        c = { path = \"../c\" }\n\n[lints.rust]\nunsafe_code = \"deny\"\n";
        let expected = "[package]\nname = \"a\"\nlicense = \"MIT\"\npublish = false\n\n\
                        [dependencies]\nb = \"1\"\n\n[lints.rust]\nunsafe_code = \"deny\"\n";
        assert_eq!(carried(manifest), expected);
    }
}
