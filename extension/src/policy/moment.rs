//! What an answer of a helper depends on. Two equal moments see the same data as the same user.

use pgrx::pg_sys;

use super::backend::Backend;

/// The snapshot in force (its counts tell apart what else can change it: transactions that end below xmax),
/// the command within the transaction, the role in force, and the time by which validity windows are judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Moment {
    generation: u64,
    statement_start: i64,
    curcid: u32,
    xmax: u32,
    xmin: u32,
    xcnt: u32,
    subxcnt: i32,
    role: u32,
}

/// Grows whenever a transaction ends, a subtransaction is rolled back or another user is assumed: a later
/// snapshot may then look like an earlier one and see other rows.
static GENERATION: Backend<u64> = Backend::new(0);

// Declared here once more because pgrx wraps each call in a handler of errors, which these never raise,
// and which costs more than the rest of a row.
unsafe extern "C" {
    fn ActiveSnapshotSet() -> bool;
    fn GetActiveSnapshot() -> pg_sys::Snapshot;
    fn GetOuterUserId() -> pg_sys::Oid;
    fn GetCurrentStatementStartTimestamp() -> i64;
}

impl Moment {
    /// None without a snapshot in force.
    #[inline]
    pub(super) fn now() -> Option<Self> {
        // SAFETY: plain reads of the backend's state; the snapshot is looked at only if there is one, and it
        // is no longer needed afterwards.
        unsafe {
            if !ActiveSnapshotSet() {
                return None;
            }
            let snapshot = &*GetActiveSnapshot();
            Some(Self {
                generation: GENERATION.read(),
                statement_start: GetCurrentStatementStartTimestamp(),
                curcid: snapshot.curcid,
                xmax: snapshot.xmax.into_inner(),
                xmin: snapshot.xmin.into_inner(),
                xcnt: snapshot.xcnt,
                subxcnt: snapshot.subxcnt,
                role: GetOuterUserId().to_u32(),
            })
        }
    }

    pub(super) fn role(&self) -> pg_sys::Oid {
        pg_sys::Oid::from(self.role)
    }
}

/// Nothing that was found out before holds any longer.
pub(super) fn start_generation() {
    GENERATION.write(GENERATION.read().wrapping_add(1));
}
