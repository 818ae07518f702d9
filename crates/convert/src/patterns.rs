//! Names of features with stars: what is declared of each feature of a model.

use spinney_quantize::Declared;

/// What is declared of each of `features`: under its name, else under the first pattern that it
/// matches.
///
/// # Errors
/// The first pattern that no feature matches.
pub fn declared_for<'p>(
    patterns: &'p [(String, Declared)],
    features: &[String],
) -> Result<Vec<Declared>, &'p str> {
    let is_idle = |pattern: &str| !features.iter().any(|name| matches(pattern, name));
    if let Some((pattern, _)) = patterns.iter().find(|(pattern, _)| is_idle(pattern)) {
        return Err(pattern);
    }
    let declared_of = |name: &String| {
        let by_name = patterns.iter().find(|(pattern, _)| pattern == name);
        let by_pattern = || patterns.iter().find(|(pattern, _)| matches(pattern, name));
        by_name
            .or_else(by_pattern)
            .map_or_else(Declared::default, |(_, declared)| *declared)
    };
    Ok(features.iter().map(declared_of).collect())
}

/// Whether a name matches a pattern in which `*` stands for any text.
///
/// What stands between two stars is looked for from left to right and taken where it is first found:
/// a later place leaves no more of the name to what follows. So no star is tried twice.
pub fn matches(pattern: &str, name: &str) -> bool {
    let Some((first, rest)) = pattern.split_once('*') else {
        return pattern == name;
    };
    let (between, last) = rest.rsplit_once('*').unwrap_or(("", rest));
    let name = name.strip_prefix(first);
    let Some(name) = name.and_then(|name| name.strip_suffix(last)) else {
        return false;
    };
    let mut parts = between.split('*');
    parts
        .try_fold(name, |name, part| Some(name.split_once(part)?.1))
        .is_some()
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn a_star_stands_for_any_text() {
        assert!(matches("pixel_*", "pixel_0_1"));
        assert!(matches("*", "anything"));
        assert!(matches("a*c*e", "abcde"));
        assert!(matches("hue", "hue"));
        assert!(!matches("pixel_*", "hue"));
        assert!(!matches("a*c", "abcd"));
        assert!(!matches("hue", "hues"));
        assert!(!matches("a*a", "a"));
        assert!(matches("a**a", "aa"));
        assert!(matches("*ab*ab*", "ababab"));
        assert!(!matches("*ab*ab*ab*ab", "ababab"));
        assert!(matches("*é*", "né"));
    }

    /// The plain definition, which takes exponential time.
    fn defined(pattern: &[char], name: &[char]) -> bool {
        match pattern {
            [] => name.is_empty(),
            ['*', rest @ ..] => (0..=name.len()).any(|at| defined(rest, &name[at..])),
            [first, rest @ ..] => name
                .split_first()
                .is_some_and(|(it, name)| it == first && defined(rest, name)),
        }
    }

    #[test]
    fn stars_mean_what_they_are_defined_to() {
        let words = |letters: &[char], length: u32| -> Vec<Vec<char>> {
            let n = letters.len();
            (0..n.pow(length))
                .map(|word| {
                    (0..length)
                        .map(|at| letters[word / n.pow(at) % n])
                        .collect()
                })
                .collect()
        };
        let names: Vec<Vec<char>> = (0..6).flat_map(|it| words(&['a', 'b'], it)).collect();
        let mut n_matched = 0;
        for pattern in (0..6).flat_map(|it| words(&['a', 'b', '*'], it)) {
            for name in &names {
                let expected = defined(&pattern, name);
                let [typed, shown]: [String; 2] = [&pattern, name].map(|it| it.iter().collect());
                assert_eq!(matches(&typed, &shown), expected, "{typed} {shown}");
                n_matched += usize::from(expected);
            }
        }
        assert!((1000..20_000).contains(&n_matched), "{n_matched}");
    }

    #[test]
    fn a_pattern_of_many_stars_ends() {
        let pattern = "*a".repeat(1000) + "b";
        assert!(!matches(&pattern, &"a".repeat(100_000)));
    }
}
