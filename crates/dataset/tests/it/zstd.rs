//! Files that are packed by zstd.

use spinney_dataset::gunzip;

/// `printf 'a,y\n1,x\n2,z\n' | zstd`, with a checksum.
const PACKED: &[u8] = &[
    0x28, 0xb5, 0x2f, 0xfd, 0x04, 0x58, 0x61, 0x00, 0x00, 0x61, 0x2c, 0x79, 0x0a, 0x31, 0x2c, 0x78,
    0x0a, 0x32, 0x2c, 0x7a, 0x0a, 0xa3, 0x91, 0x07, 0xd9,
];

#[test]
fn streams_of_zstd_are_unpacked_within_the_budget() {
    let text = b"a,y\n1,x\n2,z\n".as_slice();
    assert_eq!(gunzip(PACKED).expect("a stream"), text);
    let twice = [PACKED, PACKED].concat();
    assert_eq!(gunzip(&twice).expect("two frames"), [text, text].concat());
    for end in 4..PACKED.len() {
        gunzip(&PACKED[..end]).expect_err("a stream that ends early");
    }
    let mut other = PACKED.to_vec();
    *other.last_mut().expect("bytes") ^= 1;
    let error = gunzip(&other).expect_err("another sum").to_string();
    assert!(error.contains("checksum"), "{error}");
    // A frame without a checksum: a window of 128 KiB, and blocks of a byte that is there 128 Ki times.
    let block = |is_last: u8| [2 | is_last, 0, 0x10, b'1'];
    let frame = |n_blocks: usize| {
        let blocks = [block(0).repeat(n_blocks - 1), block(1).to_vec()].concat();
        [&[0x28, 0xb5, 0x2f, 0xfd, 0, 0x38][..], &blocks].concat()
    };
    assert_eq!(gunzip(&frame(200)).expect("26 MB").len(), 200 << 17);
    let error = gunzip(&frame(300)).expect_err("39 MB").to_string();
    assert!(
        error.contains("more than a file of 1206 bytes may take"),
        "{error}"
    );
    // A window of 128 MiB.
    let wide = [&[0x28, 0xb5, 0x2f, 0xfd, 0, 0x88][..], &block(1)].concat();
    let error = gunzip(&wide).expect_err("a wide window").to_string();
    assert!(error.contains("the zstd stream: found"), "{error}");
}
