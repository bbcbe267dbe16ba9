"""What is run inside the page: a call by its own `fetch`, an upload, and the token its script hands out."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import httpx

FETCH = """async ({method, path, headers, body, milliseconds}) => {
  try {
    const reply = await fetch(path, {method, headers, body, credentials: "include", cache: "no-store",
                                     signal: AbortSignal.timeout(milliseconds)});
    return {status: reply.status, headers: [...reply.headers], url: reply.url, text: await reply.text()};
  } catch (error) {
    return {problem: String(error)};
  }
}"""

START = f"(call) => ({{reply: ({FETCH})(call)}})"
"""Begins a call and returns at once, with its answer to come; `ANSWER` waits for that."""

ANSWER = "(started) => started.reply"

UPLOAD = """async ({input, path, headers, field, fields, milliseconds}) => {
  const form = new FormData();
  form.append(field, input.files[0]);
  for (const [name, value] of Object.entries(fields)) form.append(name, value);
  try {
    const reply = await fetch(path, {method: "POST", headers, body: form, credentials: "include",
                                     signal: AbortSignal.timeout(milliseconds)});
    return {status: reply.status, headers: [...reply.headers], url: reply.url, text: await reply.text()};
  } catch (error) {
    return {problem: String(error)};
  } finally {
    input.remove();
  }
}"""

TOKEN = """async (flow) => {
  for (let tries = 0; !window.SentinelSDK && tries < 100; tries++)
    await new Promise(go => setTimeout(go, 100));
  if (!window.SentinelSDK) return {problem: "its script has none"};
  try {
    return {token: await window.SentinelSDK.token(flow)};
  } catch (error) {
    return {problem: String(error), network: error instanceof TypeError};
  }
}"""


FILE_INPUT = """() => document.body.appendChild(
  Object.assign(document.createElement("input"), {type: "file", hidden: true}))"""


@dataclass(frozen=True, kw_only=True)
class Call:
    """One call from inside the page; `seconds` bound its answer."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: Any = None
    seconds: float = 30.0


def words_of(call: Call) -> dict[str, Any]:
    """Return a call as `FETCH` takes it."""
    headers = dict(call.headers)
    if call.body is not None:
        headers["Content-Type"] = "application/json"
    return {
        "method": call.method,
        "path": call.path,
        "headers": headers,
        "body": None if call.body is None else json.dumps(call.body, ensure_ascii=False),
        "milliseconds": call.seconds * 1000,
    }


def response_of(call: Call, reply: Mapping[str, Any], base_url: str) -> httpx.Response:
    """Return the page's answer in the shape that every engine's answers are read in."""
    # What a browser has decoded already must not be decoded again.
    headers = [(name, value) for name, value in reply["headers"] if name != "content-encoding"]
    return httpx.Response(
        reply["status"],
        headers=headers,
        content=str(reply["text"]).encode(),
        request=httpx.Request(call.method, base_url + call.path, headers=dict(call.headers)),
    )
