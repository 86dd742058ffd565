use std::sync::Arc;

use store::{
    sql::{Database, migrations},
    testing::Scratch,
    writer::Lane as _,
};

use super::{
    super::shares::Bounds,
    super::store::{self as tables, Changed, MODULE, MailboxLane, erase_mailboxes, open_mailboxes},
    *,
};

const BOUNDS: Bounds = Bounds { envelopes: 10, bytes: 1000 };

fn lane() -> MailboxLane {
    MailboxLane { bounds: BOUNDS, arrivals: Arc::new(Arrivals::new()) }
}

fn append(device: i64, byte: u8) -> Change {
    let device = DeviceKey(device);
    Change::Append { device, envelope: Bytes::copy_from_slice(&[byte; 100]), received: Timestamp(7) }
}

/// In a transaction of its own, which is committed or not.
async fn write(database: &Database, lane: &MailboxLane, commit: bool, items: &[Change]) -> Vec<Changed> {
    let mut transaction = database.begin().await.unwrap();
    let outputs = lane.apply(&mut transaction, items).await.unwrap();
    if commit {
        transaction.commit().await.unwrap();
    } else {
        transaction.rollback().await.unwrap();
    }
    lane.ended(commit);
    outputs
}

/// Sequences and first bytes of what a reader sees.
async fn seen(database: &Database, device: i64) -> Vec<(i64, u8)> {
    let mut reader = database.reader().await.unwrap();
    let rows = tables::page(&mut reader, DeviceKey(device), 0, 100).await.unwrap();
    rows.into_iter().map(|row| (row.seq, row.body[0])).collect()
}

async fn two_mailboxes() -> Scratch {
    let scratch = Scratch::sqlite().await.unwrap();
    migrations::apply(&scratch.database, &[MODULE], Timestamp(0)).await.unwrap();
    let mut transaction = scratch.database.begin().await.unwrap();
    open_mailboxes(&mut transaction, &[DeviceKey(1), DeviceKey(2)]).await.unwrap();
    transaction.commit().await.unwrap();
    scratch
}

#[tokio::test]
async fn who_settles_sees_what_was_committed() {
    let scratch = two_mailboxes().await;
    let (database, lane) = (&scratch.database, lane());
    assert!(lane.arrivals.holds(Some(DeviceKey(1))), "after a start it is not known");
    let outputs = write(database, &lane, true, &[append(1, 10), append(3, 30), append(1, 11)]).await;
    assert_eq!(outputs, [Changed::Appended(1), Changed::Gone, Changed::Appended(2)]);
    assert!(lane.arrivals.holds(Some(DeviceKey(1))) && lane.arrivals.holds(None));
    assert!(!lane.arrivals.holds(Some(DeviceKey(2))));
    assert_eq!(seen(database, 1).await, []);
    write(database, &lane, true, &[Change::Settle(Some(DeviceKey(1))), append(1, 12)]).await;
    assert_eq!(seen(database, 1).await, [(1, 10), (2, 11)]);
    assert!(lane.arrivals.holds(Some(DeviceKey(1))));
    // Deleted is what was acknowledged, whether it was settled or not, and nothing else.
    let through = Change::Acknowledge { device: DeviceKey(1), through: 2, count: 2, bytes: 200 };
    write(database, &lane, true, &[through]).await;
    assert_eq!(seen(database, 1).await, [(3, 12)]);
    // No sequence is given twice, also when the mailbox was empty.
    let through = Change::Acknowledge { device: DeviceKey(1), through: 3, count: 1, bytes: 100 };
    let outputs = write(database, &lane, true, &[through, append(1, 13)]).await;
    assert_eq!(outputs, [Changed::Acknowledged, Changed::Appended(4)]);
}

#[tokio::test]
async fn what_was_not_committed_is_forgotten() {
    let scratch = two_mailboxes().await;
    let (database, lane) = (&scratch.database, lane());
    write(database, &lane, true, &[append(1, 10)]).await;
    assert_eq!(write(database, &lane, false, &[append(1, 11)]).await, [Changed::Appended(2)]);
    assert!(lane.arrivals.holds(Some(DeviceKey(2))), "now nothing is certain");
    assert_eq!(write(database, &lane, true, &[append(1, 12)]).await, [Changed::Appended(2)]);
    write(database, &lane, true, &[Change::Settle(None)]).await;
    assert_eq!(seen(database, 1).await, [(1, 10), (2, 12)]);
    // Halves of a batch in one transaction, as after a failure.
    let mut transaction = database.begin().await.unwrap();
    for (half, byte) in [(1, 13), (2, 20), (1, 14)] {
        lane.apply(&mut transaction, &[append(half, byte)]).await.unwrap();
    }
    transaction.commit().await.unwrap();
    lane.ended(true);
    write(database, &lane, true, &[append(1, 15), Change::Settle(None)]).await;
    write(database, &lane, true, &[Change::Settle(None)]).await;
    assert_eq!(seen(database, 1).await, [(1, 10), (2, 12), (3, 13), (4, 14), (5, 15)]);
    assert_eq!(seen(database, 2).await, [(1, 20)]);
}

