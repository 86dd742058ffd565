//! A group of up to three over the same network: its messages under sender keys, which travel through the sessions.

use std::collections::{HashMap, HashSet};

use proptest::prelude::*;
use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};
use signal::{DistributionId, DistributionMessage, SenderKeyError, SenderKeyMessage, SenderKeyRecord};

use crate::{
    cases, line,
    simulation::{Letter, Line, Who, World},
};

const GROUP: DistributionId = DistributionId([7; 16]);
/// Chains of one sender that a reader keeps.
const MAX_CHAINS: usize = 5;

#[derive(Clone, Copy, Debug)]
enum Step {
    /// A member writes to the group. The network takes it to everybody, members or not.
    Speak(Who),
    /// A member tells another where its chain stands, in a message of their session.
    Tell(Line),
    /// A message of a session that is under way arrives.
    Told(usize),
    /// A message to the group arrives at one party. It may arrive again.
    Heard(usize),
    /// Cleo joins, or leaves, and then everybody else begins a new chain.
    CleoJoins,
    CleoLeaves,
    /// A party stores its records and reads them back.
    Restart(Who),
}

fn step() -> impl Strategy<Value = Step> {
    let who = prop::sample::select(Who::ALL.to_vec());
    prop_oneof![
        6 => who.clone().prop_map(Step::Speak),
        6 => line(3).prop_map(Step::Tell),
        6 => (0usize..8).prop_map(Step::Told),
        14 => (0usize..64).prop_map(Step::Heard),
        2 => Just(Step::CleoJoins),
        1 => Just(Step::CleoLeaves),
        2 => who.prop_map(Step::Restart),
    ]
}

/// Where a speaker was in its chain of this number.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct Position {
    speaker: Who,
    chain: u32,
    iteration: u32,
}

struct GroupMessage {
    position: Position,
    plaintext: Vec<u8>,
    bytes: Vec<u8>,
    cleo_is_member: bool,
    reader: Who,
    read: bool,
}

/// What a reader was told of a speaker: chains and from where on, the latest told first.
#[derive(Clone, Default)]
struct Told(Vec<(u32, u32)>);

impl Told {
    fn tell(&mut self, chain: u32, iteration: u32) {
        let known = self.0.iter().position(|(known, _)| *known == chain).map(|at| self.0.remove(at));
        self.0.insert(0, known.unwrap_or((chain, iteration)));
        self.0.truncate(MAX_CHAINS);
    }

    fn from(&self, chain: u32) -> Option<u32> {
        self.0.iter().find(|(known, _)| *known == chain).map(|(_, from)| *from)
    }
}

struct Group {
    world: World,
    rng: ChaCha20Rng,
    cleo_is_member: bool,
    own: HashMap<Who, SenderKeyRecord>,
    others: HashMap<Line, SenderKeyRecord>,
    told: HashMap<Line, Told>,
    messages: Vec<GroupMessage>,
    seen: HashSet<(Who, Position)>,
}

impl Group {
    fn new(seed: u8) -> Self {
        let mut rng = ChaCha20Rng::from_seed([seed; 32]);
        Self {
            world: World::new(seed),
            cleo_is_member: false,
            own: Who::ALL.map(|who| (who, SenderKeyRecord::create(GROUP, &mut rng))).into(),
            others: Line::among(3).map(|line| (line, SenderKeyRecord::new(GROUP))).collect(),
            told: Line::among(3).map(|line| (line, Told::default())).collect(),
            messages: Vec::new(),
            seen: HashSet::new(),
            rng,
        }
    }

    fn is_member(&self, who: Who) -> bool {
        who != Who::Cleo || self.cleo_is_member
    }

    fn take_step(&mut self, step: Step) {
        match step {
            Step::Speak(who) if self.is_member(who) => self.speak(who),
            Step::Tell(line) if self.is_member(line.from) && self.is_member(line.to) => {
                let distribution = self.own[&line.from].distribution().expect("an own chain");
                let letter = self.world.write(line, Some(distribution.serialize().to_vec()));
                self.world.under_way.push(letter);
            }
            Step::Speak(_) | Step::Tell(_) => {}
            Step::Told(at) => {
                if let Some(at) = at.checked_rem(self.world.under_way.len()) {
                    let letter = self.world.under_way.remove(at);
                    self.hear_of_chain(letter);
                }
            }
            Step::Heard(at) => {
                if let Some(at) = at.checked_rem(self.messages.len()) {
                    self.hear(at);
                }
            }
            Step::CleoJoins => self.cleo_is_member = true,
            Step::CleoLeaves => {
                self.cleo_is_member = false;
                for who in [Who::Anna, Who::Ben] {
                    self.own.insert(who, SenderKeyRecord::create(GROUP, &mut self.rng));
                }
            }
            Step::Restart(who) => {
                let stored = |record: &SenderKeyRecord| {
                    let restored = SenderKeyRecord::from_bytes(&record.to_bytes()).expect("it was stored");
                    assert_eq!(restored, *record);
                    restored
                };
                let own = stored(&self.own[&who]);
                self.own.insert(who, own);
                let of_others = self.others.iter_mut().filter(|(line, _)| line.to == who);
                of_others.for_each(|(_, record)| *record = stored(record));
            }
        }
    }

