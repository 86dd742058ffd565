//! Its socket.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use client::{Clock as _, LinkError, link::Socket};
use tokio::sync::{Mutex, mpsc};
use wire::{
    AccountId, DeviceId, Message as _,
    frames::{ClientFrame, Envelope, ServerFrame},
};

use super::{Open, Relay, link::Faults};
use crate::world::TestClock;

pub(crate) struct TestSocket {
    relay: Arc<Relay>,
    who: (AccountId, DeviceId),
    sender: mpsc::UnboundedSender<Result<ServerFrame, u16>>,
    receiver: Mutex<mpsc::UnboundedReceiver<Result<ServerFrame, u16>>>,
    faults: Arc<Faults>,
    clock: TestClock,
}

impl TestSocket {
    pub(crate) fn open(
        relay: &Arc<Relay>,
        who: (AccountId, DeviceId),
        faults: &Arc<Faults>,
        clock: TestClock,
    ) -> Self {
        let (sender, receiver) = mpsc::unbounded_channel();
        let mut state = relay.state();
        let device = state.accounts.get_mut(&who.0).unwrap().devices.get_mut(&who.1).unwrap();
        device.close(4001);
        device.socket = Some(Open { sender: sender.clone(), numbers: Vec::new(), last: 0 });
        let waiting: Vec<Envelope> = device.queue.iter().cloned().collect();
        waiting.chunks(7).for_each(|envelopes| device.deliver(envelopes));
        let _ = sender.send(Ok(ServerFrame { drained: true, ..ServerFrame::default() }));
        drop(state);
        Self {
            relay: Arc::clone(relay),
            who,
            sender,
            receiver: Mutex::new(receiver),
            faults: Arc::clone(faults),
            clock,
        }
    }

    fn lost(&self) -> LinkError {
        self.leave();
        let _ = self.sender.send(Err(0));
        LinkError::Unreachable("lost".into())
    }

    fn leave(&self) {
        let mut state = self.relay.state();
        let Some(account) = state.accounts.get_mut(&self.who.0) else { return };
        let Some(device) = account.devices.get_mut(&self.who.1) else { return };
        // Another socket may have taken over.
        if device.socket.as_ref().is_some_and(|open| open.sender.same_channel(&self.sender)) {
            device.socket = None;
        }
    }
}

#[async_trait]
impl Socket for TestSocket {
    async fn send(&self, frame: Bytes) -> Result<(), LinkError> {
        tokio::task::yield_now().await;
        assert!(frame.len() <= wire::limits::FRAME);
        if self.faults.happens() {
            return Err(self.lost());
        }
        let frame = ClientFrame::decode(frame).unwrap();
        let mut answer = ServerFrame::default();
        let mut state = self.relay.state();
        let Some(account) = state.accounts.get_mut(&self.who.0) else { return Err(LinkError::Closed(None)) };
        let device = account.devices.get_mut(&self.who.1).ok_or(LinkError::Closed(None))?;
        if !device.socket.as_ref().is_some_and(|open| open.sender.same_channel(&self.sender)) {
            return Err(LinkError::Closed(None));
        }
        for send in &frame.sends {
            match state.accept(self.who.0, self.who.1, send, self.clock.now()) {
                Ok(()) => answer.sent.push(send.id.clone()),
                Err(refusal) => answer.refusals.push(refusal),
            }
        }
        let device = state.accounts.get_mut(&self.who.0).unwrap().devices.get_mut(&self.who.1).unwrap();
        device.acknowledge(frame.acknowledged);
        drop(state);
        if self.faults.happens() {
            return Err(self.lost());
        }
        if !frame.sends.is_empty() {
            let _ = self.sender.send(Ok(answer));
        }
        Ok(())
    }

    async fn next(&self) -> Result<Bytes, LinkError> {
        let mut receiver = self.receiver.lock().await;
        match receiver.recv().await {
            Some(Ok(mut frame)) => {
                if self.faults.happens() {
                    return Err(self.lost());
                }
                if self.faults.happens() {
                    // The same envelope once more, as after a mishap at the relay.
                    let again: Vec<_> = frame.deliveries.clone();
                    frame.deliveries.extend(again);
                    frame.deliveries.sort_by_key(|delivery| delivery.number);
                }
                Ok(frame.encode_to_vec().into())
            }
            Some(Err(0)) | None => Err(LinkError::Closed(None)),
            Some(Err(code)) => Err(LinkError::Closed(Some(code))),
        }
    }

    async fn close(&self) {
        self.leave();
    }
}
