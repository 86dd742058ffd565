//! Files that a business names by their address. Addresses in private networks are not called, unless the host was told
//! that its own network may be.

use std::{
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use futures_util::StreamExt as _;
use reqwest::{
    Url,
    dns::{Addrs, Name, Resolve, Resolving},
    redirect::Policy,
};

use super::Media;
use crate::{
    HostError,
    codes::{Code, Refusal},
    ids::MediaId,
    numbers::Number,
};

/// How long a file may take to come.
const TIMEOUT: Duration = Duration::from_secs(60);

/// Which addresses may be called.
#[derive(Debug, Clone, Copy)]
struct Reach {
    loopback: bool,
    private: bool,
}

impl Reach {
    fn may(self, address: IpAddr) -> bool {
        if address.is_loopback() {
            return self.loopback;
        }
        if address.is_unspecified() || address.is_multicast() {
            return false;
        }
        self.private || is_public(address)
    }
}

fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => {
            let [a, b, ..] = address.octets();
            let shared = a == 100 && (64..128).contains(&b);
            let test = a == 198 && (18..20).contains(&b);
            !(address.is_private()
                || address.is_link_local()
                || address.is_broadcast()
                || address.is_documentation()
                || shared
                || test
                || a == 0
                || (a == 192 && b == 0)
                || a >= 240)
        }
        IpAddr::V6(address) => match address.to_ipv4_mapped() {
            Some(mapped) => is_public(IpAddr::V4(mapped)),
            // Global unicast is 2000::/3; of it not Teredo, documentation and 6to4, which lead elsewhere.
            None => {
                let [first, second, ..] = address.segments();
                (0x2000..0x4000).contains(&first)
                    && !(first == 0x2001 && (second == 0 || second == 0xdb8))
                    && first != 0x2002
            }
        },
    }
}

impl Resolve for Reach {
    fn resolve(&self, name: Name) -> Resolving {
        let reach = *self;
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let may: Vec<SocketAddr> = found.filter(|address| reach.may(address.ip())).collect();
            if may.is_empty() {
                return Err("this name leads nowhere that may be called".into());
            }
            Ok(Box::new(may.into_iter()) as Addrs)
        })
    }
}

impl Media {
    /// Fetches a file from its address. It is one of the business's then.
    pub(super) async fn fetch(&self, number: &Number, link: &str) -> Result<MediaId, HostError> {
        let refuse = |why: &'static str| HostError::from(Refusal::new(Code::MediaUpload, why));
        let settings = &self.ground.config.webhooks;
        let reach = Reach { loopback: settings.loopback, private: settings.private_networks };
        let url = Url::parse(link).map_err(|_| refuse("The link is no address."))?;
        let address = url.host_str().and_then(|host| host.trim_matches(['[', ']']).parse::<IpAddr>().ok());
        if !matches!(url.scheme(), "http" | "https") || address.is_some_and(|address| !reach.may(address)) {
            return Err(refuse("The link leads nowhere that may be called."));
        }
        let client = reqwest::Client::builder()
            .dns_resolver(std::sync::Arc::new(reach))
            .redirect(Policy::none())
            .no_proxy()
            .timeout(TIMEOUT)
            .build()
            .map_err(HostError::internal)?;
        let answer = client.get(url).send().await.map_err(|_| refuse("The link could not be fetched."))?;
        if !answer.status().is_success() {
            return Err(refuse("The link could not be fetched."));
        }
        let mime_type = answer.headers().get("content-type").and_then(|value| value.to_str().ok());
        let mime_type = mime_type.unwrap_or("application/octet-stream").to_owned();
        let bytes = answer.bytes_stream().map(|piece| piece.map_err(|error| error.without_url()));
        match self.put(number, &mime_type, None, bytes).await {
            Err(HostError::Blob(_)) => Err(refuse("The link broke off.")),
            other => other,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_public_is_not_called() {
        let reach = Reach { loopback: false, private: false };
        for bad in [
            "127.0.0.1",
            "10.0.0.1",
            "192.168.1.1",
            "172.16.0.1",
            "169.254.169.254",
            "100.64.0.1",
            "0.0.0.0",
            "::1",
            "fe80::1",
            "fc00::1",
            "::ffff:10.0.0.1",
            "::ffff:127.0.0.1",
            "224.0.0.1",
            "2002:0a00:0001::",
        ] {
            assert!(!reach.may(bad.parse().unwrap()), "{bad}");
        }
        for good in ["1.1.1.1", "93.184.216.34", "2606:4700::1111"] {
            assert!(reach.may(good.parse().unwrap()), "{good}");
        }
    }
}
