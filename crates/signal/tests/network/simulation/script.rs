use std::fmt;

use super::Who;

/// Who sends to whom.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Line {
    pub(crate) from: Who,
    pub(crate) to: Who,
}

impl Line {
    pub(crate) const fn back(self) -> Self {
        Self { from: self.to, to: self.from }
    }

    /// All of them among the first `parties`.
    pub(crate) fn among(parties: usize) -> impl Iterator<Item = Self> + Clone {
        let who = Who::ALL.into_iter().take(parties);
        let others = who.clone();
        who.flat_map(move |from| others.clone().map(move |to| Self { from, to }))
            .filter(|line| line.from != line.to)
    }
}

impl fmt::Debug for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} → {:?}", self.from, self.to)
    }
}

/// What happens next. Positions are taken modulo what there is to choose from; if there is nothing, nothing happens.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    /// A message leaves.
    Send(Line),
    /// So many messages go each way, in turns and without loss.
    Talk(Line, u8),
    /// So many messages leave, of which all but a few are lost.
    Flood(Line, u16),
    /// A message that is under way arrives.
    Deliver(usize),
    /// One that arrived before arrives again.
    Again(usize),
    /// One is lost.
    Lose(usize),
    /// One arrives with a bit flipped, before the good one.
    Damage(usize, usize),
    /// One arrives where it should not: at its sender, at a third, or at its receiver as a third's.
    Stray(usize, u8),
    /// A device stores its sessions and reads them back.
    Restart(Who),
    /// A device begins so many sessions anew, with a message in each. Either all arrive or none does yet.
    Reset(Line, u8, bool),
    /// A device sets its session aside.
    Archive(Line),
    /// A device loses all it shares with another.
    Forget(Line),
    /// Both begin at the same time.
    Cross(Line),
    /// Days pass.
    Wait(u8),
    /// A device replaces the keys that serve many sessions.
    Rotate(Who),
    /// A device uploads new one-time keys.
    Stock(Who),
}

impl fmt::Debug for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Send(line) => write!(f, "Send({line:?})"),
            Self::Talk(line, rounds) => write!(f, "Talk({line:?}, {rounds} rounds)"),
            Self::Flood(line, count) => write!(f, "Flood({line:?}, {count} messages)"),
            Self::Deliver(at) => write!(f, "Deliver(#{at})"),
            Self::Again(at) => write!(f, "Again(#{at})"),
            Self::Lose(at) => write!(f, "Lose(#{at})"),
            Self::Damage(at, bit) => write!(f, "Damage(#{at}, bit {bit})"),
            Self::Stray(at, way) => write!(f, "Stray(#{at}, way {way})"),
            Self::Restart(who) => write!(f, "Restart({who:?})"),
            Self::Reset(line, count, heard) => {
                let how = if *heard { "heard" } else { "under way" };
                write!(f, "Reset({line:?}, {count} times, {how})")
            }
            Self::Archive(line) => write!(f, "Archive({line:?})"),
            Self::Forget(line) => write!(f, "Forget({line:?})"),
            Self::Cross(line) => write!(f, "Cross({line:?})"),
            Self::Wait(days) => write!(f, "Wait({days} days)"),
            Self::Rotate(who) => write!(f, "Rotate({who:?})"),
            Self::Stock(who) => write!(f, "Stock({who:?})"),
        }
    }
}
