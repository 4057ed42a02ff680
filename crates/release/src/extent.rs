//! Plans and sites as a peer may see them: what has an extent is snapped outward, in place, level and time.
use airspace::{Limit, Outline, Plan, PlanState, Site, SiteCategory, Volume4d, limits};
use alloc::vec::Vec;
use record::{Avoid, Body, TextLimits};
use units::{AircraftClass, Altitude, Height, Utc};

use crate::area::{GeoBox, cover};
use crate::grid::{Grid, polygon};
use crate::lanes::BLOCK;
use crate::policy::{Identity, Level};
use crate::released::NoForm;

/// Times of a plan that is released with a precision are snapped to this.
const MINUTE_MS: i64 = 60_000;

/// Boxes that hold all of the volumes' outlines; `None` if one has none.
pub(crate) fn boxes<'a>(outlines: impl Iterator<Item = &'a Outline>) -> Option<Vec<GeoBox>> {
    let mut all = Vec::new();
    for outline in outlines {
        all.extend(cover(outline)?);
    }
    Some(all)
}

/// What a peer is told of a plan at a level; nothing if there is nothing to say.
pub(crate) fn plan(plan: &Plan, level: Level) -> Result<Vec<Body>, NoForm> {
    let whole = |plan: Plan| match plan.check() {
        Ok(()) => Ok(alloc::vec![Body::Plan(plan)]),
        Err(_) => Err(NoForm::Cells),
    };
    match level {
        _ if plan.state == PlanState::Draft => Ok(Vec::new()),
        Level::Withheld => Ok(Vec::new()),
        Level::Full => whole(plan.clone()),
        Level::Reduced { precision_mm, identity, .. } => {
            let volumes = match Grid::of_precision(precision_mm) {
                None => plan.volumes.clone(),
                Some(grid) => snapped(&plan.volumes, grid, MINUTE_MS, None)?,
            };
            let (callsign, address) =
                if identity == Identity::Keep { (plan.callsign.clone(), plan.address) } else { (None, None) };
            whole(Plan { callsign, address, volumes, ..plan.clone() })
        }
        Level::Coarse { cell_e7, bin_ms } => {
            let volumes = snapped(&plan.volumes, Grid::new(cell_e7), bin_ms.into(), Some(BLOCK))?;
            // The state stays: that a flight left its volumes, or is in need, is for the safety of others.
            whole(Plan {
                callsign: None,
                class: AircraftClass::Unknown,
                state: plan.state,
                priority: 0,
                special: None,
                volumes,
                address: None,
            })
        }
        Level::AvoidArea { .. } if !plan.state.is_live() => Ok(Vec::new()),
        Level::AvoidArea { cell_e7, bin_ms } => {
            let volumes = snapped(&plan.volumes, Grid::new(cell_e7), bin_ms.into(), Some(BLOCK))?;
            let part = |volumes: &[Volume4d]| Body::Avoid(Avoid { volumes: volumes.to_vec() });
            Ok(volumes.chunks(TextLimits::NOTICE_VOLUMES_MAX).map(part).collect())
        }
    }
}

/// What a peer is told of a site at a level.
pub(crate) fn site(site: &Site, level: Level) -> Result<Vec<Body>, NoForm> {
    let whole = |site: Site| match site.check() {
        Ok(()) => Ok(alloc::vec![Body::Site(site)]),
        Err(_) => Err(NoForm::Cells),
    };
    let footprint = |grid: Grid| {
        let boxes = cover(&site.footprint)?;
        // One footprint: a corridor's legs are taken together.
        let all = boxes.iter().skip(1).try_fold(*boxes.first()?, |all, b| all.union(b))?;
        polygon(&grid.snap_box(&all)?)
    };
    let footprint = |grid: Grid| footprint(grid).ok_or(NoForm::Cells);
    match level {
        Level::Withheld | Level::AvoidArea { .. } => Ok(Vec::new()),
        Level::Full => whole(site.clone()),
        Level::Reduced { precision_mm, identity, .. } => {
            let snapped = match Grid::of_precision(precision_mm) {
                None => site.footprint.clone(),
                Some(grid) => footprint(grid)?,
            };
            let name = if identity == Identity::Keep { site.name.clone() } else { None };
            whole(Site { name, footprint: snapped, ..site.clone() })
        }
        Level::Coarse { cell_e7, .. } => {
            let footprint = footprint(Grid::new(cell_e7))?;
            whole(Site { category: SiteCategory::Other, name: None, footprint, ..site.clone() })
        }
    }
}

