//! The logarithm's stated bound, over every mantissa that the table can tell apart.

use spinney_frontend::log2::{FRACTION, log2};

/// What the documentation promises, in bits.
const BOUND: f64 = 0.0012;

#[track_caller]
fn check(energy: u64) -> i16 {
    let found = log2(energy);
    let wanted = libm::log2(energy.max(1) as f64);
    let error = (f64::from(found) / f64::from(1 << FRACTION) - wanted).abs();
    assert!(error <= BOUND, "log2({energy}) is off by {error}");
    found
}

#[test]
fn every_mantissa() {
    // 21 bits below the leading one are used: all of them, with nothing and with all ones below.
    let mut before = i16::MIN;
    for mantissa in 1 << 21..1_u64 << 22 {
        for energy in [mantissa << 40, (mantissa << 40) + (1 << 40) - 1] {
            let found = check(energy);
            assert!(found >= before);
            before = found;
        }
    }
}

#[test]
fn every_exponent() {
    for exponent in 0..64 {
        let power = 1_u64 << exponent;
        assert_eq!(log2(power), exponent << FRACTION);
        for energy in [power - 1, power + 1, power + power / 3, power + power / 2] {
            check(energy);
        }
    }
}

#[test]
fn small_ones_and_the_ends() {
    assert_eq!(log2(0), 0);
    assert_eq!(log2(u64::MAX), i16::MAX);
    let mut before = 0;
    for energy in 1..100_000 {
        let found = check(energy);
        assert!(found >= before);
        before = found;
    }
}
