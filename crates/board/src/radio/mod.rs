//! Radios that a node may have: what a message holds, how long it is on the air, what it takes.
//!
//! The figures and their sources stand in [`RADIOS`]. Energy is power times time of a named
//! transceiver's data sheet, without retries, joins and the upkeep of a link unless a radio's
//! assumptions say otherwise: an estimate, made to compare.

mod lora;
mod table;

pub use lora::lora_airtime_s;
pub use table::{RADIO_NAMES, RADIOS};

/// Seconds of a day.
pub const DAY_S: f64 = 86_400.0;

/// A way to send, with one transceiver that does.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Radio {
    /// Its name in `pipeline.toml`.
    pub name: &'static str,
    /// Its name for people.
    pub title: &'static str,
    /// Most bytes of a message that are the sender's own; more are sent as several messages.
    pub payload_bytes: u32,
    /// Bits per second on the air.
    pub bit_rate_bps: u32,
    /// How far it reaches, in words.
    pub range: &'static str,
    /// How long a message is on the air.
    pub airtime: Airtime,
    /// What law and network allow.
    pub limits: RadioLimits,
    /// What the transceiver takes.
    pub draw: Draw,
    /// Where each figure comes from.
    pub sources: &'static [Source],
    /// What is assumed, or left out, for want of a figure that holds everywhere.
    pub assumptions: &'static [&'static str],
}

/// Where a figure comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub struct Source {
    /// What it says.
    pub figure: &'static str,
    /// Who says so, and where.
    pub from: &'static str,
}

pub(crate) const fn source(figure: &'static str, from: &'static str) -> Source {
    Source { figure, from }
}

/// How long a message is on the air.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
pub enum Airtime {
    /// LoRa at 125 kHz with this spreading factor, 7 to 12; the protocol adds bytes to a payload.
    Lora {
        /// Bits per symbol.
        spreading_factor: u32,
        /// Bytes around the payload.
        overhead_bytes: u32,
    },
    /// The same for every message.
    Fixed {
        /// Seconds.
        seconds: f64,
    },
    /// The bit rate decides.
    Rate {
        /// Bytes around the payload.
        overhead_bytes: u32,
        /// Seconds before the first bit of them.
        preamble_s: f64,
    },
}

/// What law and network allow; `None` for no limit of that kind.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
pub struct RadioLimits {
    /// Most share of any hour on the air.
    pub duty_cycle: Option<f64>,
    /// Most seconds on the air in a day, by the network's policy of fair use.
    pub fair_airtime_s: Option<f64>,
    /// Most messages in a day.
    pub messages_per_day: Option<u32>,
}

/// What a transceiver takes.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
pub struct Draw {
    /// Which one.
    pub transceiver: &'static str,
    /// Milliwatts while sending.
    pub transmit_mw: f64,
    /// Milliwatts while listening.
    pub receive_mw: f64,
    /// Seconds of listening that belong to each message.
    pub receive_s: f64,
    /// Milliwatts on average while a link is set up and released.
    pub session_mw: f64,
    /// Seconds of it, for each time that the node sends.
    pub session_s: f64,
}

/// What a day of sending takes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Traffic {
    /// Messages, where what is sent at once may need several.
    pub messages_per_day: f64,
    /// Seconds on the air in a day.
    pub airtime_s_per_day: f64,
    /// Seconds on the air in the busiest hour.
    pub airtime_s_per_hour: f64,
    /// Seconds of a day that sending, listening and what lies between fill.
    pub busy_s_per_day: f64,
    /// Joules of the transceiver in a day.
    pub energy_j_per_day: f64,
}

/// The radio of this name.
pub fn radio(name: &str) -> Option<&'static Radio> {
    RADIOS.iter().find(|radio| radio.name == name)
}

impl Radio {
    /// Seconds on the air of one message with so many bytes of payload.
    ///
    /// # Panics
    /// Where the payload is larger than a message of this radio holds.
    pub fn airtime_s(&self, payload_bytes: u32) -> f64 {
        assert!(payload_bytes <= self.payload_bytes, "split it first");
        match self.airtime {
            Airtime::Lora {
                spreading_factor,
                overhead_bytes,
            } => lora_airtime_s(spreading_factor, payload_bytes + overhead_bytes),
            Airtime::Fixed { seconds } => seconds,
            Airtime::Rate {
                overhead_bytes,
                preamble_s,
            } => {
                let bits = 8.0 * f64::from(payload_bytes + overhead_bytes);
                preamble_s + bits / f64::from(self.bit_rate_bps)
            }
        }
    }

    /// Messages and seconds on the air of so many bytes that are sent at once; nothing is a
    /// message too.
    pub fn split(&self, bytes: u64) -> (u64, f64) {
        let payload = u64::from(self.payload_bytes);
        let full = bytes / payload;
        // The remainder is below a payload, which has 32 bits.
        let rest = u32::try_from(bytes % payload).unwrap_or(self.payload_bytes);
        if rest == 0 && full > 0 {
            return (full, full as f64 * self.airtime_s(self.payload_bytes));
        }
        let seconds = full as f64 * self.airtime_s(self.payload_bytes) + self.airtime_s(rest);
        (full + 1, seconds)
    }

