//! Arbitrary bytes on a line, as a device and as a host hear them.

use spinney_wire::frame::{Receiver, Request, read_reply};

/// Feeds `bytes` to a device whose rows have as many bytes as the first byte says, and to a host;
/// then a request must come through.
///
/// # Panics
/// If a row of another length comes through, or the request does not.
pub fn frames(bytes: &[u8]) {
    let row_bytes = usize::from(bytes.first().copied().unwrap_or(0));
    let mut device = Receiver::new([0; 80]);
    let mut host = Receiver::new(vec![0; 200]);
    for byte in bytes {
        if let Some(Ok(Request::Row { readings, .. })) = device.request(*byte, row_bytes) {
            assert_eq!(readings.len(), row_bytes);
        }
        if let Some(Ok(message)) = host.push(*byte) {
            let _ = read_reply::<Vec<i64>, Vec<u16>>(message);
        }
    }
    // Without a checksum in the way.
    let _ = read_reply::<Vec<i64>, Vec<u16>>(bytes);
    let mut frame = [0; 16];
    let frame = spinney_wire::frame::write_frame(&Request::Hello, &mut frame).expect("it fits");
    let mut arrived = false;
    let _ = device.push(0);
    for byte in frame {
        arrived |= device.request(*byte, row_bytes) == Some(Ok(Request::Hello));
    }
    assert!(arrived);
}
