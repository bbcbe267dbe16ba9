// The calls of the page: the session, the sentinel, and the headers that go with everything else.

let session = null;

export const device = () => (document.cookie.match(/(?:^|; )oai-did=([^;]*)/) || [])[1] || "";
export const person = () => session && session.user;

window.SentinelSDK = {
  async init(flow) { this.flow = flow; },
  async token(flow) {
    const answer = await fetch(document.documentElement.dataset.sentinel + "/backend-api/sentinel/req", {
      method: "POST", credentials: "include", headers: {"Content-Type": "application/json"}, body: JSON.stringify({flow}),
    });
    if (!answer.ok) throw new Error("the sentinel answered " + answer.status);
    return JSON.stringify({p: "gAAAAAB", t: "", c: (await answer.json()).token, id: device(), flow});
  },
};

export class Refused extends Error {
  constructor(status, body) {
    const own = body && body.error && (body.error.message || body.error.code);
    super(own || (body && body.type && body.type + resetsIn(body)) || "The service answered " + status + ".");
    this.status = status;
    this.code = body && body.error && body.error.code;
  }
}

function resetsIn(body) {
  const left = body.rate_limit_and_credit_balance;
  return left && left.access_resets_in_seconds ? `, resets in ${Math.ceil(left.access_resets_in_seconds / 60)} min` : "";
}

// Reads who is signed in; without an access token that is nobody.
export async function readSession() {
  const text = await (await fetch("/api/auth/session")).text();
  try { session = JSON.parse(text); } catch { session = null; }
  if (!session || !session.accessToken) session = null;
  return session;
}

// Makes one call. `json` or `form` is its body, `flow` the sentinel's for calls that need a token of its.
export async function call(path, {method = "GET", json, form, flow} = {}, renewed = false) {
  const headers = {"oai-device-id": device(), "oai-language": "en-US"};
  if (session) headers.Authorization = "Bearer " + session.accessToken;
  if (json !== undefined) headers["Content-Type"] = "application/json";
  if (flow) headers["openai-sentinel-token"] = await window.SentinelSDK.token(flow);
  const answer = await fetch(path, {method, headers, body: json === undefined ? form : JSON.stringify(json)});
  const body = answer.status === 204 ? {} : await answer.json().catch(() => null);
  if (answer.ok && body !== null) return body;
  const refused = new Refused(answer.status, body);
  if (refused.code === "token_expired" && !renewed && await readSession()) return call(path, {method, json, form, flow}, true);
  throw refused;
}

// Uploads a picture by one of the two routes; returns its item for `inpaint_items`.
export async function upload(file, route) {
  const form = new FormData();
  form.append("file", file);
  if (route === "upload") {
    form.append("file_name", file.name);
    const {id} = await call("/backend/uploads", {method: "POST", form});
    return {kind: "upload", upload_id: id};
  }
  form.append("use_case", "inpaint_safe");
  const answer = await call("/backend/project_y/file/upload", {method: "POST", form});
  // This route may say no with a 200.
  if (answer.user_error_message) throw new Error(answer.user_error_message);
  return {kind: "file", file_id: answer.file_id};
}
