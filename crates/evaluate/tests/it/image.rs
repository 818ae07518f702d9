//! Bytes to program, from files made by hand.

use spinney_evaluate::{Label, Loaded, class_at, loaded, symbol};

/// An ELF executable for a 32-bit Arm whose segments have these physical addresses and contents,
/// and these many bytes in memory.
fn elf(segments: &[(u32, &[u8], u32)]) -> Vec<u8> {
    const HEADER: usize = 52;
    const SEGMENT: usize = 32;
    let mut file = vec![0x7f, b'E', b'L', b'F', 1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    let half = |file: &mut Vec<u8>, value: usize| {
        file.extend(u16::try_from(value).expect("small").to_le_bytes());
    };
    let word = |file: &mut Vec<u8>, value: u32| file.extend(value.to_le_bytes());
    half(&mut file, 2);
    half(&mut file, 40);
    for value in [1, 0, 52, 0, 0] {
        word(&mut file, value);
    }
    for value in [HEADER, SEGMENT, segments.len(), 40, 0, 0] {
        half(&mut file, value);
    }
    let mut offset = HEADER + SEGMENT * segments.len();
    for (address, content, in_memory) in segments {
        let at = u32::try_from(offset).expect("small");
        let len = u32::try_from(content.len()).expect("small");
        for value in [1, at, *address, *address, len, *in_memory, 5, 4] {
            word(&mut file, value);
        }
        offset += content.len();
    }
    for (_, content, _) in segments {
        file.extend_from_slice(content);
    }
    file
}

#[test]
fn segments_that_touch_are_one_and_memory_without_content_is_none() {
    let file = elf(&[
        (0x0800_0004, &[5, 6], 2),
        (0x2000_0000, &[], 64),
        (0x0800_0000, &[1, 2, 3, 4], 4),
        (0x0800_0010, &[7], 1),
    ]);
    assert_eq!(
        loaded(&file).unwrap(),
        [
            Loaded {
                address: 0x0800_0000,
                bytes: vec![1, 2, 3, 4, 5, 6]
            },
            Loaded {
                address: 0x0800_0010,
                bytes: vec![7]
            },
        ]
    );
    assert_eq!(symbol(&file, "_SEGGER_RTT"), Ok(None));
}

#[test]
fn files_that_are_no_images() {
    let fails = |file: &[u8]| loaded(file).unwrap_err().to_string();
    let overlap = elf(&[(0, &[1, 2], 2), (1, &[3], 1)]);
    assert!(fails(&overlap).contains("two segments at one address"));
    assert!(fails(&elf(&[(0, &[], 4)])).contains("nothing to load"));
    assert!(fails(b"MZ").contains("expected a 32-bit little-endian ELF executable"));
    let mut cut = elf(&[(0, &[1, 2, 3, 4], 4)]);
    cut.truncate(cut.len() - 1);
    assert!(fails(&cut).contains("beyond the end of the file"));
    assert!(symbol(b"", "main").is_err());
}

#[test]
fn an_image_without_a_mark_says_so() {
    let mut file = elf(&[(0x0800_0000, &[1], 1)]);
    let label = Label::of(&file, "mark_").unwrap();
    assert_eq!(
        (label.mark, label.is_riscv, label.start),
        (None, false, 0x0800_0000)
    );
    assert!(class_at(&file).is_err());
    // The machine of the header: RISC-V, then x86.
    file[18] = 243;
    assert!(Label::of(&file, "mark_").unwrap().is_riscv);
    file[18] = 3;
    assert!(Label::of(&file, "mark_").is_err());
}
