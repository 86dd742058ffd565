"""pywa, unmodified, in a whole conversation with a person at `tradepost chat`: only its base URL is another.

build/pywa/bin/python -m unittest discover interop/cloud-api
"""

import concurrent.futures
import contextlib
import os
import unittest
import urllib.error
import urllib.request

import httpx
from pywa import WhatsApp, errors, types
from pywa.types import templates as parts

from files import MP3, MP4, OGG, PDF, WEBP, png
from receiver import Business
from up import PATIENCE, Up, until

ENGLISH = parts.TemplateLanguage.ENGLISH_US


class Conversation(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        with contextlib.ExitStack() as started:
            # So that no test waits for the bucket of messages to one person to fill up again.
            cls.up = Up(TRADEPOST_HOST__MESSAGING__PAIR_MS="0")
            started.callback(cls.up.close)
            cls.business = Business(cls.up.demo)
            started.callback(cls.business.close)
            cls.client, cls.told = cls.business.client, cls.business.told
            cls.business.files |= {"receipt.png": (png(), "image/png"), "terms.pdf": (PDF, "application/pdf")}
            cls.anna = cls.up.chat("+4915112340001", "Anna")
            cls.anna.says("Good morning")
            cls.first = cls.message("the first message", text="Good morning")
            cls.anna.run("share-number", cls.anna.business, "--yes")
            cls.shared = cls.message("the number", type=types.MessageType.CONTACTS)
            cls.to = cls.anna.number
            cls.close = started.pop_all().close

    @classmethod
    def tearDownClass(cls):
        cls.close()

    @classmethod
    def update(cls, what, kind, fits):
        """Waits until pywa was told such a thing, and gives it."""
        return until(what, lambda: [found for found in cls.told[kind] if fits(found)])[0]

    @classmethod
    def message(cls, what, **fields):
        return cls.update(what, "message", lambda found: all(getattr(found, k) == v for k, v in fields.items()))

    def status_of(self, message, status):
        fits = lambda found: found.id == message and found.status == status
        return self.update(f"{status} of {message}", "message_status", fits)

    def file(self, name, data):
        path = os.path.join(self.anna.folder, name)
        with open(path, "wb") as file:
            file.write(data)
        return path

    def meanwhile(self, wait, answer):
        """Waits in pywa, as a bot does, while the person answers; gives what pywa waited for."""
        with concurrent.futures.ThreadPoolExecutor(1) as others:
            waits = others.submit(wait, timeout=PATIENCE)
            until("that pywa waits", lambda: self.client._listeners or waits.done())
            if not waits.done():
                answer()
            return waits.result()

    # What the person writes.

    def test_who_wrote_is_known_by_an_id_until_they_share_their_number(self):
        self.assertEqual(self.first.from_user.name, "Anna")
        self.assertIsNone(self.first.from_user.wa_id)
        self.assertEqual(self.shared.from_user.wa_id, self.to.lstrip("+"))
        self.assertEqual(self.shared.from_user.bsuid, self.first.from_user.bsuid)
        self.assertEqual(self.shared.contacts[0].phones[0].phone, self.to)
        self.client.send_message(self.first.from_user.bsuid, "To whom this id belongs")
        self.anna.sees("To whom this id belongs")

    def test_an_answer_says_to_what(self):
        sent = self.client.send_message(self.to, "When are you at home?")
        self.anna.says("After six", "--reply-to", self.anna.sees("When are you at home?"))
        answer = self.message("the answer", text="After six")
        self.assertEqual(answer.reply_to_message.id, sent.id)

    def test_a_reaction_comes_and_is_taken_back(self):
        sent = self.client.send_message(self.to, "Your card is on its way")
        number = self.anna.sees("Your card is on its way")
        self.anna.says("--react", "👍", "--to-message", number)
        came = self.update("the reaction", "message", lambda found: found.reaction and found.reaction.emoji == "👍")
        self.assertEqual(came.reaction.message_id, sent.id)
        self.anna.says("--react", "none", "--to-message", number)
        gone = lambda found: found.reaction and found.reaction.message_id == sent.id and not found.reaction.emoji
        self.update("that it was taken back", "message", gone)

    def test_files_of_every_kind_come_as_they_were_sent(self):
        for name, data, kind, mime in [
            ("card.png", png(), "image", "image/png"),
            ("contract.pdf", PDF, "document", "application/pdf"),
            ("song.mp3", MP3, "audio", "audio/mpeg"),
            ("film.mp4", MP4, "video", "video/mp4"),
        ]:
            with self.subTest(name):
                self.anna.says("--file", self.file(name, data), f"See {name}")
                of_kind = lambda found: found.type.value == kind
                file = getattr(self.update(name, "message", of_kind), kind)
                self.assertEqual(file.mime_type, mime)
                if kind != "audio":
                    self.assertEqual(file.caption, f"See {name}")
                if kind == "document":
                    self.assertEqual(file.filename, name)
                self.assertEqual(self.client.get_media_bytes(self.client.get_media_url(file.id).url), data)
                path = file.download(path=self.anna.folder, filename=f"downloaded {name}")
                self.assertEqual(path.read_bytes(), data)

    def test_a_place_and_a_card_come(self):
        self.anna.says("--location", "52.5163,13.3777", "A gate")
        place = self.update("the place", "message", lambda found: found.location and found.location.name == "A gate")
        self.assertEqual((place.location.latitude, place.location.longitude), (52.5163, 13.3777))
        self.anna.says("--contact", "Otto:+4930999999")
        fits = lambda found: found.contacts and found.contacts[0].name.formatted_name == "Otto"
        card = self.update("the card", "message", fits)
        self.assertEqual(card.contacts[0].phones[0].phone, "+4930999999")

    def test_a_message_is_edited_and_taken_back(self):
        self.anna.says("I live in Bremem")
        came = self.message("the message", text="I live in Bremem")
        number = str(
            [one["position"] for one in self.anna.history() if one["body"].get("text") == "I live in Bremem"][0]
        )
        self.anna.says("--edit", number, "I live in Bremen")
        fits = lambda found: found.original_message_id == came.id
        edited = self.update("the edited message", "edited_message", fits)
        self.assertEqual(edited.message.text, "I live in Bremen")
        self.anna.says("--delete", number)
        self.update("that it was taken back", "deleted_message", fits)

    # What the business writes, and how it is answered.

    def test_a_text_goes_out_and_says_how_far_it_came(self):
        sent = self.client.send_message(self.to, "Your *statement* is ready", tracker="t1")
        self.anna.sees("statement")
        for status in [types.MessageStatusType.SENT, types.MessageStatusType.DELIVERED, types.MessageStatusType.READ]:
            self.assertEqual(self.status_of(sent.id, status).tracker, "t1")

    def test_an_answer_quotes(self):
        self.client.send_message(self.to, "As you greeted", reply_to_message_id=self.first.id)
        self.anna.sees("As you greeted")
        self.first.reply_text("And again", quote=True)
        self.anna.sees("And again")
        chat = {message["body"].get("text"): message for message in self.anna.history()}
        for text in ["As you greeted", "And again"]:
            self.assertEqual(chat[text]["quote"]["message"], chat["Good morning"]["id"])
            self.assertEqual(chat[text]["quote"]["excerpt"], "Good morning")

    def test_a_button_is_pressed(self):
        buttons = [types.Button("Yes, it was me", "yes"), types.Button("No", "no")]
        sent = self.client.send_message(self.to, "Did you pay 99 in Lisbon?", "Fraud", "The bank", buttons)
        self.anna.sees("Lisbon")
        pressed = self.meanwhile(sent.wait_for_click, lambda: self.anna.answers("--button", "no"))
        self.assertEqual((pressed.data, pressed.title), ("no", "No"))
        self.assertEqual(pressed.reply_to_message.id, sent.id)

    def test_a_row_is_picked(self):
        rows = [types.SectionRow("Morning", "am", "9 to 12"), types.SectionRow("Evening", "pm")]
        sections = types.SectionList(
            "Times", [types.Section("Tomorrow", rows), types.Section("Later", [types.SectionRow("Never", "no")])]
        )
        sent = self.client.send_message(self.to, "When may we deliver?", buttons=sections)
        self.anna.sees("When may we deliver?")
        picked = self.meanwhile(sent.wait_for_selection, lambda: self.anna.answers("--row", "am"))
        self.assertEqual((picked.data, picked.title, picked.description), ("am", "Morning", "9 to 12"))
        self.assertEqual(picked.reply_to_message.id, sent.id)

    def test_a_picture_under_buttons_and_a_card_of_a_carousel_are_answered(self):
        self.client.send_image(
            self.to, png(), "Is it this one?", buttons=[types.Button("It is", "this")], mime_type="image/png"
        )
        self.anna.sees("Is it this one?")
        self.anna.answers("--button", "this")
        self.update("the button", "callback_button", lambda found: found.data == "this")
        cards = [
            types.ImageCarouselCard(
                image=f"{self.business.address}/files/receipt.png", body=name, buttons=[types.Button(name, name)]
            )
            for name in ["Gold", "Silver"]
        ]
        self.client.send_carousel(self.to, body="Which card?", cards=cards)
        self.anna.sees("Silver")
        self.anna.answers("--button", "Silver")
        self.update("the card", "callback_button", lambda found: found.data == "Silver")

    def test_a_link_opens_and_is_not_told(self):
        self.client.send_message(
            self.to, "Your contract", buttons=types.URLButton("Read it", "https://example.com/c")
        )
        self.anna.sees("opens https://example.com/c")

    def test_a_place_is_asked_for(self):
        sent = self.client.request_location(self.to, "Where shall we deliver?")
        number = self.anna.sees("Where shall we deliver?")
        answer = lambda: self.anna.says("--location", "53.5511,9.9937", "--reply-to", number)
        place = self.meanwhile(sent.wait_for_location, answer)
        self.assertEqual((place.location.latitude, place.location.longitude), (53.5511, 9.9937))
        self.assertEqual(place.reply_to_message.id, sent.id)

    def test_a_number_is_asked_for(self):
        ben = self.up.chat("+4915112340002", "Ben")
        ben.says("Good evening")
        came = self.message("his message", text="Good evening")
        self.assertIsNone(came.from_user.wa_id)
        sent = self.client.request_contact_info(came.from_user.bsuid, "May we call you?")
        ben.sees("May we call you?")
        number = self.meanwhile(sent.wait_for_contact_info, lambda: ben.run("share-number", ben.business, "--yes"))
        self.assertEqual(number.contacts[0].phones[0].wa_id, ben.number.lstrip("+"))

    def test_files_go_out_by_bytes_by_path_and_by_link(self):
        picture = self.client.send_image(self.to, png(), caption="By its bytes", mime_type="image/png")
        self.anna.sees("By its bytes")
        self.assertEqual(self.client.get_media_bytes(picture.uploaded_media.get_media_url()), png())
        self.client.send_document(self.to, f"{self.business.address}/files/terms.pdf", "terms.pdf", "By a link")
        self.anna.sees("By a link")
        self.client.send_audio(self.to, self.file("song.mp3", MP3), mime_type="audio/mpeg")
        self.client.send_voice(self.to, OGG, mime_type="audio/ogg; codecs=opus")
        self.client.send_sticker(self.to, WEBP, mime_type="image/webp")
        self.client.send_video(self.to, MP4, caption="A film", mime_type="video/mp4")
        self.anna.sees("A film")
        folder = os.path.join(self.anna.folder, "saved")
        self.client.send_image(self.to, png(b"\x00\xff\x00"), caption="To be saved", mime_type="image/png")
        until("the picture", lambda: "To be saved" in self.anna.reads("--save-media", folder))
        saved = [open(os.path.join(folder, name), "rb").read() for name in os.listdir(folder)]
        self.assertIn(png(b"\x00\xff\x00"), saved)

    def test_a_file_that_is_not_there_fails(self):
        sent = self.client.send_image(self.to, f"{self.business.address}/files/nothing.png")
        failed = self.status_of(sent.id, types.MessageStatusType.FAILED)
        self.assertIsInstance(failed.error, errors.MediaUploadError)

    def test_a_file_is_uploaded_looked_up_and_deleted(self):
        media = self.client.upload_media(png(), mime_type="image/png", filename="receipt.png")
        about = self.client.get_media_url(media.id)
        self.assertEqual((about.mime_type, about.file_size), ("image/png", len(png())))
        self.assertEqual(self.client.get_media_bytes(about.url), png())
        with self.assertRaises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(about.url, timeout=20)
        self.assertEqual(refused.exception.code, 401)
        self.assertTrue(media.delete())
        with self.assertRaises(errors.WhatsAppError) as gone:
            self.client.get_media_url(media.id)
        self.assertEqual((gone.exception.code, gone.exception.subcode), (100, 33))

    def test_the_rest_of_a_conversation(self):
        self.first.mark_as_read()
        self.first.indicate_typing()
        self.first.react("👍")
        reactions = lambda: [
            message["reactions"] for message in self.anna.history() if message["body"].get("text") == "Good morning"
        ]
        until("the reaction", lambda: self.anna.reads() and "👍" in str(reactions()))
        sent = self.client.send_reaction(self.to, "🎉", self.first.id)
        self.status_of(sent.id, types.MessageStatusType.SENT)
        self.client.send_location(self.to, 52.52, 13.405, name="The shop", address="Berlin")
        self.anna.sees("The shop")
        name = types.Contact.Name("Ada Banks", first_name="Ada")
        self.client.send_contact(
            self.to, types.Contact(name=name, phones=[types.Contact.Phone("+4930111111", "WORK")])
        )
        self.anna.sees("Ada Banks")

    def test_another_identity_of_a_person_is_told(self):
        check = types.others.UserIdentityChangeSettings
        self.client.update_business_phone_number_settings(user_identity_change=check(enable_identity_key_check=True))
        ida = self.up.chat("+4915112340005", "Ida")
        ida.run("share-number", ida.business, "--yes")
        ida.says("On my old device")
        known = self.message("her message", text="On my old device").from_user.identity_key_hash
        self.client.send_message(ida.number, "To your old device", identity_key_hash=known)
        ida.sees("To your old device")
        # Somebody who registers anew has another key.
        anew = self.up.chat("+4915112340005", "Ida", "a new device")
        anew.says("On my new device")
        is_hers = lambda found: found.from_user.wa_id == ida.number.lstrip("+")
        change = self.update("the change", "identity_change", is_hers)
        now = self.message("her message", text="On my new device").from_user.identity_key_hash
        self.assertEqual((change.identity.hash, change.identity.acknowledged), (now, False))
        with self.assertRaises(errors.RecipientIdentityKeyMismatch):
            self.client.send_message(ida.number, "To nobody", identity_key_hash=known)
        self.client.send_message(ida.number, "To your new device", identity_key_hash=now)
        anew.sees("To your new device")
        self.client.update_business_phone_number_settings(user_identity_change=check(enable_identity_key_check=False))

    # Templates.

    def test_a_template_is_made_listed_sent_edited_and_deleted(self):
        self.client.send_template(self.to, "hello_world", ENGLISH)
        body = parts.BodyText("Your order {{1}} is on its way to you.", "A77")
        template = parts.Template(
            name="order_on_its_way",
            language=ENGLISH,
            category=parts.TemplateCategory.UTILITY,
            components=[body, parts.FooterText(text="The sample shop")],
        )
        made = self.client.create_template(template)
        of = lambda status: lambda found: found.template_name == "order_on_its_way" and found.new_status == status
        told = self.update("its approval", "template_status_update", of(parts.TemplateStatus.APPROVED))
        self.assertEqual((str(told.template_id), told.template_language), (made.id, ENGLISH))
        listed = [found for found in self.client.get_templates(name="order_on_its_way")]
        self.assertEqual([(found.id, found.status) for found in listed], [(made.id, parts.TemplateStatus.APPROVED)])
        self.client.send_template(self.to, "order_on_its_way", ENGLISH, [body.params("B12")])
        self.anna.sees("order B12")
        with self.assertRaises(errors.TemplateParamCountMismatch):
            two = parts.BodyText("{{1}}, {{2}}", "B12", "C13").params("B12", "C13")
            self.client.send_template(self.to, "order_on_its_way", ENGLISH, [two])
        text = parts.BodyText("Your order {{1}} is on its way to your house.", "A77")
        self.assertTrue(listed[0].update(new_components=[text]).success)
        self.assertEqual(self.client.get_template(made.id).components[0].text, text.text)
        self.client.delete_template("order_on_its_way")
        self.update("its deletion", "template_status_update", of(parts.TemplateStatus.DELETED))
        self.assertEqual(list(self.client.get_templates(name="order_on_its_way")), [])

    def test_a_template_with_everything_is_answered(self):
        header = parts.HeaderImage(png(), mime_type="image/png")
        body = parts.BodyText("Dear {{name}}, your flight {{flight}} leaves later today.", name="Ada", flight="TP1")
        reply = parts.QuickReplyButton(text="Book another")
        link = parts.URLButton(text="See it", url="https://example.com/{{1}}", example="https://example.com/TP1")
        template = parts.Template(
            name="flight_delayed",
            language=ENGLISH,
            category=parts.TemplateCategory.UTILITY,
            parameter_format=parts.ParamFormat.NAMED,
            components=[header, body, parts.Buttons(buttons=[reply, link])],
        )
        self.assertEqual(self.client.create_template(template).status, parts.TemplateStatus.APPROVED)
        sent = self.client.send_template(
            self.to,
            "flight_delayed",
            ENGLISH,
            [
                header.params(image=png(), mime_type="image/png"),
                body.params(name="Anna", flight="TP7"),
                reply.params(callback_data="rebook", index=0),
                link.params(url_variable="TP7", index=1),
            ],
            tracker="delay",
        )
        self.anna.sees("Dear Anna, your flight TP7")
        self.anna.sees("opens https://example.com/TP7")
        self.anna.answers("1")
        pressed = self.update("the button", "callback_button", lambda found: found.data == "rebook")
        self.assertEqual(pressed.title, "Book another")
        self.assertEqual(pressed.reply_to_message.id, sent.id)
        self.assertEqual(self.status_of(sent.id, types.MessageStatusType.READ).tracker, "delay")

    def test_templates_of_a_library_and_many_languages(self):
        languages = [ENGLISH, parts.TemplateLanguage.GERMAN, parts.TemplateLanguage.ARABIC]
        button = parts.CopyCodeOTPButton()
        made = self.client.upsert_authentication_template(
            name="code_of_the_bank",
            languages=languages,
            otp_button=button,
            add_security_recommendation=True,
            code_expiration_minutes=5,
        )
        self.assertEqual({template.status for template in made}, {parts.TemplateStatus.APPROVED})
        self.assertEqual(len(list(self.client.get_templates(name="code_of_the_bank", languages=languages[:2]))), 2)
        body = parts.AuthenticationBody(add_security_recommendation=True)
        self.client.send_template(
            self.to, "code_of_the_bank", ENGLISH, [body.params(otp="271828"), button.params(otp="271828")]
        )
        self.anna.sees("271828")

    def test_templates_are_archived_at_another_address(self):
        base = httpx.URL(self.up.demo["base_url"])

        class Here(httpx.HTTPTransport):
            """Whatever goes to the API's own hosts comes here: of archives pywa names the whole address."""

            def handle_request(self, request):
                if request.url.host.endswith("facebook.com"):
                    request.url = request.url.copy_with(scheme=base.scheme, host=base.host, port=base.port)
                return super().handle_request(request)

        demo = self.up.demo
        with httpx.Client(transport=Here()) as session:
            client = WhatsApp(demo["phone_number_id"], demo["token"], waba_id=demo["waba_id"], session=session)
            template = parts.Template(
                name="an_old_one",
                language=ENGLISH,
                category=parts.TemplateCategory.UTILITY,
                components=[parts.BodyText("Your order has been delivered.")],
            )
            made = client.create_template(template)
            archived = client.archive_templates([made.id, "5999999999999999"])
            self.assertEqual((list(archived.archived), list(archived.failed)), ([made.id], ["5999999999999999"]))
            self.assertEqual(client.get_template(made.id).status, parts.TemplateStatus.ARCHIVED)
            with self.assertRaises(errors.WhatsAppError):
                client.send_template(self.to, "an_old_one", ENGLISH)
            self.assertEqual(list(client.unarchive_templates([made.id]).unarchived), [made.id])
            client.send_template(self.to, "an_old_one", ENGLISH)
        self.anna.sees("Your order has been delivered.")

    def test_marketing_is_stopped_and_resumed(self):
        template = parts.Template(
            name="spring_sale",
            language=ENGLISH,
            category=parts.TemplateCategory.MARKETING,
            components=[parts.BodyText("Spring is here, and with it the sale.")],
        )
        self.client.create_template(template)
        self.anna.run("leave", self.anna.business, "--stop-marketing")
        fits = lambda value: lambda found: found.value.value == value and found.from_user.wa_id == self.to.lstrip("+")
        stopped = self.update("that she wants no more", "user_marketing_preferences", fits("stop"))
        self.assertEqual(stopped.from_user.bsuid, self.first.from_user.bsuid)
        unwanted = self.client.send_template(self.to, "spring_sale", ENGLISH)
        self.assertEqual(self.status_of(unwanted.id, types.MessageStatusType.FAILED).error.code, 131050)
        self.anna.run("leave", self.anna.business, "--resume-marketing")
        self.update("that she wants some again", "user_marketing_preferences", fits("resume"))
        self.client.send_template(self.to, "spring_sale", ENGLISH)
        self.anna.sees("Spring is here")

    # What the business is.

    def test_the_account(self):
        account = self.client.get_business_account()
        self.assertEqual((account.id, account.name), (self.up.demo["waba_id"], "Example Bank"))

    def test_numbers_and_profile(self):
        number = self.client.get_business_phone_number()
        digits = "".join(filter(str.isdigit, number.display_phone_number))
        self.assertEqual(digits, self.up.demo["business_number"].lstrip("+"))
        self.assertEqual([found.id for found in self.client.get_business_phone_numbers()], [number.id])
        self.client.update_business_profile(
            about="A sample", websites=["https://example.com"], industry=types.Industry.FINANCE
        )
        profile = self.client.get_business_profile()
        self.assertEqual((profile.about, profile.websites), ("A sample", ("https://example.com",)))
        self.assertEqual(profile.industry, types.Industry.FINANCE)
        self.client.update_business_profile(profile_picture=png())
        address = self.client.get_business_profile().profile_picture_url
        with urllib.request.urlopen(address, timeout=20) as shown:
            self.assertEqual(shown.read(), png())

    def test_settings(self):
        for checked in [True, False]:
            check = types.others.UserIdentityChangeSettings(enable_identity_key_check=checked)
            self.client.update_business_phone_number_settings(user_identity_change=check)
            found = self.client.get_business_phone_number_settings().user_identity_change
            self.assertEqual(found.enable_identity_key_check, checked)
        self.client.update_commerce_settings(is_catalog_visible=False, is_cart_enabled=True)
        self.assertFalse(self.client.get_commerce_settings().is_catalog_visible)

    def test_what_begins_a_chat(self):
        self.client.update_conversational_automation(
            ["Is my card blocked?"], [types.Command("limit", "Change the limit")]
        )
        found = self.client.get_business_phone_number().conversational_automation
        self.assertEqual(found.ice_breakers, ("Is my card blocked?",))
        self.assertEqual([(one.name, one.description) for one in found.commands], [("limit", "Change the limit")])

    def test_short_links(self):
        code = self.client.create_qr_code("Hello", "SVG")
        self.assertEqual(len(code.code), 14)
        self.assertTrue(code.qr_image_url)
        self.assertEqual(self.client.update_qr_code(code.code, "Hello again").prefilled_message, "Hello again")
        self.assertEqual(self.client.get_qr_code(code.code).prefilled_message, "Hello again")
        self.assertIn(code.code, [found.code for found in self.client.get_qr_codes()])
        self.client.delete_qr_code(code.code)
        self.assertNotIn(code.code, [found.code for found in self.client.get_qr_codes()])

    def test_the_business_has_names(self):
        self.assertEqual(self.client.set_username("example.bank").status.value, "approved")
        self.assertEqual(self.client.get_current_username().username, "example.bank")
        self.client.update_display_name("Bank of Examples")
        self.assertEqual(self.client.get_business_phone_number().verified_name, "Bank of Examples")

    def test_the_number_is_registered_with_its_pin_alone(self):
        self.client.register_phone_number("271828")
        with self.assertRaises(errors.WhatsAppError) as wrong:
            self.client.register_phone_number("314159")
        self.assertEqual(wrong.exception.code, 133005)

    def test_whoever_is_blocked_is_not_heard(self):
        self.up.says("I write before")
        came = self.message("the customer's message", text="I write before")
        blocked = self.client.block_users([came.from_user.wa_id])
        self.assertEqual([user.wa_id for user in blocked.added_users], [came.from_user.wa_id])
        self.assertEqual([user.bsuid for user in self.client.get_blocked_users()], [came.from_user.bsuid])
        sent = self.client.send_message(came.from_user.wa_id, "You cannot read this")
        failed = self.status_of(sent.id, types.MessageStatusType.FAILED)
        self.assertEqual(failed.error.code, 131026)
        self.up.says("I write while I am blocked")
        self.client.unblock_users([came.from_user.bsuid])
        self.assertEqual(list(self.client.get_blocked_users()), [])
        # From the answer on.
        self.up.says("I write after")
        self.message("what they write then", text="I write after")
        self.assertFalse([found for found in self.told["message"] if found.text == "I write while I am blocked"])

    # What goes wrong.

    def test_mistakes_have_their_classes(self):
        with self.assertRaises(errors.TemplateNotExists):
            self.client.send_template(self.to, "no_such_template", ENGLISH)
        with self.assertRaises(errors.WhatsAppError):
            self.client.send_message("NaN", "Hello")
        with self.assertRaises(errors.UnsupportedMessageType):
            self.client.send_catalog(self.to, "What we sell")

    def test_what_is_not_there_yet_says_so(self):
        for call in [
            lambda: list(self.client.get_flows()),
            lambda: self.client.create_flow("A form", ["OTHER"]),
            lambda: self.client.create_group(subject="A group"),
            lambda: list(self.client.get_groups()),
            lambda: self.client.reject_call("wacid.AAAA"),
        ]:
            with self.assertRaises(errors.WhatsAppError) as refused:
                call()
            self.assertEqual((refused.exception.code, refused.exception.subcode), (100, 33))

    def test_zz_every_notification_was_signed_and_understood(self):
        self.assertEqual({status for _, _, status in self.business.notifications}, {200})
        self.assertTrue(all(body.isascii() for _, body, _ in self.business.notifications))
        # pywa looks at signatures: the same body without one, or with that of another body, is refused.
        headers, body, _ = self.business.notifications[0]
        right, wrong = headers["X-Hub-Signature-256"], "sha256=" + 64 * "0"
        with self.assertLogs("pywa", "WARNING"):
            answers = [self.posted(body, header) for header in [None, right, wrong]]
        self.assertEqual(answers, [401, 200, 403])

    def posted(self, body, signature):
        """With what status pywa answers this body under this signature."""
        headers = {"Content-Type": "application/json"} | ({"X-Hub-Signature-256": signature} if signature else {})
        request = urllib.request.Request(self.business.address + "/webhook", body, headers)
        try:
            return urllib.request.urlopen(request, timeout=20).status
        except urllib.error.HTTPError as error:
            return error.code


if __name__ == "__main__":
    unittest.main()
