//! The tables of agents. What says who somebody is, is sealed; what is looked up is a digest.

mod sessions;

use ::store::{
    StoreError, Timestamp,
    sql::{
        Column, ColumnError, Connection, Row, Sql, Transaction, Value,
        migrations::{Migration, Module},
        query,
    },
};

pub(super) use self::sessions::*;
use super::Role;
use crate::ids::{AgentId, BusinessId};

pub(crate) const MIGRATIONS: Module = Module {
    name: "agents",
    migrations: &[Migration::new(
        "people who work for businesses: accounts, invitations, sessions, and how often was tried to sign in",
        "CREATE TABLE agents (
            id {integer} PRIMARY KEY,
            business {integer} NOT NULL,
            name {bytes} NOT NULL UNIQUE,
            role {integer} NOT NULL,
            disabled {boolean} NOT NULL,
            sealed {bytes} NOT NULL,
            totp_step {integer} NOT NULL,
            created {integer} NOT NULL,
            seen {integer}
        ) {options};
        CREATE INDEX agents_of_business ON agents (business);
        CREATE TABLE agent_invitations (
            hash {bytes} PRIMARY KEY,
            id TEXT NOT NULL,
            business {integer} NOT NULL,
            agent {integer},
            role {integer} NOT NULL,
            sealed {bytes} NOT NULL,
            expires {integer} NOT NULL
        ) {options};
        CREATE INDEX agent_invitations_of ON agent_invitations (business);
        CREATE TABLE agent_sessions (
            hash {bytes} PRIMARY KEY,
            id TEXT NOT NULL,
            agent {integer} NOT NULL,
            business {integer} NOT NULL,
            sealed {bytes} NOT NULL,
            created {integer} NOT NULL,
            seen {integer} NOT NULL,
            until {integer} NOT NULL
        ) {options};
        CREATE INDEX agent_sessions_of ON agent_sessions (agent);
        CREATE INDEX agent_sessions_until ON agent_sessions (until);
        CREATE TABLE sign_in_attempts (
            subject {bytes} PRIMARY KEY,
            due {integer} NOT NULL
        ) {options};
        CREATE TABLE agent_name_secret (
            id {integer} PRIMARY KEY,
            secret {bytes} NOT NULL
        ) {options};",
    )],
};

impl Column for Role {
    fn read(row: &Row, column: &str) -> Result<Self, ColumnError> {
        let stored: i64 = row.get(column)?;
        Self::ALL
            .into_iter()
            .find(|role| role.stored() == stored)
            .ok_or_else(|| ColumnError::new(column, "no role"))
    }
}

impl From<Role> for Value {
    fn from(role: Role) -> Self {
        role.stored().into()
    }
}

impl Role {
    const fn stored(self) -> i64 {
        match self {
            Self::Owner => 1,
            Self::Admin => 2,
            Self::Agent => 3,
            Self::Auditor => 4,
        }
    }
}

::store::row! {
    /// An account.
    #[derive(Debug, Clone)]
    pub(super) struct AgentRow from "agents" {
        pub(super) id: AgentId,
        pub(super) business: BusinessId,
        pub(super) role: Role,
        pub(super) disabled: bool,
        pub(super) sealed: Vec<u8>,
        pub(super) totp_step: i64,
        pub(super) created: Timestamp,
        pub(super) seen: Option<Timestamp>,
    }
}

::store::row! {
    /// An invitation.
    #[derive(Debug, Clone)]
    pub(super) struct InvitationRow from "agent_invitations" {
        pub(super) hash: Vec<u8>,
        pub(super) id: String,
        pub(super) business: BusinessId,
        pub(super) agent: Option<i64>,
        pub(super) role: Role,
        pub(super) sealed: Vec<u8>,
        pub(super) expires: Timestamp,
    }
}

impl InvitationRow {
    /// For whom that is there already it is, if it is.
    pub(super) fn for_agent(&self) -> Option<AgentId> {
        self.agent.and_then(|id| AgentId::try_from(id.cast_unsigned()).ok())
    }
}

/// What names are told apart by: made once, for all processes.
pub(super) async fn name_secret(
    transaction: &mut Transaction,
    fresh: [u8; 32],
) -> Result<[u8; 32], StoreError> {
    query("INSERT INTO agent_name_secret (id, secret) VALUES (1, $1) ON CONFLICT (id) DO NOTHING")
        .bind(fresh)
        .execute(transaction)
        .await?;
    let found = query("SELECT secret FROM agent_name_secret WHERE id = 1").value(transaction).await?;
    Ok(found.unwrap_or(fresh))
}

pub(super) async fn insert(
    transaction: &mut Transaction,
    agent: &AgentRow,
    name: &[u8; 32],
) -> Result<bool, StoreError> {
    let inserted = query(
        "INSERT INTO agents (id, business, name, role, disabled, sealed, totp_step, created, seen)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT (name) DO NOTHING",
    )
    .bind(agent.id)
    .bind(agent.business)
    .bind(*name)
    .bind(agent.role)
    .bind(agent.disabled)
    .bind(agent.sealed.as_slice())
    .bind(agent.totp_step)
    .bind(agent.created)
    .bind(agent.seen)
    .execute(transaction)
    .await?;
    Ok(inserted == 1)
}

