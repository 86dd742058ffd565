//! Connections that only wait.

use std::{cell::Cell, rc::Rc, sync::Arc, time::Duration};

use tokio::{sync::Semaphore, task::JoinSet, time::sleep};

use super::{
    BenchError, clock,
    drain::LOGINS,
    link::Link,
    process,
    report::Outcome,
    rig::{Rig, Usage, count},
    server::Sends,
};

/// Logs everybody in on a server that was just started on the accounts of the others, and waits.
pub(super) async fn idle(rig: &mut Rig) -> Result<Outcome, BenchError> {
    let connections = rig.options.connections;
    let setting =
        format!("{connections} connections, {LOGINS} logins at a time, held for {} s", rig.options.hold);
    let mut outcome = Outcome::new("idle", setting);
    rig.servers.restart(Sends::Unlimited).await?;
    sleep(Duration::from_secs(1)).await;
    let family = rig.servers.family();
    let (resident, slab) = (family.resident(), process::kernel_slab());
    let (before, began) = (Usage::now(&rig.servers), clock::now());
    let logins = Arc::new(Semaphore::new(LOGINS));
    let open = Rc::new(Cell::new(0u32));
    let mut tasks = JoinSet::new();
    let places = [rig.servers.first().clone(), rig.servers.last().clone()];
    for (account, place) in rig.others().iter().take(count(connections)).zip(places.iter().cycle()) {
        let Ok(permit) = logins.clone().acquire_owned().await else { break };
        let (open, token, place) = (open.clone(), account.token.clone(), place.clone());
        tasks.spawn_local(async move {
            let link = Link::open(&place, &token).await?;
            drop((permit, token));
            open.set(open.get() + 1);
            // Smaller than this task with all that logging in takes.
            tokio::task::spawn_local(wait(link, open));
            Ok::<(), BenchError>(())
        });
    }
    while let Some(login) = tasks.join_next().await {
        login.map_err(|error| BenchError::Failed(error.to_string()))??;
    }
    let seconds = clock::seconds_since(began);
    let logins = Usage::now(&rig.servers).since(&before);
    let each = |kib: f64| kib / f64::from(connections);
    sleep(Duration::from_secs(5)).await;
    let early = family.resident();
    let slab = process::kernel_slab() - slab;
    let before = Usage::now(&rig.servers);
    sleep(Duration::from_secs(u64::from(rig.options.hold.saturating_sub(5)))).await;
    let held = family.resident();
    let waiting = Usage::now(&rig.servers).since(&before);

    outcome.figure("kib_each", "server memory, KiB per connection, held", each(held - resident), 2);
    outcome.figure(
        "kib_each_early",
        "server memory, KiB per connection, after 5 s",
        each(early - resident),
        2,
    );
    outcome.figure("resident_before_mib", "server memory before, MiB resident", resident / 1024.0, 1);
    outcome.figure("resident_mib", "server memory held, MiB resident", held / 1024.0, 1);
    outcome.figure("kernel_kib_each", "kernel memory, KiB per pair of sockets", each(slab), 2);
    outcome.figure("logins_per_second", "logins per second", f64::from(connections) / seconds, 0);
    let login = logins.server() / f64::from(connections) * 1e6;
    outcome.figure("login_cpu_us", "server CPU, µs per login", login, 1);
    let hold = f64::from(rig.options.hold - 5);
    outcome.figure("idle_cores", "server CPU while they wait, cores", waiting.server() / hold, 4);
    outcome.none("ended", "connections that ended", u64::from(connections - open.get()));
    Ok(outcome)
}

async fn wait(link: Link, open: Rc<Cell<u32>>) {
    let Link { mut reader, mut writer } = link;
    while reader.read(drop).await.is_ok() {
        if let Some(ping) = reader.ping()
            && writer.pong(&ping).await.is_err()
        {
            break;
        }
    }
    open.set(open.get().saturating_sub(1));
}
