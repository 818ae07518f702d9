//! The radios: figures, each with its source.

use super::lora::symbol_s;
use super::{Airtime, Draw, Radio, RadioLimits, Source, source};

/// No limit but the time that there is.
const UNLIMITED: RadioLimits = RadioLimits {
    duty_cycle: None,
    fair_airtime_s: None,
    messages_per_day: None,
};

/// MHDR, DevAddr, FCtrl, FCnt, `FPort` and MIC, without options.
const LORAWAN_OVERHEAD_BYTES: u32 = 13;
/// Symbols that a receive window waits for a preamble.
const WINDOW_SYMBOLS: f64 = 8.0;

const LORAWAN_LIMITS: RadioLimits = RadioLimits {
    duty_cycle: Some(0.01),
    fair_airtime_s: Some(30.0),
    messages_per_day: None,
};

/// A transceiver that only sends.
const SENDS: Draw = Draw {
    transceiver: "",
    transmit_mw: 0.0,
    receive_mw: 0.0,
    receive_s: 0.0,
    session_mw: 0.0,
    session_s: 0.0,
};

/// The SX1276 with a first receive window at the sender's rate and a second at SF12.
const fn sx1276(spreading_factor: u32) -> Draw {
    Draw {
        transceiver: "Semtech SX1276 at +13 dBm",
        transmit_mw: 29.0 * 3.3,
        receive_mw: 10.8 * 3.3,
        receive_s: WINDOW_SYMBOLS * (symbol_s(spreading_factor) + symbol_s(12)),
        ..SENDS
    }
}

#[rustfmt::skip]
const LORAWAN_SOURCES: &[Source] = &[
    source("payload 51 bytes at SF12, 222 at SF7; bit rate 250 and 5,470 bit/s",
        "LoRa Alliance, RP002-1.0.4 LoRaWAN Regional Parameters, chapter EU863-870: tables of data \
            rates (DR0, DR5) and of maximum payload sizes (N, without options)"),
    source("13 bytes around a payload",
        "LoRa Alliance, TS001-1.0.4 LoRaWAN L2 Specification, chapter 4 (MHDR 1, FHDR 7, FPort 1, \
            MIC 4)"),
    source("airtime", "Semtech AN1200.13, LoRa Modem Designer's Guide, section 4"),
    source("duty cycle 1 % from 868.0 to 868.6 MHz", "ETSI EN 300 220-2 V3.2.1, table B.1, band M"),
    source("30 s on the air a day", "The Things Network, Fair Use Policy"),
    source("range 5 km in a city, 20 km in the country",
        "Mekki et al., A comparative study of LPWAN technologies for large-scale IoT deployment, \
            ICT Express 5 (2019), table 1 (not re-read)"),
    source("sensitivity −123 dBm at SF7, −136 dBm at SF12, at 125 kHz",
        "Semtech SX1276/77/78/79 data sheet Rev. 7, table 10 (not re-read)"),
    source("current 29 mA sending at +13 dBm (RFO), 10.8 mA listening, at 3.3 V",
        "Semtech SX1276/77/78/79 data sheet Rev. 7, table 6"),
];

const LORAWAN_ASSUMPTIONS: &[&str] = &[
    "class A, unconfirmed; both receive windows wait 8 symbols, the second at SF12 (the default of \
     RP002)",
    "joins, confirmations and MAC commands are left out",
];

/// The names of [`RADIOS`], in their order.
pub const RADIO_NAMES: &[&str] = &{
    let mut names = [""; RADIOS.len()];
    let mut index = 0;
    while index < names.len() {
        names[index] = RADIOS[index].name;
        index += 1;
    }
    names
};

