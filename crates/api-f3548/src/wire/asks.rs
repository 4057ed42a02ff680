//! Requests.
use super::address::Address;
use super::object::Object;
use super::volume::{Needs, Volume4D, Wrong, extents, stated};
use crate::access::{CMSA, Client};
use crate::app::App;
use crate::backend::Volume;
use crate::body;
use crate::problem::Problem;
use axum::http::StatusCode;
use dss::{
    AvailabilityState, IntentState, NewSubscription, PutConstraint, PutIntent, PutSubscription, SetAvailability,
    Supporting,
};
use serde::Deserialize;

/// Longest version number of the standard.
const OVN_MAX: usize = 128;
/// Longest name of a USS.
const USS_MAX: usize = 255;

#[derive(Debug, Deserialize)]
pub(crate) struct QueryParameters {
    pub area_of_interest: Option<Object<Volume4D>>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct IntentParameters {
    extents: Vec<Object<Volume4D>>,
    #[serde(default)]
    key: Option<Vec<String>>,
    state: String,
    uss_base_url: String,
    #[serde(default)]
    subscription_id: Option<String>,
    #[serde(default)]
    new_subscription: Option<Object<ImplicitSubscription>>,
    #[serde(default)]
    requested_ovn_suffix: Option<String>,
}

#[derive(Debug, Deserialize)]
struct ImplicitSubscription {
    uss_base_url: String,
    #[serde(default)]
    notify_for_constraints: Option<bool>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct ConstraintParameters {
    extents: Vec<Object<Volume4D>>,
    uss_base_url: String,
}

#[derive(Debug, Deserialize)]
pub(crate) struct SubscriptionParameters {
    extents: Object<Volume4D>,
    uss_base_url: String,
    #[serde(default)]
    notify_for_operational_intents: Option<bool>,
    #[serde(default)]
    notify_for_constraints: Option<bool>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct AvailabilityParameters {
    availability: String,
    #[serde(default)]
    old_version: Option<String>,
}

/// An identifier in the path or in a body.
pub(crate) fn id(field: &str, text: &str) -> Result<dss::Id, Problem> {
    dss::Id::parse(text).map_err(|error| Problem::field(field, error))
}

/// A name of a USS, or of what else has names, in the path.
pub(crate) fn name(field: &str, text: &str) -> Result<String, Problem> {
    if text.is_empty() || text.len() > USS_MAX || text.contains(char::is_control) {
        return Err(Problem::field(field, format!("not a name of 1 to {USS_MAX} bytes without control characters")));
    }
    Ok(text.to_owned())
}

/// A version number in the path.
pub(crate) fn ovn(field: &str, text: &str) -> Result<String, Problem> {
    if text.is_empty() || text.len() > OVN_MAX {
        return Err(Problem::field(field, format!("not 1 to {OVN_MAX} bytes")));
    }
    Ok(text.to_owned())
}

/// An address of a USS: `https`, or `http` where that was switched on, and one of the client's own where it is bound to some.
pub(crate) fn base_url(app: &App, client: &Client, field: &str, url: &str) -> Result<String, Problem> {
    let address = Address::parse(url).map_err(|why| Problem::field(field, why))?;
    if !address.is_https() && !app.options.http_base_urls {
        return Err(Problem::field(field, "must be https; plain http is not taken here"));
    }
    let forbidden = |reason: String| Err(Problem::new(StatusCode::FORBIDDEN, format!("{field}: {reason}")));
    let bound = &app.options.base_urls;
    let below = |own: &String| Address::parse(own).is_ok_and(|own| address.is_below(&own));
    let anothers = |(sub, own): (&String, &Vec<String>)| sub != client.name() && own.iter().any(below);
    match bound.get(client.name()) {
        Some(own) if own.iter().any(below) => Ok(url.to_owned()),
        Some(_) => forbidden(format!("{} may not write this address", client.name())),
        None if app.options.only_named => forbidden(format!("{} may write no address here", client.name())),
        None if bound.iter().any(anothers) => forbidden("it is another USS's".into()),
        None => Ok(url.to_owned()),
    }
}

impl IntentParameters {
    /// What is asked, and the volumes as stated.
    pub fn read(self, app: &App, client: &Client, created: bool) -> Result<(PutIntent, Vec<Volume>), Problem> {
        let uss_base_url = base_url(app, client, "uss_base_url", &self.uss_base_url)?;
        let supporting = match (self.subscription_id.as_deref(), self.new_subscription) {
            // Also if the first is empty, which alone is none.
            (Some(_), Some(_)) => {
                return Err(Problem::field("new_subscription", "give it or subscription_id, not both"));
            }
            (None | Some(""), None) => Supporting::Nothing,
            (Some(text), None) => Supporting::Subscription(id("subscription_id", text)?),
            (None, Some(new)) => Supporting::New(NewSubscription {
                uss_base_url: base_url(app, client, "new_subscription.uss_base_url", &new.uss_base_url)?,
                constraints: new.notify_for_constraints.unwrap_or(false),
            }),
        };
        let state = IntentState::ALL.into_iter().find(|state| state.name() == self.state).ok_or_else(|| {
            let names = IntentState::ALL.map(IntentState::name).join(", ");
            Problem::field("state", format!("none of {names}; one that has ended is deleted"))
        })?;
        let extents = extents(&self.extents, Needs { heights: true })?;
        if created && state != IntentState::Accepted {
            return Err(Problem::field("state", "an operational intent begins as Accepted"));
        }
        if state.needs_subscription() && supporting == Supporting::Nothing {
            let reason = format!("the state {} needs subscription_id or new_subscription", state.name());
            return Err(Problem::field("subscription_id", reason));
        }
        let key = self.key.unwrap_or_default();
        if let Some(at) = key.iter().position(|ovn| ovn.len() > OVN_MAX) {
            return Err(Problem::field(&format!("key[{at}]"), format!("more than {OVN_MAX} characters")));
        }
        let volumes = if app.options.volumes { stated(&self.extents, &extents) } else { Vec::new() };
        let put = PutIntent {
            extents,
            key: key.into_iter().collect(),
            state,
            uss_base_url,
            supporting,
            ovn_suffix: self.requested_ovn_suffix,
            cmsa: client.has(CMSA),
        };
        Ok((put, volumes))
    }
}

impl ConstraintParameters {
    pub fn read(self, app: &App, client: &Client) -> Result<PutConstraint, Problem> {
        Ok(PutConstraint {
            uss_base_url: base_url(app, client, "uss_base_url", &self.uss_base_url)?,
            extents: extents(&self.extents, Needs { heights: false })?,
        })
    }
}

/// The area of interest of a query.
pub(crate) fn area(text: &str) -> Result<dss::AreaOfInterest, Problem> {
    area_of(text, Problem::from)
}

/// The same with errors of the outline as these.
pub(crate) fn area_of(text: &str, wrong: impl FnOnce(Wrong) -> Problem) -> Result<dss::AreaOfInterest, Problem> {
    let parameters: QueryParameters = body::json(text)?;
    let area = parameters.area_of_interest.ok_or_else(|| Problem::field("area_of_interest", "is needed"))?;
    area.area("area_of_interest").map_err(wrong)
}

impl SubscriptionParameters {
    pub fn read(self, app: &App, client: &Client) -> Result<PutSubscription, Problem> {
        let uss_base_url = base_url(app, client, "uss_base_url", &self.uss_base_url)?;
        let (intents, constraints) = (self.notify_for_operational_intents, self.notify_for_constraints);
        let (intents, constraints) = (intents.unwrap_or(false), constraints.unwrap_or(false));
        let dss::AreaOfInterest { cells, start, end, lower, upper } = self.extents.area("extents")?;
        if !intents && !constraints {
            let reason = "it or notify_for_constraints must be true";
            return Err(Problem::field("notify_for_operational_intents", reason));
        }
        let extent = dss::Extent { cells, lower, upper, ..dss::Extent::default() };
        Ok(PutSubscription { extent, start, end, uss_base_url, intents, constraints })
    }
}

impl AvailabilityParameters {
    pub fn read(self, uss: String) -> Result<SetAvailability, Problem> {
        let all = [AvailabilityState::Unknown, AvailabilityState::Normal, AvailabilityState::Down];
        let state = all.into_iter().find(|state| state.name().eq_ignore_ascii_case(&self.availability));
        let state = state.ok_or_else(|| Problem::field("availability", "none of Unknown, Normal, Down"))?;
        let old_version = self.old_version.unwrap_or_default();
        if old_version.len() > OVN_MAX {
            return Err(Problem::field("old_version", format!("more than {OVN_MAX} characters")));
        }
        Ok(SetAvailability { uss, state, old_version })
    }
}
