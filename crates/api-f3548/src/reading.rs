//! Reading a body beside everybody else's work: JSON of megabytes, and outlines of thousands of vertices, take as long as hundreds of
//! writes, and where requests are handled the console's are, too.
use crate::access::Client;
use crate::app::{App, ended};
use crate::problem::Problem;
use std::time::Duration;
use tokio::task::spawn_blocking;

/// A body of so many bytes is read where it came: that is an intent with a key of 350 versions, or an outline of 400 vertices.
const SHORT: usize = 16 << 10;
/// One long body of a USS is read at once; others of its wait.
pub(crate) const READ_AT_ONCE: usize = 1;

/// How many long bodies of all USSs are read at once: of two cores one is left.
pub(crate) fn all_at_once() -> usize {
    std::thread::available_parallelism().map_or(1, |cores| cores.get() / 2).max(1)
}

impl App {
    /// Reads the text of a body. What takes long is done beside and in turn, and is the USS's own time, also if it is refused in the end.
    pub async fn reading<T: Send + 'static>(
        &self,
        client: &Client,
        text: String,
        read: impl FnOnce(&App, &Client, &str) -> Result<T, Problem> + Send + 'static,
    ) -> Result<T, Problem> {
        if text.len() <= SHORT {
            return read(self, client, &text);
        }
        let turns = (self.reads.wait(client.name()).await, self.all_reads.clone().acquire_owned().await);
        self.take_time(client, Duration::ZERO)?;
        let (app, client) = (self.clone(), client.clone());
        let work = move || {
            // Until it is done, whether or not the client waits for it.
            let _turns = turns;
            app.time.during(client.name(), || read(&app, &client, &text))
        };
        ended(spawn_blocking(work).await)?
    }
}
