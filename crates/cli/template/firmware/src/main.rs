//! Reads the sensor, classifies each row of readings, and logs its class.
#![no_std]
#![no_main]

mod sensor;

#[cfg(feature = "rtt")]
use defmt_rtt as _;
#[cfg(feature = "semihosting")]
use defmt_semihosting as _;
// Critical sections come in by being linked.
use {{critical_section}} as _;
use {{runtime}}::entry;

use crate::sensor::Sensor;

#[entry]
fn main() -> ! {
    let mut sensor = Sensor::new();
    while let Some(readings) = sensor.read() {
        let class = model::predict(&readings);
        defmt::info!("class {=str}", model::CLASSES[class]);
    }
    end()
}

/// Where the program stays once the sensor has no more rows.
#[cfg(not(feature = "semihosting"))]
fn end() -> ! {
    loop {
        core::hint::spin_loop();
    }
}

#[cfg(feature = "semihosting")]
fn end() -> ! {
    semihosting::process::exit(0)
}

#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    loop {
        core::hint::spin_loop();
    }
}
