//! Asks a callback whether it wants to be one.

use axum::http::StatusCode;
use reqwest::Url;

use super::Caller;
use crate::{
    HostError,
    codes::{Code, Refusal},
    ground::Ground,
};

/// Digits, since many consumers read a number.
fn challenge(ground: &Ground) -> String {
    const LOWEST: u64 = 1_000_000_000;
    (LOWEST + u64::from_be_bytes(ground.random()) % (9 * LOWEST)).to_string()
}

/// `GET callback?hub.mode=subscribe&hub.challenge=…&hub.verify_token=…`, which has to answer 200 and the challenge.
///
/// # Errors
/// Code 2200, with what was wrong.
pub(super) async fn verify(
    ground: &Ground,
    caller: &Caller,
    url: &Url,
    verify_token: &str,
) -> Result<(), HostError> {
    let challenge = challenge(ground);
    let mut asked = url.clone();
    asked
        .query_pairs_mut()
        .append_pair("hub.mode", "subscribe")
        .append_pair("hub.challenge", &challenge)
        .append_pair("hub.verify_token", verify_token);
    let answer = caller.ask(asked, challenge.len()).await;
    let wrong = match answer {
        Ok((StatusCode::OK, body)) if body == challenge.as_bytes() => return Ok(()),
        Ok((StatusCode::OK, _)) => "the callback did not answer with the challenge".to_owned(),
        Ok((status, _)) => format!("the callback answered {}", status.as_u16()),
        Err(error) => format!("the callback was not reached: {}", error.as_str()),
    };
    Err(Refusal::new(Code::CallbackFailed, wrong).into())
}
