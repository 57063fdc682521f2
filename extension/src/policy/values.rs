//! A set of texts that is asked once per row: bytes in, yes or no out. Nothing in here can panic or allocate
//! after it is built.

/// Open addressing, at most half full: a text that is not in the set costs one hash and, as a rule, one look.
#[derive(Debug)]
pub struct Values {
    /// Sorted by bytes, each once: the order of `COLLATE "C"`.
    texts: Vec<Box<[u8]>>,
    slots: Vec<Slot>,
    /// Those of `texts` that stand for many paths.
    patterns: Vec<Box<[u8]>>,
}

#[derive(Debug, Clone, Copy)]
struct Slot {
    hash: u64,
    /// One more than the position in `texts`; 0 = free.
    text: usize,
}

/// In a value, a level of its own that stands for any one level.
const ANY_LEVEL: &[u8] = b"*";

impl Values {
    pub fn new(mut texts: Vec<Box<[u8]>>) -> Self {
        texts.sort_unstable();
        texts.dedup();
        let patterns =
            texts.iter().filter(|text| levels(text).any(|level| level == ANY_LEVEL)).cloned().collect();
        let mut set = Self { slots: free_slots(texts.len()), patterns, texts };
        for position in 0..set.texts.len() {
            set.index(position);
        }
        set
    }

    /// Every text once, sorted by bytes.
    pub fn sorted(&self) -> &[Box<[u8]>] {
        &self.texts
    }

    #[inline]
    pub fn contains(&self, text: &[u8]) -> bool {
        let hash = hash(text);
        let mask = self.slots.len() - 1;
        let mut at = hash as usize & mask;
        loop {
            // The mask keeps `at` inside.
            let Some(slot) = self.slots.get(at) else { return false };
            if slot.text == 0 {
                return false;
            }
            if slot.hash == hash && self.texts.get(slot.text - 1).is_some_and(|found| **found == *text) {
                return true;
            }
            at = (at + 1) & mask;
        }
    }

    /// Whether a value is the path or lies above it: `US.OH` covers `US.OH.Columbus`, not `US.OHX`.
    pub fn covers(&self, path: &[u8]) -> bool {
        let ends = path.iter().enumerate().filter(|(_, byte)| **byte == b'.').map(|(end, _)| end);
        let mut above = ends.chain([path.len()]).filter_map(|end| path.get(..end));
        above.any(|ancestor| self.contains(ancestor))
            || self.patterns.iter().any(|pattern| matches(pattern, path))
    }

    fn index(&mut self, position: usize) {
        let hash = hash(&self.texts[position]);
        let mask = self.slots.len() - 1;
        let mut at = hash as usize & mask;
        while self.slots[at].text != 0 {
            at = (at + 1) & mask;
        }
        self.slots[at] = Slot { hash, text: position + 1 };
    }
}

fn free_slots(texts: usize) -> Vec<Slot> {
    vec![Slot { hash: 0, text: 0 }; (texts * 2).next_power_of_two().max(2)]
}

fn levels(path: &[u8]) -> impl Iterator<Item = &[u8]> {
    path.split(|&byte| byte == b'.')
}

/// Level by level; what the path has below the pattern does not matter. An empty level is nothing to stand for.
fn matches(pattern: &[u8], path: &[u8]) -> bool {
    let mut path = levels(path);
    levels(pattern).all(|wanted| match path.next() {
        Some(level) if wanted == ANY_LEVEL => !level.is_empty(),
        Some(level) => wanted == level,
        None => false,
    })
}

/// A multiplication folded onto itself per eight bytes; only equal bytes matter to the answer, not the quality.
#[inline]
fn hash(text: &[u8]) -> u64 {
    let mut state = text.len() as u64 ^ 0x9e37_79b9_7f4a_7c15;
    let mut chunks = text.chunks_exact(8);
    for chunk in &mut chunks {
        state = mix(state, word(chunk));
    }
    mix(state, word(chunks.remainder()))
}

#[inline]
fn word(bytes: &[u8]) -> u64 {
    if let Ok(whole) = bytes.try_into() {
        return u64::from_le_bytes(whole);
    }
    bytes.iter().fold(0, |word, &byte| word << 8 | u64::from(byte))
}

#[inline]
fn mix(state: u64, word: u64) -> u64 {
    let product = u128::from(state ^ word) * 0xd6e8_feb8_6659_fd93;
    product as u64 ^ (product >> 64) as u64
}
