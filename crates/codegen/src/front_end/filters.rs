//! Filter tables as source; they are worked out by `spinney_signal`.

use std::fmt::Write;

use spinney_frontend::mel::Segment;
use spinney_signal::FilterTable;

/// Source of `FILTERS`, for a crate that imports the front end as `spinney_frontend`.
pub fn filters(table: &FilterTable, n_points: usize) -> String {
    let mut out = String::new();
    let n = table.segments().len();
    let _ = writeln!(
        out,
        "use spinney_frontend::mel::{{Filters, Segment}};\n\n\
         /// Number of bands.\npub const N_BANDS: usize = {};\n\n\
         /// Filters for frames of {n_points} samples.\n\
         pub static FILTERS: Filters<'static, {}> = match Filters::new({}, &SEGMENTS) {{\n    \
         Ok(filters) => filters,\n    Err(error) => error.refuse(),\n}};\n\n\
         /// From edge to edge: bins, offset of the band that ends here, weights and slope.\n\
         static SEGMENTS: [Segment; {n}] = [",
        table.n_bands(),
        n_points / 2,
        table.first_bin(),
    );
    for segment in table.segments() {
        let Segment {
            n_bins,
            offset,
            first,
            last,
            slope,
        } = segment;
        let _ = writeln!(
            out,
            "    Segment {{ n_bins: {n_bins}, offset: {offset}, first: {first}, last: {last}, \
             slope: {slope} }},"
        );
    }
    out.push_str("];\n");
    out
}
