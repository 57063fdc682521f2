//! The naive model: effective attributes recomputed from the stated facts by walking the graph.

use std::collections::{BTreeMap, BTreeSet};

use roster_tests::Session;

/// There are no foreign keys (pg_restore -j loads tables in any order), so nothing but this finds orphans.
const ORPHANS: &str = "
    SELECT 'membership', m::text FROM roster_private.membership m
     WHERE NOT EXISTS (SELECT FROM roster_private.app_user u WHERE u.user_id = m.user_id)
        OR NOT EXISTS (SELECT FROM roster_private.app_group g WHERE g.group_id = m.group_id)
    UNION ALL
    SELECT 'nesting', n::text FROM roster_private.nesting n
     WHERE NOT EXISTS (SELECT FROM roster_private.app_group g WHERE g.group_id = n.parent_id)
        OR NOT EXISTS (SELECT FROM roster_private.app_group g WHERE g.group_id = n.child_id)
    UNION ALL
    SELECT 'user_attribute', a::text FROM roster_private.user_attribute a
     WHERE NOT EXISTS (SELECT FROM roster_private.app_user u WHERE u.user_id = a.user_id)
    UNION ALL
    SELECT 'group_attribute', a::text FROM roster_private.group_attribute a
     WHERE NOT EXISTS (SELECT FROM roster_private.app_group g WHERE g.group_id = a.group_id)
    UNION ALL
    SELECT 'user_claim', c::text FROM roster_private.user_claim c
     WHERE NOT EXISTS (SELECT FROM roster_private.app_user u WHERE u.user_id = c.user_id)
    UNION ALL
    SELECT 'group_claim', c::text FROM roster_private.group_claim c
     WHERE NOT EXISTS (SELECT FROM roster_private.app_group g WHERE g.group_id = c.group_id)";

/// Stated facts, names only. Pairs are (group, user), (parent, child), triples (owner, name, value).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Model {
    pub users: BTreeMap<String, bool>,
    pub groups: BTreeSet<String>,
    pub members: BTreeSet<(String, String)>,
    pub nestings: BTreeSet<(String, String)>,
    pub user_values: BTreeSet<(String, String, String)>,
    pub group_values: BTreeSet<(String, String, String)>,
}

impl Model {
    /// What the views of stated facts say. (Windows of validity are none of its business.)
    pub fn stated_in(db: &Session) -> Model {
        let triples = |sql: &str| db.lines(sql).iter().map(|line| triple(line)).collect();
        let edges = |kind: &str| {
            let sql = format!(
                "SELECT group_name, member_name FROM roster.memberships WHERE member_kind = '{kind}'"
            );
            db.lines(&sql).iter().map(|line| pair(line)).collect()
        };
        Model {
            users: db
                .lines("SELECT username, active FROM roster.users")
                .iter()
                .map(|line| pair(line))
                .map(|(name, active)| (name, active == "t"))
                .collect(),
            groups: db.lines("SELECT group_name FROM roster.groups").into_iter().collect(),
            members: edges("user"),
            nestings: edges("group"),
            user_values: triples("SELECT owner, name, value FROM roster.user_attributes"),
            group_values: triples("SELECT owner, name, value FROM roster.group_attributes"),
        }
    }

    /// The derived views must say what the model derives.
    #[track_caller]
    pub fn assert_derived_in(&self, db: &Session) {
        let lines = |sql: &str| db.lines(sql).into_iter().collect::<BTreeSet<_>>();
        assert_eq!(
            lines("SELECT username, group_name, direct, depth FROM roster.effective_groups"),
            self.effective_groups()
        );
        assert_eq!(
            lines("SELECT username, name, value FROM roster.effective_attributes"),
            self.effective_attributes()
        );
        let rows = db.number("SELECT count(*) FROM roster.effective_attributes");
        assert_eq!(rows as usize, self.effective_attributes().len(), "distinct values appear once");
        assert_eq!(db.lines(ORPHANS), [""; 0], "no fact outlives what it is about");
        self.assert_origins(&db.lines(
            "SELECT username, name, value, origin, group_name, array_to_string(path, '>') FROM roster.attribute_origins",
        ));
    }

