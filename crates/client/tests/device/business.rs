//! What businesses send, what people answer, and what is to happen once.

use client::{
    Body, Button, ButtonAction, Card, ChoiceList, Draft, DraftContent, Error, Event, Header, Interactive,
    LinkPreview, Location, Marketing, Media, MediaKind, MessageRef, NameParts, Offer, PostalAddress, Reply,
    ReplyKind, Row, Section, Slide, State, Template, TemplateCategory, Website,
};
use wire::Base64;

use super::world::{Person, World, until};

fn reply(title: &str, id: &str) -> Button {
    Button { title: title.into(), action: ButtonAction::Reply { id: id.into() } }
}

fn picture() -> Media {
    Media {
        kind: MediaKind::Image,
        blob: client::Blob {
            id: "a-b".into(),
            key: Base64(vec![1; 32]),
            digest: Base64(vec![2; 32]),
            size: 3,
        },
        content_type: "image/png".into(),
        file_name: "a.png".into(),
        caption: String::new(),
        width: 1,
        height: 2,
        duration: 0,
        thumbnail: Base64(vec![3]),
        animated: false,
    }
}

fn buttons() -> Interactive {
    let action = |title: &str, action| Button { title: title.into(), action };
    Interactive {
        header: Some(Header::Text { text: "Card 4711".into() }),
        body: "Did you pay 950 EUR at Muster & Co.?".into(),
        footer: "Your bank".into(),
        buttons: vec![
            reply("Yes", "yes"),
            reply("No, block my card", "no"),
            action("Terms", ButtonAction::Url { url: "https://bank.example/terms".into() }),
            action("Call us", ButtonAction::Call { number: "+49 30 12345-678".into() }),
            action("Copy the code", ButtonAction::Copy { text: "4711".into() }),
            action("Where are you?", ButtonAction::LocationRequest),
            action("Share your number", ButtonAction::ContactRequest),
            action("Form", ButtonAction::Other { name: "flow".into(), parameters: "{\"id\":1}".into() }),
        ],
        ..Interactive::default()
    }
}

fn list() -> Interactive {
    let row = |id: &str, title: &str| Row { id: id.into(), title: title.into(), description: "free".into() };
    Interactive {
        body: "When do you want to come?".into(),
        list: Some(ChoiceList {
            button: "Times".into(),
            sections: vec![
                Section { title: "Today".into(), rows: vec![row("t9", "9:00"), row("t10", "10:00")] },
                Section { title: "Tomorrow".into(), rows: vec![row("m9", "9:00 tomorrow")] },
            ],
        }),
        ..Interactive::default()
    }
}

fn template() -> Template {
    let slide = |id: &str, header| Slide {
        header: Some(header),
        body: "A seat".into(),
        buttons: vec![reply("Take it", id)],
    };
    let place = Location { latitude: 1.0, longitude: 2.0, ..Location::default() };
    Template {
        name: "seats".into(),
        language: "en_US".into(),
        category: TemplateCategory::Marketing,
        content: Interactive {
            header: Some(Header::Media(picture())),
            body: "Choose your seat".into(),
            slides: vec![slide("seat-1", Header::Media(picture())), slide("seat-2", Header::Location(place))],
            ..Interactive::default()
        },
        offer: Some(Offer { text: "Ends soon".into(), ends: 1_900_000_000_000 }),
    }
}

fn card() -> Card {
    Card {
        name: "Dr. Ada Muster".into(),
        phone_numbers: vec!["+49301".into(), "+49302".into()],
        phone_labels: vec!["Work".into(), "Home".into()],
        email_addresses: vec!["ada@example.org".into()],
        email_labels: vec!["Work".into()],
        organization: "Bank".into(),
        department: "Loans".into(),
        title: "Head".into(),
        birthday: "1990-12-10".into(),
        name_parts: Some(NameParts { first: "Ada".into(), last: "Muster".into(), ..NameParts::default() }),
        addresses: vec![PostalAddress {
            city: "Berlin".into(),
            country_code: "de".into(),
            ..Default::default()
        }],
        websites: vec![Website { url: "https://ada.example".into(), label: "Work".into() }],
    }
}

/// Sends it, and gives what the other side has then.
async fn arrives(from: &Person, to: &Person, content: DraftContent) -> (MessageRef, Body) {
    let id = from.device.send(to.account(), content.into()).await.unwrap();
    until(async || from.message(id).await.state == State::Delivered).await;
    (id, to.message(id).await.body)
}

