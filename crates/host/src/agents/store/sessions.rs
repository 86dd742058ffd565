//! The tables of sessions, and of how often was tried to sign in.

use ::store::{
    StoreError, Timestamp,
    sql::{Connection, Sql, Transaction, query},
};

use crate::{
    agents::Role,
    ids::{AgentId, BusinessId},
};

::store::row! {
    /// A session.
    #[derive(Debug, Clone)]
    pub(in crate::agents) struct SessionRow from "agent_sessions" {
        pub(in crate::agents) hash: Vec<u8>,
        pub(in crate::agents) id: String,
        pub(in crate::agents) agent: AgentId,
        pub(in crate::agents) business: BusinessId,
        pub(in crate::agents) sealed: Vec<u8>,
        pub(in crate::agents) created: Timestamp,
        pub(in crate::agents) seen: Timestamp,
        pub(in crate::agents) until: Timestamp,
    }
}

::store::row! {
    /// A session that is good, and whose.
    #[derive(Debug, Clone)]
    pub(in crate::agents) struct Opened from "agent_sessions" {
        pub(in crate::agents) id: String,
        pub(in crate::agents) agent: AgentId,
        pub(in crate::agents) business: BusinessId,
        pub(in crate::agents) role: Role,
        pub(in crate::agents) seen: Timestamp,
        pub(in crate::agents) until: Timestamp,
    }
}

pub(in crate::agents) async fn insert_session(
    transaction: &mut Transaction,
    session: &SessionRow,
) -> Result<(), StoreError> {
    query(
        "INSERT INTO agent_sessions (hash, id, agent, business, sealed, created, seen, until)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
    )
    .bind(session.hash.as_slice())
    .bind(session.id.as_str())
    .bind(session.agent)
    .bind(session.business)
    .bind(session.sealed.as_slice())
    .bind(session.created)
    .bind(session.seen)
    .bind(session.until)
    .execute(transaction)
    .await
    .map(drop)
}

/// The session, if it is good: not ended, not idle since `idle`, and its agent not disabled.
pub(in crate::agents) async fn session(
    reader: &mut Connection,
    hash: &[u8; 32],
    (now, idle): (Timestamp, Timestamp),
) -> Result<Option<Opened>, StoreError> {
    query(
        "SELECT s.id, s.agent, s.business, a.role, s.seen, s.until
         FROM agent_sessions s JOIN agents a ON a.id = s.agent
         WHERE s.hash = $1 AND s.until > $2 AND s.seen > $3 AND NOT a.disabled",
    )
    .bind(*hash)
    .bind(now)
    .bind(idle)
    .optional(reader)
    .await
}

pub(in crate::agents) async fn seen(
    transaction: &mut Transaction,
    (hash, agent): (&[u8; 32], AgentId),
    now: Timestamp,
) -> Result<(), StoreError> {
    query("UPDATE agent_sessions SET seen = $2 WHERE hash = $1")
        .bind(*hash)
        .bind(now)
        .execute(transaction)
        .await?;
    query("UPDATE agents SET seen = $2 WHERE id = $1")
        .bind(agent)
        .bind(now)
        .execute(transaction)
        .await
        .map(drop)
}

pub(in crate::agents) async fn sessions(
    reader: &mut Connection,
    agent: AgentId,
    (now, idle): (Timestamp, Timestamp),
) -> Result<Vec<SessionRow>, StoreError> {
    query(
        "SELECT hash, id, agent, business, sealed, created, seen, until FROM agent_sessions
         WHERE agent = $1 AND until > $2 AND seen > $3 ORDER BY created DESC, id",
    )
    .bind(agent)
    .bind(now)
    .bind(idle)
    .all(reader)
    .await
}

/// Ends one session of an agent; whether it was there.
pub(in crate::agents) async fn end_session(
    transaction: &mut Transaction,
    agent: AgentId,
    id: &str,
) -> Result<bool, StoreError> {
    let ended = query("DELETE FROM agent_sessions WHERE agent = $1 AND id = $2")
        .bind(agent)
        .bind(id)
        .execute(transaction)
        .await?;
    Ok(ended > 0)
}

/// Ends the sessions of an agent but this one.
pub(in crate::agents) async fn end_sessions(
    transaction: &mut Transaction,
    agent: AgentId,
    but: Option<&str>,
) -> Result<u64, StoreError> {
    query("DELETE FROM agent_sessions WHERE agent = $1 AND id <> $2")
        .bind(agent)
        .bind(but.unwrap_or_default())
        .execute(transaction)
        .await
}

/// Ends what is over, and the oldest of an agent above so many.
pub(in crate::agents) async fn prune_sessions(
    transaction: &mut Transaction,
    agent: AgentId,
    (now, idle): (Timestamp, Timestamp),
    most: i64,
) -> Result<(), StoreError> {
    query("DELETE FROM agent_sessions WHERE until <= $1 OR (agent = $2 AND seen <= $3)")
        .bind(now)
        .bind(agent)
        .bind(idle)
        .execute(transaction)
        .await?;
    query(
        "DELETE FROM agent_sessions WHERE agent = $1 AND id NOT IN
         (SELECT id FROM agent_sessions WHERE agent = $1 ORDER BY created DESC, id LIMIT $2)",
    )
    .bind(agent)
    .bind(most)
    .execute(transaction)
    .await
    .map(drop)
}

::store::row! {
    struct Due from "sign_in_attempts" { due: Timestamp }
}

/// Until when somebody, or a network, has used up what it may try; nobody else changes it until the transaction ends.
pub(in crate::agents) async fn due(
    transaction: &mut Transaction,
    subject: &[u8; 32],
) -> Result<Option<Timestamp>, StoreError> {
    // There is always a row to lock: who comes at the same time counts too.
    query("INSERT INTO sign_in_attempts (subject, due) VALUES ($1, 0) ON CONFLICT (subject) DO NOTHING")
        .bind(*subject)
        .execute(transaction)
        .await?;
    let text = Sql::each(
        "SELECT due FROM sign_in_attempts WHERE subject = $1",
        "SELECT due FROM sign_in_attempts WHERE subject = $1 FOR UPDATE",
    );
    let found: Option<Due> = query(text).bind(*subject).optional(transaction).await?;
    Ok(found.map(|found| found.due))
}

pub(in crate::agents) async fn set_due(
    transaction: &mut Transaction,
    subject: &[u8; 32],
    due: Timestamp,
) -> Result<(), StoreError> {
    query(
        "INSERT INTO sign_in_attempts (subject, due) VALUES ($1, $2)
         ON CONFLICT (subject) DO UPDATE SET due = excluded.due",
    )
    .bind(*subject)
    .bind(due)
    .execute(transaction)
    .await
    .map(drop)
}

/// Forgets attempts that count no longer.
pub(in crate::agents) async fn forget_due(
    transaction: &mut Transaction,
    now: Timestamp,
) -> Result<(), StoreError> {
    query("DELETE FROM sign_in_attempts WHERE due <= $1").bind(now).execute(transaction).await.map(drop)
}
