//! The head of NumPy's `.npy` files.

/// The head of a `.npy` file, format version 1.0, whose length is a multiple of 64: `dtype` and
/// `shape` as NumPy writes them.
pub(crate) fn header(dtype: &str, shape: &str) -> Vec<u8> {
    const MAGIC: &[u8] = b"\x93NUMPY\x01\x00";
    let text = format!("{{'descr': '{dtype}', 'fortran_order': False, 'shape': {shape}, }}");
    let length = (MAGIC.len() + 2 + text.len() + 1).next_multiple_of(64) - MAGIC.len() - 2;
    let text = format!("{text:<width$}\n", width = length - 1);
    let mut bytes = MAGIC.to_vec();
    bytes.extend(u16::try_from(length).unwrap_or(u16::MAX).to_le_bytes());
    bytes.extend(text.as_bytes());
    bytes
}

/// Whether a file begins as the array does that [`header`] is the head of: as one of numbers of the same
/// kind, or of words.
pub(crate) fn is_alike(file: &[u8], array: &[u8]) -> bool {
    // The version, the length, and the first two letters of the type.
    const LEN: usize = 10 + "{'descr': '<i".len();
    file.get(..LEN)
        .is_some_and(|start| array.starts_with(start))
}
