//! What has the same key, together: "1,000 and 100,000 items" for one sentence, "Mizzle and Dynamoose" for one reason.

/// Adds a value to those of its key; keys and values stay in the order in which they came.
pub fn add<K: PartialEq, V>(groups: &mut Vec<(K, Vec<V>)>, key: K, value: V) {
    match groups.iter_mut().find(|(known, _)| *known == key) {
        Some((_, values)) => values.push(value),
        None => groups.push((key, vec![value])),
    }
}
