//! Generators are one thread each, so that what they cost can be told from what they measure.

use std::future::Future;

use tokio::{sync::oneshot, task::LocalSet};

use crate::error::{BenchError, Tried as _};

/// Runs what `work` makes on a thread of its own.
pub(crate) async fn run<T, F>(work: impl FnOnce() -> F + Send + 'static) -> Result<T, BenchError>
where
    T: Send + 'static,
    F: Future<Output = Result<T, BenchError>>,
{
    let (done, result) = oneshot::channel();
    let on_this_thread = || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.tried("starting the generator's runtime")?;
        LocalSet::new().block_on(&runtime, work())
    };
    std::thread::Builder::new()
        .name("generator".to_owned())
        .spawn(move || {
            // Nobody waits any more if this fails.
            let _ = done.send(on_this_thread());
        })
        .tried("starting the generator's thread")?;
    result
        .await
        .unwrap_or_else(|_| Err(BenchError::Failed("the generator ended without a result".to_owned())))
}
