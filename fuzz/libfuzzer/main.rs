//! All targets as one program for libFuzzer; `SKYPACT_FUZZ_TARGET` names the one to run.
//!
//! One program, so that one build and one link serve all; `cargo xtask fuzz` starts it.
#![no_main]
// libFuzzer calls a function by its name, which no safe item can have; the macro below writes it.
#![allow(unsafe_code, missing_docs)]

use std::sync::OnceLock;

use libfuzzer_sys::fuzz_target;

static TARGET: OnceLock<&'static fuzz::Target> = OnceLock::new();

fuzz_target!(
    init: {
        let name = std::env::var("SKYPACT_FUZZ_TARGET").unwrap_or_default();
        let target = fuzz::target(&name);
        TARGET.get_or_init(|| target.unwrap_or_else(|| panic!("SKYPACT_FUZZ_TARGET={name:?} names no target")));
    },
    |data: &[u8]| {
        let Some(target) = TARGET.get() else { unreachable!("init ran") };
        // A refusal is as good an end as another; what must not happen, the target asserts.
        let _refused = (target.run)(data);
    }
);