/// Every radio, those for long distances first.
#[rustfmt::skip]
pub const RADIOS: &[Radio] = &[
    Radio {
        name: "lorawan-sf12",
        title: "LoRaWAN EU868, SF12 (DR0)",
        payload_bytes: 51,
        bit_rate_bps: 250,
        range: "5 km in a city, 20 km in the country",
        airtime: Airtime::Lora { spreading_factor: 12, overhead_bytes: LORAWAN_OVERHEAD_BYTES },
        limits: LORAWAN_LIMITS,
        draw: sx1276(12),
        sources: LORAWAN_SOURCES,
        assumptions: LORAWAN_ASSUMPTIONS,
    },
    Radio {
        name: "lorawan-sf7",
        title: "LoRaWAN EU868, SF7 (DR5)",
        payload_bytes: 222,
        bit_rate_bps: 5_470,
        range: "less than at SF12, whose sensitivity is 13 dB better",
        airtime: Airtime::Lora { spreading_factor: 7, overhead_bytes: LORAWAN_OVERHEAD_BYTES },
        limits: LORAWAN_LIMITS,
        draw: sx1276(7),
        sources: LORAWAN_SOURCES,
        assumptions: LORAWAN_ASSUMPTIONS,
    },
    Radio {
        name: "sigfox",
        title: "Sigfox RC1 (Europe)",
        payload_bytes: 12,
        bit_rate_bps: 100,
        range: "10 km in a city, 40 km in the country",
        // 26 bytes at 100 bit/s, three times.
        airtime: Airtime::Fixed { seconds: 3.0 * 26.0 * 8.0 / 100.0 },
        limits: RadioLimits { messages_per_day: Some(140), ..UNLIMITED },
        draw: Draw { transceiver: "onsemi AX-SFEU at +14 dBm", transmit_mw: 49.0 * 3.0, ..SENDS },
        sources: &[
            source("payload 12 bytes, 140 messages a day, bit rate 100 bit/s, three frames each",
                "Sigfox, Sigfox connected objects: radio specifications, and its developer site: \
                    the 140 are its way to keep ETSI's duty cycle of 1 %, 6 messages an hour"),
            source("range 10 km in a city, 40 km in the country",
                "Mekki et al., ICT Express 5 (2019), table 1 (not re-read)"),
            source("current 49 mA sending at +14 dBm; 3 V",
                "onsemi AX-SFEU/D data sheet Rev. 8, features and table of supplies"),
        ],
        assumptions: &[
            "every message is taken to have the longest frame, 26 bytes",
            "no downlink is asked for",
        ],
    },
    Radio {
        name: "nb-iot",
        title: "NB-IoT (Cat NB1)",
        payload_bytes: 1_600,
        bit_rate_bps: 62_500,
        range: "1 km in a city, 10 km in the country",
        airtime: Airtime::Rate { overhead_bytes: 28, preamble_s: 0.0 },
        limits: UNLIMITED,
        draw: Draw {
            transceiver: "Nordic nRF9160; sending at 23 dBm as measured on others",
            transmit_mw: 716.0,
            // 395.03 mC at 3.7 V in the 12 s of the network's inactivity timer.
            session_mw: 395.03 * 3.7 / 12.0,
            session_s: 12.0,
            ..SENDS
        },
        sources: &[
            source("payload 1,600 bytes (the largest PDCP SDU), range 1 km in a city, 10 km in the \
                country",
                "3GPP TS 36.323, section 4.3.1; Mekki et al., ICT Express 5 (2019), table 1 (not \
                    re-read)"),
            source("395 mC at 3.7 V for waking, sending 584 bytes over CoAP and DTLS at 23 dBm and \
                waiting for release, with an inactivity timer of 12 s; 28 mC where the network \
                releases at once",
                "a thesis that measured an nRF9160: DCPA, test 2, with and without release \
                    assistance (RAI), on 9pdf.net"),
            source("716 mW sending at 23 dBm",
                "Lauridsen et al., An Empirical NB-IoT Power Consumption Model for Battery \
                    Lifetime Estimation, IEEE VTC Spring 2018 (not re-read)"),
        ],
        assumptions: &[
            "bit rate: 62.5 kbit/s, what an uplink of Release 13 sustains at best, with several \
                tones; a network may give far less",
            "the current of a session is the measured charge over 12 s, and the network does not \
                release early",
            "the sleep in between (PSM, some µA) is left out; 28 bytes of IP and UDP around a \
                payload",
        ],
    },
    Radio {
        name: "gprs",
        title: "GSM/GPRS, class 10",
        payload_bytes: 1_472,
        bit_rate_bps: 42_800,
        range: "up to 35 km",
        airtime: Airtime::Rate { overhead_bytes: 28, preamble_s: 0.0 },
        limits: UNLIMITED,
        draw: Draw {
            transceiver: "SIMCom SIM800H/L, EGSM900 at full power", transmit_mw: 385.73 * 3.8,
            session_mw: 249.85 * 3.8, session_s: 10.0, ..SENDS
        },
        sources: &[
            source("payload 1,472 bytes",
                "an IP packet of 1,500 bytes less the headers of IPv4 and UDP, RFC 791 and RFC \
                    768"),
            source("bit rate 42.8 kbit/s: two slots of 21.4 kbit/s (CS-4)",
                "3GPP TS 45.003, section 5.1 (CS-4), multislot class 10"),
            source("range 35 km, the largest timing advance",
                "3GPP TS 45.010, section 5: 63 bit periods"),
            source("current 386 mA on average with two slots sending, 250 mA with one, at 3.8 V",
                "SIMCom SIM800H & SIM800L Hardware Design V2.02, table 49"),
        ],
        assumptions: &[
            "attaching, a context and its release take 10 s at the current of one slot sending: an \
                assumption; networks differ",
            "the module is switched off in between",
        ],
    },
    Radio {
        name: "wifi",
        title: "Wi-Fi (802.11b)",
        payload_bytes: 1_472,
        bit_rate_bps: 11_000_000,
        range: "tens of metres indoors",
        // A long preamble and its header at 1 Mbit/s.
        airtime: Airtime::Rate { overhead_bytes: 64, preamble_s: 192e-6 },
        limits: UNLIMITED,
        draw: Draw {
            transceiver: "Espressif ESP8266EX at +17 dBm", transmit_mw: 170.0 * 3.3,
            session_mw: 50.0 * 3.3, session_s: 1.0, ..SENDS
        },
        sources: &[
            source("payload 1,472 bytes",
                "an IP packet of 1,500 bytes less the headers of IPv4 and UDP, RFC 791 and RFC \
                    768"),
            source("bit rate 11 Mbit/s (CCK), 192 µs of preamble and header",
                "IEEE 802.11-2016, clause 16 (HR/DSSS)"),
            source("current 170 mA sending 802.11b at 11 Mbit/s and +17 dBm, 50 mA receiving \
                802.11b, at 3.3 V",
                "Espressif ESP8266EX data sheet V6.6, table 5-2"),
            source("0.3 to 1 s to connect after deep sleep",
                "Espressif ESP8266EX data sheet V6.6, table 3-4, note 3"),
        ],
        assumptions: &[
            "range: no figure holds for buildings; tens of metres is an assumption",
            "each connection takes 1 s of receiving; MAC, LLC, IP and UDP add 64 bytes; waiting \
                for the channel and acknowledgements are left out",
        ],
    },
    Radio {
        name: "ble",
        title: "Bluetooth Low Energy 5, 1M",
        payload_bytes: 244,
        bit_rate_bps: 1_000_000,
        range: "tens of metres",
        airtime: Airtime::Rate { overhead_bytes: 17, preamble_s: 0.0 },
        limits: UNLIMITED,
        draw: Draw {
            transceiver: "Nordic nRF52840 at 0 dBm, DC/DC",
            transmit_mw: 4.8 * 3.0,
            receive_mw: 4.6 * 3.0,
            // Two gaps of 150 µs and an empty packet of 10 bytes.
            receive_s: 380e-6,
            ..SENDS
        },
        sources: &[
            source("payload 244 bytes of an attribute, 17 around it (preamble 1, address 4, header \
                2, L2CAP 4, ATT 3, CRC 3); bit rate 1 Mbit/s; 150 µs between packets, the answer \
                80 µs",
                "Bluetooth Core Specification 5.0, volume 6, part B, sections 2 and 4.1, with the \
                    data length extension"),
            source("current 4.8 mA sending at 0 dBm, 4.6 mA receiving, at 3 V",
                "Nordic nRF52840 Product Specification v1.1, key features and RADIO electrical \
                    specification"),
        ],
        assumptions: &[
            "range: no figure holds for buildings; tens of metres is an assumption",
            "a connection exists, not encrypted; what it takes while nothing is sent is left out",
        ],
    },
];
