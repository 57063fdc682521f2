//! A delivery as it is sent: a CloudEvent in structured form. The same however often it is tried.

use chrono::SecondsFormat;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::json;

use super::store::Due;

#[derive(Debug)]
pub struct Message {
    /// By which a receiver knows what it has had already.
    pub id: String,
    pub body: Vec<u8>,
}

impl Message {
    pub fn of(webhook_id: i32, due: &Due) -> Self {
        let id = format!("wh{webhook_id}-{}", due.change_id);
        let event = json!({
            "specversion": "1.0",
            "id": id,
            "source": format!("/roster/{}", utf8_percent_encode(&due.iam, NON_ALPHANUMERIC)),
            "type": due.event,
            "subject": due.subject,
            "time": due.occurred_at.to_rfc3339_opts(SecondsFormat::Micros, true),
            "datacontenttype": "application/json",
            "data": due.data,
        });
        Self { id, body: event.to_string().into_bytes() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_the_same_each_time() {
        let due = Due {
            delivery_id: 9,
            change_id: 7,
            event: "attributeAdded".into(),
            about: ("user".into(), 1),
            subject: "sam".into(),
            iam: "my corp".into(),
            occurred_at: chrono::DateTime::from_timestamp(0, 1000).unwrap(),
            data: json!({"added": ["x"]}),
        };
        let message = Message::of(3, &due);
        assert_eq!(message.id, "wh3-7");
        assert_eq!(message.body, Message::of(3, &due).body);
        let event: serde_json::Value = serde_json::from_slice(&message.body).unwrap();
        assert_eq!(event["source"], "/roster/my%20corp");
        assert_eq!(event["time"], "1970-01-01T00:00:00.000001Z");
        assert_eq!(event["data"]["added"][0], "x");
    }
}
