//! What recorded conversations tell of the inner state, for the tests that replay them.

use keys::Secret;

use super::{Spqr, machine::State};

pub(crate) struct Inspection {
    pub(crate) variant: &'static str,
    pub(crate) epoch: u64,
    pub(crate) authenticator_root: Secret<32>,
    pub(crate) authenticator_mac: Secret<32>,
    pub(crate) chain_root: Secret<32>,
    pub(crate) chain_epoch: u64,
    pub(crate) chain_send_epoch: u64,
}

impl Spqr {
    pub(crate) fn inspect(&self) -> Inspection {
        let variant = match &self.machine.state {
            State::KeysUnsampled => "KeysUnsampled",
            State::KeysSampled(_) => "KeysSampled",
            State::HeaderSent(_) => "HeaderSent",
            State::Ct1Received(_) => "Ct1Received",
            State::EkSentCt1Received(_) => "EkSentCt1Received",
            State::NoHeaderReceived(_) => "NoHeaderReceived",
            State::HeaderReceived(_) => "HeaderReceived",
            State::Ct1Sampled(_) => "Ct1Sampled",
            State::EkReceivedCt1Sampled(_) => "EkReceivedCt1Sampled",
            State::Ct1Acknowledged(_) => "Ct1Acknowledged",
            State::Ct2Sampled(_) => "Ct2Sampled",
        };
        let chains = &self.chains;
        Inspection {
            variant,
            epoch: self.machine.epoch,
            authenticator_root: self.machine.authenticator.root.clone(),
            authenticator_mac: self.machine.authenticator.mac.clone(),
            chain_root: chains.root.clone(),
            chain_epoch: chains.current,
            chain_send_epoch: chains.current - u64::from(chains.upcoming.is_some()),
        }
    }

    /// Makes every receiving chain believe that no key was taken from it yet. Its secrets stay what they are.
    pub(crate) fn wind_back(&mut self) {
        for chain in &mut self.chains.receiving {
            chain.chain.counter = 0;
        }
    }
}
