//! "Did you mean": the known word that resembles an unknown one.

/// The word among `known` that resembles `found` most, if one does.
pub(crate) fn nearest<'a>(found: &str, known: &[&'a str]) -> Option<&'a str> {
    const WORD_CHARS_MAX: usize = 64;
    const ALIKE: f64 = 0.8;
    if found.chars().count() > WORD_CHARS_MAX {
        return None;
    }
    // Words differ in their joints as often as in their letters.
    let plain = |word: &str| word.to_lowercase().replace(['-', ' '], "_");
    let found = plain(found);
    // `flash_growth_max` is `max_flash_growth`, in another order.
    let words = |name: &str| {
        let mut words: Vec<String> = name.split('_').map(str::to_owned).collect();
        words.sort_unstable();
        words
    };
    let found_words = words(&found);
    let reordered = known.iter().find(|name| words(&plain(name)) == found_words);
    if let Some(name) = reordered {
        return Some(name);
    }
    known
        .iter()
        .map(|word| (strsim::jaro_winkler(&found, &plain(word)), *word))
        .filter(|(likeness, _)| *likeness >= ALIKE)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, word)| word)
}

/// The question whether a known word was meant, if one resembles what was found.
pub fn did_you_mean(found: &str, known: &[&str]) -> Option<String> {
    nearest(found, known).map(|word| format!("did you mean `\"{word}\"`?"))
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn words_that_are_alike() {
        let known = ["n_trees", "max_depth", "random-forest"];
        assert_eq!(nearest("n_tree", &known), Some("n_trees"));
        assert_eq!(nearest("maxdepth", &known), Some("max_depth"));
        assert_eq!(nearest("Random Forest", &known), Some("random-forest"));
        let budgets = ["flash", "max_flash_growth", "instructions_max"];
        assert_eq!(
            nearest("flash_growth_max", &budgets),
            Some("max_flash_growth")
        );
        assert_eq!(
            nearest("max_instructions", &budgets),
            Some("instructions_max")
        );
        assert_eq!(nearest("colour", &known), None);
        assert_eq!(nearest("", &known), None);
        assert_eq!(nearest(&"n".repeat(1_000_000), &known), None);
    }
}