#[tokio::test(start_paused = true)]
async fn everything_that_a_business_sends_arrives_as_it_was() {
    let world = World::new(50);
    let (bank, anna) = (world.person(1).await, world.person(2).await);
    let proof = Base64(vec![9; 100]);
    let request = anna.say(&bank, "Hello").await;
    let contents = [
        (DraftContent::Interactive(buttons()), Body::Interactive(buttons())),
        (DraftContent::Interactive(list()), Body::Interactive(list())),
        (DraftContent::Template(template()), Body::Template(template())),
        (DraftContent::Contacts { contacts: vec![card()] }, Body::Contacts { contacts: vec![card()] }),
        (DraftContent::NumberShare { proof: proof.clone() }, Body::NumberShare { proof }),
        (
            DraftContent::Preference { marketing: Marketing::Stop },
            Body::Preference { marketing: Marketing::Stop },
        ),
        (DraftContent::ErasureRequest, Body::ErasureRequest),
        (
            DraftContent::ErasureDone { request, messages: 7, media: 2 },
            Body::ErasureDone { request, messages: 7, media: 2 },
        ),
    ];
    for (content, body) in contents {
        let (_, arrived) = arrives(&bank, &anna, content).await;
        assert_eq!(arrived, body);
        // A program on the other side of JSON reads the same.
        let json = serde_json::to_string(&arrived).unwrap();
        assert_eq!(serde_json::from_str::<Body>(&json).unwrap(), body, "{json}");
    }
    assert_eq!(Body::Template(template()).media(), Some(&picture()));

    let preview = LinkPreview {
        url: "https://bank.example".into(),
        title: "Bank".into(),
        description: "Since 1832".into(),
        thumbnail: Base64(vec![1]),
    };
    let draft = Draft { forwarded: 3, preview: Some(preview.clone()), ..Draft::text("https://bank.example") };
    let id = bank.device.send(anna.account(), draft).await.unwrap();
    until(async || bank.message(id).await.state == State::Delivered).await;
    let message = anna.message(id).await;
    assert_eq!((message.forwarded, message.preview), (3, Some(preview)));
}

#[tokio::test(start_paused = true)]
async fn what_is_offered_is_chosen_and_nothing_else() {
    let world = World::new(51);
    let (bank, anna) = (world.person(1).await, world.person(2).await);
    let (question, body) = arrives(&bank, &anna, DraftContent::Interactive(buttons())).await;
    let choices = body.choices();
    assert_eq!(choices.len(), 8);
    assert_eq!((choices[1].title.as_str(), choices[1].id()), ("No, block my card", Some("no")));
    assert_eq!(choices[2].id(), None);
    let choose = |message, choice: &str| DraftContent::Choose { message, choice: choice.into() };
    let (_, answer) = arrives(&anna, &bank, choose(question, "no")).await;
    let expected = |message, kind, id: &str, title: &str, description: &str| {
        let (id, title, description) = (id.into(), title.into(), description.into());
        Body::Reply(Reply { message, kind, id, title, description, response: String::new() })
    };
    assert_eq!(answer, expected(question, ReplyKind::Button, "no", "No, block my card", ""));

    let (times, _) = arrives(&bank, &anna, DraftContent::Interactive(list())).await;
    let (_, answer) = arrives(&anna, &bank, choose(times, "m9")).await;
    assert_eq!(answer, expected(times, ReplyKind::Row, "m9", "9:00 tomorrow", "free"));
    let (seats, _) = arrives(&bank, &anna, DraftContent::Template(template())).await;
    let (_, answer) = arrives(&anna, &bank, choose(seats, "seat-2")).await;
    assert_eq!(answer, expected(seats, ReplyKind::Template, "seat-2", "Take it", ""));

    for (message, choice) in [(question, "maybe"), (times, "no"), (question, "https://bank.example/terms")] {
        let sent = anna.device.send(bank.account(), choose(message, choice).into()).await;
        assert!(matches!(sent, Err(Error::Invalid(_))), "{choice}");
    }
    let nowhere = MessageRef { author: bank.account(), timestamp: 1 };
    let sent = anna.device.send(bank.account(), choose(nowhere, "no").into()).await;
    assert!(matches!(sent, Err(Error::NoSuchMessage)));
}

#[tokio::test(start_paused = true)]
async fn what_no_reader_would_show_is_not_sent() {
    let world = World::new(52);
    let (bank, anna) = (world.person(1).await, world.person(2).await);
    let button = |action| {
        let buttons = vec![Button { title: "x".into(), action }];
        DraftContent::Interactive(Interactive { buttons, ..Interactive::default() })
    };
    let with = |change: fn(&mut Interactive)| {
        let mut content = list();
        change(&mut content);
        DraftContent::Interactive(content)
    };
    let bad = [
        button(ButtonAction::Reply { id: String::new() }),
        button(ButtonAction::Reply { id: "x".repeat(1025) }),
        button(ButtonAction::Url { url: "javascript:alert(1)".into() }),
        button(ButtonAction::Url { url: "https://".into() }),
        button(ButtonAction::Url { url: "https://a b".into() }),
        button(ButtonAction::Call { number: "call me".into() }),
        button(ButtonAction::Other { name: "flow".into(), parameters: "{".into() }),
        with(|content| content.footer = "x".repeat(2000)),
        with(|content| content.buttons = vec![reply("x", "x"); 11]),
        with(|content| content.slides = vec![Slide::default(); 11]),
        with(|content| content.list.as_mut().unwrap().sections[0].rows[0].id.clear()),
        with(|content| {
            let section = &mut content.list.as_mut().unwrap().sections[0];
            section.rows = vec![section.rows[0].clone(); 101];
        }),
        with(|content| {
            let blob = client::Blob { id: "../x".into(), ..picture().blob };
            content.header = Some(Header::Media(Media { blob, ..picture() }));
        }),
        DraftContent::Template(Template { name: String::new(), ..template() }),
        DraftContent::NumberShare { proof: Base64(Vec::new()) },
        DraftContent::Contacts { contacts: vec![Card { birthday: "yesterday".into(), ..card() }] },
    ];
    for content in bad {
        let sent = bank.device.send(anna.account(), content.clone().into()).await;
        assert!(matches!(sent, Err(Error::Invalid(_))), "{content:?}");
    }
    assert_eq!(bank.device.outbox_len().await.unwrap(), 0);
}

