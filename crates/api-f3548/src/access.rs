//! Who asks, and what the token allows.
use crate::app::App;
use crate::problem::Problem;
use axum::http::{HeaderMap, StatusCode, header};
use oauth::Claims;
use std::sync::Arc;

/// Strategic coordination.
pub(crate) const SC: &str = "utm.strategic_coordination";
/// Conformance monitoring for situational awareness.
pub(crate) const CMSA: &str = "utm.conformance_monitoring_sa";
/// Constraint management.
pub(crate) const CM: &str = "utm.constraint_management";
/// Constraint processing.
pub(crate) const CP: &str = "utm.constraint_processing";
/// Availability arbitration.
pub(crate) const AA: &str = "utm.availability_arbitration";
/// Remote ID: display provider.
pub(crate) const DP: &str = "rid.display_provider";
/// Remote ID: service provider.
pub(crate) const SP: &str = "rid.service_provider";
/// InterUSS: what version a system is.
pub(crate) const READ_VERSIONS: &str = "interuss.versioning.read_system_versions";
/// InterUSS: which instances share what is here.
pub(crate) const READ_POOL: &str = "interuss.pool_status.read";

/// Longest name of a USS.
const SUB_MAX: usize = 255;

/// A USS that has shown a token.
#[derive(Debug, Clone)]
pub(crate) struct Client(Arc<Claims>);

impl Client {
    /// Its name: `sub` of the token, and the manager of what it writes.
    pub fn name(&self) -> &str {
        &self.0.sub
    }

    pub fn has(&self, scope: &str) -> bool {
        self.0.has(scope)
    }

    /// One of this name, that has shown nothing.
    #[cfg(test)]
    pub fn named(sub: &str) -> Self {
        let (scopes, aud) = Default::default();
        Self(Arc::new(Claims { sub: sub.into(), iss: None, scopes, aud, exp: 0, nbf: None, iat: None }))
    }
}

impl App {
    /// The client of a request whose token bears one of the scopes; of none at all, any token does.
    pub fn client(&self, headers: &HeaderMap, scopes: &[&str]) -> Result<Client, Problem> {
        let refused = |why: String| Problem::new(StatusCode::UNAUTHORIZED, why);
        let mut all = headers.get_all(header::AUTHORIZATION).iter();
        let (Some(value), None) = (all.next(), all.next()) else {
            return Err(refused("send one Authorization header: Bearer and an access token".into()));
        };
        let value = value.to_str().ok().and_then(|text| text.split_once(' '));
        let Some((_, token)) = value.filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer")) else {
            return Err(refused("Authorization: not Bearer and an access token".into()));
        };
        let claims = self.options.verifier.verify(token.trim(), self.backend.token_utc_s());
        let claims = claims.map_err(|e| refused(e.to_string()))?;
        let plain = !claims.sub.is_empty() && claims.sub.len() <= SUB_MAX && !claims.sub.contains(char::is_control);
        if !plain {
            return Err(refused(format!(
                "access token: sub is not a name of 1 to {SUB_MAX} bytes without control characters"
            )));
        }
        // What peers released is managed under their names.
        if self.backend.is_party(&claims.sub) {
            let why = format!("access token: sub {} is the name of a party of this node and no USS's", claims.sub);
            return Err(Problem::new(StatusCode::FORBIDDEN, why));
        }
        if !scopes.is_empty() && !scopes.iter().any(|scope| claims.has(scope)) {
            let needed = scopes.join(" or ");
            return Err(Problem::new(StatusCode::FORBIDDEN, format!("access token: the scope {needed} is needed")));
        }
        Ok(Client(claims))
    }
}
