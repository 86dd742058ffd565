//! How many bytes a business may still bring. What is on its way in this process counts as if it were here, so that many
//! files at the same time do not fill the place before the first of them is written down.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use crate::ids::BusinessId;

/// Bytes that are on their way, by business.
#[derive(Debug, Clone, Default)]
pub(super) struct Room(Arc<Mutex<HashMap<BusinessId, u64>>>);

/// A file on its way. Dropped, it takes no room any more: it is written down and counted there, or it is gone.
#[derive(Debug)]
pub(super) struct Coming {
    room: Room,
    business: BusinessId,
    /// What was left when it began.
    left: u64,
    bytes: u64,
}

impl Room {
    /// Begins a file of a business for which so much room is left by what is written down.
    pub(super) fn coming(&self, business: BusinessId, left: u64) -> Coming {
        Coming { room: self.clone(), business, left, bytes: 0 }
    }

    fn all(&self) -> std::sync::MutexGuard<'_, HashMap<BusinessId, u64>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Coming {
    /// Whether there is room for so many bytes more.
    pub(super) fn takes(&mut self, bytes: u64) -> bool {
        let mut all = self.room.all();
        let coming = all.entry(self.business).or_default();
        let fits = coming.saturating_add(bytes) <= self.left;
        if fits {
            *coming += bytes;
            self.bytes += bytes;
        }
        fits
    }
}

impl Drop for Coming {
    fn drop(&mut self) {
        let mut all = self.room.all();
        if let Some(coming) = all.get_mut(&self.business) {
            *coming = coming.saturating_sub(self.bytes);
            if *coming == 0 {
                all.remove(&self.business);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_on_its_way_takes_room_until_it_is_there_or_gone() {
        let (room, own, other) = (Room::default(), BusinessId::from_name(1), BusinessId::from_name(2));
        let (mut first, mut second) = (room.coming(own, 100), room.coming(own, 100));
        assert!(first.takes(60) && !second.takes(41) && second.takes(40) && !first.takes(1));
        assert!(room.coming(other, 100).takes(100));
        drop(first);
        assert!(second.takes(60) && !second.takes(1));
        drop(second);
        assert!(room.all().is_empty());
    }
}
