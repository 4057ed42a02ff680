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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::Options;
    use crate::backend::{Answered, Backend, Details, Unavailable};
    use axum::http::StatusCode;
    use dss::{Found, Id, Outcome, Query, Refused, Request};
    use futures_util::FutureExt;
    use futures_util::future::BoxFuture;
    use oauth::{KeySet, Settings, Verifier};
    use std::sync::{Arc, mpsc};

    /// Nobody asks it anything.
    struct Nobody;

    impl Backend for Nobody {
        fn ask(&self, _: Request) -> BoxFuture<'_, Result<Answered<Outcome>, Unavailable>> {
            unreachable!()
        }

        fn query(&self, _: Query, _: String) -> BoxFuture<'_, Result<Answered<Result<Found, Refused>>, Unavailable>> {
            unreachable!()
        }

        fn details(&self, _: Id) -> BoxFuture<'_, Result<Answered<Option<Details>>, Unavailable>> {
            unreachable!()
        }

        fn utc_s(&self) -> i64 {
            0
        }

        fn token_utc_s(&self) -> i64 {
            0
        }

        fn is_party(&self, _: &str) -> bool {
            false
        }

        fn trouble(&self) -> Option<String> {
            None
        }

        fn entropy(&self) -> [u8; 32] {
            [0; 32]
        }
    }

    fn app() -> App {
        let settings = Settings { issuers: vec![], audiences: vec![], leeway_s: 0, max_lifetime_s: None };
        let verifier = Arc::new(Verifier::new(settings, KeySet::default()));
        App::new(Arc::new(Nobody), Options::new(verifier, "skypact/v0.0.0".into()))
    }

    /// Whether a turn of this USS is free, and how many of all.
    fn free(app: &App, uss: &str) -> (bool, usize) {
        (app.reads.wait(uss).now_or_never().is_some(), app.all_reads.available_permits())
    }

    #[tokio::test]
    async fn a_long_body_has_its_turn_until_it_is_read_whether_or_not_anybody_waits() {
        let (app, all) = (app(), all_at_once());
        let (one, other) = (Client::named("uss1"), Client::named("uss2"));
        let long = || "x".repeat(SHORT + 1);
        let (go, wait) = mpsc::channel::<()>();
        let (done, mut is_done) = tokio::sync::oneshot::channel();
        let mut reading = app
            .reading(&one, long(), move |_, _, text| {
                wait.recv().ok();
                done.send(text.len()).ok();
                Ok(())
            })
            .boxed();
        assert!(reading.as_mut().now_or_never().is_none());
        assert_eq!((free(&app, "uss1"), free(&app, "uss2")), ((false, all - 1), (true, all - 1)));
        // A short one waits for nobody.
        assert!(app.reading(&one, "x".repeat(SHORT), |_, _, _| Ok(())).now_or_never().is_some());
        // Who hangs up has it none the less.
        drop(reading);
        assert_eq!((free(&app, "uss1"), is_done.try_recv().is_err()), ((false, all - 1), true));
        let next = app.reading(&one, long(), |_, _, _| Ok(()));
        go.send(()).unwrap();
        let read = tokio::time::timeout(Duration::from_secs(60), next).await;
        assert!(read.expect("it has the turn then").is_ok());
        assert_eq!(is_done.await, Ok(SHORT + 1));
        // What is refused, or owes time, keeps none.
        let why = || Problem::new(StatusCode::BAD_REQUEST, "no");
        assert!(app.reading(&one, long(), move |_, _, _| Err::<(), _>(why())).await.is_err());
        app.time.take("uss2", Duration::from_secs(60), tokio::time::Instant::now()).unwrap();
        assert!(app.reading(&other, long(), |_, _, _| -> Result<(), _> { unreachable!() }).await.is_err());
        assert_eq!((free(&app, "uss1"), free(&app, "uss2")), ((true, all), (true, all)));
    }
}
