//! JSON and query parameters of remote ID (F3411-22a).
use super::Plain;
use super::answers::SubscriptionState;
use super::asks::base_url;
use super::object::Object;
use super::time::{Rounded, Time, instant};
use super::volume::{Volume4D, Wrong, keys};
use crate::access::Client;
use crate::app::App;
use crate::problem::Problem;
use cells::LatLng;
use dss::{AreaOfInterest, CellKey, IsaRef, PutRid, RidSubscriptionRef, Text, ToNotify};
use serde::{Deserialize, Serialize};

/// Most digits of a version: those of 128 bits.
const VERSION_MAX: usize = 32;

/// Of an identification service area, or of a subscription to them.
#[derive(Debug, Deserialize)]
pub(crate) struct Parameters {
    extents: Object<Volume4D>,
    uss_base_url: String,
}

impl Parameters {
    pub fn read(self, app: &App, client: &Client) -> Result<PutRid, Problem> {
        let uss_base_url = base_url(app, client, "uss_base_url", &self.uss_base_url)?;
        let AreaOfInterest { cells, start, end, lower, upper } = self.extents.area("extents")?;
        let extent = dss::Extent { cells, lower, upper, ..dss::Extent::default() };
        Ok(PutRid { extent, start, end, uss_base_url })
    }
}

/// A version in the path. What no version can look like is a mistake of the client's, not a change by somebody else.
pub(crate) fn version(text: &str) -> Result<String, Problem> {
    if text.is_empty() || text.len() > VERSION_MAX || !text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')) {
        return Err(Problem::field("version", format!("not 1 to {VERSION_MAX} of 0 to 9 and a to f")));
    }
    Ok(text.to_owned())
}

/// The one value of a query parameter. Parameters that are not known are ignored.
fn parameter<'a>(parameters: &'a [(String, String)], name: &str) -> Result<Option<&'a str>, Problem> {
    let mut values = parameters.iter().filter(|(n, _)| n == name).map(|(_, value)| value.as_str());
    match (values.next(), values.next()) {
        (_, Some(_)) => Err(Problem::field(name, "given more than once")),
        (value, None) => Ok(value),
    }
}

/// The cells of the parameter `area`.
pub(crate) fn area(parameters: &[(String, String)]) -> Result<Vec<CellKey>, Problem> {
    let text = parameter(parameters, "area")?.ok_or_else(|| Problem::field("area", "is needed"))?;
    keys("area", cells::polygon(&vertices(text)?)).map_err(Wrong::in_search)
}

/// What is asked for with `area`, `earliest_time` and `latest_time`; nothing that has ended.
pub(crate) fn area_of_interest(parameters: &[(String, String)], now: i64) -> Result<AreaOfInterest, Problem> {
    let time = |name: &str, rounded| parameter(parameters, name)?.map(|text| instant(name, text, rounded)).transpose();
    let start = time("earliest_time", Rounded::Down)?;
    let end = time("latest_time", Rounded::Up)?;
    if let (Some(start), Some(end)) = (start, end)
        && start > end
    {
        return Err(Problem::field("latest_time", "before earliest_time"));
    }
    let start = Some(start.map_or(now, |start| start.max(now)));
    Ok(AreaOfInterest { cells: area(parameters)?, start, end, lower: None, upper: None })
}

/// `lat,lng,lat,lng,...` in degrees. How many there may be follows from the length of an address, 64 KiB.
fn vertices(text: &str) -> Result<Vec<LatLng>, Problem> {
    let number = |(at, text): (usize, &str)| {
        text.trim().parse::<f64>().map_err(|_| {
            let name = if at % 2 == 0 { "latitude" } else { "longitude" };
            Problem::field("area", format!("the {name} of vertex {} is not a number", at / 2))
        })
    };
    let numbers: Vec<f64> = text.split(',').enumerate().map(number).collect::<Result<_, _>>()?;
    let (pairs, rest) = numbers.as_chunks::<2>();
    if !rest.is_empty() {
        return Err(Problem::field("area", "an odd number of coordinates: it is lat,lng,lat,lng,... of the vertices"));
    }
    Ok(pairs.iter().map(|[lat, lng]| LatLng { lat: *lat, lng: *lng }).collect())
}

#[derive(Debug, Serialize)]
pub(crate) struct IdentificationServiceArea {
    id: Plain<dss::Id>,
    owner: Plain<Text>,
    version: String,
    uss_base_url: Plain<Text>,
    time_start: Time,
    time_end: Time,
}

#[derive(Debug, Serialize)]
pub(crate) struct Subscription {
    id: Plain<dss::Id>,
    owner: Plain<Text>,
    version: String,
    uss_base_url: Plain<Text>,
    notification_index: u32,
    time_start: Time,
    time_end: Time,
}

#[derive(Debug, Serialize)]
pub(crate) struct SubscriberToNotify {
    subscriptions: Vec<SubscriptionState>,
    url: Plain<Text>,
}

#[derive(Debug, Serialize)]
pub(crate) struct ChangeIsaResponse {
    pub service_area: IdentificationServiceArea,
    pub subscribers: Vec<SubscriberToNotify>,
}

#[derive(Debug, Serialize)]
pub(crate) struct ChangeSubscriptionResponse {
    pub subscription: Subscription,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service_areas: Option<Vec<IdentificationServiceArea>>,
}

impl From<IsaRef> for IdentificationServiceArea {
    fn from(isa: IsaRef) -> Self {
        Self {
            id: Plain(isa.id),
            owner: Plain(isa.owner),
            version: isa.version,
            uss_base_url: Plain(isa.uss_base_url),
            time_start: Time::of(isa.start),
            time_end: Time::of(isa.end),
        }
    }
}

impl From<RidSubscriptionRef> for Subscription {
    fn from(subscription: RidSubscriptionRef) -> Self {
        Self {
            id: Plain(subscription.id),
            owner: Plain(subscription.owner),
            version: subscription.version,
            uss_base_url: Plain(subscription.uss_base_url),
            notification_index: subscription.index,
            time_start: Time::of(subscription.start),
            time_end: Time::of(subscription.end),
        }
    }
}

impl From<ToNotify> for SubscriberToNotify {
    fn from(to: ToNotify) -> Self {
        Self { subscriptions: super::answers::all(to.subscriptions), url: Plain(to.uss_base_url) }
    }
}
