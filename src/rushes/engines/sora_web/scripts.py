"""What is run inside the page: a call by its own `fetch`, an upload, and the token its script hands out.

Each answers `{problem}` where there is no answer, and `{wandered}` where the page has left the site: what
is meant for the site is sent from nowhere else.
"""

from __future__ import annotations

from rushes.engines.bodies import BEGINNING, LARGEST_ANSWER

READ = """async (reply) => {
  const answer = {status: reply.status, headers: [...reply.headers], redirected: reply.redirected};
  const reader = reply.body?.getReader(), decoder = new TextDecoder();
  let text = "", size = 0;
  for (let piece; reader && !(piece = await reader.read()).done;) {
    size += piece.value.length;
    text += decoder.decode(piece.value, {stream: true});
    if (size > MOST) {
      await reader.cancel();
      return {...answer, text: text.slice(0, BEGINNING), cut: true};
    }
  }
  return {...answer, text: text + decoder.decode()};
}""".replace("MOST", str(LARGEST_ANSWER)).replace("BEGINNING", str(BEGINNING))
"""Reads an answer; of one that is too large, or has no end, what came first, as `cut`."""

FETCH = """async ({method, url, headers, body, milliseconds}) => {
  if (location.origin !== new URL(url).origin) return {wandered: location.origin};
  try {
    const reply = await fetch(url, {method, headers, body, credentials: "include", cache: "no-store",
                                    signal: AbortSignal.timeout(milliseconds)});
    return await (READ)(reply);
  } catch (error) {
    return {problem: String(error)};
  }
}""".replace("READ", READ)

START = f"(call) => ({{reply: ({FETCH})(call)}})"
"""Begins a call and returns at once, with its answer to come; `ANSWER` waits for that."""

ANSWER = "(started) => started.reply"

UPLOAD = """async ({input, url, headers, field, fields, milliseconds}) => {
  if (location.origin !== new URL(url).origin) return {wandered: location.origin};
  const form = new FormData();
  form.append(field, input.files[0]);
  for (const [name, value] of Object.entries(fields)) form.append(name, value);
  try {
    const reply = await fetch(url, {method: "POST", headers, body: form, credentials: "include",
                                    signal: AbortSignal.timeout(milliseconds)});
    return await (READ)(reply);
  } catch (error) {
    return {problem: String(error)};
  } finally {
    input.remove();
  }
}""".replace("READ", READ)

TOKEN = """async (flow) => {
  for (let tries = 0; !window.SentinelSDK && tries < 50; tries++)
    await new Promise(go => setTimeout(go, 100));
  if (!window.SentinelSDK) return {none: true};
  try {
    return {token: await window.SentinelSDK.token(flow)};
  } catch (error) {
    return {problem: String(error), network: error instanceof TypeError};
  }
}"""

FILE_INPUT = """() => document.body.appendChild(
  Object.assign(document.createElement("input"), {type: "file", hidden: true}))"""
