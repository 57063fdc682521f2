//! What belongs to one backend: a process with one thread, so nothing here is locked.

use std::cell::UnsafeCell;

/// A value of this backend. Whoever takes a reference from `get` must let it go before anything that may
/// call a helper again: running SQL, first of all.
#[derive(Debug)]
pub(super) struct Backend<T>(UnsafeCell<T>);

// SAFETY: PostgreSQL runs a backend, and a parallel worker, in one thread.
unsafe impl<T> Sync for Backend<T> {}

impl<T> Backend<T> {
    pub(super) const fn new(value: T) -> Self {
        Self(UnsafeCell::new(value))
    }

    #[inline]
    pub(super) const fn get(&self) -> *mut T {
        self.0.get()
    }
}

impl<T: Copy> Backend<T> {
    #[inline]
    pub(super) fn read(&self) -> T {
        // SAFETY: one thread, and no reference is handed out for a value that is copied.
        unsafe { *self.get() }
    }

    #[inline]
    pub(super) fn write(&self, value: T) {
        // SAFETY: as in `read`.
        unsafe { *self.get() = value }
    }
}
