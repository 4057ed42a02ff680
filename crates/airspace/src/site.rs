//! Protected sites: civil and humanitarian objects to keep clear of.
use crate::volume::{Outline, VolumeError};
use alloc::string::String;
use minicbor::{Decode, Encode};
use units::Utc;

/// What the site is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
#[cbor(index_only)]
pub enum SiteCategory {
    /// Hospital or clinic.
    #[n(0)]
    Hospital,
    /// School.
    #[n(1)]
    School,
    /// Market.
    #[n(2)]
    Market,
    /// Water or power plant.
    #[n(3)]
    Water,
    /// Camp of displaced people.
    #[n(4)]
    Camp,
    /// Warehouse of aid.
    #[n(5)]
    Warehouse,
    /// Office of a humanitarian organisation.
    #[n(6)]
    Office,
    /// Any other.
    #[n(7)]
    Other,
}

/// How far the place has been verified.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
#[cbor(index_only)]
pub enum Verification {
    /// V0: claimed.
    #[n(0)]
    Claimed,
    /// V1: checked by the filer.
    #[n(1)]
    FilerChecked,
    /// V2: checked on imagery or in the field.
    #[n(2)]
    FieldChecked,
    /// V3: confirmed by an independent body.
    #[n(3)]
    Independent,
}

/// A protected site. Being listed is a notification, not a permission; not being listed removes no protection.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Encode, Decode)]
pub struct Site {
    /// What it is.
    #[n(0)]
    pub category: SiteCategory,
    /// Name, at most 80 characters; may be withheld.
    #[n(1)]
    pub name: Option<String>,
    /// Footprint.
    #[n(2)]
    pub footprint: Outline,
    /// Keep-clear distance around the footprint, millimetres.
    #[n(3)]
    pub buffer_mm: i64,
    /// Verification level.
    #[n(4)]
    pub verification: Verification,
    /// After this instant the entry must be renewed; it is then shown as expired, never dropped silently.
    #[n(5)]
    pub expires: Utc,
}

impl Site {
    /// Checks the footprint, the buffer and the name.
    ///
    /// # Errors
    /// The first rule that is broken.
    pub fn check(&self) -> Result<(), VolumeError> {
        if self.buffer_mm < 0 || self.buffer_mm > crate::limits::RADIUS_MAX_MM {
            return Err(VolumeError::Radius { what: "buffer", got_mm: self.buffer_mm });
        }
        if let Some(name) = &self.name
            && name.len() > 80
        {
            return Err(VolumeError::TooMany { what: "characters of the site's name", max: 80, got: name.len() });
        }
        self.footprint.check()
    }
}
