use std::fmt::Write;

pub const BASE: &str = "dc=example,dc=org";

pub fn user_dn(uid: &str) -> String {
    format!("uid={uid},ou=people,{BASE}")
}

pub fn group_dn(cn: &str) -> String {
    format!("cn={cn},ou=groups,{BASE}")
}

/// What a server is loaded with: LDIF, built entry by entry.
#[derive(Debug, Clone)]
pub struct Directory {
    pub(crate) ldif: String,
}

impl Default for Directory {
    fn default() -> Self {
        let mut directory = Directory { ldif: String::new() };
        directory.entry(BASE, &[("objectClass", "dcObject"), ("objectClass", "organization")]);
        directory.more(&[("dc", "example"), ("o", "Example")]);
        directory
            .entry(&format!("ou=people,{BASE}"), &[("objectClass", "organizationalUnit"), ("ou", "people")]);
        directory
            .entry(&format!("ou=groups,{BASE}"), &[("objectClass", "organizationalUnit"), ("ou", "groups")]);
        directory
    }
}

impl Directory {
    /// A directory that is written down already.
    pub fn from_ldif(ldif: String) -> Directory {
        Directory { ldif }
    }

    /// The reference directory: Steve, Sara, Stephanie, Sam, Fiona of Field_Sales, and the groups.
    pub fn reference() -> Directory {
        let mut d = Directory::default();
        d.user("steve", &[("labCountry", "USA")]);
        d.user("sara", &[("labRole", "administrator")]);
        d.user(
            "stephanie",
            &[("labSalesRegion", "Ohio"), ("labSalesRegion", "Michigan"), ("labSalesRegion", "Indiana")],
        );
        d.user("sam", &[]);
        d.user("fiona", &[]);
        d.group("developers", &[&user_dn("sam")], &[("labOrganization", "engineering")]);
        d.group(
            "Field_Sales",
            &[&user_dn("fiona"), &user_dn("stephanie")],
            &[("labTerritories", "OH"), ("labTerritories", "MD")],
        );
        d
    }

    /// `users` users u0000.. and `groups` groups g00.. of ten percent of them each.
    pub fn generated(users: usize, groups: usize) -> Directory {
        let mut d = Directory::default();
        for i in 0..users {
            d.user(&format!("u{i:04}"), &[("labCountry", ["USA", "France", "Japan"][i % 3])]);
        }
        for g in 0..groups {
            let members: Vec<_> =
                (0..users).filter(|i| (i + g) % 10 == 0).map(|i| user_dn(&format!("u{i:04}"))).collect();
            let members: Vec<_> = members.iter().map(String::as_str).collect();
            d.group(&format!("g{g:02}"), &members, &[("labOrganization", "generated")]);
        }
        d
    }

    /// Replaces a piece of the LDIF, which must be there.
    #[track_caller]
    pub fn ldif_replace(&mut self, old: &str, new: &str) {
        assert!(self.ldif.contains(old), "no such text: {old}");
        self.ldif = self.ldif.replace(old, new);
    }

    pub fn user(&mut self, uid: &str, attributes: &[(&str, &str)]) {
        let dn = user_dn(uid);
        self.entry(&dn, &[("objectClass", "inetOrgPerson"), ("objectClass", "labPerson"), ("uid", uid)]);
        let mail = format!("{uid}@example.org");
        self.more(&[("cn", uid), ("sn", uid), ("mail", &mail)]);
        self.more(attributes);
    }

    /// A group of any number of members, none included.
    pub fn group(&mut self, cn: &str, members: &[&str], attributes: &[(&str, &str)]) {
        self.entry(&group_dn(cn), &[("objectClass", "labGroup"), ("cn", cn)]);
        for member in members {
            self.more(&[("member", member)]);
        }
        self.more(attributes);
    }

    /// A posixGroup: users by name.
    pub fn posix_group(&mut self, cn: &str, uids: &[&str]) {
        self.entry(&group_dn(cn), &[("objectClass", "posixGroup"), ("cn", cn), ("gidNumber", "1000")]);
        for uid in uids {
            self.more(&[("memberUid", uid)]);
        }
    }

    /// A groupOfUniqueNames; a member may have a bit string behind its DN (`#'0101'B`).
    pub fn unique_group(&mut self, cn: &str, members: &[&str]) {
        self.entry(&group_dn(cn), &[("objectClass", "groupOfUniqueNames"), ("cn", cn)]);
        for member in members {
            self.more(&[("uniqueMember", member)]);
        }
    }

    /// A groupOfURLs: its members are who the searches find.
    pub fn url_group(&mut self, cn: &str, urls: &[&str]) {
        self.entry(&group_dn(cn), &[("objectClass", "groupOfURLs"), ("cn", cn)]);
        for url in urls {
            self.more(&[("memberURL", url)]);
        }
    }

    pub fn unit(&mut self, dn: &str) {
        self.entry(dn, &[("objectClass", "organizationalUnit")]);
    }

    /// A new entry; values are plain text (a value beginning with `:` is base64, as in LDIF).
    pub fn entry(&mut self, dn: &str, attributes: &[(&str, &str)]) {
        write!(self.ldif, "\ndn: {dn}\n").expect("a string takes it");
        self.more(attributes);
    }

    /// More attributes of the last entry.
    pub fn more(&mut self, attributes: &[(&str, &str)]) {
        for (name, value) in attributes {
            let separator = if value.starts_with(':') { "" } else { " " };
            writeln!(self.ldif, "{name}:{separator}{value}").expect("a string takes it");
        }
    }
}
