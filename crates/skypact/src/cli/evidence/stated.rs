//! Statements that replaced a party's keys (`spec/keys.md`): found in the logs, checked against the pact.
use crate::cli::evidence::logs::LinkLog;
use anyhow::Result;
use pact::SignedKeys;
use record::Body;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::rc::Rc;
use tlog::LogReader;

/// Statements by folder of a log. A log is searched once, and only if somebody asks: it means to read all of it.
#[derive(Debug, Default)]
pub struct Stated(RefCell<BTreeMap<PathBuf, Rc<[SignedKeys]>>>);

impl Stated {
    /// Those about the keys of either party, in the order of their numbers.
    pub fn of(&self, log: &LinkLog) -> Result<Vec<SignedKeys>> {
        let mut all = Vec::new();
        for (part, by) in log.both() {
            let known = self.0.borrow().get(&part.0).cloned();
            let found = match known {
                Some(found) => found,
                None => {
                    let mut found: Vec<SignedKeys> = Vec::new();
                    let size = part.covered();
                    let reader = LogReader::new(&part, size);
                    for start in (0..size).step_by(256) {
                        for entry in reader.entries(start..size.min(start + 256))? {
                            found.extend(statement(&entry).filter(|s| s.statement().party == by));
                        }
                    }
                    found.retain(|signed| signed.check(log.pact.pact()).is_ok());
                    found.sort_by_key(|signed| signed.statement().serial);
                    let found: Rc<[SignedKeys]> = found.into();
                    self.0.borrow_mut().insert(part.0.clone(), found.clone());
                    found
                }
            };
            all.extend(found.iter().cloned());
        }
        Ok(all)
    }

    /// Those that were found when somebody asked.
    pub fn found(&self, log: &LinkLog) -> Vec<SignedKeys> {
        let known = self.0.borrow();
        log.both().iter().filter_map(|(part, _)| known.get(&part.0)).flat_map(|found| found.iter().cloned()).collect()
    }
}

/// The statement that an entry of a log carries.
pub fn statement(entry: &[u8]) -> Option<SignedKeys> {
    match record::decode(entry).ok()?.record.body {
        Body::Keys(keys) => SignedKeys::parse(keys.statement.as_bytes()).ok(),
        _ => None,
    }
}
