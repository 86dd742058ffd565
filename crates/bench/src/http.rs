//! Requests on a connection that is kept: enough of HTTP/1.1 for the relay's API.

use bytes::BytesMut;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::{
    BenchError,
    error::Tried as _,
    place::{Place, Stream},
};

/// A connection.
#[derive(Debug)]
pub(crate) struct Http {
    stream: Stream,
    host: String,
    input: BytesMut,
}

impl Http {
    pub(crate) async fn connect(place: &Place) -> Result<Self, BenchError> {
        Ok(Self { stream: place.connect().await?, host: place.to_string(), input: BytesMut::new() })
    }

    pub(crate) async fn get<T: serde::de::DeserializeOwned>(&mut self, path: &str) -> Result<T, BenchError> {
        self.get_as(path, None).await
    }

    pub(crate) async fn get_as<T: serde::de::DeserializeOwned>(
        &mut self,
        path: &str,
        token: Option<&str>,
    ) -> Result<T, BenchError> {
        self.request("GET", path, &credential(token), &[]).await
    }

    pub(crate) async fn delete<T: serde::de::DeserializeOwned>(
        &mut self,
        path: &str,
        token: Option<&str>,
    ) -> Result<T, BenchError> {
        self.request("DELETE", path, &credential(token), &[]).await
    }

    pub(crate) async fn post<T: serde::de::DeserializeOwned>(
        &mut self,
        path: &str,
        token: Option<&str>,
        body: &impl serde::Serialize,
    ) -> Result<T, BenchError> {
        let body = serde_json::to_vec(body).map_err(|error| BenchError::Protocol(error.to_string()))?;
        let credential = credential(token);
        self.request("POST", path, &format!("Content-Type: application/json\r\n{credential}"), &body).await
    }

    async fn request<T: serde::de::DeserializeOwned>(
        &mut self,
        method: &str,
        path: &str,
        headers: &str,
        body: &[u8],
    ) -> Result<T, BenchError> {
        self.begin(method, path, headers, body.len(), body).await?;
        let (status, answer) = self.answer().await?;
        let unwanted = || BenchError::Answer {
            request: format!("{method} {path}"),
            status,
            body: String::from_utf8_lossy(&answer).into_owned(),
        };
        if !(200..300).contains(&status) {
            return Err(unwanted());
        }
        serde_json::from_slice(&answer).map_err(|_| unwanted())
    }

    /// Sends a request with the beginning of its body, which is to have `length` bytes.
    pub(crate) async fn begin(
        &mut self,
        method: &str,
        path: &str,
        headers: &str,
        length: usize,
        body: &[u8],
    ) -> Result<(), BenchError> {
        let host = &self.host;
        let head =
            format!("{method} {path} HTTP/1.1\r\nHost: {host}\r\nContent-Length: {length}\r\n{headers}\r\n");
        let request = [head.as_bytes(), body].concat();
        self.stream.write_all(&request).await.tried(format!("{method} {path}"))?;
        self.stream.flush().await.tried(format!("{method} {path}"))
    }

    /// Sends more of a body.
    pub(crate) async fn more(&mut self, body: &[u8]) -> Result<(), BenchError> {
        self.stream.write_all(body).await.tried("sending more of a body")?;
        self.stream.flush().await.tried("sending more of a body")
    }

    /// The status, once the server has answered; nothing of the body.
    pub(crate) async fn answer(&mut self) -> Result<(u16, BytesMut), BenchError> {
        loop {
            if let Some((status, end, length)) = head(&self.input)? {
                while self.input.len() < end + length {
                    self.fill().await?;
                }
                let mut answer = self.input.split_to(end + length);
                return Ok((status, answer.split_off(end)));
            }
            self.fill().await?;
        }
    }

    async fn fill(&mut self) -> Result<(), BenchError> {
        match self.stream.read_buf(&mut self.input).await.tried("waiting for an answer")? {
            0 => Err(BenchError::Closed(None)),
            _ => Ok(()),
        }
    }
}

fn credential(token: Option<&str>) -> String {
    token.map(|token| format!("Authorization: Bearer {token}\r\n")).unwrap_or_default()
}

/// Status, where the body begins and how long it is, once the whole head is there.
fn head(input: &[u8]) -> Result<Option<(u16, usize, usize)>, BenchError> {
    let Some(end) = input.windows(4).position(|bytes| bytes == b"\r\n\r\n") else { return Ok(None) };
    let text = String::from_utf8_lossy(&input[..end]);
    let not_ours = || BenchError::Protocol(format!("an answer with the head {text}"));
    let mut lines = text.split("\r\n");
    let status = lines.next().and_then(|line| line.strip_prefix("HTTP/1.1 ")?.get(..3)?.parse().ok());
    let headers = lines.filter_map(|line| line.split_once(':'));
    let length = headers.filter(|(name, _)| name.eq_ignore_ascii_case("content-length"));
    let length = length.map(|(_, value)| value.trim().parse()).next();
    let status: u16 = status.ok_or_else(not_ours)?;
    match length {
        Some(Ok(length)) => Ok(Some((status, end + 4, length))),
        // These have no body (RFC 9110, section 8.6).
        None if status < 200 || status == 204 => Ok(Some((status, end + 4, 0))),
        _ => Err(not_ours()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_says_how_long_it_is() {
        let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}";
        assert_eq!(head(answer).unwrap(), Some((200, 38, 2)));
        assert_eq!(head(&answer[..30]).unwrap(), None);
        assert_eq!(head(b"HTTP/1.1 204 No Content\r\n\r\n").unwrap(), Some((204, 27, 0)));
        assert!(head(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n").is_err());
    }
}