#[tokio::test(start_paused = true)]
async fn what_is_sent_under_a_reference_is_sent_once() {
    let world = World::new(53);
    let (bank, anna) = (world.person(1).await, world.person(2).await);
    let otto = world.person(3).await;
    let draft = |text: &str| Draft::text(text).once([7; 16]);
    let first = bank.device.send(anna.account(), draft("Your code is 4711")).await.unwrap();
    assert_eq!(bank.device.send(anna.account(), draft("Your code is 4711")).await.unwrap(), first);
    bank.settled().await;
    // Also when it has left, after a restart, and with other words.
    let vault = bank.crash().await;
    let bank = world.open(vault).await;
    assert_eq!(bank.device.send(anna.account(), draft("again")).await.unwrap(), first);
    until(async || bank.message(first).await.state == State::Delivered).await;
    assert_eq!(bank.message(first).await.reference, Some([7; 16]));
    assert_eq!(anna.texts(&bank).await, ["Your code is 4711"]);
    assert_eq!(anna.message(first).await.reference, None, "it is the sender's own affair");
    let elsewhere = bank.device.send(otto.account(), draft("Your code is 4711")).await;
    assert!(matches!(elsewhere, Err(Error::Invalid(_))));
    let react = DraftContent::Reaction { message: first, emoji: Some("👍".into()) };
    let change = Draft { reference: Some([8; 16]), ..Draft::from(react) };
    let changed = bank.device.send(anna.account(), change.clone()).await.unwrap();
    assert_eq!(bank.device.send(anna.account(), change).await.unwrap(), changed);
    anna.hears(|event| matches!(event, Event::Changed { .. })).await;
    assert_eq!(anna.heard(|event| matches!(event, Event::Changed { .. })), 1);
    // It is kept for long, and not for ever.
    bank.device.sweep(u64::MAX / 2).await.unwrap();
    let later = bank.device.send(anna.account(), draft("Your code is 0815")).await.unwrap();
    assert_ne!(later, first);
}

#[tokio::test(start_paused = true)]
async fn what_comes_too_late_to_be_of_use_is_not_shown() {
    let world = World::new(34);
    let (bank, anna) = (world.person(1).await, world.person(2).await);
    let hello = bank.say(&anna, "Hello").await;
    until(async || bank.message(hello).await.state == State::Delivered).await;
    let account = anna.account();
    let vault = anna.crash().await;
    let minute = 60_000;
    let now = client::Clock::now(&world.clock);
    let code = |text: &str, minutes: u64| {
        let deliver_by = Some(now + minutes * minute);
        Draft { deliver_by, ..Draft::text(text) }
    };
    let short = bank.device.send(account, code("Your code is 4711", 10)).await.unwrap();
    let long = bank.device.send(account, code("Your parcel has come", 60)).await.unwrap();
    until(async || bank.message(long).await.state == State::Sent).await;
    tokio::time::sleep(std::time::Duration::from_millis(12 * minute)).await;

    let anna = world.open(vault).await;
    until(async || bank.message(long).await.state == State::Delivered).await;
    assert_eq!(anna.texts(&bank).await, ["Hello", "Your parcel has come"]);
    assert_eq!(bank.message(short).await.state, State::Sent, "no receipt says otherwise");
    // The session goes on.
    let later = bank.say(&anna, "And a new one").await;
    until(async || bank.message(later).await.state == State::Delivered).await;
    assert_eq!(anna.texts(&bank).await.len(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_person_is_not_told_that_somebody_looks_at_their_chat() {
    let world = World::new(35);
    let (anna, ben) = (world.person(1).await, world.person(2).await);
    let hello = anna.say(&ben, "Hello").await;
    until(async || anna.message(hello).await.state == State::Delivered).await;
    anna.device.open_chat(ben.account()).await.unwrap();
    assert_eq!(anna.device.outbox_len().await.unwrap(), 0);
    // Nor does a person offer anything.
    let menu = client::Menu { prompts: vec!["Choose me".into()], ..client::Menu::default() };
    ben.device.send_menu(anna.account(), &menu).await.unwrap();
    let later = ben.say(&anna, "And you?").await;
    until(async || ben.message(later).await.state == State::Delivered).await;
    assert_eq!(anna.device.menu(ben.account()).await.unwrap(), None);
    assert_eq!(anna.texts(&ben).await.len(), 2);
    let long = client::Menu { prompts: vec!["x".repeat(81)], ..client::Menu::default() };
    assert!(matches!(ben.device.send_menu(anna.account(), &long).await, Err(Error::Invalid(_))));
}
