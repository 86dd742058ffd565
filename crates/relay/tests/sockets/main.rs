//! Sockets and queues as a device sees them, on both engines and on two nodes.

mod crash;
mod delivery;
mod full;
mod hostile;
mod lazy;
mod leaving;
mod lost;
mod multiplexed;
mod node;
mod people;
mod reach;
mod refusal;
mod waiting;

/// Writes each test once for every ground.
macro_rules! on_all_grounds {
    ($($name:ident),* $(,)?) => {
        mod sqlite { $(#[tokio::test(flavor = "multi_thread")] async fn $name() { super::$name(crate::people::Ground::Sqlite).await; })* }
        mod postgres { $(#[tokio::test(flavor = "multi_thread")] async fn $name() { super::$name(crate::people::Ground::Postgres).await; })* }
        mod two_nodes { $(#[tokio::test(flavor = "multi_thread")] async fn $name() { super::$name(crate::people::Ground::Nodes).await; })* }
    };
}
use on_all_grounds;
