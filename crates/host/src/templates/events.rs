//! What the business's software is told of a template.

use serde_json::Value;

use super::{Changed, Definition, Status, Templates, word};
use crate::{
    HostError,
    ids::BusinessId,
    webhooks::{
        About, Field, NewEvent,
        render::{TemplateName, template_category, template_components, template_status, template_stopped},
    },
};

/// What happened, where the status alone does not say it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Told {
    /// It was approved, rejected or deleted.
    Reviewed,
    /// It cannot be sent for a while.
    Paused,
    /// It can be sent again.
    Unpaused,
    /// It cannot be sent any more.
    Disabled,
    /// It was put away.
    Archived,
    /// It was taken out again.
    Unarchived,
}

impl Templates {
    /// What a review came to; nothing while a person is to look at it.
    pub(super) async fn reviewed(
        &self,
        business: BusinessId,
        made: &Changed,
    ) -> Result<Option<NewEvent>, HostError> {
        if made.status == Status::Pending {
            return Ok(None);
        }
        self.event(business, made, Told::Reviewed).await.map(Some)
    }

    /// That a template was written anew, and that it is of another category.
    pub(super) async fn rewritten(
        &self,
        business: BusinessId,
        before: &Definition,
        after: &Definition,
        made: &Changed,
    ) -> Result<Vec<NewEvent>, HostError> {
        let template = TemplateName { id: made.id, name: &made.name, language: &made.language };
        let mut events = Vec::new();
        if before.parts != after.parts {
            let value = template_components(template, &after.parts);
            events.push(self.seal_event(business, made, Field::TemplateComponents, &value).await?);
        }
        if before.category != after.category {
            let value = template_category(template, word(before.category), word(after.category));
            events.push(self.seal_event(business, made, Field::TemplateCategory, &value).await?);
        }
        Ok(events)
    }

    /// One event, for one change: it has a name of its own, and is written in the change's transaction.
    pub(super) async fn event(
        &self,
        business: BusinessId,
        made: &Changed,
        told: Told,
    ) -> Result<NewEvent, HostError> {
        let value = value(made, told, self.ground.now());
        self.seal_event(business, made, Field::TemplateStatus, &value).await
    }

    async fn seal_event(
        &self,
        business: BusinessId,
        made: &Changed,
        field: Field,
        value: &Value,
    ) -> Result<NewEvent, HostError> {
        let name = self.ground.random_name();
        let about = About {
            business,
            waba: made.waba,
            number: None,
            person: None,
            field,
            unique: format!("template {} {name}", made.id),
        };
        self.webhooks.seal(about, value).await
    }
}

fn value(made: &Changed, told: Told, now: ::store::Timestamp) -> Value {
    let template = TemplateName { id: made.id, name: &made.name, language: &made.language };
    let category = word(made.category);
    match told {
        Told::Reviewed if made.status == Status::Rejected => {
            let mend = Some(recommendation(made.reason));
            template_status(template, category, made.status.as_str(), Some(made.reason), mend)
        }
        Told::Reviewed => template_status(template, category, made.status.as_str(), None, None),
        Told::Archived => template_status(template, category, "ARCHIVED", None, None),
        Told::Unarchived => template_status(template, category, "UNARCHIVED", None, None),
        Told::Paused => {
            let why = ("FIRST_PAUSE", "The operator of the host paused this template.");
            template_stopped(template, category, "PAUSED", why, None)
        }
        Told::Unpaused => {
            let why = ("UNPAUSE", "This template can be sent again.");
            template_stopped(template, category, "APPROVED", why, None)
        }
        Told::Disabled => {
            let why = ("DISABLED", "The operator of the host disabled this template.");
            template_stopped(template, category, "DISABLED", why, Some(now))
        }
    }
}

/// What to do about a refusal.
fn recommendation(reason: &str) -> &'static str {
    match reason {
        "INCORRECT_CATEGORY" | "PROMOTIONAL" => "Give the template the category that it is of.",
        "SCAM" => "Do not ask people for secrets.",
        "ABUSIVE_CONTENT" => "Say it in decent words.",
        "TAG_CONTENT_MISMATCH" => "Write the template in the language that it names.",
        _ => "Write the template as the documentation says.",
    }
}
