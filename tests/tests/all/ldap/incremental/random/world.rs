//! A directory in which things happen at random.

use roster_tests::{BASE, Dirsrv, GROUPS, LdapTools, Rng, STAFF, Samba, Slapd, readable};

pub const OPENLDAP_UNITS: [&str; 3] = [
    "ou=inner,ou=people,dc=example,dc=org",
    "ou=elsewhere,dc=example,dc=org",
    "ou=teams,ou=groups,dc=example,dc=org",
];
/// Few names, so that they are used again.
const NAMES: usize = 60;
const COUNTRIES: [&str; 4] = ["Chad", "Fiji", "Peru", "Togo"];

pub trait Server {
    /// Where users may be: the last is out of the source.
    fn user_places(&self) -> Vec<String>;
    fn group_places(&self) -> Vec<String>;
    fn tools(&self) -> LdapTools;
    fn rdn(&self, name: &str, is_user: bool) -> String;
    /// LDIF of a new user or group.
    fn entry(&self, dn: &str, name: &str, is_user: bool) -> String;
    fn country(&self) -> &'static str;
    fn delete(&self, dn: &str);
    fn rename(&self, dn: &str, rdn: &str);
    fn move_below(&self, dn: &str, superior: &str) -> String;
    fn restart(&mut self);
    fn lists_nobody(&self) -> bool;
    fn renames_containers(&self) -> bool {
        true
    }
    /// Something that only this server has.
    fn special(&self, rng: &mut Rng, user: &str) -> String;
}

/// Where everybody is.
pub struct World {
    users: Vec<(String, String)>,
    groups: Vec<(String, String)>,
    user_places: Vec<String>,
    group_places: Vec<String>,
    containers: usize,
}

impl World {
    pub fn new(server: &impl Server) -> World {
        World {
            users: Vec::new(),
            groups: Vec::new(),
            user_places: server.user_places(),
            group_places: server.group_places(),
            containers: 0,
        }
    }

    pub fn add(&mut self, rng: &mut Rng, server: &mut impl Server) -> String {
        let is_user = !rng.one_in(4);
        self.add_one(rng, server, is_user)
    }

    fn add_one(&mut self, rng: &mut Rng, server: &mut impl Server, is_user: bool) -> String {
        let Some(name) = self.free_name(rng, is_user) else { return "nobody more".into() };
        let places = if is_user { &self.user_places } else { &self.group_places };
        let dn = format!("{},{}", server.rdn(&name, is_user), rng.pick(places));
        let mut ldif = server.entry(&dn, &name, is_user);
        if is_user {
            ldif += &format!("{}: {}\n", server.country(), rng.pick(&COUNTRIES));
        } else {
            for member in self.some_members(rng) {
                ldif += &format!("member: {member}\n");
            }
        }
        server.tools().modify(&ldif);
        let list = if is_user { &mut self.users } else { &mut self.groups };
        list.push((name, dn.clone()));
        format!("new: {dn}")
    }

    pub fn step(&mut self, rng: &mut Rng, server: &mut impl Server) -> String {
        match rng.below(22) {
            0..=3 => self.add(rng, server),
            4 | 5 => self.rename(rng, server),
            6..=8 => self.relocate(rng, server),
            9 | 10 => self.delete(rng, server),
            11 => self.make_anew(rng, server),
            12 => self.swap(rng, server),
            13..=15 => self.add_member(rng, server),
            16 | 17 => self.remove_member(rng, server),
            18 => self.replace_members(rng, server),
            19 => self.change_value(rng, server),
            20 if server.renames_containers() => self.rename_container(rng, server),
            _ => match self.users.is_empty() {
                true => "nobody".into(),
                false => server.special(rng, &rng.clone().pick(&self.users).1),
            },
        }
    }

    fn free_name(&self, rng: &mut Rng, is_user: bool) -> Option<String> {
        let prefix = if is_user { "p" } else { "g" };
        let taken = if is_user { &self.users } else { &self.groups };
        let free: Vec<String> = (0..NAMES)
            .map(|n| format!("{prefix}{n:02}"))
            .filter(|name| taken.iter().all(|(other, _)| other != name))
            .collect();
        (!free.is_empty()).then(|| rng.pick(&free).clone())
    }

