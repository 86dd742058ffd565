//! Where requests come from.

use std::net::{IpAddr, Ipv6Addr};

use http::{Extensions, HeaderMap};

use super::Peer;

/// An address as limits see it: of IPv6 the network, which one subscriber has to themselves.
#[must_use]
pub fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => {
            let network = u128::from(address) & !u128::from(u64::MAX);
            IpAddr::V6(Ipv6Addr::from(network))
        }
        address @ IpAddr::V4(_) => address,
    }
}

/// Whether a request comes from this machine, and not through a proxy on it.
#[must_use]
pub fn is_local(extensions: &Extensions, headers: &HeaderMap) -> bool {
    let forwarded =
        ["x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "forwarded", "via", "x-real-ip"];
    extensions.get::<Peer>().is_some_and(|peer| peer.address().to_canonical().is_loopback())
        && !forwarded.iter().any(|name| headers.contains_key(*name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_subscriber_is_one_address() {
        let network = |text: &str| network(text.parse().unwrap()).to_string();
        assert_eq!(network("2001:db8:1:2:3:4:5:6"), "2001:db8:1:2::");
        assert_eq!(network("::ffff:192.0.2.7"), "192.0.2.7");
        assert_eq!(network("192.0.2.7"), "192.0.2.7");
    }
}
