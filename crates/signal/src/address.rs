use std::fmt;

/// Who a device belongs to, in the binary form that messages bind: an account, or its phone-number identity.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub enum ServiceId {
    /// The account itself.
    Aci([u8; 16]),
    /// The phone-number identity of an account.
    Pni([u8; 16]),
}

impl ServiceId {
    /// Reads a hyphenated UUID, with `PNI:` in front for a phone-number identity. The digits may be of either case.
    pub fn parse(text: &str) -> Option<Self> {
        match text.strip_prefix("PNI:") {
            Some(uuid) => parse_uuid(uuid).map(Self::Pni),
            None => parse_uuid(text).map(Self::Aci),
        }
    }

    /// Kind byte, then the UUID.
    pub fn to_fixed_width(self) -> [u8; 17] {
        let (kind, uuid) = self.parts();
        let mut bytes = [kind; 17];
        bytes.iter_mut().skip(1).zip(uuid).for_each(|(to, from)| *to = from);
        bytes
    }

    /// Reads what [`ServiceId::to_fixed_width`] wrote.
    pub fn from_fixed_width(bytes: &[u8; 17]) -> Option<Self> {
        let (kind, uuid) = bytes.split_first()?;
        let uuid = uuid.try_into().ok()?;
        match kind {
            0 => Some(Self::Aci(uuid)),
            1 => Some(Self::Pni(uuid)),
            _ => None,
        }
    }

    /// 16 bytes for an account, 17 for a phone-number identity.
    pub fn to_bytes(self) -> Vec<u8> {
        match self {
            Self::Aci(uuid) => uuid.to_vec(),
            Self::Pni(_) => self.to_fixed_width().to_vec(),
        }
    }

    /// Reads what [`ServiceId::to_bytes`] wrote.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        if let Ok(uuid) = bytes.try_into() {
            return Some(Self::Aci(uuid));
        }
        match Self::from_fixed_width(bytes.try_into().ok()?) {
            Some(Self::Aci(_)) | None => None,
            pni => pni,
        }
    }

    const fn parts(self) -> (u8, [u8; 16]) {
        match self {
            Self::Aci(uuid) => (0, uuid),
            Self::Pni(uuid) => (1, uuid),
        }
    }
}

fn parse_uuid(text: &str) -> Option<[u8; 16]> {
    let text = text.as_bytes();
    if text.len() != 36 {
        return None;
    }
    let mut uuid = [0; 16];
    let mut digits = 0usize;
    for (position, character) in text.iter().enumerate() {
        if matches!(position, 8 | 13 | 18 | 23) {
            if *character != b'-' {
                return None;
            }
            continue;
        }
        let digit = u8::try_from(char::from(*character).to_digit(16)?).ok()?;
        let byte = uuid.get_mut(digits / 2)?;
        *byte = *byte << 4 | digit;
        digits += 1;
    }
    Some(uuid)
}

impl fmt::Display for ServiceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (kind, uuid) = self.parts();
        if kind == 1 {
            f.write_str("PNI:")?;
        }
        for (position, byte) in uuid.iter().enumerate() {
            if matches!(position, 4 | 6 | 8 | 10) {
                f.write_str("-")?;
            }
            write!(f, "{byte:02x}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for ServiceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Number of a device within its account: 1..=127, 1 being the primary.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct DeviceId(u8);

impl DeviceId {
    /// The device that an account begins with.
    pub const PRIMARY: Self = Self(1);

    /// `None` outside 1..=127.
    pub fn new(id: impl TryInto<u8>) -> Option<Self> {
        id.try_into().ok().filter(|id| (1..=127).contains(id)).map(Self)
    }

    /// The number.
    pub const fn get(self) -> u8 {
        self.0
    }
}

/// One device of one account: `name.device`.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Address {
    name: String,
    device: DeviceId,
    service_id: Option<ServiceId>,
}

impl Address {
    /// The name is the text of a [`ServiceId`], or any other: messages bind addresses only where both sides' names
    /// are service ids.
    pub fn new(name: impl Into<String>, device: DeviceId) -> Self {
        let name = name.into();
        let service_id = ServiceId::parse(&name);
        Self { name, device, service_id }
    }

    /// Name of the account.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Number of the device.
    pub const fn device(&self) -> DeviceId {
        self.device
    }

    /// The name as a service id, if it is one.
    pub const fn service_id(&self) -> Option<ServiceId> {
        self.service_id
    }

    /// What a message from `self` to `recipient` binds: both service ids and devices.
    pub(crate) fn pair(&self, recipient: &Self) -> Option<[u8; 36]> {
        let ends = [(self.service_id?, self.device), (recipient.service_id?, recipient.device)];
        let mut pair = [0; 36];
        for (half, (id, device)) in pair.chunks_exact_mut(18).zip(ends) {
            let (last, first) = half.split_last_mut()?;
            first.copy_from_slice(&id.to_fixed_width());
            *last = device.get();
        }
        Some(pair)
    }
}

impl From<(ServiceId, DeviceId)> for Address {
    fn from((id, device): (ServiceId, DeviceId)) -> Self {
        Self { name: id.to_string(), device, service_id: Some(id) }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.name, self.device.0)
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_service_ids_are_read_as_such() {
        let aci = "8c78cd2a-16ff-427d-83dc-1a5e36ce713d";
        assert_eq!(ServiceId::parse(&aci.to_uppercase()).unwrap().to_string(), aci);
        let pni = format!("PNI:{aci}");
        assert_eq!(ServiceId::parse(&pni).unwrap().to_string(), pni);
        for other in
            ["", "alice", "8c78cd2a16ff427d83dc1a5e36ce713d", "8c78cd2a-16ff-427d-83dc-1a5e36ce713g", "pni:"]
        {
            assert_eq!(ServiceId::parse(other), None, "{other}");
        }
        assert_eq!(ServiceId::parse(&"é".repeat(18)), None);
        let mut zero_kind = ServiceId::parse(&pni).unwrap().to_bytes();
        assert_eq!(ServiceId::from_bytes(&zero_kind), ServiceId::parse(&pni));
        zero_kind[0] = 0;
        assert_eq!(ServiceId::from_bytes(&zero_kind), None);
    }

    #[test]
    fn devices_are_numbered_from_1_to_127() {
        assert_eq!(DeviceId::new(0), None);
        assert_eq!(DeviceId::new(128u32), None);
        assert_eq!(DeviceId::new(-1i32), None);
        assert_eq!(DeviceId::new(127u64).unwrap().get(), 127);
    }
}
