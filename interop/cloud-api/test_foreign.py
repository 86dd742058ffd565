"""Two businesses on one host: whatever one of them asks with an id of the other, with a body that is right in
everything else, is refused, and nothing of the other's changes by it.

    build/pywa/bin/python -m unittest discover interop/cloud-api
"""

import contextlib
import json
import os
import subprocess
import unittest
import urllib.error
import urllib.parse
import urllib.request

from files import PDF, png
from receiver import VERIFY, Callback
from up import BINARY, PATIENCE, Up, until

BUTTON = {"type": "reply", "reply": {"id": "yes", "title": "Yes"}}
BODY = {"type": "BODY", "text": "Your order is on its way to you."}
OFFICER = {"name": "Ada", "email": "ada@bank.example", "landline_number": "+493012345678"}


class Business:
    """A business's software, with something of everything that has an id."""

    def __init__(self, up, demo, customer):
        self.base, self.token = demo["base_url"] + "/v24.0", demo["token"]
        self.ids = {
            "phone_number_id": demo["numbers"][0]["phone_number_id"],
            "waba_id": demo["waba_id"],
            "business_id": demo["business_id"],
            "app_id": demo["app_id"],
        }
        self.secret = f"{demo['app_id']}|{demo['app_secret']}"
        self.number = demo["numbers"][0]["number"]
        self.callback = Callback()
        number, account = self.ids["phone_number_id"], self.ids["waba_id"]
        override = {"override_callback_uri": self.callback.url, "verify_token": VERIFY}
        self.has("POST", f"{account}/subscribed_apps", override)
        # The customer is somebody else to each business, and each knows another message of theirs.
        customer.run("share-number", self.number, "--yes")
        customer.run("send", self.number, "Good morning")
        first = until("the first message", lambda: self.callback.message("Good morning"))
        self.ids |= {"wamid": first["id"], "user_id": first["from_user_id"], "customer": first["from"]}
        self.ids["media_id"] = self.has("POST", f"{number}/media", form("image/png", png()))["id"]
        self.ids["template_id"] = self.has("POST", f"{account}/message_templates", template("on_its_way"))["id"]
        self.ids["code"] = self.has("POST", f"{number}/message_qrdls", {"prefilled_message": "Hello"})["code"]
        sizes = {"file_name": "a.png", "file_length": len(png()), "file_type": "image/png"}
        self.ids["upload_id"] = self.has("POST", "app/uploads", sizes)["id"]
        self.ids["handle"] = self.has("POST", self.ids["upload_id"], png())["h"]
        self.ids["open_upload"] = self.has("POST", "app/uploads", sizes)["id"]
        sent = self.has("POST", f"{number}/messages", message(self, "text", {"body": "Hello"}))
        self.ids["sent"] = sent["messages"][0]["id"]

    def ask(self, method, path, body=None, token=None):
        headers = {"Authorization": f"Bearer {token or self.token}"}
        if isinstance(body, dict):
            headers["Content-Type"], body = "application/json", json.dumps(body).encode()
        elif isinstance(body, tuple):
            headers["Content-Type"], body = body
        elif body is not None:
            headers |= {"Content-Type": "application/octet-stream", "file_offset": "0"}
        request = urllib.request.Request(f"{self.base}/{path}", body, headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as error:
            return error.code, json.load(error)

    def has(self, *words):
        status, answer = self.ask(*words)
        assert status == 200, (words, answer)
        return answer

    def close(self):
        self.callback.close()


def form(mime, data):
    """An upload as a form: its type and its bytes."""
    head = '--edge\r\nContent-Disposition: form-data; name="messaging_product"\r\n\r\nwhatsapp\r\n--edge\r\n'
    head += f'Content-Disposition: form-data; name="file"; filename="file"\r\nContent-Type: {mime}\r\n\r\n'
    return "multipart/form-data; boundary=edge", head.encode() + data + b"\r\n--edge--\r\n"


def message(business, kind, object, **more):
    return {"messaging_product": "whatsapp", "to": business.ids["customer"], "type": kind, kind: object} | more


def template(name, **more):
    return {"name": name, "language": "en_US", "category": "UTILITY", "components": [BODY]} | more


def requests(business):
    """Every operation of the document whose path has an id: the method, the path as it stands in the document, what is
    put in for `item`, the query, the body."""
    code, number = business.ids["code"], business.ids["phone_number_id"]
    span = {"start": "1795800000", "end": "1795900000"}
    block = {"messaging_product": "whatsapp", "block_users": [{"user": business.ids["customer"]}]}
    subscription = {
        "object": "whatsapp_business_account",
        "callback_url": business.callback.url,
        "verify_token": VERIFY,
        "fields": "messages",
    }
    phone, account, one = "/{phone_number_id}", "/{waba_id}", "/{template_id}"
    yield "GET", "/{app_id}", None, {}, None
    yield "GET", "/{app_id}/subscriptions", None, {}, None
    yield "POST", "/{app_id}/subscriptions", None, {}, subscription
    yield "POST", "/{app_id}/uploads", None, {}, {"file_length": 10, "file_type": "image/png"}
    yield "GET", "/{business_id}", None, {}, None
    yield "GET", "/{business_id}/client_whatsapp_business_accounts", None, {}, None
    yield "GET", "/{business_id}/owned_whatsapp_business_accounts", None, {}, None
    yield "GET", "/{media_id}", None, {}, None
    yield "GET", "/{media_id}", None, {"phone_number_id": number}, None
    yield "GET", phone, None, {}, None
    yield "POST", phone, None, {}, {"pin": "271828"}
    yield "POST", phone + "/register", None, {}, {"messaging_product": "whatsapp", "pin": "271828"}
    yield "GET", phone + "/block_users", None, {}, None
    yield "POST", phone + "/block_users", None, {}, block
    yield "DELETE", phone + "/block_users", None, {}, block
    yield "GET", phone + "/conversational_automation", None, {}, None
    yield "POST", phone + "/conversational_automation", None, {}, {"prompts": ["Hello?"]}
    yield "POST", phone + "/media", None, {}, form("application/pdf", PDF)
    yield "GET", phone + "/message_history", None, {"message_id": business.ids["sent"]}, None
    yield "GET", phone + "/message_qrdls", None, {}, None
    yield "POST", phone + "/message_qrdls", None, {}, {"prefilled_message": "Hi"}
    yield "GET", phone + "/message_qrdls/{item}", code, {}, None
    yield "POST", phone + "/message_qrdls/{item}", code, {}, {"prefilled_message": "Hi again"}
    for kind, object in [
        ("text", {"body": "Hello"}),
        ("image", {"id": business.ids["media_id"]}),
        ("location", {"latitude": 1, "longitude": 2}),
        ("contacts", [{"name": {"formatted_name": "Ada Banks", "first_name": "Ada"}}]),
        ("reaction", {"message_id": business.ids["wamid"], "emoji": "👍"}),
        ("interactive", {"type": "button", "body": {"text": "Well?"}, "action": {"buttons": [BUTTON]}}),
        ("template", {"name": "on_its_way", "language": {"code": "en_US"}}),
    ]:
        yield "POST", phone + "/messages", None, {}, message(business, kind, object)
    read = {"messaging_product": "whatsapp", "status": "read", "message_id": business.ids["wamid"]}
    yield "POST", phone + "/messages", None, {}, read
    yield "GET", phone + "/settings", None, {}, None
    check = {"user_identity_change": {"enable_identity_key_check": False}}
    yield "POST", phone + "/settings", None, {}, check
    yield "POST", phone + "/username", None, {}, {"username": "a.name.of." + number}
    yield "GET", phone + "/username", None, {}, None
    yield "GET", phone + "/username_suggestions", None, {}, None
    yield "GET", phone + "/whatsapp_business_profile", None, {}, None
    profile = {"messaging_product": "whatsapp", "about": "A sample", "profile_picture_handle": business.ids["handle"]}
    yield "POST", phone + "/whatsapp_business_profile", None, {}, profile
    yield "GET", phone + "/whatsapp_commerce_settings", None, {}, None
    yield "POST", phone + "/whatsapp_commerce_settings", None, {"is_cart_enabled": "true"}, None
    yield "GET", one, None, {}, None
    yield "GET", "/{open_upload}", None, {}, None
    yield "POST", "/{open_upload}", None, {}, png()
    yield "GET", account, None, {}, None
    yield "POST", account, None, {"is_enabled_for_insights": "true"}, None
    yield "GET", account + "/analytics", None, span | {"granularity": "DAY"}, None
    yield "GET", account + "/conversation_analytics", None, span | {"granularity": "DAILY"}, None
    yield "GET", account + "/pricing_analytics", None, span | {"granularity": "DAILY"}, None
    of = {"template_ids": business.ids["template_id"], "metric_types": "SENT"}
    yield "GET", account + "/template_analytics", None, span | {"granularity": "DAILY"} | of, None
    yield "GET", account + "/message_templates", None, {}, None
    header = {"type": "HEADER", "format": "IMAGE", "example": {"header_handle": [business.ids["handle"]]}}
    picture = template("with_a_picture", components=[header, BODY])
    yield "POST", account + "/message_templates", None, {}, picture
    yield "GET", account + "/message_templates/{item}", business.ids["template_id"], {}, None
    codes = {"name": "a_code", "languages": ["en_US"], "category": "AUTHENTICATION"}
    codes["components"] = [
        {"type": "BODY"},
        {"type": "BUTTONS", "buttons": [{"type": "OTP", "otp_type": "COPY_CODE"}]},
    ]
    yield "POST", account + "/upsert_message_templates", None, {}, codes
    yield "GET", account + "/phone_numbers", None, {}, None
    yield "GET", account + "/assigned_users", None, {}, None
    yield "GET", phone + "/official_business_account", None, {}, None
    yield "GET", phone + "/business_compliance_info", None, {}, None
    law = {"messaging_product": "whatsapp", "entity_name": "Example Bank", "entity_type": "PUBLIC_COMPANY"}
    law |= {"is_registered": True, "grievance_officer_details": OFFICER, "customer_care_details": OFFICER}
    yield "POST", phone + "/business_compliance_info", None, {}, law
    yield "GET", account + "/subscribed_apps", None, {}, None
    override = {"override_callback_uri": business.callback.url, "verify_token": VERIFY}
    yield "POST", account + "/subscribed_apps", None, {}, override
    # What takes something away, for the owner comes after all else.
    yield "POST", one, None, {}, {"components": [BODY | {"text": "Your order is on its way to your house."}]}
    yield "POST", account + "/message_templates/archive", None, {}, {"hsm_ids": business.ids["template_id"]}
    yield "POST", account + "/message_templates/unarchive", None, {}, {"hsm_ids": business.ids["template_id"]}
    yield "DELETE", account + "/message_templates", None, {"name": "on_its_way"}, None
    yield "DELETE", "/{media_id}", None, {}, None
    yield "DELETE", phone + "/message_qrdls/{item}", code, {}, None
    yield "DELETE", phone + "/username", None, {}, None
    yield "DELETE", account + "/subscribed_apps", None, {}, None
    yield "DELETE", "/{app_id}/subscriptions", None, {"object": "whatsapp_business_account"}, None
    yield "POST", phone + "/deregister", None, {}, {"messaging_product": "whatsapp"}


def refused(business):
    """The same where even the owner is refused, as things stand here."""
    phone, account, one = "/{phone_number_id}", "/{waba_id}", "/{template_id}"
    yield "POST", phone + "/request_code", None, {}, {"code_method": "SMS", "language": "en"}
    yield "POST", phone + "/verify_code", None, {}, {"code": "123456"}
    badge = {"business_website_url": "https://bank.example", "primary_country_of_operation": "DE"}
    yield "POST", phone + "/official_business_account", None, {}, badge
    number = {"cc": "49", "phone_number": "3023125001", "verified_name": "Example Bank"}
    yield "POST", account + "/phone_numbers", None, {}, number
    # There is no template for marketing.
    utility = message(business, "template", {"name": "on_its_way", "language": {"code": "en_US"}})
    yield "POST", phone + "/marketing_messages", None, {}, utility
    yield "POST", one + "/unpause", None, {}, {}
    span = {"start": "1795800000", "end": "1795900000", "template_ids": business.ids["template_id"]}
    yield "GET", one + "/compare", None, span, None
    source = {"source_waba_id": business.ids["waba_id"]}
    yield "POST", account + "/migrate_message_templates", None, {}, source
    yield "GET", "/{upload_id}", None, {}, None
    yield "POST", "/{upload_id}", None, {}, png()


class Foreign(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        with contextlib.ExitStack() as started:
            cls.up = Up(TRADEPOST_HOST__MESSAGING__PAIR_MS="0")
            started.callback(cls.up.close)
            customer = cls.customer = cls.up.chat("+4915112340004", "Anna")
            cls.bank = Business(cls.up, cls.up.demo, customer)
            started.callback(cls.bank.close)
            cls.shop = Business(cls.up, cls.another(), customer)
            started.callback(cls.shop.close)
            cls.close = started.pop_all().close

    @classmethod
    def tearDownClass(cls):
        cls.close()

    @classmethod
    def another(cls):
        """Brings another business in, as an operator and its software do."""

        def run(*words):
            relay = cls.up.demo["relay_url"]
            environment = {**os.environ, "TRADEPOST_RELAY": relay, "TRADEPOST_BUSINESS_CREDENTIAL_FILE": credential}
            done = subprocess.run(
                [BINARY, *words], capture_output=True, timeout=PATIENCE, check=False, env=environment
            )
            assert done.returncode == 0, (words, done.stderr.decode())
            return done.stdout.decode()

        data = cls.up.data
        credential, saved = os.path.join(data, "shop.credential"), os.path.join(data, "shop.json")
        document = os.path.join(data, "extract.pdf")
        with open(document, "wb") as file:
            file.write(PDF)
        about = ["--legal-name", "Shop of Examples GmbH", "--name", "Example Shop", "--country", "DE"]
        about += ["--registration-number", "HRB 77", "--website", "https://shop.example", "--category", "RETAIL"]
        about += ["--contact-name", "Eve", "--contact-email", "eve@shop.example", "--contact-phone", "+493012345678"]
        about += ["--document", document, "--submit", "--credential", credential, "--json"]
        made = json.loads(run("business", "apply", *about))
        run("business", "number", "add", "+493023125999", "--credential", credential)
        run("admin", "businesses", "approve", made["business"], "--data", os.path.join(data, "relay"))
        host = ["--data", os.path.join(data, "host"), "--host", cls.up.demo["base_url"]]
        run("host", "business", "add", *host, "--credential", credential, "--save", saved)
        with open(saved) as file:
            return json.load(file)

    def refused(self, answer, what):
        status, body = answer
        # A short link that is not there is a list of none.
        if "message_qrdls" in str(what) and body == {"data": []}:
            return
        self.assertTrue(400 <= status < 500, (what, status, body))
        self.assertIn("code", body.get("error", {}), (what, body))

    def path(self, business, path, item, query):
        for name, value in business.ids.items():
            path = path.replace("{" + name + "}", value)
        path = path.replace("{item}", item or "")
        return path.strip("/") + ("?" + urllib.parse.urlencode(query) if query else "")

    def test_1_the_table_has_every_operation(self):
        with urllib.request.urlopen(self.up.demo["base_url"] + "/openapi.json", timeout=PATIENCE) as answer:
            paths = json.load(answer)["paths"]
        document = {(method.upper(), path) for path, item in paths.items() for method in item}
        of_ids = {operation for operation in document if "_id}" in operation[1]}
        asked = {(method, path) for method, path, *_ in requests(self.bank)}
        asked |= {(method, path) for method, path, *_ in refused(self.bank)}
        self.assertEqual(of_ids - asked, set())

    def test_2_nobody_else_gets_through_with_the_owners_ids(self):
        for method, path, item, query, body in [*requests(self.bank), *refused(self.bank)]:
            what = (method, path, query, body)
            asked = self.path(self.bank, path, item, query)
            self.refused(self.shop.ask(method, asked, body), what)
            self.refused(self.shop.ask(method, asked, body, self.shop.secret), what)

    def test_3_ids_of_another_inside_a_request_are_refused(self):
        bank, shop = self.bank.ids, self.shop.ids
        phone, account = shop["phone_number_id"], shop["waba_id"]
        self.bank.has("POST", f"{bank['waba_id']}/message_templates", template("of_the_bank_alone"))
        named = {"language": {"code": "en_US"}}
        read = {"messaging_product": "whatsapp", "status": "read", "message_id": bank["wamid"]}
        block = {"messaging_product": "whatsapp", "block_users": [{"user_id": bank["user_id"]}]}
        hello = message(self.shop, "text", {"body": "To another's id"}, recipient=bank["user_id"])
        span = {"start": 1795800000, "end": 1795900000}
        for method, path, query, body in [
            ("POST", f"{phone}/messages", {}, message(self.shop, "template", named | {"name": "of_the_bank_alone"})),
            (
                "POST",
                f"{phone}/messages",
                {},
                message(self.shop, "reaction", {"message_id": bank["wamid"], "emoji": "👍"}),
            ),
            (
                "POST",
                f"{phone}/messages",
                {},
                message(self.shop, "reaction", {"message_id": bank["sent"], "emoji": "👍"}),
            ),
            ("POST", f"{phone}/messages", {}, {key: value for key, value in hello.items() if key != "to"}),
            ("POST", f"{phone}/messages", {}, read),
            ("POST", f"{phone}/block_users", {}, block),
            ("DELETE", f"{phone}/block_users", {}, block),
            ("GET", bank["media_id"], {"phone_number_id": phone}, None),
            ("GET", shop["media_id"], {"phone_number_id": bank["phone_number_id"]}, None),
            ("DELETE", bank["media_id"], {"phone_number_id": phone}, None),
            ("GET", f"{phone}/message_qrdls/{bank['code']}", {}, None),
            ("POST", f"{phone}/message_qrdls/{bank['code']}", {}, {"prefilled_message": "Mine"}),
            ("POST", f"{phone}/message_qrdls", {}, {"prefilled_message": "Mine", "code": bank["code"]}),
            ("DELETE", f"{phone}/message_qrdls/{bank['code']}", {}, None),
            ("POST", f"{phone}/whatsapp_business_profile", {}, {"profile_picture_handle": bank["handle"]}),
            ("GET", f"{account}/message_templates/{bank['template_id']}", {}, None),
            ("POST", f"{account}/message_templates", {}, self.with_a_picture("shop_s_other", bank["handle"])),
            ("DELETE", f"{account}/message_templates", {"name": "of_the_bank_alone"}, None),
            ("DELETE", f"{account}/message_templates", {"name": "on_its_way", "hsm_id": bank["template_id"]}, None),
            ("DELETE", f"{account}/message_templates", {"hsm_ids": json.dumps([bank["template_id"]])}, None),
            ("POST", f"{account}/message_templates/archive", {}, {"hsm_ids": bank["template_id"]}),
            ("POST", f"{account}/message_templates/unarchive", {}, {"hsm_ids": bank["template_id"]}),
            ("POST", f"{account}/migrate_message_templates", {}, {"source_waba_id": bank["waba_id"]}),
            ("GET", f"{shop['template_id']}/compare", span | {"template_ids": bank["template_id"]}, None),
            (
                "GET",
                "oauth/access_token",
                {
                    "client_id": bank["app_id"],
                    "client_secret": self.shop.secret.split("|")[1],
                    "grant_type": "client_credentials",
                },
                None,
            ),
        ]:
            what = (method, path, query, body)
            asked = path + ("?" + urllib.parse.urlencode(query) if query else "")
            self.refused(self.shop.ask(method, asked, body), what)

    def test_4_a_file_of_another_is_not_sent(self):
        file = {"id": self.bank.ids["media_id"]}
        path, account = f"{self.shop.ids['phone_number_id']}/messages", self.shop.ids["waba_id"]
        own = self.with_a_picture("shop_s_own", self.shop.ids["handle"])
        self.shop.has("POST", f"{account}/message_templates", own)
        picture = {"type": "header", "parameters": [{"type": "image", "image": file}]}
        named = {"name": "shop_s_own", "language": {"code": "en_US"}, "components": [picture]}
        question = {"type": "button", "body": {"text": "Well?"}, "action": {"buttons": [BUTTON]}}
        question["header"] = {"type": "image", "image": file}
        for kind, object in [("image", file), ("document", file), ("interactive", question), ("template", named)]:
            with self.subTest(kind):
                status, answer = self.shop.ask("POST", path, message(self.shop, kind, object))
                if status != 200:
                    self.refused((status, answer), kind)
                    continue
                # Whether there is such a file is found out after the answer.
                id = answer["messages"][0]["id"]
                last = until("that it failed", lambda id=id: self.shop.callback.statuses(id))
                self.assertEqual(last[0]["status"], "failed", last)
                self.assertEqual(last[0]["errors"][0]["code"], 131053)

    def with_a_picture(self, name, handle):
        header = {"type": "HEADER", "format": "IMAGE", "example": {"header_handle": [handle]}}
        return template(name, components=[header, BODY])

    def test_5_nothing_is_told_of_anothers_token_history_and_counts(self):
        bank, shop = self.bank.ids, self.shop.ids
        told = self.shop.has("GET", f"debug_token?input_token={self.bank.token}")["data"]
        self.assertEqual((told["is_valid"], told["scopes"]), (False, []))
        status, answer = self.shop.ask("GET", f"{shop['phone_number_id']}/message_history?message_id={bank['sent']}")
        self.assertTrue(400 <= status < 500 or (status == 200 and not answer.get("data")), (status, answer))
        query = {"start": 1795800000, "end": 1795900000, "granularity": "DAILY", "template_ids": bank["template_id"]}
        path = f"{shop['waba_id']}/template_analytics?{urllib.parse.urlencode(query)}"
        status, answer = self.shop.ask("GET", path)
        self.assertTrue(400 <= status < 500 or (status == 200 and bank["template_id"] not in str(answer)), answer)

    def test_6_a_quote_of_anothers_message_goes_out_without_it(self):
        context = {"context": {"message_id": self.bank.ids["wamid"]}}
        said = message(self.shop, "text", {"body": "As you said to somebody else"}, **context)
        self.shop.has("POST", f"{self.shop.ids['phone_number_id']}/messages", said)
        with_shop = lambda: json.loads(self.customer.run("history", self.shop.number, "--limit", "1000", "--json"))
        said = lambda: [
            one for one in with_shop()["messages"] if one["body"].get("text") == "As you said to somebody else"
        ]
        came = until("the message", lambda: self.customer.reads() and said())
        self.assertIsNone(came[0]["quote"])

    def test_7_the_owner_gets_through_and_finds_everything_as_it_was(self):
        for method, path, item, query, body in requests(self.bank):
            asked = self.path(self.bank, path, item, query)
            # What belongs to an app takes the app's own token.
            token = self.bank.secret if path.endswith("/subscriptions") else None
            status, answer = self.bank.ask(method, asked, body, token)
            self.assertEqual(status, 200, (method, path, query, body, answer))


if __name__ == "__main__":
    unittest.main()
