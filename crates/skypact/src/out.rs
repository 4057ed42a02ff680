//! What a command prints. A reader that goes away (`| head`) ends nothing: the command goes on silently, so that its exit
//! code says what it found. Anything else that keeps output from being written makes the command fail.
//!
//! The macros take the place of those of the standard library, which panic on both.
use std::fmt::Arguments;
use std::io::{ErrorKind, Write};
use std::sync::atomic::{AtomicBool, Ordering};

/// Whether output was lost to something else than a reader that went away.
static LOST: AtomicBool = AtomicBool::new(false);

macro_rules! print {
    ($($arg:tt)*) => { $crate::out::print(format_args!($($arg)*), false) };
}

macro_rules! println {
    () => { $crate::out::print(format_args!(""), true) };
    ($($arg:tt)*) => { $crate::out::print(format_args!($($arg)*), true) };
}

macro_rules! eprintln {
    ($($arg:tt)*) => { $crate::out::complain(format_args!($($arg)*)) };
}

/// Prints to standard output.
pub fn print(text: Arguments<'_>, line: bool) {
    let mut out = std::io::stdout().lock();
    note(out.write_fmt(text).and_then(|()| if line { out.write_all(b"\n") } else { Ok(()) }));
}

/// Prints a line to standard error. If nobody can be told, there is nobody to tell.
pub fn complain(text: Arguments<'_>) {
    let mut err = std::io::stderr().lock();
    let _nobody_to_tell = err.write_fmt(text).and_then(|()| err.write_all(b"\n"));
}

/// Writes out what is held back. Says whether all output reached its reader, or the reader wanted no more.
pub fn is_whole() -> bool {
    note(std::io::stdout().lock().flush());
    !LOST.load(Ordering::Relaxed)
}

fn note(result: std::io::Result<()>) {
    match result {
        Err(error) if error.kind() != ErrorKind::BrokenPipe && !LOST.swap(true, Ordering::Relaxed) => {
            complain(format_args!("skypact: cannot write the output: {error}"));
        }
        _ => {}
    }
}
