//! Filter tables as source; they are worked out by `spinney_signal`.

use spinney_frontend::mel::Segment;
use spinney_signal::FilterTable;

/// Source of `FILTERS`, for a crate that imports the front end as `spinney_frontend`.
pub fn filters(table: &FilterTable, n_points: usize) -> String {
    format!(
        "use spinney_frontend::mel::{{Filters, Segment}};\n\n\
         /// Number of bands.\npub const N_BANDS: usize = {};\n\n\
         /// Filters for frames of {n_points} samples.\n\
         pub static FILTERS: Filters<'static, {}> = {};\n\n\
         /// From edge to edge: bins, offset of the band that ends here, weights and slope.\n\
         {}",
        table.n_bands(),
        n_points / 2,
        checked(table, "SEGMENTS"),
        segments(table, "SEGMENTS"),
    )
}

/// An expression of filters with segments of this name.
pub(super) fn checked(table: &FilterTable, name: &str) -> String {
    format!(
        "match Filters::new({}, &{name}) {{\n    Ok(filters) => filters,\n    \
         Err(error) => error.refuse(),\n}}",
        table.first_bin()
    )
}

/// Source of the segments.
pub(super) fn segments(table: &FilterTable, name: &str) -> String {
    let lines = table.segments().iter().map(|segment| {
        let Segment {
            n_bins,
            offset,
            first,
            last,
            slope,
        } = segment;
        format!(
            "    Segment {{ n_bins: {n_bins}, offset: {offset}, first: {first}, last: {last}, \
             slope: {slope} }},\n"
        )
    });
    let (n, lines) = (table.segments().len(), lines.collect::<String>());
    format!("static {name}: [Segment; {n}] = [\n{lines}];\n")
}
