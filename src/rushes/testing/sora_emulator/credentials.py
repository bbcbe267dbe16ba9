"""Content credentials (C2PA) of a marked file: a manifest as the specification lays it out, signed by nobody.

It says that a model made the clip, and binds that to the file by its hash. The certificate is nobody's, and
in the signature's place there are zeros: a reader shows the manifest and says that its signature is wrong.
Layout after the C2PA specification 2.2 (manifests in JUMBF boxes, A.5 for MP4) and RFC 8949 (CBOR).
"""

from __future__ import annotations

import base64
import hashlib
import struct
import uuid
from collections.abc import Iterator
from typing import Any

from rushes.media.boxes import C2PA_UUID

GENERATOR = "rushes Sora emulator (test, not signed)"
MADE_BY_A_MODEL = "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"
ES256, CHAIN = -7, 33
"""Names of COSE: an algorithm, and the header that holds certificates (RFC 9053, RFC 9360)."""

CERTIFICATE = base64.b64decode(
    "MIIBfDCCASKgAwIBAgIBATAKBggqhkjOPQQDAjAXMRUwEwYDVQQDDAxub2JvZHksIHRlc3QwIBcNMjYwMTAxMDAw"
    "MDAwWhgPMjEyNjAxMDEwMDAwMDBaMB4xHDAaBgNVBAMME1NvcmEgZW11bGF0b3IsIHRlc3QwWTATBgcqhkjOPQIB"
    "BggqhkjOPQMBBwNCAARwKl/4nwnnwoDT/rFd0FbEPy5us/o9RQFqOE/EnFlMmVuGCuH/JVi9HB/fHJXL59/0EwOd"
    "1smHP2LgrQKDsvrno1YwVDAMBgNVHRMBAf8EAjAAMA4GA1UdDwEB/wQEAwIHgDATBgNVHSUEDDAKBggrBgEFBQcD"
    "BDAfBgNVHSMEGDAWgBQb4GXpW+L2x1K606xdClzBQu4ssTAKBggqhkjOPQQDAgNIADBFAiEAymmIVFDZfRmTKQEP"
    "wZgBpmmEol1DRn7UmCp4IB01IWoCIDg29h4cGHtJ1CMwEoV2dmgUycvjuzjPshQKJCicwAWA"
)
"""Of "Sora emulator, test", by "nobody, test"; both keys were thrown away."""

_TYPE = bytes.fromhex("00110010800000aa00389b71")
"""What follows the four letters in the type of a JUMBF box."""

_EXCLUDED = (b"ftyp", b"uuid", b"free")


def with_credentials(data: bytes) -> bytes:
    """Return an MP4 with a manifest at its end, where no sample moves."""
    label = f"urn:c2pa:{uuid.uuid5(uuid.NAMESPACE_URL, hashlib.sha256(data).hexdigest())}"
    assertions = {
        "c2pa.actions.v2": {
            "actions": [{"action": "c2pa.created", "digitalSourceType": MADE_BY_A_MODEL}],
            "allActionsIncluded": True,
        },
        "c2pa.hash.bmff.v2": _binding(data),
    }
    boxes = {name: _jumbf("cbor", name, _box(b"cbor", _cbor(told))) for name, told in assertions.items()}
    claim = {
        "instanceID": label.replace("urn:c2pa:", "xmp:iid:"),
        "claim_generator_info": {"name": GENERATOR},
        "signature": "self#jumbf=c2pa.signature",
        "created_assertions": [
            # A box is hashed without its own head.
            {"url": f"self#jumbf=c2pa.assertions/{name}", "hash": hashlib.sha256(box[8:]).digest()}
            for name, box in boxes.items()
        ],
        "alg": "sha256",
    }
    unsigned = b"\xd2" + _cbor([_cbor({1: ES256, CHAIN: CERTIFICATE}), {}, None, bytes(64)])
    manifest = _jumbf(
        "c2ma",
        label,
        _jumbf("c2as", "c2pa.assertions", *boxes.values()),
        _jumbf("c2cl", "c2pa.claim.v2", _box(b"cbor", _cbor(claim))),
        _jumbf("c2cs", "c2pa.signature", _box(b"cbor", unsigned)),
    )
    # Version and flags, what the box is for, and where a tree of hashes would be: there is none.
    head = C2PA_UUID + bytes(4) + b"manifest\0" + bytes(8)
    return data + _box(b"uuid", head + _jumbf("c2pa", "c2pa", manifest))


def _binding(data: bytes) -> dict[str, Any]:
    """Return the hash of an MP4's boxes, each after its place in the file, but for those that may change."""
    digest = hashlib.sha256()
    for at, box in _boxes(data):
        if box[4:8] not in _EXCLUDED:
            digest.update(struct.pack(">Q", at) + box)
    left_out: list[dict[str, Any]] = [
        {"xpath": "/uuid", "length": None, "data": [{"offset": 8, "value": C2PA_UUID}]},
        {"xpath": "/ftyp", "length": None, "data": None},
        {"xpath": "/free", "length": None, "data": None},
    ]
    rest: dict[str, Any] = {"subset": None, "version": None, "flags": None, "exact": None}
    return {
        "exclusions": [{**one, **rest} for one in left_out],
        "alg": "sha256",
        "hash": digest.digest(),
        "name": "the whole clip",
    }


def _boxes(data: bytes) -> Iterator[tuple[int, bytes]]:
    at = 0
    while at < len(data):
        (size,) = struct.unpack_from(">I", data, at)
        yield at, data[at : at + size]
        at += size


def _box(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I4s", 8 + len(body), name) + body


def _jumbf(kind: str, label: str, *content: bytes) -> bytes:
    """Return a JUMBF box that can be asked for by its label (ISO/IEC 19566-5)."""
    about = kind.encode() + _TYPE + b"\x03" + label.encode() + b"\0"
    return _box(b"jumb", _box(b"jumd", about) + b"".join(content))


def _cbor(value: Any) -> bytes:
    """Encode None, booleans, whole numbers, bytes, text, lists and mappings."""
    if value is None:
        return b"\xf6"
    if isinstance(value, bool):
        return b"\xf5" if value else b"\xf4"
    if isinstance(value, int):
        return _head(0, value) if value >= 0 else _head(1, -1 - value)
    if isinstance(value, bytes):
        return _head(2, len(value)) + value
    if isinstance(value, str):
        text = value.encode()
        return _head(3, len(text)) + text
    if isinstance(value, list):
        return _head(4, len(value)) + b"".join(map(_cbor, value))
    if isinstance(value, dict):
        return _head(5, len(value)) + b"".join(_cbor(key) + _cbor(one) for key, one in value.items())
    raise TypeError(f"no CBOR for {type(value).__name__}")


def _head(kind: int, number: int) -> bytes:
    """Return the first bytes of a value: what kind it is, and how long or how large."""
    if number < 24:
        return bytes([kind << 5 | number])
    size = next(size for size in (1, 2, 4, 8) if number < 1 << 8 * size)
    return bytes([kind << 5 | 23 + size.bit_length()]) + number.to_bytes(size, "big")
