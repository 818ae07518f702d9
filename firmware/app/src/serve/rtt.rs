//! RTT for chips on a probe: frames on the channels called `spinney`, the log on `defmt`.

use rtt_target::ChannelMode::{BlockIfFull, NoBlockSkip};
use rtt_target::{DownChannel, UpChannel, rtt_init, set_defmt_channel};

/// A row in one go, up to this many bytes.
const DOWN_BYTES: usize = if super::FRAME_BYTES < 1024 {
    super::FRAME_BYTES + 1
} else {
    1024
};

pub(crate) struct Port {
    up: UpChannel,
    down: DownChannel,
}

pub(crate) fn open() -> Port {
    let channels = rtt_init! {
        up: {
            0: { size: 256, mode: NoBlockSkip, name: "defmt" }
            1: { size: 256, mode: BlockIfFull, name: "spinney" }
        }
        down: {
            0: { size: DOWN_BYTES, mode: NoBlockSkip, name: "spinney" }
        }
    };
    set_defmt_channel(channels.up.0);
    defmt::info!(
        "serving {=usize} features, {=usize} classes",
        model::N_FEATURES,
        model::N_CLASSES
    );
    Port {
        up: channels.up.1,
        down: channels.down.0,
    }
}

impl super::Port for Port {
    fn receive(&mut self) -> u8 {
        let mut byte = [0];
        // Awake: some chips hide their memory from a probe while they sleep.
        while self.down.read(&mut byte) == 0 {}
        byte[0]
    }

    fn send(&mut self, bytes: &[u8]) {
        self.up.write(bytes);
    }
}
