use std::{fmt, str::FromStr};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};

use crate::{BusinessId, VendorId};

/// Who holds a [`Credential`], and which one of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Party {
    /// A business, for its application, numbers and hosting: `tpb1_`.
    Business(BusinessId),
    /// A business that hosts itself, for registering its devices: `tph1_`.
    OwnHost(BusinessId),
    /// A vendor, for registering devices of businesses that chose it: `tpv1_`.
    Vendor(VendorId),
    /// The operator, for registering devices of businesses that chose it: `tpo1_`.
    OperatorHost,
}

impl Party {
    const fn prefix(self) -> &'static str {
        match self {
            Self::Business(_) => "tpb1_",
            Self::OwnHost(_) => "tph1_",
            Self::Vendor(_) => "tpv1_",
            Self::OperatorHost => "tpo1_",
        }
    }

    const fn id(self) -> [u8; 16] {
        match self {
            Self::Business(id) | Self::OwnHost(id) => id.to_bytes(),
            Self::Vendor(id) => id.to_bytes(),
            Self::OperatorHost => [0; 16],
        }
    }
}

/// The credential of a business or of a host: whose it is, and a secret. On the wire a prefix that says the kind, and
/// 48 bytes in base64url.
///
/// `Debug` shows no secret; there is no `Display`.
#[derive(Clone, PartialEq, Eq)]
pub struct Credential {
    /// Whose it is.
    pub party: Party,
    /// 32 random bytes. The relay keeps only a hash.
    pub secret: [u8; 32],
}

/// Text that is no credential.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a credential of a business or a host")]
pub struct InvalidCredential;

impl Credential {
    /// The text that its holder sends: a secret.
    #[must_use]
    pub fn expose(&self) -> String {
        let bytes = [&self.party.id()[..], &self.secret].concat();
        format!("{}{}", self.party.prefix(), URL_SAFE_NO_PAD.encode(bytes))
    }
}

impl FromStr for Credential {
    type Err = InvalidCredential;

    fn from_str(text: &str) -> Result<Self, InvalidCredential> {
        let (prefix, rest) = text.split_at_checked(5).ok_or(InvalidCredential)?;
        if rest.len() != 64 {
            return Err(InvalidCredential);
        }
        let bytes = URL_SAFE_NO_PAD.decode(rest).map_err(|_| InvalidCredential)?;
        let (id, secret) = bytes.split_at_checked(16).ok_or(InvalidCredential)?;
        let business = BusinessId::try_from(id).map_err(|_| InvalidCredential)?;
        let party = match prefix {
            "tpb1_" => Party::Business(business),
            "tph1_" => Party::OwnHost(business),
            "tpv1_" => Party::Vendor(VendorId::from_bytes(business.to_bytes())),
            "tpo1_" if id == [0; 16] => Party::OperatorHost,
            _ => return Err(InvalidCredential),
        };
        Ok(Self { party, secret: secret.try_into().map_err(|_| InvalidCredential)? })
    }
}

impl fmt::Debug for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Credential({:?})", self.party)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_it_wrote_and_hides_it() {
        let business = BusinessId::from_bytes([7; 16]);
        let parties = [
            Party::Business(business),
            Party::OwnHost(business),
            Party::Vendor(VendorId::from_bytes([8; 16])),
            Party::OperatorHost,
        ];
        for party in parties {
            let credential = Credential { party, secret: [9; 32] };
            let text = credential.expose();
            assert_eq!(text.parse::<Credential>().unwrap(), credential);
            assert!(!format!("{credential:?}").contains("9, 9"), "{credential:?}");
            for bad in [
                "",
                &text[..5],
                &text[5..],
                &text[..68],
                &format!("{text}A"),
                &format!("tpx1_{}", &text[5..]),
            ] {
                assert!(bad.parse::<Credential>().is_err(), "{bad}");
            }
        }
        // The operator is one, and a kind is not another kind.
        let vendor =
            Credential { party: Party::Vendor(VendorId::from_bytes([8; 16])), secret: [9; 32] }.expose();
        assert!(vendor.replace("tpv1_", "tpo1_").parse::<Credential>().is_err());
        assert!("ü".repeat(40).parse::<Credential>().is_err());
    }
}
