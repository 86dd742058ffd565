//! Where callbacks may be, and files that a business names by their address: not inside.
//!
//! An address is judged three times: its text when it is set and again before each request, and what its name stands
//! for after every look-up, in the resolver itself. A name that points elsewhere later therefore reaches nothing either.

use std::{
    fmt, io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    sync::Arc,
};

use async_trait::async_trait;
use reqwest::{
    Url,
    dns::{Addrs, Name, Resolve, Resolving},
};

use crate::config::Webhooks as Config;

/// Bytes of an address.
const LONGEST: usize = 2048;

/// An address that may not be called, or not from here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Forbidden(pub(super) &'static str);

/// What an IP address is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Net {
    /// The internet.
    Public,
    /// This machine.
    Loopback,
    /// A private network, also the carrier's.
    Private,
    /// Where nothing ever is: link-local (with the clouds' metadata), multicast, documentation, reserved.
    Never,
}

impl Net {
    /// In which this address is. What only wraps an IPv4 address is judged by that.
    #[must_use]
    pub fn of(address: IpAddr) -> Self {
        match address {
            IpAddr::V4(address) => Self::of_v4(address),
            IpAddr::V6(address) => Self::of_v6(address),
        }
    }

    const fn of_v4(address: Ipv4Addr) -> Self {
        match address.octets() {
            [127, ..] => Self::Loopback,
            [10, ..] | [192, 168, ..] => Self::Private,
            [172, second, ..] if second & 0xf0 == 16 => Self::Private,
            [100, second, ..] if second & 0xc0 == 64 => Self::Private,
            [0, ..] | [169, 254, ..] | [192, 0, 0 | 2, _] | [192, 88, 99, _] | [198, 18 | 19, ..] => {
                Self::Never
            }
            [198, 51, 100, _] | [203, 0, 113, _] | [224..=255, ..] => Self::Never,
            _ => Self::Public,
        }
    }

    const fn of_v6(address: Ipv6Addr) -> Self {
        match address.segments() {
            [0, 0, 0, 0, 0, 0, 0, 1] => Self::Loopback,
            // Mapped, and translated by NAT64 or 6to4.
            [0, 0, 0, 0, 0, 0xffff, high, low]
            | [0x64, 0xff9b, 0, 0, 0, 0, high, low]
            | [0x2002, high, low, ..] => Self::of_v4(wrapped(high, low)),
            // Teredo, benchmarks, ORCHID, documentation.
            [0x2001, 0..0x200, ..] | [0x2001, 0xdb8, ..] | [0x3fff, 0..0x1000, ..] => Self::Never,
            [first, ..] if first & 0xfe00 == 0xfc00 => Self::Private,
            [first, ..] if first & 0xe000 == 0x2000 => Self::Public,
            _ => Self::Never,
        }
    }
}

const fn wrapped(high: u16, low: u16) -> Ipv4Addr {
    let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
    Ipv4Addr::new(a, b, c, d)
}

/// Which nets are allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rules {
    public: bool,
    loopback: bool,
    private: bool,
}

impl Rules {
    /// Over HTTPS.
    #[must_use]
    pub const fn secure(config: &Config) -> Self {
        Self { public: true, loopback: config.loopback, private: config.private_networks }
    }

    /// Over plain HTTP: on this machine, if at all.
    #[must_use]
    pub const fn plain(config: &Config) -> Self {
        Self { public: false, loopback: config.loopback, private: false }
    }

    /// Whether a request may go there.
    #[must_use]
    pub fn allow(self, address: IpAddr) -> bool {
        match Net::of(address) {
            Net::Public => self.public,
            Net::Loopback => self.loopback,
            Net::Private => self.private,
            Net::Never => false,
        }
    }
}

/// Reads a callback's address.
///
/// # Errors
/// Why it may not be one.
pub fn read(text: &str, config: &Config) -> Result<Url, Forbidden> {
    let url = parse(text)?;
    check(&url, config)?;
    Ok(url)
}

fn parse(text: &str) -> Result<Url, Forbidden> {
    if text.len() > LONGEST {
        return Err(Forbidden("an address has at most 2048 bytes"));
    }
    let mut url = Url::parse(text.trim()).map_err(|_| Forbidden("not an address such as https://…"))?;
    url.set_fragment(None);
    Ok(url)
}

