//! The five fields of a cron(5) rule: parsing them, and errors that name the field.

use thiserror::Error;

/// What one field may hold. `names` stand for `min`, `min + 1`, ...
#[derive(Debug)]
pub struct Field {
    name: &'static str,
    min: u32,
    max: u32,
    names: &'static [&'static str],
}

pub static MINUTE: Field = Field { name: "minute", min: 0, max: 59, names: &[] };
pub static HOUR: Field = Field { name: "hour", min: 0, max: 23, names: &[] };
pub static DAY: Field = Field { name: "day of month", min: 1, max: 31, names: &[] };
pub static MONTH: Field = Field {
    name: "month",
    min: 1,
    max: 12,
    names: &["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"],
};
/// 0 and 7 are both Sunday.
pub static WEEKDAY: Field =
    Field { name: "weekday", min: 0, max: 7, names: &["sun", "mon", "tue", "wed", "thu", "fri", "sat"] };

const NICKNAMES: [(&str, &str); 7] = [
    ("@hourly", "0 * * * *"),
    ("@daily", "0 0 * * *"),
    ("@midnight", "0 0 * * *"),
    ("@weekly", "0 0 * * 0"),
    ("@monthly", "0 0 1 * *"),
    ("@yearly", "0 0 1 1 *"),
    ("@annually", "0 0 1 1 *"),
];

#[derive(Debug, Error, PartialEq)]
pub enum RuleError {
    #[error("schedule: a cron rule has five fields, {rule:?} has {count}")]
    FieldCount { rule: String, count: usize },
    #[error("schedule: {nickname:?} is not known")]
    Nickname { nickname: String },
    #[error("schedule: {part:?} is not allowed in the field {:?}", .field.name)]
    Part { field: &'static Field, part: String },
    #[error("schedule: {rule:?} cannot be followed")]
    Unsupported { rule: String },
}

impl RuleError {
    /// What the user may write instead.
    pub fn hint(&self) -> String {
        match self {
            Self::Part { field, .. } => field.allowed(),
            Self::Nickname { .. } => {
                let known: Vec<_> = NICKNAMES.iter().map(|(nickname, _)| *nickname).collect();
                format!("Use one of {}, or five fields.", known.join(", "))
            }
            _ => "Write minute, hour, day of month, month and weekday, such as 30 2 * * mon-fri, or @hourly."
                .into(),
        }
    }
}

impl PartialEq for Field {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Field {
    fn allowed(&self) -> String {
        let names = match self.names {
            [first, .., last] => format!(" or {first} to {last}"),
            _ => String::new(),
        };
        format!(
            "The field {:?} takes {} to {}{names}: *, a value, a range a-b, a step */n or a-b/n, or a list with commas.",
            self.name, self.min, self.max
        )
    }

    fn refuse(&'static self, part: &str) -> RuleError {
        RuleError::Part { field: self, part: part.to_owned() }
    }

    /// A number, or a name in any case.
    fn value(&self, text: &str) -> Option<u32> {
        if let Some(index) = self.names.iter().position(|name| name.eq_ignore_ascii_case(text)) {
            return Some(self.min + index as u32);
        }
        number(text).filter(|value| (self.min..=self.max).contains(value))
    }

    /// The last value of a range: `fri-sun` ends on the Sunday after, as `5-7` does.
    fn range_end(&self, text: &str) -> Option<u32> {
        let end = self.value(text)?;
        Some(if self.max == WEEKDAY.max && text.eq_ignore_ascii_case("sun") { 7 } else { end })
    }
}

/// Digits only: `parse` alone would also take a sign.
fn number(text: &str) -> Option<u32> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok())?
}

/// The values of one field, bit n standing for value n.
#[derive(Debug, Clone, Copy)]
pub struct Values {
    bits: u64,
    /// cron(5) calls such a field unrestricted.
    pub starts_with_star: bool,
}

impl Values {
    fn parse(field: &'static Field, text: &str) -> Result<Self, RuleError> {
        let mut bits = 0;
        for part in text.split(',') {
            bits |= part_bits(field, part).ok_or_else(|| field.refuse(part))?;
        }
        Ok(Self { bits, starts_with_star: text.starts_with('*') })
    }

    /// The field as the crate `cron` reads it: every value listed, weekdays by name.
    pub fn render(self, field: &Field) -> String {
        let last = if field.name == WEEKDAY.name { 6 } else { field.max };
        let values: Vec<u32> = (field.min..=last).filter(|value| self.bits & (1 << value) != 0).collect();
        if values.len() as u32 == last - field.min + 1 {
            return "*".to_owned();
        }
        let texts: Vec<String> = values.iter().map(|&value| render_value(field, value)).collect();
        texts.join(",")
    }
}

fn render_value(field: &Field, value: u32) -> String {
    if field.name == WEEKDAY.name { field.names[value as usize].to_uppercase() } else { value.to_string() }
}

/// `*`, `5`, `mon`, `1-5`, `*/15` or `1-31/2`.
fn part_bits(field: &Field, part: &str) -> Option<u64> {
    let (range, step) = match part.split_once('/') {
        Some((range, step)) => (range, number(step).filter(|step| (1..=field.max + 1).contains(step))?),
        None => (part, 1),
    };
    let (first, last) = match range.split_once('-') {
        _ if range == "*" => (field.min, field.max),
        Some((first, last)) => (field.value(first)?, field.range_end(last)?),
        None if step == 1 && !part.contains('/') => (field.value(range)?, field.value(range)?),
        None => return None,
    };
    (first <= last).then(|| bits_of(field, first, last, step))
}

fn bits_of(field: &Field, first: u32, last: u32, step: u32) -> u64 {
    let bits = (first..=last).step_by(step as usize).fold(0, |bits, value| bits | 1 << value);
    let sunday_as_seven = field.name == WEEKDAY.name && bits & (1 << 7) != 0;
    if sunday_as_seven { bits | 1 } else { bits }
}

/// The five fields of a rule.
#[derive(Debug)]
pub struct Fields {
    pub minute: Values,
    pub hour: Values,
    pub day: Values,
    pub month: Values,
    pub weekday: Values,
}

impl Fields {
    pub fn parse(rule: &str) -> Result<Self, RuleError> {
        let texts: Vec<&str> = spelt_out(rule.trim())?.split_whitespace().collect();
        let &[minute, hour, day, month, weekday] = texts.as_slice() else {
            return Err(RuleError::FieldCount { rule: rule.to_owned(), count: texts.len() });
        };
        Ok(Self {
            minute: Values::parse(&MINUTE, minute)?,
            hour: Values::parse(&HOUR, hour)?,
            day: Values::parse(&DAY, day)?,
            month: Values::parse(&MONTH, month)?,
            weekday: Values::parse(&WEEKDAY, weekday)?,
        })
    }
}

fn spelt_out(rule: &str) -> Result<&str, RuleError> {
    if !rule.starts_with('@') {
        return Ok(rule);
    }
    let known = NICKNAMES.iter().find(|(nickname, _)| nickname.eq_ignore_ascii_case(rule));
    known.map(|(_, fields)| *fields).ok_or_else(|| RuleError::Nickname { nickname: rule.to_owned() })
}
