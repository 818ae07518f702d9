//! `[frontend] high_pass` and `low_pass`: a filter of samples, of sound and of motion.

use spinney_signal::{PERIOD_SAMPLES, Pass, SampleFilter};

use crate::diagnostics::Fault;
use crate::raw::RawSection;
use crate::value::Reader;

/// The filter, whose frequencies have as many samples in a period as it is exact for.
pub(super) fn filter(
    reader: &mut Reader,
    section: &RawSection,
    sample_rate_hz: Option<f64>,
) -> Option<SampleFilter> {
    let pass = match (section.number("high_pass"), section.number("low_pass")) {
        (Some(hz), None) => Pass::High(hz),
        (None, Some(hz)) => Pass::Low(hz),
        (Some(from), Some(to)) => Pass::Band(from, to),
        (None, None) => {
            if section.given("filter_order").is_some() {
                let message = "frontend.filter_order: found no filter, expected `high_pass`, \
                               `low_pass` or both";
                reader.fault(Fault::new(section.given("filter_order"), message));
            }
            return None;
        }
    };
    let rate = sample_rate_hz?;
    let (lowest, highest) = (rate / PERIOD_SAMPLES.1, rate / PERIOD_SAMPLES.0);
    let cause = section.cause("sample_rate");
    for key in ["high_pass", "low_pass"] {
        let hz = section.given(key).and_then(|_| section.number(key));
        if let Some(hz) = hz.filter(|hz| !(lowest..=highest).contains(hz)) {
            let message = format!(
                "frontend.{key}: found `{hz}`, expected {lowest} to {highest:.6}, a period of \
                 {} to {} samples",
                PERIOD_SAMPLES.0, PERIOD_SAMPLES.1
            );
            reader.refuse_pair(section, key, message, &cause);
        }
    }
    if let Pass::Band(from, to) = pass
        && to - from < lowest
    {
        let message = format!(
            "frontend.low_pass: found `{to}`, expected at least {}: a band is at least {lowest} Hz \
             wide, a {}th of `sample_rate`",
            from + lowest,
            PERIOD_SAMPLES.1
        );
        let cause = section.cause("high_pass");
        reader.refuse_pair(section, "low_pass", message, &cause);
    }
    let order = match section.given("filter_order") {
        Some(_) => section.integer_u32("filter_order")?,
        None => 2,
    };
    if order > pass.order_max() {
        let message = format!(
            "frontend.filter_order: found `{order}`, expected at most {}: a band has so many poles \
             on either side",
            pass.order_max()
        );
        reader.fault(Fault::new(section.given("filter_order"), message));
    }
    Some(SampleFilter { pass, order })
}
