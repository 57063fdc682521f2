//! PostgreSQL's binary COPY format, written straight into one buffer per batch: no row of values is
//! built in between, as the driver's own writer would want.

use serde::Serialize;

const HEADER: &[u8] = b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0";
const END: [u8; 2] = (-1_i16).to_be_bytes();
const NULL: [u8; 4] = (-1_i32).to_be_bytes();
const JSONB_VERSION: u8 = 1;

/// The rows of one table, as a complete COPY stream once `take` has been called.
#[derive(Debug, Default)]
pub struct Batch {
    bytes: Vec<u8>,
}

impl Batch {
    pub fn len(&self) -> usize {
        self.bytes.len()
    }

    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// Begins a row of that many columns, each of which must follow.
    pub fn row(&mut self, columns: i16) -> &mut Self {
        if self.bytes.is_empty() {
            self.bytes.extend_from_slice(HEADER);
        }
        self.bytes.extend_from_slice(&columns.to_be_bytes());
        self
    }

    pub fn int2(&mut self, value: i16) -> &mut Self {
        self.field(&value.to_be_bytes())
    }

    pub fn int8(&mut self, value: i64) -> &mut Self {
        self.field(&value.to_be_bytes())
    }

    pub fn bool(&mut self, value: bool) -> &mut Self {
        self.field(&[u8::from(value)])
    }

    pub fn uuid(&mut self, value: &[u8; 16]) -> &mut Self {
        self.field(value)
    }

    pub fn optional_uuid(&mut self, value: Option<&[u8; 16]>) -> &mut Self {
        match value {
            Some(value) => self.uuid(value),
            None => self.null(),
        }
    }

    pub fn text(&mut self, value: &str) -> &mut Self {
        self.field(value.as_bytes())
    }

    pub fn optional(&mut self, value: Option<&str>) -> &mut Self {
        match value {
            Some(value) => self.text(value),
            None => self.null(),
        }
    }

    pub fn null(&mut self) -> &mut Self {
        self.bytes.extend_from_slice(&NULL);
        self
    }

    pub fn jsonb(&mut self, value: &impl Serialize) -> &mut Self {
        let length_at = self.bytes.len();
        self.bytes.extend_from_slice(&NULL);
        self.bytes.push(JSONB_VERSION);
        serde_json::to_writer(&mut self.bytes, value).expect("maps of text and JSON values serialise");
        let length = length_of(self.bytes.len() - length_at - NULL.len());
        self.bytes[length_at..length_at + NULL.len()].copy_from_slice(&length);
        self
    }

    /// The finished stream; the batch is empty again.
    pub fn take(&mut self) -> Vec<u8> {
        self.bytes.extend_from_slice(&END);
        std::mem::take(&mut self.bytes)
    }

    fn field(&mut self, value: &[u8]) -> &mut Self {
        self.bytes.extend_from_slice(&length_of(value.len()));
        self.bytes.extend_from_slice(value);
        self
    }
}

fn length_of(bytes: usize) -> [u8; 4] {
    i32::try_from(bytes).expect("a field is shorter than 1 GiB, the limit of PostgreSQL").to_be_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_is_header_rows_and_end() {
        let mut batch = Batch::default();
        batch.row(3).int2(7).optional(None).jsonb(&serde_json::json!({"a": 1}));
        let mut expected = HEADER.to_vec();
        expected.extend_from_slice(&[0, 3, 0, 0, 0, 2, 0, 7, 255, 255, 255, 255, 0, 0, 0, 8, 1]);
        expected.extend_from_slice(b"{\"a\":1}\xff\xff");
        assert_eq!(batch.take(), expected);
        assert!(batch.is_empty());
    }
}
