//! The directory: users come, leave and return; their values, their groups and the groups' groups change.

use std::collections::BTreeSet;

use roster_tests::{Directory, Rng, group_dn, user_dn};

use super::world::{Values, World};
use super::{STAYING, Signal, USERS, username};

const GROUPS: usize = 24;
/// Groups above have groups below as members, never the other way: no cycles, which hide what is inherited from whom.
const ABOVE: usize = 8;

#[derive(Debug, Default)]
pub struct DirectoryModel {
    pub values: Values,
    pub group_values: Values,
    /// (group, user)
    pub members: BTreeSet<(String, String)>,
    /// (group, group inside)
    pub nestings: BTreeSet<(String, String)>,
    pub users: BTreeSet<String>,
    pub gone: BTreeSet<String>,
    /// Every fact that was ever taken back: `kind|subject|name|value`.
    pub retracted: BTreeSet<String>,
    pub done: usize,
}

fn group(n: usize) -> String {
    format!("g{n:02}")
}

pub fn first() -> Directory {
    let model = DirectoryModel::first();
    let mut directory = Directory::default();
    for user in &model.users {
        let country = model.values[&(user.clone(), "country".into())].first().expect("one");
        directory.user(user, &[("labCountry", country)]);
    }
    for n in 0..GROUPS {
        let members: Vec<_> = model.members_of(&group(n));
        let members: Vec<_> = members.iter().map(String::as_str).collect();
        directory.group(&group(n), &members, &[("labOrganization", &format!("organization {n}"))]);
    }
    directory
}

impl DirectoryModel {
    fn first() -> DirectoryModel {
        let mut model = DirectoryModel::default();
        for n in 0..USERS {
            model.users.insert(username(n));
            model.values.insert((username(n), "country".into()), [format!("country {}", n % 7)].into());
            model.members.insert((group(n % GROUPS), username(n)));
        }
        for n in 0..GROUPS {
            let name = (group(n), "organization".to_owned());
            model.group_values.insert(name, [format!("organization {n}")].into());
            if n >= ABOVE {
                model.nestings.insert((group(n % ABOVE), group(n)));
            }
        }
        model
    }

    fn members_of(&self, group: &str) -> Vec<String> {
        let users = self.members.iter().filter(|(of, _)| of == group).map(|(_, user)| user_dn(user));
        let groups = self.nestings.iter().filter(|(of, _)| of == group).map(|(_, inside)| group_dn(inside));
        users.chain(groups).collect()
    }

    /// Who is not there has nothing.
    fn leaves(&mut self, user: &str) {
        self.retracted.insert(format!("user|{user}||"));
        for ((_, name), values) in self.values.iter().filter(|((owner, _), _)| owner == user) {
            self.retracted.extend(values.iter().map(|value| format!("user_attribute|{user}|{name}|{value}")));
        }
        let of = self.members.iter().filter(|(_, member)| member == user);
        self.retracted.extend(of.map(|(group, _)| format!("membership|{group}|{user}|")));
        self.gone.insert(user.to_owned());
    }
}

pub fn work(world: &World, mut rng: Rng, signal: &Signal) -> DirectoryModel {
    let mut model = DirectoryModel::first();
    while !signal.is_over() {
        let ldif = model.next(&mut rng);
        let newcomer = format!("new{:04}", model.done);
        world.web.answer(&newcomer, super::endpoint::nothing());
        world.slapd.modify(&ldif);
        model.done += 1;
        signal.pause(&mut rng, 300);
    }
    model
}

impl DirectoryModel {
    /// A change of the directory; the server takes it, or the soak is over.
    fn next(&mut self, rng: &mut Rng) -> String {
        let user = username(rng.below(USERS));
        match rng.below(20) {
            0..=7 => self.set_values(&user, "country", "labCountry", &[format!("country {}", rng.below(50))]),
            8..=9 => {
                let roles: Vec<_> = (0..rng.below(4)).map(|_| format!("role {}", rng.below(9))).collect();
                self.set_values(&user, "role", "labRole", &roles)
            }
            10..=13 => self.turn_member(&group(rng.below(GROUPS)), &user),
            14..=15 => self.turn_nesting(&group(rng.below(ABOVE)), &group(ABOVE + rng.below(GROUPS - ABOVE))),
            16 => {
                let (name, n) = (group(rng.below(GROUPS)), rng.below(100));
                self.set_territory(&name, &format!("territory {n}"))
            }
            17..=18 => self.turn_presence(&username(STAYING + rng.below(USERS - STAYING))),
            _ => self.comes(),
        }
    }

    fn set_values(&mut self, user: &str, name: &str, attribute: &str, values: &[String]) -> String {
        let new: BTreeSet<String> = values.iter().cloned().collect();
        let old = self.values.insert((user.to_owned(), name.to_owned()), new.clone()).unwrap_or_default();
        self.retracted.extend(old.difference(&new).map(|v| format!("user_attribute|{user}|{name}|{v}")));
        replace(&user_dn(user), attribute, &new)
    }

    fn set_territory(&mut self, name: &str, value: &str) -> String {
        let key = (name.to_owned(), "territories".to_owned());
        let old = self.group_values.insert(key, [value.to_owned()].into()).unwrap_or_default();
        let gone = old.iter().filter(|old| *old != value);
        self.retracted.extend(gone.map(|old| format!("group_attribute|{name}|territories|{old}")));
        replace(&group_dn(name), "labTerritories", &[value.to_owned()].into())
    }

    fn turn_member(&mut self, group: &str, user: &str) -> String {
        let pair = (group.to_owned(), user.to_owned());
        let verb = match self.members.remove(&pair) {
            true => {
                self.retracted.insert(format!("membership|{group}|{user}|"));
                "delete"
            }
            false => {
                self.members.insert(pair);
                "add"
            }
        };
        edge(verb, group, &user_dn(user))
    }

    fn turn_nesting(&mut self, group: &str, inside: &str) -> String {
        let pair = (group.to_owned(), inside.to_owned());
        let verb = match self.nestings.remove(&pair) {
            true => {
                self.retracted.insert(format!("nesting|{group}|{inside}|"));
                "delete"
            }
            false => {
                self.nestings.insert(pair);
                "add"
            }
        };
        edge(verb, group, &group_dn(inside))
    }

    /// Leaves what the source looks at, or returns to it.
    fn turn_presence(&mut self, user: &str) -> String {
        let dn = user_dn(user);
        if self.gone.remove(user) {
            return replace(&dn, "employeeType", &BTreeSet::new());
        }
        self.leaves(user);
        replace(&dn, "employeeType", &["gone".to_owned()].into())
    }

    fn comes(&mut self) -> String {
        let user = format!("new{:04}", self.done);
        self.users.insert(user.clone());
        self.values.insert((user.clone(), "country".into()), ["country new".to_owned()].into());
        let dn = user_dn(&user);
        format!(
            "dn: {dn}\nchangetype: add\nobjectClass: inetOrgPerson\nobjectClass: labPerson\nuid: {user}\ncn: {user}\nsn: {user}\nmail: {user}@example.org\nlabCountry: country new\n"
        )
    }
}

fn replace(dn: &str, attribute: &str, values: &BTreeSet<String>) -> String {
    let values: String = values.iter().map(|value| format!("{attribute}: {value}\n")).collect();
    format!("dn: {dn}\nchangetype: modify\nreplace: {attribute}\n{values}-\n")
}

fn edge(verb: &str, group: &str, member: &str) -> String {
    format!("dn: {}\nchangetype: modify\n{verb}: member\nmember: {member}\n-\n", group_dn(group))
}
