//! Secrets are named in a source's configuration and never written there.

use std::path::{Component, Path, PathBuf};

use secrecy::SecretString;
use serde::{Deserialize, Deserializer, de};

/// Where a secret is to be found: `{"env": "NAME"}` or `{"file": "name"}`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SecretRef {
    Env(String),
    /// A file below the daemon's `--secrets-dir`.
    File(PathBuf),
}

impl std::fmt::Display for SecretRef {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            SecretRef::Env(name) => write!(f, "environment variable {name}"),
            SecretRef::File(name) => write!(f, "secret file {}", name.display()),
        }
    }
}

#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    #[error("{0} is not set: set it in the daemon's environment")]
    Missing(SecretRef),
    #[error("{0} is empty")]
    Empty(SecretRef),
    #[error("{0} is not valid UTF-8")]
    NotText(SecretRef),
    #[error("{0} cannot be used without --secrets-dir: start the daemon with --secrets-dir DIRECTORY")]
    NoDirectory(SecretRef),
    #[error("{0} leads out of the directory given by --secrets-dir")]
    Outside(SecretRef),
    #[error("{0} is larger than 64 KiB")]
    TooLarge(SecretRef),
    #[error("{secret} cannot be read: {source}")]
    Unreadable { secret: SecretRef, source: std::io::Error },
}

/// Resolves references when a secret is needed, so that a rotated one is picked up by the next run.
#[derive(Debug, Clone, Default)]
pub struct Secrets {
    directory: Option<PathBuf>,
}

impl Secrets {
    pub fn new(directory: Option<PathBuf>) -> Self {
        Self { directory }
    }

    pub fn resolve(&self, secret: &SecretRef) -> Result<SecretString, SecretError> {
        let text = match secret {
            SecretRef::Env(name) => read_env(secret, name)?,
            SecretRef::File(name) => self.read_file(secret, name)?,
        };
        if text.is_empty() {
            return Err(SecretError::Empty(secret.clone()));
        }
        Ok(SecretString::from(text))
    }

    fn read_file(&self, secret: &SecretRef, name: &Path) -> Result<String, SecretError> {
        let unreadable = |source| SecretError::Unreadable { secret: secret.clone(), source };
        let directory = self.directory.as_ref().ok_or_else(|| SecretError::NoDirectory(secret.clone()))?;
        let directory = directory.canonicalize().map_err(unreadable)?;
        // Links are followed first: mounted secrets are links within the directory.
        let path = directory.join(name).canonicalize().map_err(unreadable)?;
        if !path.starts_with(&directory) {
            return Err(SecretError::Outside(secret.clone()));
        }
        if path.metadata().map_err(unreadable)?.len() > 64 * 1024 {
            return Err(SecretError::TooLarge(secret.clone()));
        }
        let bytes = std::fs::read(&path).map_err(unreadable)?;
        let mut text = String::from_utf8(bytes).map_err(|_| SecretError::NotText(secret.clone()))?;
        // Editors and `echo` end a file with a line break that is no part of the secret.
        let end = text.trim_end_matches(['\r', '\n']).len();
        text.truncate(end);
        Ok(text)
    }
}

fn read_env(secret: &SecretRef, name: &str) -> Result<String, SecretError> {
    std::env::var(name).map_err(|error| match error {
        std::env::VarError::NotPresent => SecretError::Missing(secret.clone()),
        std::env::VarError::NotUnicode(_) => SecretError::NotText(secret.clone()),
    })
}

const FORMS: &str = "write {\"env\": \"NAME\"} for an environment variable of the daemon, or {\"file\": \"name\"} \
                     for a file below its --secrets-dir";

impl<'de> Deserialize<'de> for SecretRef {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // Through a plain value, because serde's own messages would quote an inline secret.
        let value = serde_json::Value::deserialize(deserializer)?;
        parse(&value).map_err(de::Error::custom)
    }
}

fn parse(value: &serde_json::Value) -> Result<SecretRef, String> {
    let serde_json::Value::Object(object) = value else {
        return Err(format!("a secret is never written into the configuration: {FORMS}"));
    };
    let mut keys = object.iter();
    let (Some((key, serde_json::Value::String(name))), None) = (keys.next(), keys.next()) else {
        return Err(format!("this is no reference to a secret: {FORMS}"));
    };
    match key.as_str() {
        "env" => env_name(name),
        "file" => file_name(name),
        _ => Err(format!("this is no reference to a secret: {FORMS}")),
    }
}