#[tokio::test]
async fn another_process_goes_on_where_one_was_killed() {
    let scratch = two_mailboxes().await;
    let database = &scratch.database;
    write(database, &lane(), true, &[append(1, 10), append(1, 11)]).await;
    let next = lane();
    let many: Vec<Change> = (12..18).map(|byte| append(1, byte)).collect();
    let outputs = write(database, &next, true, &many).await;
    assert_eq!(outputs[..2], [Changed::Appended(3), Changed::Appended(4)]);
    // From the fifth on the mailbox is crowded, and one sender has one place.
    assert_eq!(outputs[2..5], [Changed::Appended(5), Changed::Appended(6), Changed::Full]);
    assert_eq!(write(database, &next, true, &[append(1, 0)]).await, [Changed::Full]);
    write(database, &next, true, &[Change::Settle(None)]).await;
    assert_eq!(seen(database, 1).await.len(), 6);
    assert_eq!(write(database, &next, true, &[append(1, 0)]).await, [Changed::Full]);
}

#[tokio::test]
async fn who_cannot_settle_reads_both() {
    let scratch = two_mailboxes().await;
    let (database, lane) = (&scratch.database, lane());
    write(database, &lane, true, &[append(1, 10), append(2, 20), append(1, 11)]).await;
    write(database, &lane, true, &[Change::Settle(None), append(1, 12), append(1, 13)]).await;
    let mut reader = database.reader().await.unwrap();
    for (after, limit, expected) in
        [(0, 100, vec![10, 11, 12, 13]), (1, 2, vec![11, 12]), (3, 100, vec![13]), (4, 100, vec![])]
    {
        let rows = page(&mut reader, DeviceKey(1), after, limit).await.unwrap();
        assert!(rows.iter().map(|row| i64::from(row.body[0]) - 9).eq(rows.iter().map(|row| row.seq)));
        assert_eq!(rows.iter().map(|row| row.body[0]).collect::<Vec<_>>(), expected, "after {after}");
    }
}

/// Of a device that was removed nothing is left, and nobody hears that it got something more; whether that is in the
/// transaction that removes it or later, and whoever takes its key next.
#[tokio::test]
async fn a_removed_device_gets_nothing_more() {
    let scratch = two_mailboxes().await;
    let (database, lane) = (&scratch.database, lane());
    write(database, &lane, true, &[append(1, 10), append(2, 20)]).await;
    let mut transaction = database.begin().await.unwrap();
    erase_mailboxes(&mut transaction, &[DeviceKey(1)]).await.unwrap();
    let outputs = lane.apply(&mut transaction, &[append(1, 11), append(2, 21)]).await.unwrap();
    assert_eq!(outputs, [Changed::Gone, Changed::Appended(2)]);
    transaction.commit().await.unwrap();
    lane.ended(true);
    write(database, &lane, true, &[append(2, 22)]).await;
    // In a transaction in which nothing else is written.
    let mut transaction = database.begin().await.unwrap();
    erase_mailboxes(&mut transaction, &[DeviceKey(2)]).await.unwrap();
    transaction.commit().await.unwrap();
    let mut reader = database.reader().await.unwrap();
    for table in ["SELECT COUNT(*) FROM arrivals", "SELECT COUNT(*) FROM envelopes WHERE device = 1"] {
        assert_eq!(query(table).value::<i64>(&mut reader).await.unwrap(), Some(0), "{table}");
    }
    drop(reader);
    assert_eq!(write(database, &lane, true, &[append(2, 23)]).await, [Changed::Gone]);
    let mut transaction = database.begin().await.unwrap();
    open_mailboxes(&mut transaction, &[DeviceKey(2)]).await.unwrap();
    transaction.commit().await.unwrap();
    assert_eq!(write(database, &lane, true, &[append(2, 24)]).await, [Changed::Appended(1)]);
    write(database, &lane, true, &[Change::Settle(None)]).await;
    assert_eq!(seen(database, 2).await, [(1, 24)]);
}

/// Whatever is done in whatever order, committed or not, by one process or the next: what is there is what a model
/// says.
#[tokio::test]
async fn random_changes_leave_what_a_model_says() {
    for seed in 1..=6 {
        walk(seed).await;
    }
}

