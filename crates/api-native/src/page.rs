//! Bounded lists with opaque cursors.
use crate::problem::{Kind, Problem};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Serialize;

/// Most items of one page.
pub(crate) const LIMIT_MAX: usize = 500;
const LIMIT_DEFAULT: usize = 100;
/// Points after which a page ends, whatever its limit: at 40 bytes of JSON a point, 4 MB. One item has at most
/// 256,000, and a peer's record at most 65,535 bytes of them.
const POINTS_MAX: usize = 100_000;

/// One page.
#[derive(Debug, Serialize)]
pub(crate) struct Page<T> {
    pub items: Vec<T>,
    pub next: Option<String>,
}

/// `?limit=` and `?after=`, and whatever else a list takes.
pub(crate) struct Query(Vec<(String, String)>);

impl Query {
    /// Parses a query string; only the `known` parameters may stand in it, each once.
    pub(crate) fn parse(query: Option<&str>, known: &[&str]) -> Result<Self, Problem> {
        let bad = |detail: String| Problem::new(Kind::BadRequest, detail);
        let mut found: Vec<(String, String)> = Vec::new();
        for part in query.unwrap_or("").split('&').filter(|part| !part.is_empty()) {
            let (key, value) = part.split_once('=').unwrap_or((part, ""));
            let shown: String = key.chars().filter(|c| !c.is_control()).take(40).collect();
            if !known.contains(&key) {
                return Err(bad(format!(
                    "the query parameter {shown:?} is not known here; known: {}",
                    known.join(", ")
                )));
            }
            if found.iter().any(|(k, _)| k == key) {
                return Err(bad(format!("the query parameter {shown:?} stands twice")));
            }
            // Every value used here is letters, digits, `-` and `_`, so nothing needs percent-decoding.
            if !value.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_') {
                return Err(bad(format!("{shown}: must be letters, digits, - and _")));
            }
            found.push((key.to_owned(), value.to_owned()));
        }
        Ok(Self(found))
    }

    pub(crate) fn get(&self, key: &str) -> Option<&str> {
        self.0.iter().find(|(k, _)| k == key).map(|(_, value)| value.as_str())
    }

    pub(crate) fn limit(&self) -> Result<usize, Problem> {
        let Some(text) = self.get("limit") else { return Ok(LIMIT_DEFAULT) };
        match text.parse() {
            Ok(limit) if (1..=LIMIT_MAX).contains(&limit) => Ok(limit),
            _ => Err(Problem::new(Kind::BadRequest, format!("limit: must be a whole number from 1 to {LIMIT_MAX}"))),
        }
    }

    /// The key after which the page begins.
    pub(crate) fn after<const N: usize>(&self) -> Result<Option<[u8; N]>, Problem> {
        let Some(text) = self.get("after") else { return Ok(None) };
        let bytes = URL_SAFE_NO_PAD.decode(text).ok();
        match bytes.and_then(|bytes| <[u8; N]>::try_from(bytes).ok()) {
            Some(key) => Ok(Some(key)),
            None => {
                Err(Problem::new(Kind::BadRequest, "after: is not a cursor of this list; use `next` of its answer"))
            }
        }
    }
}

/// The cursor of a key.
pub(crate) fn cursor(key: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(key)
}

/// Cuts one page out of `items`, in the order of their keys, which are unique. The order of `items` is of no account,
/// so a list that is shown by urgency can still be paged while it changes.
pub(crate) fn page<T, W, const N: usize>(
    items: &[T],
    key: impl Fn(&T) -> [u8; N],
    points: impl Fn(&T) -> usize,
    wire: impl Fn(&T) -> W,
    query: &Query,
) -> Result<Page<W>, Problem> {
    let (limit, after) = (query.limit()?, query.after::<N>()?);
    let mut rest: Vec<([u8; N], &T)> =
        items.iter().map(|item| (key(item), item)).filter(|(key, _)| after.is_none_or(|after| *key > after)).collect();
    rest.sort_unstable_by_key(|(key, _)| *key);
    let mut total = 0;
    let fits = rest.iter().take_while(|(_, item)| {
        total += points(item);
        total <= POINTS_MAX
    });
    let count = fits.take(limit).count().max(1).min(rest.len());
    let next = (rest.len() > count).then(|| cursor(&rest[count - 1].0));
    rest.truncate(count);
    Ok(Page { items: rest.into_iter().map(|(_, item)| wire(item)).collect(), next })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paging_meets_every_item_once_in_order() {
        let items: Vec<u32> = (0..1234).rev().collect();
        for limit in [1, 7, 500] {
            let (mut got, mut after) = (Vec::new(), None::<String>);
            loop {
                let text = match &after {
                    Some(after) => format!("limit={limit}&after={after}"),
                    None => format!("limit={limit}"),
                };
                let query = Query::parse(Some(&text), &["limit", "after"]).unwrap();
                let page = page(&items, |i| i.to_be_bytes(), |_| 0, |i| *i, &query).unwrap();
                assert!(page.items.len() <= limit);
                got.extend(page.items);
                assert!(got.len() <= items.len(), "the same items come again");
                after = page.next;
                if after.is_none() {
                    break;
                }
            }
            assert_eq!(got, (0..1234).collect::<Vec<_>>());
        }
    }

    #[test]
    fn heavy_items_make_short_pages_and_none_is_lost() {
        let items: Vec<u32> = (0..10).collect();
        let query = Query::parse(None, &["limit", "after"]).unwrap();
        let count = |points: usize| {
            let page = page(&items, |i| i.to_be_bytes(), |_| points, |i| *i, &query).unwrap();
            (page.items.len(), page.next.is_some())
        };
        assert_eq!(count(10_000), (10, false));
        assert_eq!(count(30_000), (3, true));
        assert_eq!(count(1_000_000), (1, true));
    }

    #[test]
    fn a_query_that_is_not_understood_is_refused() {
        let check = |text: &str, expect: &str| {
            let got = Query::parse(Some(text), &["limit", "after"])
                .and_then(|q| q.limit().and_then(|_| q.after::<4>()))
                .map_or_else(|p| p.detail, |_| String::from("ok"));
            assert_eq!(got, expect, "{text}");
        };
        check("limit=500", "ok");
        check("limit=0", "limit: must be a whole number from 1 to 500");
        check("limit=501", "limit: must be a whole number from 1 to 500");
        check("limit=x", "limit: must be a whole number from 1 to 500");
        check("after=AAAAAA", "ok");
        check("after=AAAAA", "after: is not a cursor of this list; use `next` of its answer");
        check("after=%00", "after: must be letters, digits, - and _");
        check("limt=5", r#"the query parameter "limt" is not known here; known: limit, after"#);
        check("limit=5&limit=6", r#"the query parameter "limit" stands twice"#);
    }
}
