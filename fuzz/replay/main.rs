//! Lists the targets, or runs one on a file: `fuzz-replay [TARGET FILE]`.
use std::process::ExitCode;

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    match args.as_slice() {
        [] => {
            for target in fuzz::targets() {
                println!("{} {} {}", target.name, target.bytes_max, target.about);
            }
            ExitCode::SUCCESS
        }
        [name, file] => replay(name, file),
        _ => {
            eprintln!("usage: fuzz-replay [TARGET FILE]");
            ExitCode::from(2)
        }
    }
}

fn replay(name: &str, file: &str) -> ExitCode {
    let Some(target) = fuzz::target(name) else {
        eprintln!("{name} is no target");
        return ExitCode::from(2);
    };
    let bytes = match std::fs::read(file) {
        Ok(bytes) => bytes,
        Err(error) => {
            eprintln!("{file}: {error}");
            return ExitCode::from(2);
        }
    };
    // What is wrong, if something is, panics with its place.
    match (target.run)(&bytes) {
        Ok(()) => println!("{name}: taken"),
        Err(why) => println!("{name}: refused: {why}"),
    }
    ExitCode::SUCCESS
}
