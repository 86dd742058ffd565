//! Ice breakers and commands.

use std::sync::Arc;

use serde_json::{Value, json};

use super::{
    Call,
    api::{Api, Outcome},
};
use crate::{
    apps::Owned,
    numbers::Number,
    settings::{Automation, Command},
};

pub(super) fn automation_json(automation: &Automation, number: &Number) -> Value {
    let Automation { enable_welcome_message, prompts, commands } = automation;
    json!({
        "id": number.id,
        "enable_welcome_message": enable_welcome_message,
        "prompts": prompts,
        "commands": commands,
    })
}

pub(super) async fn get(api: Arc<Api>, number: Owned<Arc<Number>>, _: Call) -> Outcome {
    let automation: Automation = api.settings.get(&number.object).await?;
    Ok(automation_json(&automation, &number.object).into())
}

pub(super) async fn set(api: Arc<Api>, number: Owned<Arc<Number>>, call: Call) -> Outcome {
    let fields = call.fields();
    let welcome = fields.boolean("enable_welcome_message")?;
    let prompts = match fields.value("prompts") {
        Some(Value::String(text)) if !text.trim_start().starts_with('[') => Some(vec![text.clone()]),
        Some(_) => Some(fields.texts("prompts", 4)?),
        None => None,
    };
    if prompts.iter().flatten().any(|prompt| prompt.is_empty() || prompt.chars().count() > 80) {
        return Err(fields.invalid("prompts", "from 1 to 80 characters each"));
    }
    let mut commands = None;
    if fields.value("commands").is_some() {
        let mut list = Vec::new();
        for command in fields.objects("commands", 30)? {
            list.push(Command {
                command_name: command.need_text("command_name", 32)?,
                command_description: command.need_text("command_description", 256)?,
            });
        }
        commands = Some(list);
    }
    let change = move |known: &mut Automation| {
        known.enable_welcome_message = welcome.unwrap_or(known.enable_welcome_message);
        if let Some(prompts) = &prompts {
            known.prompts.clone_from(prompts);
        }
        if let Some(commands) = &commands {
            known.commands.clone_from(commands);
        }
    };
    api.settings.change(&number.object, change).await?;
    Ok(json!({ "success": true }).into())
}