fn env_name(name: &str) -> Result<SecretRef, String> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || c == '_';
    if name.is_empty() || !name.chars().all(allowed) || name.starts_with(|c: char| c.is_ascii_digit()) {
        return Err(
            "the name of an environment variable consists of letters, digits and underscores".to_owned()
        );
    }
    // The daemon's own way into the database must not become readable through a source.
    if name == "DATABASE_URL" || name.starts_with("PG") {
        return Err(format!(
            "{name} belongs to the daemon's own database connection: choose another variable"
        ));
    }
    Ok(SecretRef::Env(name.to_owned()))
}

fn file_name(name: &str) -> Result<SecretRef, String> {
    let path = Path::new(name);
    let plain = path.components().all(|part| matches!(part, Component::Normal(_)));
    if name.is_empty() || name.contains('\0') || !plain {
        return Err("a secret file is named relative to --secrets-dir, without .. in its path".to_owned());
    }
    Ok(SecretRef::File(path.to_owned()))
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;
    use serde_json::json;

    use super::*;

    fn refused(value: serde_json::Value) -> String {
        serde_json::from_value::<SecretRef>(value).expect_err("must be refused").to_string()
    }

    #[test]
    fn references_are_read() {
        let env: SecretRef = serde_json::from_value(json!({"env": "LDAP_PASSWORD"})).unwrap();
        assert_eq!(env, SecretRef::Env("LDAP_PASSWORD".into()));
        let file: SecretRef = serde_json::from_value(json!({"file": "ldap/password"})).unwrap();
        assert_eq!(file, SecretRef::File("ldap/password".into()));
    }

    #[test]
    fn inline_secrets_are_refused_without_being_repeated() {
        for value in [json!("hunter2"), json!({"value": "hunter2"}), json!(["hunter2"])] {
            let message = refused(value);
            assert!(message.contains("{\"env\": \"NAME\"}"), "{message}");
            assert!(!message.contains("hunter2"), "{message}");
        }
    }

    #[test]
    fn the_daemons_own_variables_are_refused() {
        for name in ["DATABASE_URL", "PGPASSWORD", "PGSERVICE"] {
            assert!(refused(json!({"env": name})).contains(name));
        }
    }

    #[test]
    fn paths_out_of_the_directory_are_refused() {
        for name in ["../x", "/etc/passwd", "a/../../x", "", "."] {
            assert!(refused(json!({"file": name})).contains("--secrets-dir"), "{name}");
        }
    }

    #[test]
    fn files_are_read_below_the_directory_only() {
        let root = std::env::temp_dir().join(format!("syncd-secrets-{}", std::process::id()));
        let directory = root.join("secrets");
        std::fs::create_dir_all(&directory).unwrap();
        std::fs::write(directory.join("password"), "s3cret\n").unwrap();
        std::fs::write(directory.join("empty"), "\n").unwrap();
        std::fs::write(root.join("outside"), "x").unwrap();
        std::os::unix::fs::symlink("password", directory.join("inner-link")).unwrap();
        std::os::unix::fs::symlink("../outside", directory.join("outer-link")).unwrap();
        let secrets = Secrets::new(Some(directory));
        let resolve = |name: &str| secrets.resolve(&SecretRef::File(name.into()));

        assert_eq!(resolve("password").unwrap().expose_secret(), "s3cret");
        assert_eq!(resolve("inner-link").unwrap().expose_secret(), "s3cret");
        assert!(matches!(resolve("outer-link"), Err(SecretError::Outside(_))));
        assert!(matches!(resolve("empty"), Err(SecretError::Empty(_))));
        assert!(matches!(resolve("absent"), Err(SecretError::Unreadable { .. })));
        std::fs::remove_dir_all(root).unwrap();
    }

    #[test]
    fn a_file_needs_a_directory() {
        let error = Secrets::default().resolve(&SecretRef::File("x".into())).unwrap_err();
        assert!(error.to_string().contains("--secrets-dir"));
    }
}