async fn walk(seed: u64) {
    let fresh = || MailboxLane {
        bounds: Bounds { envelopes: 10_000, bytes: 1 << 30 },
        arrivals: Arc::new(Arrivals::new()),
    };
    let mut random = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let mut below = move |end: usize| {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        usize::try_from(random >> 33).unwrap() % end
    };
    let (scratch, mut lane) = (two_mailboxes().await, fresh());
    let database = &scratch.database;
    // Of each device: the next sequence, and what waits; or nothing, if it is removed.
    let mut model = [Some((1, Vec::new())), Some((1, Vec::<(i64, u8)>::new()))];
    for step in 0..150u8 {
        let (mut next, mut removed) = (model.clone(), None);
        let mut transaction = database.begin().await.unwrap();
        if below(10) == 0 {
            let which = below(2);
            let device = [DeviceKey(i64::try_from(which).unwrap() + 1)];
            erase_mailboxes(&mut transaction, &device).await.unwrap();
            next[which] = None;
            removed = Some(which);
            if below(3) > 0 {
                open_mailboxes(&mut transaction, &device).await.unwrap();
                next[which] = Some((1, Vec::new()));
            }
        }
        let parts = below(3);
        for _ in 0..parts {
            let (mut items, mut expected) = (Vec::new(), Vec::new());
            for _ in 0..=below(5) {
                let which = below(2);
                let key = i64::try_from(which).unwrap() + 1;
                let device = DeviceKey(key);
                let kind = below(8);
                let (item, output) = match &mut next[which] {
                    _ if kind == 0 => (Change::Settle((step % 2 == 0).then_some(device)), Changed::Settled),
                    None => (append(key, step), Changed::Gone),
                    Some((_, held)) if kind == 1 && removed != Some(which) => {
                        // What was committed before, and a count that is right or not.
                        let known = model[which].as_ref().map_or(0, |(_, known)| known.len());
                        let through = held.get(below(known + 1)).map_or(0, |(seq, _)| *seq);
                        let through = through.min(
                            model[which]
                                .as_ref()
                                .and_then(|(_, known)| known.last())
                                .map_or(0, |last| last.0),
                        );
                        let before = held.len();
                        held.retain(|(seq, _)| *seq > through);
                        let count = i64::try_from(before - held.len()).unwrap();
                        let (count, bytes) =
                            if below(2) == 0 { (count, 100 * count) } else { (count + 1, 7) };
                        (Change::Acknowledge { device, through, count, bytes }, Changed::Acknowledged)
                    }
                    Some((seq, held)) => {
                        held.push((*seq, step));
                        *seq += 1;
                        (append(key, step), Changed::Appended(*seq - 1))
                    }
                };
                items.push(item);
                expected.push(output);
            }
            let outputs = lane.apply(&mut transaction, &items).await.unwrap();
            assert_eq!(outputs, expected, "seed {seed}, step {step}");
        }
        let committed = below(4) > 0;
        if committed {
            transaction.commit().await.unwrap();
            model = next;
        } else {
            transaction.rollback().await.unwrap();
        }
        if parts > 0 {
            lane.ended(committed);
        }
        if below(20) == 0 {
            lane = fresh();
        }
        let mut reader = database.reader().await.unwrap();
        for (key, held) in (1..).zip(&model) {
            let rows = page(&mut reader, DeviceKey(key), 0, 10_000).await.unwrap();
            let rows: Vec<_> = rows.into_iter().map(|row| (row.seq, row.body[0])).collect();
            let held = held.as_ref().map(|(_, held)| held.clone()).unwrap_or_default();
            assert_eq!(rows, held, "seed {seed}, step {step}, device {key}");
            let plain = tables::page(&mut reader, DeviceKey(key), 0, 10_000).await.unwrap().len();
            assert!(
                plain == held.len() || lane.arrivals.holds(Some(DeviceKey(key))),
                "readers see all of it"
            );
        }
    }
    write(database, &lane, true, &[Change::Settle(None)]).await;
    let mut reader = database.reader().await.unwrap();
    for (key, held) in (1..).zip(model) {
        let (next, held) = held.unwrap_or_default();
        let length = i64::try_from(held.len()).unwrap();
        assert_eq!(seen(database, key).await, held);
        let counted = query(
            "SELECT COUNT(*) FROM mailboxes WHERE device = $1 AND next = $2 AND waiting = $3 AND bytes = $4",
        );
        let counted = counted.bind(key).bind(next).bind(length).bind(100 * length);
        let counted: Option<i64> = counted.value(&mut reader).await.unwrap();
        assert_eq!(counted, Some(i64::from(next > 0)), "seed {seed}, device {key}");
    }
}
