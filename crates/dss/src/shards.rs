//! Entities by identifier, in parts that a copy shares with what it was copied from: a snapshot of a million of them is taken in no
//! time and encoded elsewhere, while each part is copied as it is first changed after that.
use crate::id::Id;
use alloc::collections::{BTreeMap, btree_map};
use alloc::sync::Arc;
use alloc::vec::Vec;
use minicbor::decode::{Decode, Decoder, Error};
use minicbor::encode::{Encode, Encoder, Write};

/// Of a million entities one part holds 4,000: to copy it takes 0.1 ms, because the entities themselves are shared too.
const PARTS: usize = 256;

type Part<T> = BTreeMap<Id, Arc<T>>;

/// A map of entities.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Shards<T> {
    parts: Vec<Arc<Part<T>>>,
    len: usize,
}

impl<T> Default for Shards<T> {
    fn default() -> Self {
        Self { parts: (0..PARTS).map(|_| Arc::default()).collect(), len: 0 }
    }
}

/// The part of an identifier: by its last byte, because those of one day may all begin alike (UUID version 7).
fn part_of(id: &Id) -> usize {
    usize::from(id.0[15])
}

impl<T: Clone> Shards<T> {
    pub fn len(&self) -> usize {
        self.len
    }

    pub fn contains_key(&self, id: &Id) -> bool {
        self.parts[part_of(id)].contains_key(id)
    }

    pub fn get(&self, id: &Id) -> Option<&T> {
        self.parts[part_of(id)].get(id).map(|entity| &**entity)
    }

    pub fn get_mut(&mut self, id: &Id) -> Option<&mut T> {
        // What is not there copies nothing.
        if !self.contains_key(id) {
            return None;
        }
        Arc::make_mut(&mut self.parts[part_of(id)]).get_mut(id).map(Arc::make_mut)
    }

    pub fn insert(&mut self, id: Id, entity: T) -> Option<T> {
        let old = Arc::make_mut(&mut self.parts[part_of(&id)]).insert(id, Arc::new(entity));
        self.len += usize::from(old.is_none());
        old.map(Arc::unwrap_or_clone)
    }

    pub fn remove(&mut self, id: &Id) -> Option<T> {
        if !self.contains_key(id) {
            return None;
        }
        let old = Arc::make_mut(&mut self.parts[part_of(id)]).remove(id)?;
        self.len -= 1;
        Some(Arc::unwrap_or_clone(old))
    }

    pub fn iter(&self) -> impl Iterator<Item = (&Id, &T)> {
        self.parts
            .iter()
            .flat_map(|part: &Arc<Part<T>>| -> btree_map::Iter<'_, Id, Arc<T>> { part.iter() })
            .map(|(id, entity)| (id, &**entity))
    }

    pub fn keys(&self) -> impl Iterator<Item = &Id> {
        self.iter().map(|(id, _)| id)
    }
}

/// As a map would be, in the order of the parts.
impl<C, T: Clone + Encode<C>> Encode<C> for Shards<T> {
    fn encode<W: Write>(&self, e: &mut Encoder<W>, ctx: &mut C) -> Result<(), minicbor::encode::Error<W::Error>> {
        e.map(self.len as u64)?;
        for (id, entity) in self.iter() {
            id.encode(e, ctx)?;
            entity.encode(e, ctx)?;
        }
        Ok(())
    }
}

impl<'b, C, T: Clone + Decode<'b, C>> Decode<'b, C> for Shards<T> {
    fn decode(d: &mut Decoder<'b>, ctx: &mut C) -> Result<Self, Error> {
        let count = d.map()?.ok_or_else(|| Error::message("a map without its length"))?;
        let mut shards = Self::default();
        for _ in 0..count {
            let id = Id::decode(d, ctx)?;
            if shards.insert(id, T::decode(d, ctx)?).is_some() {
                return Err(Error::message("an identifier twice"));
            }
        }
        Ok(shards)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[derive(Debug, Clone)]
    enum Change {
        Insert(Id, u32),
        Remove(Id),
        Add(Id),
        Copy,
    }

    fn id() -> impl Strategy<Value = Id> {
        (0u8..3, prop_oneof![Just(0u8), Just(7), Just(255)]).prop_map(|(first, last)| {
            let mut bytes = [0; 16];
            (bytes[0], bytes[15]) = (first, last);
            Id(bytes)
        })
    }

    fn changes() -> impl Strategy<Value = Vec<Change>> {
        let change = prop_oneof![
            4 => (id(), any::<u32>()).prop_map(|(id, n)| Change::Insert(id, n)),
            2 => id().prop_map(Change::Remove),
            2 => id().prop_map(Change::Add),
            1 => Just(Change::Copy),
        ];
        proptest::collection::vec(change, 0..40)
    }

    proptest! {
        #[test]
        fn they_are_a_map_and_what_was_copied_stays_as_it_was(changes in changes()) {
            let (mut shards, mut map) = (Shards::<u32>::default(), BTreeMap::<Id, u32>::new());
            let mut copies = Vec::new();
            for change in changes {
                match change {
                    Change::Insert(id, n) => prop_assert_eq!(shards.insert(id, n), map.insert(id, n)),
                    Change::Remove(id) => prop_assert_eq!(shards.remove(&id), map.remove(&id)),
                    Change::Add(id) => {
                        shards.get_mut(&id).into_iter().for_each(|n| *n = n.wrapping_add(1));
                        map.get_mut(&id).into_iter().for_each(|n| *n = n.wrapping_add(1));
                    }
                    Change::Copy => copies.push((shards.clone(), map.clone())),
                }
                prop_assert_eq!(shards.len(), map.len());
            }
            copies.push((shards, map));
            for (shards, map) in copies {
                let held: BTreeMap<Id, u32> = shards.iter().map(|(id, n)| (*id, *n)).collect();
                prop_assert_eq!(&held, &map);
                // Snapshots of before are maps in the order of identifiers.
                let bytes = minicbor::to_vec(&map).unwrap();
                prop_assert_eq!(&minicbor::decode::<Shards<u32>>(&bytes).unwrap(), &shards);
                let again = minicbor::to_vec(&shards).unwrap();
                prop_assert_eq!(again.len(), bytes.len());
                prop_assert_eq!(minicbor::decode::<BTreeMap<Id, u32>>(&again).unwrap(), map);
            }
        }
    }
}
