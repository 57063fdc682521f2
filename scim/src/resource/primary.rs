//! At most one value of a multi-valued attribute is the primary one (RFC 7643 section 2.4).

use serde_json::Value;

/// Leaves at most one element with `"primary": true`: `winner`, the index of one that was just set, or else the last.
pub fn settle_primary(values: &mut [Value], winner: Option<usize>) {
    let winner = winner.filter(|&index| values.get(index).is_some_and(is_primary));
    let Some(winner) = winner.or_else(|| values.iter().rposition(is_primary)) else {
        return;
    };
    for (index, value) in values.iter_mut().enumerate() {
        if index != winner && is_primary(value) {
            value["primary"] = Value::Bool(false);
        }
    }
}

/// True for an element that says so.
pub fn is_primary(value: &Value) -> bool {
    value.get("primary") == Some(&Value::Bool(true))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn settled(mut values: Value, winner: Option<usize>) -> Vec<bool> {
        let values = values.as_array_mut().unwrap();
        settle_primary(values, winner);
        values.iter().map(is_primary).collect()
    }

    #[test]
    fn the_last_primary_wins() {
        let values =
            json!([{"value": "a", "primary": true}, {"value": "b"}, {"value": "c", "primary": true}, "d"]);
        assert_eq!(settled(values.clone(), None), [false, false, true, false]);
        assert_eq!(settled(values.clone(), Some(0)), [true, false, false, false]);
        assert_eq!(settled(values.clone(), Some(1)), [false, false, true, false]);
        assert_eq!(settled(values, Some(9)), [false, false, true, false]);
    }

    #[test]
    fn none_stays_none() {
        assert_eq!(settled(json!([{"value": "a", "primary": false}]), None), [false]);
        assert_eq!(settled(json!([]), Some(0)), [false; 0]);
    }
}
