//! Statuses that only some messages have: a reaction is sent and no more, a voice note is played.

use client::{Body, Draft};
use host::{
    content::{Content, File, MessageName, Reaction},
    ids::MessageId,
    messages::Outgoing,
};

use crate::world::{on_both, text, until};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reaction_is_sent_and_a_voice_note_is_played() {
    on_both(async |world| {
        let ada = world.customer().await;
        let host = world.host().await;
        let number = world.settle(&host).await;
        let business = number.account.unwrap();
        ada.device.send(business, Draft::text("Thank you!")).await.unwrap();
        until("it came", async || world.told().await.len() == 1).await;
        let thanks: MessageId = world.told().await[0].parse().unwrap();

        let reaction = Reaction { message_id: MessageName(thanks), emoji: Some("🙏".to_owned()) };
        let reaction = Outgoing { content: Content::Reaction(reaction), ..text(&number, &ada.number, "") };
        let reaction = host.messages.send(reaction).await.unwrap();
        until("it was sent", async || world.told_of(reaction.id).await == ["sent"]).await;

        let note = bytes::Bytes::from([&b"OggS"[..], &[1; 2000]].concat());
        let note = futures_util::stream::iter([Ok::<_, std::io::Error>(note)]);
        let note = host.media.put(&number, "audio/ogg; codecs=opus", None, note).await.unwrap();
        let content = Content::Audio(File { id: Some(note), voice: true, ..File::default() });
        let sent = host.messages.send(Outgoing { content, ..text(&number, &ada.number, "") }).await.unwrap();
        let heard = ada.hears(business, 1).await.remove(0);
        until("it was delivered", async || world.told_of(sent.id).await.len() == 2).await;
        ada.device.mark_read(business, u64::MAX >> 1).await.unwrap();
        until("it was read", async || world.told_of(sent.id).await.len() == 3).await;
        ada.device.mark_played(heard.id).await.unwrap();
        ada.device.mark_played(heard.id).await.unwrap();
        until("it was played", async || world.told_of(sent.id).await.len() == 4).await;
        assert_eq!(world.told_of(sent.id).await, ["sent", "delivered", "read", "played"]);
        // Nothing more came of the reaction meanwhile.
        assert_eq!(world.told_of(reaction.id).await, ["sent"]);
        host.close().await;
        world.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_about_a_message_may_be_sent_in_the_same_instant() {
    on_both(async |world| {
        let ada = world.customer().await;
        let host = world.host().await;
        let number = world.settle(&host).await;
        ada.device.send(number.account.unwrap(), Draft::text("Hello?")).await.unwrap();
        until("it came", async || world.told().await.len() == 1).await;
        let mut reactions = Vec::new();
        for n in 0..20 {
            let sent = host.messages.send(text(&number, &ada.number, &n.to_string())).await.unwrap();
            let reaction = Reaction { message_id: MessageName(sent.id), emoji: Some("👍".to_owned()) };
            let reaction =
                Outgoing { content: Content::Reaction(reaction), ..text(&number, &ada.number, "") };
            reactions.push(host.messages.send(reaction).await.unwrap().id);
        }
        for reaction in reactions {
            until("it went", async || !world.told_of(reaction).await.is_empty()).await;
            assert_eq!(world.told_of(reaction).await, ["sent"]);
        }
        for (n, heard) in ada.hears(number.account.unwrap(), 20).await.into_iter().enumerate() {
            assert_eq!(heard.body, Body::Text { text: n.to_string() });
        }
        host.close().await;
        world.close().await;
    })
    .await;
}
