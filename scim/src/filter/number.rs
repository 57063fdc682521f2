//! Numbers compare by their decimal value, as PostgreSQL's numeric does, and not by the nearest binary one.

use std::cmp::Ordering;

use serde_json::Number;

pub(super) fn compare(a: &Number, b: &Number) -> Ordering {
    let (a, b) = (Decimal::of(a), Decimal::of(b));
    match (a.negative, b.negative) {
        (false, true) => Ordering::Greater,
        (true, false) => Ordering::Less,
        (false, false) => a.magnitude(&b),
        (true, true) => b.magnitude(&a),
    }
}

/// 0.`digits` times ten to the power of `exponent`; zero has no digits.
struct Decimal {
    negative: bool,
    digits: String,
    exponent: i64,
}

impl Decimal {
    fn of(number: &Number) -> Self {
        let text = number.to_string();
        let unsigned = text.trim_start_matches('-');
        let (mantissa, exponent) = unsigned.split_once(['e', 'E']).unwrap_or((unsigned, "0"));
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let all = format!("{whole}{fraction}");
        let significant = all.trim_start_matches('0');
        let leading = all.len() - significant.len();
        let digits = significant.trim_end_matches('0').to_owned();
        if digits.is_empty() {
            return Self { negative: false, digits, exponent: i64::MIN };
        }
        let power: i64 = exponent.parse().unwrap_or(0);
        let exponent = power + whole.len() as i64 - leading as i64;
        Self { negative: text.starts_with('-'), digits, exponent }
    }

    fn magnitude(&self, other: &Self) -> Ordering {
        self.exponent.cmp(&other.exponent).then_with(|| self.digits.cmp(&other.digits))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn compares_decimal_values() {
        let ordered = [
            "-1e300",
            "-10",
            "-9.5",
            "-0.001",
            "0",
            "1e-7",
            "0.5",
            "1",
            "1.5",
            "10",
            "9007199254740992",
            "9007199254740993",
            "1e23",
        ];
        let numbers: Vec<Number> = ordered.iter().map(|text| serde_json::from_str(text).unwrap()).collect();
        for (i, a) in numbers.iter().enumerate() {
            for (j, b) in numbers.iter().enumerate() {
                assert_eq!(compare(a, b), i.cmp(&j), "{a} {b}");
            }
        }
    }

    #[test]
    fn one_value_has_many_spellings() {
        for (a, b) in [("0", "-0.0"), ("1", "1.0"), ("100", "1e2"), ("0.10", "1e-1")] {
            assert!(compare(&serde_json::from_str(a).unwrap(), &serde_json::from_str(b).unwrap()).is_eq());
        }
    }
}
