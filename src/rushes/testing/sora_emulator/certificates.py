"""A certificate authority for one run of the emulator, and the certificate that it is served with."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from rushes.testing.trust import AUTHORITY

LIVES = timedelta(days=30)

SIGNS_CERTIFICATES = x509.KeyUsage(
    digital_signature=False,
    content_commitment=False,
    key_encipherment=False,
    data_encipherment=False,
    key_agreement=False,
    key_cert_sign=True,
    crl_sign=True,
    encipher_only=False,
    decipher_only=False,
)


def make_certificate(folder: Path, hosts: Iterable[str]) -> Path:
    """Write a new authority's `ca.pem` to a folder; return the PEM file of a certificate for `hosts`.

    `hosts` are IP addresses. The file holds its key too. The authority's own key is kept nowhere: it signs
    this one certificate.
    """
    authority, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    issuer = _name("The Sora emulator's test authority")
    root = _certificate(issuer, authority, authority)
    root = root.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
    root = root.add_extension(SIGNS_CERTIFICATES, critical=True)
    names = [x509.IPAddress(ip_address(host)) for host in sorted(set(hosts))]
    leaf = _certificate(_name("The Sora emulator"), key, authority, issuer)
    leaf = leaf.add_extension(x509.SubjectAlternativeName(names), critical=False)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / AUTHORITY).write_bytes(root.sign(authority, hashes.SHA256()).public_bytes(Encoding.PEM))
    server = folder / "server.pem"
    server.touch(mode=0o600)
    own = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    server.write_bytes(leaf.sign(authority, hashes.SHA256()).public_bytes(Encoding.PEM) + own)
    return server


def _certificate(
    subject: x509.Name,
    key: ec.EllipticCurvePrivateKey,
    authority: ec.EllipticCurvePrivateKey,
    issuer: x509.Name | None = None,
) -> x509.CertificateBuilder:
    """Return what both certificates have; Python 3.13 and later wants the identifiers of both keys."""
    now = datetime.now(UTC)
    own = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    signing = x509.AuthorityKeyIdentifier.from_issuer_public_key(authority.public_key())
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer or subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + LIVES)
        .add_extension(own, critical=False)
        .add_extension(signing, critical=False)
    )


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])