    fn effective_groups(&self) -> BTreeSet<String> {
        let mut found = BTreeSet::new();
        for user in self.active() {
            let mut depths = BTreeMap::<&str, usize>::new();
            for group in self.groups_of(user) {
                for (above, steps) in self.upwards(group) {
                    let depth = depths.entry(above).or_insert(usize::MAX);
                    *depth = (*depth).min(steps + 1);
                }
            }
            found.extend(depths.iter().map(|(group, depth)| {
                format!("{user}|{group}|{}|{depth}", if *depth == 1 { "t" } else { "f" })
            }));
        }
        found
    }

    fn effective_attributes(&self) -> BTreeSet<String> {
        let mut found = BTreeSet::new();
        for user in self.active() {
            let own = self.user_values.iter().filter(|(owner, ..)| owner == user);
            found.extend(own.map(|(_, name, value)| format!("{user}|{name}|{value}")));
            for group in self.groups_of(user) {
                for above in self.upwards(group).keys() {
                    let carried = self.group_values.iter().filter(|(owner, ..)| owner == above);
                    found.extend(carried.map(|(_, name, value)| format!("{user}|{name}|{value}")));
                }
            }
        }
        found
    }

    /// One row per own value, and one per (group joined, group that carries the value) with a shortest path.
    #[track_caller]
    fn assert_origins(&self, rows: &[String]) {
        let mut expected = BTreeSet::new();
        for user in self.active() {
            let own = self.user_values.iter().filter(|(owner, ..)| owner == user);
            expected.extend(own.map(|(_, name, value)| format!("{user}|{name}|{value}|user||")));
            for joined in self.groups_of(user) {
                for (above, steps) in self.upwards(joined) {
                    for (_, name, value) in self.group_values.iter().filter(|(owner, ..)| owner == above) {
                        expected
                            .insert(format!("{user}|{name}|{value}|group|{joined}|{above}|{}", steps + 1));
                    }
                }
            }
        }
        let found = rows.iter().map(|row| self.origin(row)).collect::<BTreeSet<_>>();
        assert_eq!(found, expected);
        assert_eq!(rows.len(), expected.len(), "an origin appears once");
    }

    /// A row of attribute_origins, its path checked edge by edge and reduced to its ends and length.
    #[track_caller]
    fn origin(&self, row: &str) -> String {
        let parts: Vec<_> = row.split('|').collect();
        let [user, name, value, origin, group, path] = parts[..] else { panic!("{row}") };
        if origin == "user" {
            return format!("{user}|{name}|{value}|user|{group}|{path}");
        }
        let path: Vec<_> = path.split('>').collect();
        for step in path.windows(2) {
            let edge = (step[1].to_owned(), step[0].to_owned());
            assert!(self.nestings.contains(&edge), "{row}: {} is not inside {}", step[0], step[1]);
        }
        let (first, last) = (path[0], path[path.len() - 1]);
        assert!(group == last || group == first, "{row}: group_name is an end of the path");
        format!("{user}|{name}|{value}|group|{first}|{last}|{}", path.len())
    }

    fn active(&self) -> impl Iterator<Item = &String> {
        self.users.iter().filter(|(_, active)| **active).map(|(user, _)| user)
    }

    fn groups_of(&self, user: &str) -> impl Iterator<Item = &str> {
        self.members.iter().filter(move |(_, member)| member == user).map(|(group, _)| group.as_str())
    }

    /// The group itself and all that it is inside of, with the least number of steps.
    fn upwards<'a>(&'a self, group: &'a str) -> BTreeMap<&'a str, usize> {
        let mut reached = BTreeMap::from([(group, 0)]);
        let mut edge = vec![group];
        for steps in 1.. {
            let mut next = Vec::new();
            for (parent, child) in &self.nestings {
                if edge.contains(&child.as_str()) && !reached.contains_key(parent.as_str()) {
                    reached.insert(parent, steps);
                    next.push(parent.as_str());
                }
            }
            if next.is_empty() {
                break;
            }
            edge = next;
        }
        reached
    }
}

fn pair(line: &str) -> (String, String) {
    let (one, other) = line.split_once('|').expect("two columns");
    (one.to_owned(), other.to_owned())
}

fn triple(line: &str) -> (String, String, String) {
    let (owner, rest) = pair(line);
    let (name, value) = pair(&rest);
    (owner, name, value)
}