/// The volumes snapped outward: to whole cells, to whole bins, and to whole blocks if one is given. Equal ones are told once.
fn snapped(volumes: &[Volume4d], grid: Grid, bin_ms: i64, block: Option<i32>) -> Result<Vec<Volume4d>, NoForm> {
    let mut out: Vec<Volume4d> = Vec::new();
    for volume in volumes {
        for one in snapped_one(volume, grid, bin_ms, block).ok_or(NoForm::Cells)? {
            if !out.contains(&one) {
                out.push(one);
            }
            if out.len() > limits::VOLUMES_MAX {
                return Err(NoForm::Volumes);
            }
        }
    }
    Ok(out)
}

/// `None` if it has no box, or if the result would not be a volume.
fn snapped_one(volume: &Volume4d, grid: Grid, bin_ms: i64, block: Option<i32>) -> Option<Vec<Volume4d>> {
    let start = Utc(volume.start.0.div_euclid(bin_ms).checked_mul(bin_ms)?);
    let end = Utc(volume.end.0.checked_add(bin_ms - 1)?.div_euclid(bin_ms).checked_mul(bin_ms)?);
    let (lower, upper) = match block {
        None => (volume.lower, volume.upper),
        Some(block) => (down(volume.lower, block), up(volume.upper, block)),
    };
    let of_box = |b: &GeoBox| {
        let one = Volume4d { outline: polygon(&grid.snap_box(b)?)?, lower, upper, start, end };
        one.check().ok()?;
        Some(one)
    };
    cover(&volume.outline)?.iter().map(of_box).collect()
}

fn down(limit: Limit, block: i32) -> Limit {
    match limit {
        Limit::At(Altitude::Known(Height(h), r)) => {
            Limit::At(Altitude::Known(Height(h.div_euclid(block).saturating_mul(block)), r))
        }
        other => other,
    }
}

fn up(limit: Limit, block: i32) -> Limit {
    match limit {
        Limit::At(Altitude::Known(Height(h), r)) => {
            let blocks = h.div_euclid(block) + i32::from(h.rem_euclid(block) > 0);
            Limit::At(Altitude::Known(Height(blocks.saturating_mul(block)), r))
        }
        other => other,
    }
}

