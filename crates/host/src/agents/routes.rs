//! Signing in, one's own account, and who works here, over HTTP.

use std::sync::Arc;

use axum::response::Response;
use http::{HeaderValue, StatusCode, header};
use serde::Deserialize;
use serde_json::{Value, json as value};
use zeroize::Zeroizing;

use super::{Change, Invited, Password, Role, Session, SignIn, SignedIn};
use crate::{
    HostError,
    businesses::Business,
    console::{
        Console, Edge, May, Outcome, Refused, Signed, Staff, answer, expired, json, nothing, rights_of,
    },
    ids::{AgentId, BusinessId},
    inbox::Event,
    management::Call,
};

/// A text that is shown in no log.
struct Hidden(Zeroizing<String>);

impl<'de> Deserialize<'de> for Hidden {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(|text| Self(Zeroizing::new(text)))
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Credentials {
    name: String,
    password: Password,
    #[serde(default)]
    code: Option<Hidden>,
}

pub(crate) async fn sign_in(console: Arc<Console>, edge: Edge, call: Call) -> Outcome {
    call.only(&[])?;
    let asked: Credentials = call.body()?;
    let code = asked.code.as_ref().map(|code| code.0.as_str()).filter(|code| !code.is_empty());
    let sign_in = SignIn { name: &asked.name, password: asked.password, code };
    let signed_in = console.agents.sign_in(sign_in, &edge.browser()).await?;
    begun(&console, &edge, signed_in).await
}

/// The answer to who has just signed in.
async fn begun(console: &Console, edge: &Edge, signed_in: SignedIn) -> Outcome {
    let business = console.api.businesses.get(signed_in.session.business).await?;
    let cookie = edge.cookie(&signed_in.secret)?;
    let mut response = json(&shown(console, &signed_in.session, &business).await?)?;
    response.headers_mut().append(header::SET_COOKIE, cookie);
    Ok(response)
}

/// A session as its page sees it.
async fn shown(console: &Console, session: &Session, business: &Business) -> Result<Value, HostError> {
    let agent = console.agents.get(session.business, session.agent).await?;
    let left = agent.recovery_codes;
    let mut me = serde_json::to_value(agent).map_err(HostError::internal)?;
    if let Some(me) = me.as_object_mut() {
        me.insert("recovery_codes_left".to_owned(), left.into());
    }
    Ok(value!({
        "agent": me,
        "business": {
            "business_id": business.id,
            "name": business.name,
            "mode": business.mode,
            "host_name": business.host_name,
        },
        "csrf": session.csrf,
        "rights": rights_of(session.role),
        "idle_until": session.idle_until.0,
        "until": session.until.0,
    }))
}

pub(crate) async fn session(console: Arc<Console>, may: May<Signed>, call: Call) -> Outcome {
    call.only(&[])?;
    json(&shown(&console, may.session(), may.business()).await?)
}

pub(crate) async fn sign_out(console: Arc<Console>, may: May<Signed>, call: Call) -> Outcome {
    call.only(&[])?;
    let session = may.session();
    console.agents.end_session(session.business, session.agent, &session.id).await?;
    with_cookie(nothing(), expired())
}

fn with_cookie(outcome: Outcome, cookie: HeaderValue) -> Outcome {
    let mut response: Response = outcome?;
    response.headers_mut().append(header::SET_COOKIE, cookie);
    Ok(response)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ByInvitation {
    secret: Hidden,
}

pub(crate) async fn invitation(console: Arc<Console>, _: Edge, call: Call) -> Outcome {
    call.only(&[])?;
    let ByInvitation { secret } = call.body()?;
    let invitation = console.agents.invitation(&secret.0).await?;
    let business = console.api.businesses.get(invitation.business).await?;
    json(&value!({
        "business_name": business.name,
        "name": invitation.name,
        "display_name": invitation.display_name,
        "role": invitation.role,
        "expires": invitation.expires,
    }))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Accept {
    secret: Hidden,
    password: Password,
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    display_name: Option<String>,
}

pub(crate) async fn accept(console: Arc<Console>, edge: Edge, call: Call) -> Outcome {
    call.only(&[])?;
    let asked: Accept = call.body()?;
    let names = (asked.name.as_deref(), asked.display_name.as_deref());
    let joined = console.agents.accept(&asked.secret.0, names, asked.password).await?;
    let signed_in = console.agents.sign_in_invited(joined, &edge.browser()).await?;
    console.inbox.live().tell(joined.0, Event::changed("agents")).await;
    begun(&console, &edge, signed_in).await
}

pub(crate) async fn sessions(console: Arc<Console>, may: May<Signed>, call: Call) -> Outcome {
    call.only(&[])?;
    json(&value!({ "sessions": console.agents.sessions(may.session()).await? }))
}

pub(crate) async fn end_others(console: Arc<Console>, may: May<Signed>, call: Call) -> Outcome {
    call.only(&[])?;
    let session = may.session();
    let (business, agent) = (session.business, session.agent);
    console.agents.end_sessions(business, agent, Some(&session.id), &may.log_name()).await?;
    nothing()
}

pub(crate) async fn end_session(console: Arc<Console>, may: May<Signed>, call: Call) -> Outcome {
    call.only(&[])?;
    let id: String = call.id(0)?;
    let session = may.session();
    console.agents.end_session(session.business, session.agent, &id).await?;
    if id == session.id { with_cookie(nothing(), expired()) } else { nothing() }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Rename {
    display_name: String,
}

pub(crate) async fn rename(console: Arc<Console>, may: May<Signed>, call: Call) -> Outcome {
    call.only(&[])?;
    let Rename { display_name } = call.body()?;
    console.agents.rename(may.session(), &display_name).await?;
    changed(&console, may.session().business).await;
    json(&shown(&console, may.session(), may.business()).await?)
}

async fn changed(console: &Console, business: BusinessId) {
    console.inbox.live().tell(business, Event::changed("agents")).await;
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewPassword {
    password: Password,
    new_password: Password,
}

pub(crate) async fn password(console: Arc<Console>, may: May<Signed>, call: Call) -> Outcome {
    call.only(&[])?;
    let NewPassword { password, new_password } = call.body()?;
    console.agents.change_password(may.session(), password, new_password).await?;
    nothing()
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ByPassword {
    password: Password,
}

pub(crate) async fn offer_totp(console: Arc<Console>, may: May<Signed>, call: Call) -> Outcome {
    call.only(&[])?;
    let ByPassword { password } = call.body()?;
    let offered = console.agents.offer_totp(may.session(), password, &may.business().name).await?;
    json(&value!({ "secret": *offered.secret, "uri": *offered.uri }))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ByCode {
    code: Hidden,
}

pub(crate) async fn confirm_totp(console: Arc<Console>, may: May<Signed>, call: Call) -> Outcome {
    call.only(&[])?;
    let ByCode { code } = call.body()?;
    json(&value!({ "recovery_codes": console.agents.confirm_totp(may.session(), &code.0).await? }))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ByBoth {
    password: Password,
    code: Hidden,
}

pub(crate) async fn remove_totp(console: Arc<Console>, may: May<Signed>, call: Call) -> Outcome {
    call.only(&[])?;
    let ByBoth { password, code } = call.body()?;
    console.agents.remove_totp(may.session(), password, &code.0).await?;
    nothing()
}

pub(crate) async fn list(console: Arc<Console>, may: May<Signed>, call: Call) -> Outcome {
    call.only(&[])?;
    json(&value!({ "agents": console.agents.list(may.business().id).await? }))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Invite {
    pub(crate) name: String,
    pub(crate) display_name: String,
    pub(crate) role: Role,
}

/// An invitation as it is answered: its secret stands behind `#`, so that it gets into no log of an address.
pub(crate) fn invited(base: &str, invited: &Invited) -> Value {
    let path = format!("/console/#/invitation/{}", *invited.secret);
    value!({
        "invitation_id": invited.id,
        "secret": *invited.secret,
        "url": format!("{base}{path}"),
        "path": path,
        "expires": invited.expires.0,
    })
}

/// Only owners make owners, and change them.
fn may_make(may: &May<Staff>, role: Role) -> Result<(), Refused> {
    if role == Role::Owner && may.session().role != Role::Owner {
        return Err(HostError::Conflict("only an owner makes or changes owners").into());
    }
    Ok(())
}

pub(crate) async fn invite(console: Arc<Console>, may: May<Staff>, call: Call) -> Outcome {
    call.only(&[])?;
    let Invite { name, display_name, role } = call.body()?;
    may_make(&may, role)?;
    let (business, names) = (may.business().id, (&*name, &*display_name));
    let made = console.agents.invite(business, names, role, None, &may.log_name()).await?;
    answer(StatusCode::CREATED, &invited(&console.api.base, &made))
}

pub(crate) async fn reinvite(console: Arc<Console>, may: May<Staff>, call: Call) -> Outcome {
    call.only(&[])?;
    let (business, id) = (may.business().id, call.id::<AgentId>(0)?);
    let agent = console.agents.get(business, id).await?;
    may_make(&may, agent.role)?;
    let names = (&*agent.name, &*agent.display_name);
    let made = console.agents.invite(business, names, agent.role, Some(id), &may.log_name()).await?;
    answer(StatusCode::CREATED, &invited(&console.api.base, &made))
}

pub(crate) async fn change(console: Arc<Console>, may: May<Staff>, call: Call) -> Outcome {
    call.only(&[])?;
    let (business, id, change) = (may.business().id, call.id::<AgentId>(0)?, call.body::<Change>()?);
    let by = (&*may.log_name(), may.session().role == Role::Owner);
    let agent = console.agents.change(business, id, change, by).await?;
    changed(&console, business).await;
    json(&agent)
}

pub(crate) async fn remove(console: Arc<Console>, may: May<Staff>, call: Call) -> Outcome {
    call.only(&[])?;
    let (business, id) = (may.business().id, call.id::<AgentId>(0)?);
    let by = (&*may.log_name(), may.session().role == Role::Owner);
    console.agents.remove(business, id, by).await?;
    console.inbox.forget_agent(business, id).await?;
    nothing()
}

pub(crate) async fn sign_out_agent(console: Arc<Console>, may: May<Staff>, call: Call) -> Outcome {
    call.only(&[])?;
    let (business, id) = (may.business().id, call.id::<AgentId>(0)?);
    may_make(&may, console.agents.get(business, id).await?.role)?;
    console.agents.end_sessions(business, id, None, &may.log_name()).await?;
    nothing()
}

pub(crate) async fn invitations(console: Arc<Console>, may: May<Staff>, call: Call) -> Outcome {
    call.only(&[])?;
    json(&value!({ "invitations": console.agents.invitations(may.business().id).await? }))
}

pub(crate) async fn withdraw(console: Arc<Console>, may: May<Staff>, call: Call) -> Outcome {
    call.only(&[])?;
    console.agents.withdraw(may.business().id, &call.id::<String>(0)?).await?;
    nothing()
}
