//! A peripheral's registers, by their offsets.

/// Registers of type `T`, from an address on.
pub(crate) struct Registers<T>(*mut T);

impl<T: Copy> Registers<T> {
    /// # Safety
    /// A peripheral lies at `base`, every offset that is read or written is that of one of its
    /// registers, and nothing else uses it.
    pub(crate) const unsafe fn at(base: usize) -> Self {
        Self(base as *mut T)
    }

    pub(crate) fn read(&self, offset: usize) -> T {
        // SAFETY: a register, by the promise to `at`.
        unsafe { self.0.byte_add(offset).read_volatile() }
    }

    pub(crate) fn write(&mut self, offset: usize, value: T) {
        // SAFETY: a register, by the promise to `at`.
        unsafe { self.0.byte_add(offset).write_volatile(value) }
    }
}