    fn some_members(&self, rng: &mut Rng) -> Vec<String> {
        let everyone: Vec<&String> = self.users.iter().chain(&self.groups).map(|(_, dn)| dn).collect();
        let count = if everyone.is_empty() { 0 } else { rng.below(6) };
        let mut some: Vec<String> = (0..count).map(|_| (*rng.pick(&everyone)).clone()).collect();
        some.sort();
        some.dedup();
        some
    }

    /// A user three times out of four.
    fn someone<'a>(&'a mut self, rng: &mut Rng) -> Option<(bool, &'a mut (String, String))> {
        let is_user = !rng.one_in(4);
        let list = if is_user { &mut self.users } else { &mut self.groups };
        let at = (!list.is_empty()).then(|| rng.below(list.len()))?;
        Some((is_user, &mut list[at]))
    }

    fn rename(&mut self, rng: &mut Rng, server: &mut impl Server) -> String {
        let free = [self.free_name(rng, false), self.free_name(rng, true)];
        let Some((is_user, (name, dn))) = self.someone(rng) else { return "nobody".into() };
        let Some(new) = free[usize::from(is_user)].clone() else { return "no name".into() };
        let rdn = server.rdn(&new, is_user);
        server.rename(dn, &rdn);
        let renamed = format!("{rdn},{}", superior(dn));
        let told = format!("renamed: {dn} to {renamed}");
        (*name, *dn) = (new, renamed);
        told
    }

    fn relocate(&mut self, rng: &mut Rng, server: &mut impl Server) -> String {
        let places = [self.group_places.clone(), self.user_places.clone()];
        let Some((is_user, (_, dn))) = self.someone(rng) else { return "nobody".into() };
        let place = rng.pick(&places[usize::from(is_user)]);
        if superior(dn) == place {
            return format!("stays: {dn}");
        }
        let moved = server.move_below(dn, place);
        let told = format!("moved: {dn} to {moved}");
        *dn = moved;
        told
    }

    fn delete(&mut self, rng: &mut Rng, server: &mut impl Server) -> String {
        let Some((is_user, (_, dn))) = self.someone(rng) else { return "nobody".into() };
        let dn = dn.clone();
        server.delete(&dn);
        let list = if is_user { &mut self.users } else { &mut self.groups };
        list.retain(|(_, other)| *other != dn);
        format!("deleted: {dn}")
    }

    fn make_anew(&mut self, rng: &mut Rng, server: &mut impl Server) -> String {
        let Some((is_user, (name, dn))) = self.someone(rng) else { return "nobody".into() };
        let (name, dn) = (name.clone(), dn.clone());
        server.delete(&dn);
        server.tools().modify(&server.entry(&dn, &name, is_user));
        format!("deleted and made anew: {dn}")
    }

    fn swap(&mut self, rng: &mut Rng, server: &mut impl Server) -> String {
        if self.users.len() < 2 {
            return "nobody".into();
        }
        let one = rng.below(self.users.len() - 1);
        let (a, b) = (self.users[one].clone(), self.users[one + 1].clone());
        if superior(&a.1) == superior(&b.1) {
            server.rename(&a.1, &server.rdn("swapping", true));
            let away = format!("{},{}", server.rdn("swapping", true), superior(&a.1));
            server.rename(&b.1, &server.rdn(&a.0, true));
            server.rename(&away, &server.rdn(&b.0, true));
            return format!("swapped: {} and {}", a.1, b.1);
        }
        "are not neighbours".into()
    }

    fn add_member(&mut self, rng: &mut Rng, server: &mut impl Server) -> String {
        if self.groups.is_empty() {
            return "no group".into();
        }
        let group = rng.pick(&self.groups).1.clone();
        let mut member = match rng.one_in(4) {
            true => rng.pick(&self.groups).1.clone(),
            false if self.users.is_empty() => return "nobody".into(),
            false => rng.pick(&self.users).1.clone(),
        };
        if server.lists_nobody()
            && rng.one_in(5)
            && let Some(name) = self.free_name(rng, true)
        {
            member = format!("{},{}", server.rdn(&name, true), rng.pick(&self.user_places));
        }
        let there = members(server, &group);
        if member == group || there.iter().any(|other| other.eq_ignore_ascii_case(&member)) {
            return format!("a member already: {member} of {group}");
        }
        server.tools().add_value(&group, "member", &member);
        format!("new member of {group}: {member}")
    }

    fn remove_member(&mut self, rng: &mut Rng, server: &mut impl Server) -> String {
        let Some((_, group)) = (!self.groups.is_empty()).then(|| rng.pick(&self.groups).clone()) else {
            return "no group".into();
        };
        let there = members(server, &group);
        if there.is_empty() {
            return format!("empty: {group}");
        }
        let member = rng.pick(&there);
        server.tools().remove_value(&group, "member", member);
        format!("no member of {group}: {member}")
    }

    fn replace_members(&mut self, rng: &mut Rng, server: &mut impl Server) -> String {
        let Some((_, group)) = (!self.groups.is_empty()).then(|| rng.pick(&self.groups).clone()) else {
            return "no group".into();
        };
        let some: Vec<String> =
            self.some_members(rng).into_iter().filter(|member| *member != group).collect();
        let values: Vec<&str> = some.iter().map(String::as_str).collect();
        server.tools().set(&group, "member", &values);
        format!("members of {group}: {some:?}")
    }

    fn change_value(&mut self, rng: &mut Rng, server: &mut impl Server) -> String {
        let Some((_, user)) = (!self.users.is_empty()).then(|| rng.pick(&self.users).clone()) else {
            return "nobody".into();
        };
        let values: Vec<&str> = if rng.one_in(3) { vec![] } else { vec![*rng.pick(&COUNTRIES)] };
        server.tools().set(&user, server.country(), &values);
        format!("value of {user}: {values:?}")
    }

    /// The one below the users.
    fn rename_container(&mut self, rng: &mut Rng, server: &mut impl Server) -> String {
        if !rng.one_in(4) {
            return "containers stay".into();
        }
        self.containers += 1;
        let old = self.user_places[1].clone();
        let rdn = format!("ou=inner{}", self.containers);
        server.tools().rename(&old, &rdn);
        let new = format!("{rdn},{}", superior(&old));
        for (_, dn) in &mut self.users {
            if superior(dn) == old {
                *dn = format!("{},{new}", dn.split(',').next().unwrap_or_default());
            }
        }
        self.user_places[1].clone_from(&new);
        format!("container renamed: {old} to {new}")
    }
}