/// Reads the address of a file, and says where its name may lead: as a callback's, but over plain HTTP too, which the API
/// tolerates here.
///
/// # Errors
/// Why it may not be one.
pub(crate) fn read_link(text: &str, config: &Config) -> Result<(Url, Rules), Forbidden> {
    let url = parse(text)?;
    if !matches!(url.scheme(), "https" | "http") {
        return Err(Forbidden("files are at https://… or http://…"));
    }
    let rules = Rules::secure(config);
    judge(&url, rules)?;
    Ok((url, rules))
}

/// Judges an address by its text.
///
/// # Errors
/// Why it may not be one.
pub fn check(url: &Url, config: &Config) -> Result<(), Forbidden> {
    let rules = match url.scheme() {
        "https" => Rules::secure(config),
        "http" if config.loopback => Rules::plain(config),
        _ => return Err(Forbidden("callbacks are https://…")),
    };
    judge(url, rules)
}

/// What holds for every address that is called for a business.
fn judge(url: &Url, rules: Rules) -> Result<(), Forbidden> {
    if !url.username().is_empty() || url.password().is_some() {
        return Err(Forbidden("no name and password in an address"));
    }
    let port = url.port_or_known_default().unwrap_or(0);
    // The well-known ports below belong to protocols that could mistake a request for one of theirs.
    if !(port == 443 || port >= 1024 || (port == 80 && url.scheme() == "http")) {
        return Err(Forbidden("port 443, or one from 1024"));
    }
    // As reqwest sees it: an IP address in any spelling comes out as one.
    let host = url.host_str().ok_or(Forbidden("an address has a host"))?;
    match host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>() {
        Ok(address) if !rules.allow(address) => Err(Forbidden("not in a private or reserved network")),
        _ => Ok(()),
    }
}

/// Looks up names. The system's, or a test's.
#[async_trait]
pub trait Lookup: Send + Sync + fmt::Debug {
    /// The addresses of a name.
    ///
    /// # Errors
    /// There is none, or nobody could be asked.
    async fn lookup(&self, name: &str) -> io::Result<Vec<IpAddr>>;
}

/// The system's resolver.
#[derive(Debug)]
pub struct SystemLookup;

#[async_trait]
impl Lookup for SystemLookup {
    async fn lookup(&self, name: &str) -> io::Result<Vec<IpAddr>> {
        Ok(tokio::net::lookup_host((name, 0)).await?.map(|address| address.ip()).collect())
    }
}

/// Gives connections only what the rules allow.
#[derive(Debug, Clone)]
pub(crate) struct Guarded {
    pub(crate) rules: Rules,
    pub(crate) lookup: Arc<dyn Lookup>,
}

