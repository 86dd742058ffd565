"""pywa, unmodified, in a whole conversation with a customer: only its base URL is another.

    build/pywa/bin/python -m unittest discover interop/cloud-api
"""

import struct
import unittest
import urllib.request
import zlib

from pywa import WhatsApp, errors, types
from pywa.types import templates as parts

from receiver import Receiver
from up import Up, until

VERIFY = "a token of the business"


def png():
    """A picture of one pixel."""

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", 1, 1, 8, 2, 0, 0, 0)
    pixel = zlib.compress(b"\x00\xff\x00\x00")
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", pixel) + chunk(b"IEND", b"")


class Conversation(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.up = Up()
        cls.receiver = Receiver()
        demo = cls.up.demo
        cls.to = demo["customer_number"]
        cls.client = WhatsApp(
            phone_id=demo["phone_number_id"],
            token=demo["token"],
            waba_id=demo["waba_id"],
            app_id=demo["app_id"],
            app_secret=demo["app_secret"],
            verify_token=VERIFY,
            server=None,
        )
        cls.client.api._session.base_url = demo["base_url"] + "/v24.0"
        cls.receiver.client = cls.client
        cls.messages, cls.statuses, cls.buttons, cls.rows = [], [], [], []
        cls.client.on_message(lambda _, message: cls.messages.append(message))
        cls.client.on_message_status(lambda _, status: cls.statuses.append(status))
        cls.client.on_callback_button(lambda _, button: cls.buttons.append(button))
        cls.client.on_callback_selection(lambda _, row: cls.rows.append(row))
        cls.client.override_waba_callback_url(cls.receiver.url, VERIFY)
        cls.up.says("Good morning")
        until("the first message", lambda: cls.messages)

    @classmethod
    def tearDownClass(cls):
        cls.receiver.close()
        cls.up.close()

    def status_of(self, message, status):
        return until(
            f"{status} of {message}",
            lambda: [found for found in self.statuses if found.id == message and found.status == status],
        )

    def test_a_text_comes_with_who_wrote_it(self):
        first = self.messages[0]
        self.assertEqual(first.text, "Good morning")
        self.assertTrue(first.from_user.bsuid)

    def test_a_text_goes_out_and_says_how_far_it_came(self):
        sent = self.client.send_message(self.to, "Your *statement* is ready", tracker="t1")
        self.up.sees("statement")
        self.status_of(sent.id, types.MessageStatusType.SENT)
        delivered = self.status_of(sent.id, types.MessageStatusType.DELIVERED)
        self.assertEqual(delivered[0].tracker, "t1")

    def test_an_answer_quotes(self):
        self.client.send_message(self.to, "As you asked", reply_to_message_id=self.messages[0].id)
        self.up.sees("As you asked")

    def test_a_button_is_pressed(self):
        buttons = [types.Button("Yes, it was me", "yes"), types.Button("No", "no")]
        sent = self.client.send_message(self.to, "Did you pay 99 in Lisbon?", buttons=buttons)
        self.up.sees("Lisbon")
        self.up.answers("--button", "no")
        pressed = until("the button", lambda: [found for found in self.buttons if found.data == "no"])
        self.assertEqual(pressed[0].title, "No")
        self.assertEqual(pressed[0].reply_to_message.id, sent.id)

    def test_a_row_is_picked(self):
        rows = [types.SectionRow("Morning", "am", "9 to 12"), types.SectionRow("Evening", "pm")]
        sections = types.SectionList("Times", [types.Section("Tomorrow", rows)])
        self.client.send_message(self.to, "When may we deliver?", buttons=sections)
        self.up.sees("When may we deliver?")
        self.up.answers("--row", "am")
        picked = until("the row", lambda: [found for found in self.rows if found.data == "am"])
        self.assertEqual((picked[0].title, picked[0].description), ("Morning", "9 to 12"))

    def test_a_picture_goes_out_and_can_be_had_again(self):
        media = self.client.upload_media(png(), mime_type="image/png", filename="receipt.png")
        self.client.send_image(self.to, media.id, caption="Your receipt")
        self.up.sees("Your receipt")
        about = self.client.get_media_url(media.id)
        self.assertEqual(about.mime_type, "image/png")
        self.assertEqual(self.client.get_media_bytes(about.url), png())

    def test_a_template_is_made_listed_sent_and_deleted(self):
        self.client.send_template(self.to, "hello_world", parts.TemplateLanguage.ENGLISH_US)
        body = parts.BodyText("Your order {{1}} is on its way to you.", "A77")
        template = parts.Template(
            name="order_on_its_way",
            language=parts.TemplateLanguage.ENGLISH_US,
            category=parts.TemplateCategory.UTILITY,
            components=[body, parts.FooterText(text="The sample shop")],
        )
        made = self.client.create_template(template)
        self.assertTrue(made.id)
        names = {found.name for found in self.client.get_templates()}
        self.assertIn("order_on_its_way", names)
        self.client.send_template(
            self.to, "order_on_its_way", parts.TemplateLanguage.ENGLISH_US, [body.params("B12")]
        )
        self.up.sees("order B12")
        self.client.delete_template("order_on_its_way")
        names = {found.name for found in self.client.get_templates()}
        self.assertNotIn("order_on_its_way", names)

    def test_mistakes_have_their_classes(self):
        with self.assertRaises(errors.TemplateNotExists):
            self.client.send_template(self.to, "no_such_template", parts.TemplateLanguage.ENGLISH_US)
        with self.assertRaises(errors.WhatsAppError):
            self.client.send_message("NaN", "Hello")

    def test_the_rest_of_a_conversation(self):
        first = self.messages[0]
        self.client.mark_message_as_read(first.id)
        self.client.indicate_typing(first.id)
        self.client.send_reaction(self.to, "👍", first.id)
        self.up.sees("👍")
        self.client.send_location(self.to, 52.52, 13.405, name="The shop", address="Berlin")
        self.up.sees("The shop")

    def test_what_the_business_is(self):
        number = self.client.get_business_phone_number()
        self.assertTrue(number.display_phone_number)
        self.client.update_business_profile(about="A sample")
        self.assertEqual(self.client.get_business_profile().about, "A sample")
        code = self.client.create_qr_code("Hello", "SVG")
        self.assertEqual(len(code.code), 14)

    def test_a_reaction_is_sent_and_no_more(self):
        sent = self.client.send_reaction(self.to, "🎉", self.messages[0].id)
        self.status_of(sent.id, types.MessageStatusType.SENT)

    def test_a_picture_of_the_business_comes_in_pieces(self):
        self.client.update_business_profile(profile_picture=png())
        address = self.client.get_business_profile().profile_picture_url
        with urllib.request.urlopen(address, timeout=20) as shown:
            self.assertEqual(shown.read(), png())

    def test_the_business_has_names(self):
        self.assertEqual(self.client.set_username("example.bank").status.value, "approved")
        self.client.update_display_name("Bank of Examples")
        self.assertEqual(self.client.get_business_phone_number().verified_name, "Bank of Examples")

    def test_codes_go_out_in_many_languages(self):
        languages = [parts.TemplateLanguage.ENGLISH_US, parts.TemplateLanguage.GERMAN, parts.TemplateLanguage.ARABIC]
        made = self.client.upsert_authentication_template(
            name="code_of_the_bank",
            languages=languages,
            otp_button=parts.CopyCodeOTPButton(),
            add_security_recommendation=True,
            code_expiration_minutes=5,
        )
        self.assertEqual({template.status.name for template in made}, {"APPROVED"})

    def test_y_whoever_is_blocked_is_not_heard(self):
        blocked = self.client.block_users([self.to])
        self.assertEqual([len(blocked.added_users), len(blocked.failed_users)], [1, 0])
        self.assertEqual(len(list(self.client.get_blocked_users())), 1)
        with self.assertRaises(errors.WhatsAppError):
            self.client.send_message(self.to, "You cannot read this")
        self.client.unblock_users([self.to])
        self.assertEqual(len(list(self.client.get_blocked_users())), 0)

    def test_zz_every_notification_was_understood(self):
        self.assertTrue(self.receiver.answers)
        self.assertEqual({status for status, _ in self.receiver.answers}, {200})
        self.assertTrue(all(body.isascii() for body in self.receiver.bodies))


if __name__ == "__main__":
    unittest.main()