fn superior(dn: &str) -> &str {
    dn.split_once(',').map_or("", |(_, superior)| superior)
}

fn members(server: &impl Server, group: &str) -> Vec<String> {
    let ldif = server.tools().search_with(&["-b", group, "-s", "base"], "(objectClass=*)", &["member"]);
    readable(&ldif).lines().filter_map(|line| line.strip_prefix("member: ")).map(str::to_owned).collect()
}

/// The suffix, the places and the schema that the tests give to OpenLDAP and to 389-DS.
fn lab_user_places() -> Vec<String> {
    let [inner, elsewhere, _] = OPENLDAP_UNITS;
    vec![format!("ou=people,{BASE}"), inner.to_owned(), elsewhere.to_owned()]
}

fn lab_group_places() -> Vec<String> {
    let [_, elsewhere, teams] = OPENLDAP_UNITS;
    vec![format!("ou=groups,{BASE}"), teams.to_owned(), elsewhere.to_owned()]
}

fn lab_rdn(name: &str, is_user: bool) -> String {
    format!("{}={name}", if is_user { "uid" } else { "cn" })
}

fn lab_entry(dn: &str, name: &str, is_user: bool) -> String {
    match is_user {
        true => format!(
            "dn: {dn}\nchangetype: add\nobjectClass: inetOrgPerson\nobjectClass: labPerson\nuid: {name}\ncn: {name}\nsn: {name}\nmail: {name}@example.org\n"
        ),
        false => {
            format!("dn: {dn}\nchangetype: add\nobjectClass: labGroup\ncn: {name}\nlabOrganization: {name}\n")
        }
    }
}

impl Server for Slapd {
    fn user_places(&self) -> Vec<String> {
        lab_user_places()
    }

    fn group_places(&self) -> Vec<String> {
        lab_group_places()
    }

    fn tools(&self) -> LdapTools {
        Slapd::tools(self)
    }

    fn rdn(&self, name: &str, is_user: bool) -> String {
        lab_rdn(name, is_user)
    }

    fn entry(&self, dn: &str, name: &str, is_user: bool) -> String {
        lab_entry(dn, name, is_user)
    }

