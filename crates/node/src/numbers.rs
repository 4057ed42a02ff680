//! The numbers by which releasers know own aircraft: made of what the aircraft or its feed says of itself, and of nothing
//! else. A number that counted tracks would tell a peer, by the order of rows and by what is new after a silence, of what own
//! sensors saw and of what is withheld.
use crate::picture::{Picture, Source, SystemTrack};
use track::Address;

/// Set in the number of an aircraft without an ICAO address.
const BARE: u64 = 1 << 63;
/// Bits of a feed's own number that are taken over. Feeds have addresses, track numbers or hashes there; of hashes, 48 bits
/// are as good as 64.
const LOCAL: u64 = (1 << 48) - 1;

/// The number without an address: the feed, and its own number for the aircraft.
pub(crate) const fn bare(feed: u16, local: u64) -> u64 {
    BARE | (feed as u64 & 0x7fff) << 48 | local & LOCAL
}

/// The feed and its own number, of a number without an address.
pub(crate) const fn of_feed(number: u64) -> Option<(u16, u64)> {
    if number & BARE == 0 { None } else { Some(((number >> 48) as u16 & 0x7fff, number & LOCAL)) }
}

/// The number of an own track: its address, else what its only source says. One that has an address only later is known by
/// that from then on.
pub(crate) fn number_of(track: &SystemTrack) -> Option<u64> {
    if let Some(address) = track.address {
        return Some(address.bits().into());
    }
    track.contributions.iter().find_map(|c| match c.source {
        Source::Feed(feed) => Some(bare(feed, c.local)),
        Source::Peer(_) => None,
    })
}

/// The track that a releaser knows by this number.
pub(crate) fn numbered(picture: &Picture, number: u64) -> Option<&SystemTrack> {
    let Some((feed, bits)) = of_feed(number) else {
        return picture.by_address(u32::try_from(number).ok().and_then(Address::from_bits)?);
    };
    let source = Source::Feed(feed);
    // Of two that share these bits the lower, which is the one that has no others. Only feeds with hashes have any that do.
    let exact = picture.by_source(source, bits).and_then(|id| picture.get(id));
    exact.or_else(|| {
        picture.of_source(source, LOCAL + 1).find(|(local, _)| local & LOCAL == bits).map(|(_, track)| track)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::input::Claim;
    use crate::picture::{Origin, Taken};
    use track::TrackReport;
    use units::{Now, Position, Utc};

    #[test]
    fn a_number_is_the_address_or_else_the_feed_and_its_own_number() {
        let mut picture = Picture::default();
        let mut number = |feed, local, address| {
            let report =
                TrackReport { address, ..TrackReport::new(local, Position::default(), Utc((local & 0xff) as i64)) };
            let taken = picture.take(&Origin::feed(feed, Claim::Own), report, Now::default());
            let (Taken::New(id) | Taken::Kept(id)) = taken else { panic!("{taken:?}") };
            let number = number_of(picture.get(id).unwrap()).unwrap();
            assert_eq!(numbered(&picture, number).map(|t| t.id), Some(id));
            number
        };
        assert_eq!(number(2, 7, None), BARE | 2 << 48 | 7);
        assert_eq!(number(3, 7, None), bare(3, 7));
        assert_eq!(number(2, 8, Address::from_bits(0x0100_4b1a)), bare(2, 8), "no ICAO address names an airframe");
        assert_eq!(number(2, 9, Address::icao(0x4b_1a41)), 0x4b_1a41);
        assert_eq!(number(3, 10, Address::icao(0x4b_1a41)), 0x4b_1a41);
        assert_eq!(number(2, 1 << 50 | 11, None), bare(2, 11));
        assert_eq!(numbered(&picture, bare(2, 12)).map(|t| t.id), None);
    }
}