impl Resolve for Guarded {
    fn resolve(&self, name: Name) -> Resolving {
        let Self { rules, lookup } = self.clone();
        Box::pin(async move {
            let found = lookup.lookup(name.as_str()).await?;
            let allowed: Vec<SocketAddr> = found
                .into_iter()
                .filter(|address| rules.allow(*address))
                .map(|address| SocketAddr::new(address, 0))
                .collect();
            if allowed.is_empty() {
                return Err(Forbidden("the name leads into a private or reserved network").into());
            }
            Ok(Box::new(allowed.into_iter()) as Addrs)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CLOSED: Config = Config { loopback: false, private_networks: false, timeout_ms: 1000, parallel: 1 };

    #[test]
    fn only_public_addresses_are_public() {
        for (address, net) in [
            ("8.8.8.8", Net::Public),
            ("172.15.255.255", Net::Public),
            ("172.32.0.1", Net::Public),
            ("100.63.0.1", Net::Public),
            ("100.128.0.1", Net::Public),
            ("2606:4700::1111", Net::Public),
            ("127.0.0.1", Net::Loopback),
            ("127.255.255.254", Net::Loopback),
            ("::1", Net::Loopback),
            ("::ffff:127.0.0.1", Net::Loopback),
            ("64:ff9b::7f00:1", Net::Loopback),
            ("10.1.2.3", Net::Private),
            ("172.16.0.1", Net::Private),
            ("172.31.255.255", Net::Private),
            ("192.168.1.1", Net::Private),
            ("100.64.0.1", Net::Private),
            ("100.127.255.255", Net::Private),
            ("fc00::1", Net::Private),
            ("fdff::1", Net::Private),
            ("::ffff:10.0.0.1", Net::Private),
            ("2002:a00:1::", Net::Private),
            ("0.0.0.0", Net::Never),
            ("169.254.169.254", Net::Never),
            ("::ffff:169.254.169.254", Net::Never),
            ("192.0.0.1", Net::Never),
            ("192.0.2.1", Net::Never),
            ("198.18.0.1", Net::Never),
            ("198.51.100.1", Net::Never),
            ("203.0.113.1", Net::Never),
            ("224.0.0.1", Net::Never),
            ("240.0.0.1", Net::Never),
            ("255.255.255.255", Net::Never),
            ("::", Net::Never),
            ("::127.0.0.1", Net::Never),
            ("fe80::1", Net::Never),
            ("fec0::1", Net::Never),
            ("ff02::1", Net::Never),
            ("2001::1", Net::Never),
            ("2001:db8::1", Net::Never),
            ("64:ff9b:1::1", Net::Never),
            ("100::1", Net::Never),
        ] {
            assert_eq!(Net::of(address.parse().unwrap()), net, "{address}");
        }
    }

    #[test]
    fn an_address_that_leads_inside_is_refused_in_every_spelling() {
        for good in ["https://bank.example/hook?k=1", "https://8.8.8.8:8443/", "https://[2606:4700::1111]/"] {
            read(good, &CLOSED).unwrap();
        }
        for bad in [
            "",
            "bank.example/hook",
            "ftp://bank.example/",
            "file:///etc/passwd",
            "http://bank.example/",
            "http://127.0.0.1:8080/",
            "https://127.0.0.1/",
            "https://127.1/",
            "https://2130706433/",
            "https://0x7f.0.0.1/",
            "https://0177.0.0.1/",
            "https://[::1]/",
            "https://[::ffff:127.0.0.1]/",
            "https://[::ffff:a9fe:a9fe]/latest/meta-data",
            "https://169.254.169.254/",
            "https://10.0.0.1/",
            "https://[fd00::1]/",
            "https://0.0.0.0/",
            "https://user:secret@bank.example/",
            "https://bank.example:22/",
            "https://bank.example:25/",
        ] {
            assert!(read(bad, &CLOSED).is_err(), "{bad}");
        }
    }

    #[test]
    fn the_address_of_a_file_is_judged_like_a_callbacks() {
        for good in ["https://bank.example/a.png", "http://bank.example/a.png", "http://8.8.8.8:8080/a.png"] {
            read_link(good, &CLOSED).unwrap();
        }
        for bad in [
            "",
            "ftp://bank.example/a.png",
            "file:///etc/passwd",
            "http://bank.example:22/",
            "http://bank.example:25/",
            "https://bank.example:80/",
            "http://bank.example:443x/",
            "http://user:secret@bank.example/",
            "http://127.0.0.1:8080/",
            "http://2130706433/",
            "http://[::ffff:a9fe:a9fe]/latest/meta-data",
            "http://169.254.169.254/",
            "http://10.0.0.1/",
            &format!("https://bank.example/{}", "x".repeat(LONGEST)),
        ] {
            assert!(read_link(bad, &CLOSED).is_err(), "{bad}");
        }
    }

    #[test]
    fn plain_http_is_for_this_machine_only() {
        let open = Config { loopback: true, ..CLOSED };
        read("http://127.0.0.1:8080/", &open).unwrap();
        read("http://localhost:8080/", &open).unwrap();
        read("https://[::1]:8080/", &open).unwrap();
        for bad in ["http://8.8.8.8:8080/", "http://10.0.0.1:8080/", "http://169.254.169.254/"] {
            assert!(read(bad, &open).is_err(), "{bad}");
        }
        assert!(!Rules::plain(&open).allow("8.8.8.8".parse().unwrap()), "not by a name either");
        let private = Config { private_networks: true, ..CLOSED };
        read("https://10.0.0.1/", &private).unwrap();
        assert!(read("https://169.254.169.254/", &private).is_err());
    }
}
