//! `POST /{phone}/messages`, and the same for marketing alone.

use std::sync::Arc;

use serde_json::{Value, json};

use super::{
    Call, Failure,
    api::{Api, Outcome},
    parse::{self, Draft, Request, Sender},
};
use crate::{
    HostError,
    apps::Owned,
    codes::Code,
    content::{Category, Content},
    messages::{Accepted, Once},
    numbers::Number,
};

/// What names a send that may be repeated.
const HEADER: &str = "idempotency-key";
/// Bytes of that.
const NAME: usize = 255;

/// A name and what it is given to, as they came.
type Named = (Vec<u8>, String);

/// Under which name a request is sent, if it has one. The request is all that it says, however it says who asks.
fn named(call: &Call) -> Result<Option<Named>, Failure> {
    let mut names = call.headers.get_all(HEADER).iter();
    let Some(name) = names.next() else { return Ok(None) };
    let fits = (1..=NAME).contains(&name.len()) && name.as_bytes().iter().all(u8::is_ascii_graphic);
    if !fits || names.next().is_some() {
        let details = "Idempotency-Key: one, of 1 to 255 visible ASCII characters";
        return Err(Failure::new(Code::Parameter, details));
    }
    let mut values = call.values.clone();
    for who in ["access_token", "appsecret_proof"] {
        values.remove(who);
    }
    Ok(Some((name.as_bytes().to_vec(), json!([call.tail(0), values]).to_string())))
}

/// The name is an app's own for one number.
async fn once(api: &Api, number: &Owned<Arc<Number>>, named: Option<Named>) -> Result<Option<Once>, Failure> {
    let Some((name, request)) = named else { return Ok(None) };
    let key = api.gate.names(number.object.business).await?;
    Ok(Some(Once::new(&key, number.caller().app(), &name, request.as_bytes())))
}

pub(super) async fn post(api: Arc<Api>, number: Owned<Arc<Number>>, call: Call) -> Outcome {
    let once = once(&api, &number, named(&call)?).await?;
    let number = number.object;
    let business = api.businesses.get(number.business).await?;
    let sender = Sender { id: number.id, country: Some(&business.country) };
    let draft = match parse::request(sender, &call.message())? {
        Request::Read { message, typing } => {
            return match api.post.read(&number, message, typing).await {
                Ok(()) => Ok(json!({ "success": true }).into()),
                Err(HostError::NotFound(_)) => {
                    Err(Failure::new(Code::ParameterInvalid, "message_id: no message of this number"))
                }
                Err(error) => Err(error.into()),
            };
        }
        Request::Send(draft) => *draft,
    };
    send(&api, &number, draft, once, Taken::Anything).await
}

/// What is taken.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Taken {
    Anything,
    Marketing,
}

/// `POST /{phone}/marketing_messages`: templates of marketing, and nothing else. There is one way to deliver them here,
/// so it is no other than that of all messages.
pub(super) async fn marketing(api: Arc<Api>, number: Owned<Arc<Number>>, call: Call) -> Outcome {
    let once = once(&api, &number, named(&call)?).await?;
    let number = number.object;
    let business = api.businesses.get(number.business).await?;
    let sender = Sender { id: number.id, country: Some(&business.country) };
    let fields = call.message();
    fields.word("product_policy", &["CLOUD_API_FALLBACK", "STRICT"])?;
    fields.boolean("message_activity_sharing")?;
    match parse::request(sender, &fields)? {
        Request::Send(draft) if draft.template.is_some() => {
            send(&api, &number, *draft, once, Taken::Marketing).await
        }
        _ => Err(Failure::new(Code::MarketingOnly, "type: must be template, of the category MARKETING")),
    }
}

async fn send(api: &Api, number: &Number, draft: Draft, once: Option<Once>, taken: Taken) -> Outcome {
    let Draft { input, mut outgoing, template } = draft;
    let is_template = template.is_some();
    if let Some(once) = &once
        && let Some(accepted) = api.post.sent_once(number, once, &outgoing.to).await?
    {
        // What was taken stays taken, whatever became of its template or its window since.
        return Ok(answer(&input, &accepted, is_template).into());
    }
    outgoing.once = once;
    if let Some(asked) = template {
        let components = asked.components.as_ref();
        let filled = api.templates.fill(number.waba, &asked.name, &asked.language, components).await?;
        if taken == Taken::Marketing && filled.category != Category::Marketing {
            return Err(Failure::new(Code::MarketingOnly, "template: must be of the category MARKETING"));
        }
        outgoing.content = Content::Template(Box::new(filled));
    }
    let accepted = api.post.send(outgoing).await?;
    Ok(answer(&input, &accepted, is_template).into())
}

fn answer(input: &str, Accepted { id, to }: &Accepted, is_template: bool) -> Value {
    let mut contact = json!({ "input": input, "user_id": to.user_id });
    if let (Some(contact), Some(wa_id)) = (contact.as_object_mut(), &to.wa_id) {
        contact.insert("wa_id".to_owned(), wa_id.as_str().into());
    }
    let mut message = json!({ "id": id });
    if let (Some(message), true) = (message.as_object_mut(), is_template) {
        message.insert("message_status".to_owned(), "accepted".into());
    }
    json!({ "messaging_product": "whatsapp", "contacts": [contact], "messages": [message] })
}