    fn speak(&mut self, speaker: Who) {
        let plaintext = format!("{speaker:?} says the {}th thing", self.messages.len()).into_bytes();
        let record = self.own.get_mut(&speaker).expect("everybody has one");
        let bytes = record.encrypt(&plaintext, &mut self.rng).expect("an own chain").bytes;
        let message = SenderKeyMessage::parse(&bytes).expect("what is sent is read");
        let position = Position { speaker, chain: message.chain_id(), iteration: message.iteration() };
        for reader in Who::ALL.into_iter().filter(|who| *who != speaker) {
            self.messages.push(GroupMessage {
                position,
                plaintext: plaintext.clone(),
                bytes: bytes.clone(),
                cleo_is_member: self.cleo_is_member,
                reader,
                read: false,
            });
        }
    }

    fn hear_of_chain(&mut self, letter: Letter) {
        let line = letter.line;
        let plaintext = self.world.deliver(letter).expect("sessions work");
        let distribution = DistributionMessage::parse(&plaintext).expect("what is sent is read");
        let record = self.others.get_mut(&line).expect("there is one for each line");
        record.process(&distribution).expect("it is of this group");
        let told = self.told.get_mut(&line).expect("there is one for each line");
        told.tell(distribution.chain_id(), distribution.iteration());
    }

    fn hear(&mut self, at: usize) {
        let message = &mut self.messages[at];
        let Position { speaker, chain, iteration } = message.position;
        let line = Line { from: speaker, to: message.reader };
        let expected = match self.told[&line].from(chain) {
            None => Err(SenderKeyError::NoState { chain_id: chain }),
            Some(from) if message.read || iteration < from => Err(SenderKeyError::Duplicate { iteration }),
            Some(_) => Ok(message.plaintext.clone()),
        };
        let record = self.others.get_mut(&line).expect("there is one for each line");
        let before = record.clone();
        let parsed = SenderKeyMessage::parse(&message.bytes).expect("what is sent is read");
        let outcome = record.decrypt(&parsed).map(|plaintext| plaintext.to_vec());
        assert_eq!(outcome, expected, "{line:?}");
        if outcome.is_err() {
            assert_eq!(*record, before, "a refused message changed the record");
            return;
        }
        assert!(self.seen.insert((message.reader, message.position)), "{line:?}: read twice");
        assert!(
            message.reader != Who::Cleo || message.cleo_is_member,
            "Cleo read what was sent while she was no member"
        );
        message.read = true;
    }
}

proptest! {
    #![proptest_config(cases(48))]

    #[test]
    fn members_read_the_group_from_when_they_are_told_until_they_leave(
        seed: u8,
        script in prop::collection::vec(step(), 1..160),
    ) {
        let mut group = Group::new(seed);
        script.into_iter().for_each(|step| group.take_step(step));
        // In the end everybody is told of everything that is under way, and hears all that was said.
        for letter in std::mem::take(&mut group.world.under_way) {
            group.hear_of_chain(letter);
        }
        (0..group.messages.len()).for_each(|at| group.hear(at));
    }
}

#[test]
fn cleo_reads_what_is_sent_between_her_coming_and_her_going() {
    let mut group = Group::new(1);
    let tell = |to| Step::Tell(Line { from: Who::Anna, to });
    let script = [
        tell(Who::Ben),
        Step::Speak(Who::Anna),
        Step::CleoJoins,
        tell(Who::Cleo),
        Step::Speak(Who::Anna),
        Step::CleoLeaves,
        tell(Who::Ben),
        Step::Speak(Who::Anna),
    ];
    script.into_iter().for_each(|step| group.take_step(step));
    for letter in std::mem::take(&mut group.world.under_way) {
        group.hear_of_chain(letter);
    }
    (0..group.messages.len()).for_each(|at| group.hear(at));
    let read = |reader| -> Vec<_> {
        group.messages.iter().filter(|message| message.reader == reader).map(|message| message.read).collect()
    };
    assert_eq!(read(Who::Ben), [true, true, true]);
    assert_eq!(read(Who::Cleo), [false, true, false]);
}
