//! Volumes and sites made ready for decisions, whatever their outline.
use airspace::{Outline, Site, Volume4d, VolumeError, limits};
use detect::{PreparedSite, PreparedVolume};
use units::earth;

/// A volume as given, or, of an outline that a detector refuses (a peer may send one), a circle around it.
pub(super) fn covering(volume: &Volume4d) -> Option<PreparedVolume> {
    PreparedVolume::prepare(volume).ok().or_else(|| {
        let outline = circle_around(&volume.outline)?;
        PreparedVolume::prepare(&Volume4d { outline, ..volume.clone() }).ok()
    })
}

/// The same, of a notice: any number of corners is as good as a circle around them. 1,000 notices of 16 volumes would else
/// hold 16 million corners.
pub(super) fn covering_briefly(volume: &Volume4d) -> Option<PreparedVolume> {
    if volume.outline.points().len() <= BRIEF_CORNERS {
        return covering(volume);
    }
    let outline = circle_around(&volume.outline)?;
    PreparedVolume::prepare(&Volume4d { outline, ..volume.clone() }).ok()
}

/// Corners of a volume of a notice that are looked at one by one.
const BRIEF_CORNERS: usize = 12;

pub(super) fn covering_site(site: &Site) -> Option<PreparedSite> {
    PreparedSite::prepare(site).ok().or_else(|| {
        let footprint = circle_around(&site.footprint)?;
        PreparedSite::prepare(&Site { footprint, ..site.clone() }).ok()
    })
}

/// A circle that holds every corner, and with it every edge between two of them.
fn circle_around(outline: &Outline) -> Option<Outline> {
    let centre = *outline.points().first()?;
    let width_mm = match outline {
        Outline::Polygon(_) => 0,
        Outline::Circle { radius_mm, .. } => *radius_mm,
        Outline::Corridor { half_width_mm, .. } => *half_width_mm,
    };
    let farthest = outline
        .points()
        .iter()
        .map(|p| earth::distance(centre.lat(), centre.lon(), p.lat(), p.lon()))
        .fold(0.0, |a: f64, b| if b > a { b } else { a });
    let radius_mm = libm::ceil(farthest * 1010.0) as i64 + width_mm + 1000;
    Some(Outline::Circle { centre, radius_mm: radius_mm.min(limits::RADIUS_MAX_MM) })
}

/// Refuses volumes that a detector cannot prepare.
pub(crate) fn check(volumes: &[Volume4d]) -> Result<(), VolumeError> {
    volumes.iter().try_for_each(|volume| PreparedVolume::prepare(volume).map(|_| ()))
}

/// Refuses a site that a detector cannot prepare.
pub(crate) fn check_site(site: &Site) -> Result<(), VolumeError> {
    PreparedSite::prepare(site).map(|_| ())
}