    fn country(&self) -> &'static str {
        "labCountry"
    }

    fn delete(&self, dn: &str) {
        Slapd::delete(self, dn);
    }

    fn rename(&self, dn: &str, rdn: &str) {
        Slapd::rename(self, dn, rdn);
    }

    fn move_below(&self, dn: &str, superior: &str) -> String {
        Slapd::move_below(self, dn, superior)
    }

    fn restart(&mut self) {
        self.stop();
        Slapd::restart(self);
    }

    fn lists_nobody(&self) -> bool {
        true
    }

    fn special(&self, rng: &mut Rng, user: &str) -> String {
        let values = ["administrator", "clerk"];
        let values = &values[..rng.below(3)];
        self.tools().set(user, "labRole", values);
        format!("roles of {user}: {values:?}")
    }
}

impl Server for Dirsrv {
    fn user_places(&self) -> Vec<String> {
        lab_user_places()
    }

    fn group_places(&self) -> Vec<String> {
        lab_group_places()
    }

    fn tools(&self) -> LdapTools {
        Dirsrv::tools(self)
    }

    fn rdn(&self, name: &str, is_user: bool) -> String {
        lab_rdn(name, is_user)
    }

    fn entry(&self, dn: &str, name: &str, is_user: bool) -> String {
        lab_entry(dn, name, is_user)
    }

    fn country(&self) -> &'static str {
        "labCountry"
    }

    fn delete(&self, dn: &str) {
        self.tools().delete(dn);
    }

    fn rename(&self, dn: &str, rdn: &str) {
        self.tools().rename(dn, rdn);
    }

    fn move_below(&self, dn: &str, superior: &str) -> String {
        self.tools().move_below(dn, superior)
    }

    fn restart(&mut self) {
        Dirsrv::restart(self);
    }

    /// 389-DS 2.3 may answer rc 1 when an entry is deleted and made anew below a renamed container.
    fn renames_containers(&self) -> bool {
        false
    }

    fn lists_nobody(&self) -> bool {
        true
    }

    fn special(&self, rng: &mut Rng, user: &str) -> String {
        let locked = rng.one_in(2);
        self.lock(user, locked);
        format!("lock of {user}: {locked}")
    }
}

impl Server for Samba {
    fn user_places(&self) -> Vec<String> {
        vec![STAFF.to_owned(), format!("OU=Inner,{STAFF}"), "CN=Users,DC=lab,DC=test".to_owned()]
    }

    fn group_places(&self) -> Vec<String> {
        vec![GROUPS.to_owned(), "CN=Users,DC=lab,DC=test".to_owned()]
    }

    fn tools(&self) -> LdapTools {
        Samba::tools(self)
    }

    fn rdn(&self, name: &str, _is_user: bool) -> String {
        format!("CN={name}")
    }

    fn entry(&self, dn: &str, name: &str, is_user: bool) -> String {
        match is_user {
            true => format!(
                "dn: {dn}\nchangetype: add\nobjectClass: user\nsAMAccountName: {name}\nuserAccountControl: 544\ndisplayName: {name}\n"
            ),
            false => format!("dn: {dn}\nchangetype: add\nobjectClass: group\nsAMAccountName: {name}\n"),
        }
    }

    fn country(&self) -> &'static str {
        "department"
    }

    fn delete(&self, dn: &str) {
        self.tools().delete(dn);
    }

    fn rename(&self, dn: &str, rdn: &str) {
        self.tools().rename(dn, rdn);
        // The name to log on with goes with it, unless another has it (in the middle of a swap).
        let name = rdn.trim_start_matches("CN=");
        let renamed = format!("{rdn},{}", superior(dn));
        let (found, ldif, _) = self.tools().try_search(&[], &format!("(sAMAccountName={name})"), &["1.1"]);
        if found == 0 && !ldif.contains("dn: CN") {
            self.tools().set(&renamed, "sAMAccountName", &[name]);
        }
    }

    fn move_below(&self, dn: &str, superior: &str) -> String {
        self.tools().move_below(dn, superior)
    }

    fn restart(&mut self) {
        Samba::restart(self);
    }

    fn lists_nobody(&self) -> bool {
        false
    }

    fn special(&self, rng: &mut Rng, user: &str) -> String {
        let bits = if rng.one_in(2) { 546 } else { 544 };
        self.set_user_account_control(user, bits);
        format!("userAccountControl of {user}: {bits}")
    }
}
