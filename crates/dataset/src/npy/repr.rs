//! Floats as Python writes them, so that class names look as they did there.

/// A float64 as Python's `repr` writes it: `1.0`, `0.1`, `1e-05`, `1e+16`, `inf`.
pub fn float_repr(value: f64) -> String {
    python_repr(&format!("{value:e}"))
}

/// Turns Rust's shortest scientific notation into Python's `repr`.
pub(super) fn python_repr(scientific: &str) -> String {
    let Some((mantissa, exponent)) = scientific.split_once('e') else {
        return scientific.to_lowercase();
    };
    let exponent: i32 = exponent.parse().expect("Rust writes a decimal exponent");
    let (sign, mantissa) = match mantissa.strip_prefix('-') {
        Some(rest) => ("-", rest),
        None => ("", mantissa),
    };
    if !(-4..16).contains(&exponent) {
        let direction = if exponent < 0 { '-' } else { '+' };
        return format!("{sign}{mantissa}e{direction}{:02}", exponent.abs());
    }
    let digits = mantissa.replace('.', "");
    let before = usize::try_from(exponent + 1).unwrap_or(0);
    if before == 0 {
        let zeros = "0".repeat(exponent.unsigned_abs() as usize - 1);
        return format!("{sign}0.{zeros}{digits}");
    }
    if digits.len() <= before {
        return format!("{sign}{digits}{}.0", "0".repeat(before - digits.len()));
    }
    format!("{sign}{}.{}", &digits[..before], &digits[before..])
}