    /// What sending so many bytes, so many times a day, takes.
    pub fn traffic(&self, bytes: u64, times_per_day: f64) -> Traffic {
        let (messages, airtime_s) = self.split(bytes);
        let draw = &self.draw;
        let messages_per_day = messages as f64 * times_per_day;
        let airtime_s_per_day = airtime_s * times_per_day;
        let listening_s = draw.receive_s * messages_per_day;
        // A link that is used again before it is released is not set up anew.
        let session_s = (draw.session_s * times_per_day).min(DAY_S);
        let millijoules = draw.transmit_mw * airtime_s_per_day
            + draw.receive_mw * listening_s
            + draw.session_mw * session_s;
        Traffic {
            messages_per_day,
            airtime_s_per_day,
            airtime_s_per_hour: airtime_s * whole_above(times_per_day / 24.0),
            busy_s_per_day: airtime_s_per_day + listening_s,
            energy_j_per_day: millijoules / 1e3,
        }
    }
}

/// The least whole number, at least 1, that is not below; a rounding error does not count.
fn whole_above(times: f64) -> f64 {
    (times - 1e-9).ceil().max(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(name: &str) -> &'static Radio {
        radio(name).unwrap()
    }

    fn close(found: f64, expected: f64) {
        assert!(
            (found - expected).abs() <= 1e-9 * expected.abs(),
            "{found} {expected}"
        );
    }

    #[test]
    fn each_radio_says_where_its_figures_come_from() {
        for (index, radio) in RADIOS.iter().enumerate() {
            assert!(RADIOS[..index].iter().all(|other| other.name != radio.name));
            for word in ["payload", "bit rate", "range", "current"] {
                let names = |source: &&Source| source.figure.contains(word);
                let assumed = radio.assumptions.iter().any(|text| text.contains(word));
                assert!(
                    radio.sources.iter().any(|source| names(&source)) || assumed,
                    "{}: no source of its {word}",
                    radio.name
                );
            }
            assert!(radio.airtime_s(radio.payload_bytes) > 0.0);
        }
    }

    /// 3 frames of 26 bytes at 100 bit/s: 6.24 s; at 49 mA and 3 V, 917.28 mJ.
    #[test]
    fn sigfox_by_hand() {
        let traffic = named("sigfox").traffic(12, 140.0);
        close(traffic.messages_per_day, 140.0);
        close(traffic.airtime_s_per_day, 873.6);
        close(traffic.energy_j_per_day, 0.91728 * 140.0);
    }

    /// A byte at SF7 is a frame of 14 bytes: 46.336 ms at 95.7 mW, then 8 symbols at SF7 and 8 at
    /// SF12 of listening, 270.336 ms at 35.64 mW.
    #[test]
    fn lorawan_by_hand() {
        let traffic = named("lorawan-sf7").traffic(1, 24.0);
        close(traffic.airtime_s_per_day, 24.0 * 0.046_336);
        close(traffic.airtime_s_per_hour, 0.046_336);
        let joules = 24.0 * (0.046_336 * 95.7 + 0.270_336 * 35.64) / 1e3;
        close(traffic.energy_j_per_day, joules);
    }

    /// 244 bytes in a packet of 261: 2.088 ms; the answer and two gaps are 380 µs.
    #[test]
    fn ble_by_hand() {
        let ble = named("ble");
        close(ble.airtime_s(244), 2.088e-3);
        let traffic = ble.traffic(244, 1_000.0);
        close(traffic.busy_s_per_day, 2.468);
        close(traffic.energy_j_per_day, 2.088e-3 * 14.4 + 0.380e-3 * 13.8);
    }

    #[test]
    fn what_is_too_long_is_split() {
        let radio = named("sigfox");
        for (bytes, messages) in [(0, 1), (1, 1), (12, 1), (13, 2), (24, 2), (25, 3)] {
            assert_eq!(radio.split(bytes).0, messages, "{bytes} bytes");
        }
        let (messages, seconds) = named("lorawan-sf12").split(51 + 1);
        assert_eq!(messages, 2);
        close(seconds, 2.793_472 + 1.155_072);
    }

    #[test]
    fn a_link_in_constant_use_is_set_up_once() {
        let wifi = named("wifi");
        let idle = wifi.traffic(1, 10.0).energy_j_per_day;
        assert!(idle > 10.0 * wifi.draw.session_mw / 1e3);
        let busy = wifi.traffic(1, 1e6);
        let sending = busy.airtime_s_per_day * wifi.draw.transmit_mw / 1e3;
        close(
            busy.energy_j_per_day,
            DAY_S * wifi.draw.session_mw / 1e3 + sending,
        );
    }

    #[test]
    fn the_busiest_hour_has_a_whole_number_of_transmissions() {
        let radio = named("lorawan-sf12");
        close(radio.traffic(1, 1.0).airtime_s_per_hour, 1.155_072);
        close(radio.traffic(1, 25.0).airtime_s_per_hour, 2.0 * 1.155_072);
    }
}
