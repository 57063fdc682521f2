//! What a run says of what it left out.

use super::assemble::Tally;

pub(super) struct Notes {
    pub tally: Tally,
    /// How often the server pointed to another one.
    pub referrals: u64,
}

impl Notes {
    /// `None` if nothing was left out.
    pub(super) fn sentence(&self) -> Option<String> {
        let clauses = [
            (
                self.tally.outside,
                "member of a group is outside the search bases or does not exist",
                "members of groups are outside the search bases or do not exist",
            ),
            (
                self.tally.foreign,
                "member of a group is a foreign security principal",
                "members of groups are foreign security principals",
            ),
            (
                self.tally.unknown_uids,
                "memberUid of a group is nobody's user name",
                "memberUid of groups are nobody's user name",
            ),
            (
                self.referrals,
                "referral to another server was not followed",
                "referrals to other servers were not followed",
            ),
        ];
        let clauses = clauses.into_iter().filter(|(count, ..)| *count > 0);
        let clauses = clauses
            .map(|(count, one, several)| format!("{count} {}", if count == 1 { one } else { several }));
        let clauses: Vec<_> = clauses.collect();
        (!clauses.is_empty()).then(|| clauses.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_there_is_is_said() {
        assert_eq!(Notes { tally: Tally::default(), referrals: 0 }.sentence(), None);
        let tally = Tally { outside: 2, foreign: 0, unknown_uids: 1 };
        assert_eq!(
            Notes { tally, referrals: 3 }.sentence().as_deref(),
            Some(
                "2 members of groups are outside the search bases or do not exist, 1 memberUid of a group is \
                 nobody's user name, 3 referrals to other servers were not followed"
            )
        );
    }
}
