//! The front end's state, in static memory: it is larger than a stack should be.

use core::cell::UnsafeCell;
use core::mem::MaybeUninit;

use model::signal::Chain;

struct Place(UnsafeCell<MaybeUninit<Chain>>);

// SAFETY: only `open` looks at it, which is called once.
unsafe impl Sync for Place {}

static PLACE: Place = Place(UnsafeCell::new(MaybeUninit::uninit()));

/// The chain, before its first sample; called once, by the transport. It is put together on the
/// stack, once and before the first sample, in a frame of this function's own.
#[inline(never)]
pub(crate) fn open() -> &'static mut Chain {
    // SAFETY: called once, so that this is the only reference; nothing was there before.
    unsafe { (*PLACE.0.get()).write(Chain::new()) }
}
