//! Who a business is before the law, and the badge that this platform does not give.

use std::sync::Arc;

use serde_json::json;

use super::{
    Call, Failure, Fields,
    api::{Api, Outcome},
    parse,
};
use crate::{
    apps::Owned,
    codes::Code,
    numbers::Number,
    settings::{Answerable, Compliance, ENTITIES},
};

/// Characters of a name, an address, a number.
const LONGEST: usize = 256;

pub(super) async fn get(api: Arc<Api>, number: Owned<Arc<Number>>, _: Call) -> Outcome {
    let known: Compliance = api.settings.get(&number.object).await?;
    let mut row = serde_json::to_value(known).map_err(crate::HostError::internal)?;
    if let Some(row) = row.as_object_mut() {
        row.retain(|_, value| !value.is_null());
        row.insert("messaging_product".to_owned(), json!("whatsapp"));
    }
    Ok(json!({ "data": [row] }).into())
}

pub(super) async fn set(api: Arc<Api>, number: Owned<Arc<Number>>, call: Call) -> Outcome {
    let fields = call.fields();
    parse::product(&fields)?;
    let entity_type = fields.word("entity_type", ENTITIES)?.ok_or_else(|| fields.missing("entity_type"))?;
    let entity_type_custom = fields.text("entity_type_custom", LONGEST)?;
    if entity_type == "OTHER" && entity_type_custom.is_none() {
        return Err(fields.missing("entity_type_custom"));
    }
    let said = Compliance {
        entity_name: Some(fields.need_text("entity_name", LONGEST)?),
        entity_type: Some(entity_type.to_owned()),
        entity_type_custom,
        is_registered: fields.boolean("is_registered")?,
        grievance_officer_details: answerable(&fields, "grievance_officer_details", true)?,
        customer_care_details: answerable(&fields, "customer_care_details", false)?,
    };
    api.settings.change(&number.object, move |known: &mut Compliance| known.clone_from(&said)).await?;
    Ok(json!({ "success": true }).into())
}

fn answerable(fields: &Fields<'_>, name: &str, named: bool) -> Result<Answerable, Failure> {
    let said = fields.need_object(name)?;
    let reached = Answerable {
        name: said.text("name", LONGEST)?,
        email: said.text("email", LONGEST)?,
        landline_number: said.text("landline_number", 32)?,
        mobile_number: said.text("mobile_number", 32)?,
    };
    if named && reached.name.is_none() {
        return Err(said.missing("name"));
    }
    match &reached {
        Answerable { email: None, .. } => Err(said.missing("email")),
        Answerable { landline_number: None, mobile_number: None, .. } => Err(said.missing("mobile_number")),
        _ => Ok(reached),
    }
}

/// The label says who is approved; there is no badge beside it.
pub(super) async fn badge(_: Arc<Api>, number: Owned<Arc<Number>>, _: Call) -> Outcome {
    Ok(json!({ "oba_status": "NOT_STARTED", "id": number.object.id }).into())
}

pub(super) async fn ask_for_badge(_: Arc<Api>, _: Owned<Arc<Number>>, _: Call) -> Outcome {
    let details =
        "official_business_account: there is no badge here; the label in the chat says who is approved";
    Err(Failure::new(Code::MethodNotAllowed, details))
}