/// The last instant of a body's validity.
pub(crate) fn until(body: &Body) -> Option<Utc> {
    match body {
        Body::Plan(plan) => plan.volumes.iter().map(|v| v.end).max(),
        Body::Avoid(avoid) => avoid.volumes.iter().map(|v| v.end).max(),
        Body::Site(site) => Some(site.expires),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::String;
    use alloc::vec;
    use units::Vertex;

    fn volume(lat: f64) -> Volume4d {
        Volume4d {
            outline: Outline::Circle { centre: Vertex::from_degrees(lat, 8.51).unwrap(), radius_mm: 3_000_000 },
            lower: Limit::At(Altitude::pressure_feet(11_500)),
            upper: Limit::At(Altitude::pressure_feet(12_000)),
            start: Utc(61_001),
            end: Utc(119_999),
        }
    }

    fn mission() -> Plan {
        Plan {
            callsign: Some(String::from("VIPER1")),
            class: AircraftClass::Military,
            state: PlanState::Accepted,
            priority: 3,
            special: Some(airspace::SpecialHandling::State),
            volumes: vec![volume(47.21), volume(47.91)],
            address: Some(0x3f_1234),
        }
    }

    const COARSE: Level = Level::Coarse { cell_e7: 2_500_000, bin_ms: 1_800_000 };
    const AVOID: Level = Level::AvoidArea { cell_e7: 2_500_000, bin_ms: 600_000 };

    #[test]
    fn a_coarse_plan_tells_nothing_finer_than_cell_block_and_bin() {
        let mut other = mission();
        other.callsign = Some(String::from("COBRA7"));
        other.class = AircraftClass::Uas;
        other.address = None;
        other.special = None;
        other.priority = 0;
        for v in &mut other.volumes {
            let Outline::Circle { centre, radius_mm } = &mut v.outline else { continue };
            (centre.lat_e9, *radius_mm) = (centre.lat_e9 + 3_000_000, 2_500_000);
            (v.start, v.end) = (Utc(1), Utc(1_700_000));
            v.lower = Limit::At(Altitude::pressure_feet(11_001));
        }
        let told = plan(&mission(), COARSE).unwrap();
        assert_eq!(told, plan(&other, COARSE).unwrap());
        let [Body::Plan(p)] = told.as_slice() else { panic!("one plan") };
        assert_eq!((p.volumes[0].start, p.volumes[0].end), (Utc(0), Utc(1_800_000)));
        assert_eq!(p.volumes[0].lower, Limit::At(Altitude::pressure_feet(11_000)));
        assert_eq!(p.volumes[0].upper, Limit::At(Altitude::pressure_feet(12_000)));
    }

    #[test]
    fn an_avoid_area_is_volumes_and_ends_with_the_flight() {
        let told = plan(&mission(), AVOID).unwrap();
        let [Body::Avoid(a)] = told.as_slice() else { panic!("one avoid area") };
        assert_eq!(a.volumes.len(), 2);
        let done = Plan { state: PlanState::Ended, ..mission() };
        assert_eq!(plan(&done, AVOID), Ok(vec![]));
        assert_eq!(plan(&done, Level::Full).unwrap().len(), 1);
    }

    #[test]
    fn a_draft_never_leaves_whatever_the_level() {
        let draft = Plan { state: PlanState::Draft, ..mission() };
        let reduced = Level::Reduced { precision_mm: 0, delay_ms: 0, identity: Identity::Keep };
        for level in [Level::Full, reduced, COARSE, AVOID] {
            assert_eq!(plan(&draft, level), Ok(vec![]));
        }
    }

    #[test]
    fn a_reduced_plan_loses_its_identity_and_its_sharp_edges() {
        let level = |precision_mm, identity| Level::Reduced { precision_mm, delay_ms: 0, identity };
        let told = plan(&mission(), level(0, Identity::Drop)).unwrap();
        assert_eq!(told, vec![Body::Plan(Plan { callsign: None, address: None, ..mission() })]);
        assert_eq!(plan(&mission(), level(0, Identity::Keep)), Ok(vec![Body::Plan(mission())]));
        let told = plan(&mission(), level(1_000_000, Identity::Keep)).unwrap();
        let [Body::Plan(p)] = told.as_slice() else { panic!("one plan") };
        assert!(matches!(p.volumes[0].outline, Outline::Polygon(_)));
        assert_eq!((p.volumes[0].start, p.volumes[0].end), (Utc(60_000), Utc(120_000)));
    }

    #[test]
    fn a_volume_at_the_pole_has_no_box_and_is_withheld_rather_than_cut() {
        let polar = Plan { volumes: vec![volume(89.9)], ..mission() };
        assert_eq!(plan(&polar, COARSE), Err(NoForm::Cells));
        assert_eq!(plan(&polar, AVOID), Err(NoForm::Cells));
        assert_eq!(plan(&polar, Level::Full).unwrap().len(), 1);
    }

    #[test]
    fn a_plan_of_as_many_cells_as_no_record_holds_is_withheld_rather_than_cut() {
        let of = |many: u32| {
            let one = |n: u32| {
                let (start, end) = (Utc(i64::from(n) * 3_600_000 + 1), Utc(i64::from(n) * 3_600_000 + 3_599_999));
                Volume4d { start, end, ..volume(47.21) }
            };
            Plan { volumes: (0..many).flat_map(|n| [one(n), one(n)]).collect(), ..mission() }
        };
        let most = limits::VOLUMES_MAX as u32;
        assert_eq!(plan(&of(most + 1), COARSE), Err(NoForm::Volumes));
        let told = plan(&of(most), COARSE).unwrap();
        let [Body::Plan(p)] = told.as_slice() else { panic!("one plan") };
        assert_eq!(p.volumes.len(), limits::VOLUMES_MAX, "equal ones once");
    }

    #[test]
    fn a_coarse_site_keeps_its_buffer_and_loses_its_name() {
        let clinic = Site {
            category: SiteCategory::Hospital,
            name: Some(String::from("Clinic 4")),
            footprint: Outline::Circle { centre: Vertex::from_degrees(47.0, 8.0).unwrap(), radius_mm: 100_000 },
            buffer_mm: 2_000_000,
            verification: airspace::Verification::FieldChecked,
            expires: Utc(1_000_000),
        };
        let told = site(&clinic, COARSE).unwrap();
        let [Body::Site(s)] = told.as_slice() else { panic!("one site") };
        assert_eq!((s.category, s.name.as_deref(), s.buffer_mm), (SiteCategory::Other, None, 2_000_000));
        assert!(matches!(s.footprint, Outline::Polygon(_)));
    }
}
