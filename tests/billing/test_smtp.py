"""Mails through a real SMTP server on the loopback interface: sign-in, TLS, refusals, and a worker that dies."""

import socket
import ssl
import threading
import time
from contextlib import contextmanager
from datetime import date
from email import message_from_bytes, policy

import pytest
import trustme
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult

from billing import documents, pdf
from billing.models import Invoice, InvoiceMail
from billing.services import invoices, mails
from predictu import clock
from tests.billing.facts import at, february
from tests.factories import make_operator

FEBRUARY, FIRST = date(2026, 2, 1), at(2026, 3, 1, 0, 5)
USER, PASSWORD = "billing", "correct horse"


class Postbox:
    """Keeps what arrives. ``answers`` are given to the next messages instead of taking them."""

    def __init__(self, answers=(), on_arrival=lambda: None):
        self.arrived, self.answers, self.on_arrival = [], list(answers), on_arrival

    async def handle_DATA(self, server, session, envelope):  # noqa: N802 the library's name
        if self.answers:
            return self.answers.pop(0)
        self.arrived.append((session.ssl is not None, session.auth_data, envelope))
        self.on_arrival()
        return "250 OK"

    @property
    def messages(self):
        return [message_from_bytes(envelope.content, policy=policy.default) for _, _, envelope in self.arrived]


class Server(Controller):
    """Controller looks itself up after the start, at the port it was told; 0 is none."""

    def __init__(self, postbox, port, **smtp):
        super().__init__(postbox, hostname="127.0.0.1", port=port)
        self.smtp = smtp

    def factory(self):
        return SMTP(self.handler, **self.smtp)


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


@contextmanager
def serving(postbox, settings, port=None, **smtp):
    server = Server(postbox, port or free_port(), **smtp)
    server.start()
    aim(settings, server.port)
    try:
        yield server
    finally:
        server.stop()


def aim(settings, port):
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT, settings.EMAIL_TIMEOUT = "127.0.0.1", port, 5


def owed():
    february(make_operator(billing_email="bills@casino.example"))
    invoices.run_month(month=FEBRUARY, now=FIRST)
    return InvoiceMail.objects.get()


@pytest.mark.django_db
def test_the_invoice_arrives_once_with_its_pdf_over_tls_and_signed_in(settings, monkeypatch, tmp_path):
    mail, postbox = owed(), Postbox()
    authority, context = trustme.CA(), ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    settings.EMAIL_USE_TLS, settings.EMAIL_HOST_USER, settings.EMAIL_HOST_PASSWORD = True, USER, PASSWORD

    def knows(server, session, envelope, mechanism, data):
        return AuthResult(success=(data.login, data.password) == (USER.encode(), PASSWORD.encode()), auth_data="known")

    guarded = {"tls_context": context, "require_starttls": True, "auth_required": True, "authenticator": knows}
    with serving(postbox, settings, **guarded):
        assert mails.deliver(mail.pk, now=FIRST)
        assert not mails.deliver(mail.pk, now=at(2026, 3, 2))
    ((encrypted, known, envelope),) = postbox.arrived
    assert (encrypted, known, envelope.rcpt_tos) == (True, "known", ["bills@casino.example"])
    (message,) = postbox.messages
    assert (message["Subject"], message["To"]) == ("Invoice INV-2026-00001", "bills@casino.example")
    assert message["Message-ID"] == f"<mail-{mail.pk}@billing.predictu>"
    assert message["From"] == "Predictu <no-reply@predictu.com>"
    assert "USD 5,460.00, payable by 15 March 2026" in message.get_body().get_content()
    (attached,) = message.iter_attachments()
    assert (attached.get_filename(), attached.get_content_type()) == ("INV-2026-00001.pdf", "application/pdf")
    assert attached.get_content() == pdf.render(documents.of_invoice(Invoice.objects.get()))


@pytest.mark.django_db
def test_a_server_whose_certificate_nobody_knows_gets_nothing(settings):
    mail, postbox = owed(), Postbox()
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    trustme.CA().issue_cert("127.0.0.1").configure_cert(context)
    settings.EMAIL_USE_TLS = True
    with serving(postbox, settings, tls_context=context):
        assert not mails.deliver(mail.pk, now=FIRST)
    mail.refresh_from_db()
    assert (postbox.arrived, mail.sent_at, mail.error) == ([], None, "SSLCertVerificationError")


@pytest.mark.django_db
def test_refused_connections_and_busy_servers_are_tried_again_until_it_arrives_once(settings):
    mail, postbox, port = owed(), Postbox(answers=["451 Try again later", "550 Not now"]), free_port()
    aim(settings, port)
    now, errors = FIRST, []
    assert not mails.deliver(mail.pk, now=now)
    with serving(postbox, settings, port=port):
        for delivered in (False, False, True):
            mail.refresh_from_db()
            errors.append(mail.error)
            assert not mails.deliver(mail.pk, now=now), "its time has not come"
            now = mail.next_attempt_at
            assert mails.deliver(mail.pk, now=now) is delivered
        assert not mails.deliver(mail.pk, now=at(2026, 4, 1))
    mail.refresh_from_db()
    assert errors == ["ConnectionRefusedError", "SMTPDataError", "SMTPDataError"]
    assert (len(postbox.arrived), mail.attempts, mail.sent_at, mail.error) == (1, 4, now, "")


@pytest.mark.committed
def test_a_worker_killed_before_it_could_write_down_that_it_sent_repeats_under_the_same_name(
    celery_worker_process, settings
):
    """The server has taken the mail and the worker is dead: nobody can know. The lease holds the repeat back, and the
    Message-ID lets the mailbox tell it."""
    dead = threading.Event()
    postbox = Postbox(on_arrival=lambda: None if dead.is_set() else (worker.kill(), dead.set()))
    with serving(postbox, settings) as server:
        worker = celery_worker_process(
            queue="slow", EMAIL_BACKEND=settings.EMAIL_BACKEND, EMAIL_HOST="127.0.0.1", EMAIL_PORT=str(server.port)
        )
        mail = owed()
        assert dead.wait(30), worker.log.read_text()
        time.sleep(0.1)
        mail.refresh_from_db()
        assert (mail.attempts, mail.sent_at, len(postbox.arrived)) == (1, None, 1)
        assert mails.due(now=clock.now()) == [] and not mails.deliver(mail.pk, now=clock.now())
        later = clock.now() + mails.LEASE
        assert mails.due(now=later) == [mail.pk] and mails.deliver(mail.pk, now=later)
        assert not mails.deliver(mail.pk, now=later + mails.LEASE)
    assert [each["Message-ID"] for each in postbox.messages] == [f"<mail-{mail.pk}@billing.predictu>"] * 2
    mail.refresh_from_db()
    assert (mail.sent_at, mail.attempts) == (later, 2)