pub(super) async fn by_name(
    reader: &mut Connection,
    name: &[u8; 32],
) -> Result<Option<AgentRow>, StoreError> {
    query("SELECT id, business, role, disabled, sealed, totp_step, created, seen FROM agents WHERE name = $1")
        .bind(*name)
        .optional(reader)
        .await
}

pub(super) async fn of_business(
    reader: &mut Connection,
    business: BusinessId,
) -> Result<Vec<AgentRow>, StoreError> {
    query(
        "SELECT id, business, role, disabled, sealed, totp_step, created, seen FROM agents
         WHERE business = $1 ORDER BY created, id",
    )
    .bind(business)
    .all(reader)
    .await
}

pub(super) async fn get(
    reader: &mut Connection,
    business: BusinessId,
    id: AgentId,
) -> Result<Option<AgentRow>, StoreError> {
    query(
        "SELECT id, business, role, disabled, sealed, totp_step, created, seen FROM agents
         WHERE business = $1 AND id = $2",
    )
    .bind(business)
    .bind(id)
    .optional(reader)
    .await
}

/// All of a business, none of which changes until the transaction ends: there is always an owner left.
pub(super) async fn locked(
    transaction: &mut Transaction,
    business: BusinessId,
) -> Result<Vec<AgentRow>, StoreError> {
    let text = Sql::each(
        "SELECT id, business, role, disabled, sealed, totp_step, created, seen FROM agents
         WHERE business = $1 ORDER BY id",
        "SELECT id, business, role, disabled, sealed, totp_step, created, seen FROM agents
         WHERE business = $1 ORDER BY id FOR UPDATE",
    );
    query(text).bind(business).all(transaction).await
}

pub(super) async fn update(transaction: &mut Transaction, agent: &AgentRow) -> Result<(), StoreError> {
    query("UPDATE agents SET role = $2, disabled = $3, sealed = $4, totp_step = $5, seen = $6 WHERE id = $1")
        .bind(agent.id)
        .bind(agent.role)
        .bind(agent.disabled)
        .bind(agent.sealed.as_slice())
        .bind(agent.totp_step)
        .bind(agent.seen)
        .execute(transaction)
        .await
        .map(drop)
}

pub(super) async fn delete(transaction: &mut Transaction, id: AgentId) -> Result<(), StoreError> {
    query("DELETE FROM agent_sessions WHERE agent = $1").bind(id).execute(transaction).await?;
    query("DELETE FROM agent_invitations WHERE agent = $1").bind(id).execute(transaction).await?;
    query("DELETE FROM agents WHERE id = $1").bind(id).execute(transaction).await.map(drop)
}

pub(super) async fn invite(
    transaction: &mut Transaction,
    invitation: &InvitationRow,
    now: Timestamp,
) -> Result<(), StoreError> {
    query("DELETE FROM agent_invitations WHERE business = $1 AND expires <= $2")
        .bind(invitation.business)
        .bind(now)
        .execute(transaction)
        .await?;
    query(
        "INSERT INTO agent_invitations (hash, id, business, agent, role, sealed, expires)
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
    )
    .bind(invitation.hash.as_slice())
    .bind(invitation.id.as_str())
    .bind(invitation.business)
    .bind(invitation.agent)
    .bind(invitation.role)
    .bind(invitation.sealed.as_slice())
    .bind(invitation.expires)
    .execute(transaction)
    .await
    .map(drop)
}

pub(super) async fn invitation(
    reader: &mut Connection,
    hash: &[u8; 32],
    now: Timestamp,
) -> Result<Option<InvitationRow>, StoreError> {
    query(
        "SELECT hash, id, business, agent, role, sealed, expires FROM agent_invitations
         WHERE hash = $1 AND expires > $2",
    )
    .bind(*hash)
    .bind(now)
    .optional(reader)
    .await
}

/// Takes an invitation away; whether it was there. Who does this has it.
pub(super) async fn take_invitation(
    transaction: &mut Transaction,
    hash: &[u8; 32],
) -> Result<bool, StoreError> {
    let taken =
        query("DELETE FROM agent_invitations WHERE hash = $1").bind(*hash).execute(transaction).await?;
    Ok(taken == 1)
}

pub(super) async fn invitations(
    reader: &mut Connection,
    business: BusinessId,
    now: Timestamp,
) -> Result<Vec<InvitationRow>, StoreError> {
    query(
        "SELECT hash, id, business, agent, role, sealed, expires FROM agent_invitations
         WHERE business = $1 AND expires > $2 ORDER BY expires, id",
    )
    .bind(business)
    .bind(now)
    .all(reader)
    .await
}

pub(super) async fn withdraw(
    transaction: &mut Transaction,
    business: BusinessId,
    id: &str,
) -> Result<bool, StoreError> {
    let deleted = query("DELETE FROM agent_invitations WHERE business = $1 AND id = $2")
        .bind(business)
        .bind(id)
        .execute(transaction)
        .await?;
    Ok(deleted > 0)
}

/// Deletes all of a business.
pub(crate) async fn erase(transaction: &mut Transaction, business: BusinessId) -> Result<(), StoreError> {
    for text in [
        "DELETE FROM agent_sessions WHERE business = $1",
        "DELETE FROM agent_invitations WHERE business = $1",
        "DELETE FROM agents WHERE business = $1",
    ] {
        query(text).bind(business).execute(transaction).await?;
    }
    Ok(())
}
