//! Quotes that nobody closes.

use proptest::prelude::*;

use spinney_dataset::unclosed_quote;

proptest! {
    /// What follows an open quote belongs to its field, so a last line of its own does not
    /// come out as one.
    #[test]
    fn quotes_are_those_of_the_reader(text in "[a,\"\n\r#]{0,24}") {
        let longer = format!("{text}\nend");
        let mut reader = csv::ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            .comment(Some(b'#'))
            .from_reader(longer.as_bytes());
        let last = reader.records().last().expect("a record").expect("text");
        prop_assert_eq!(
            unclosed_quote(text.as_bytes(), b',').is_none(),
            last == *["end"].as_slice()
        );
    }
}
