// Who is there, and which page this is.

import {startComposer} from "./composer.js";
import * as places from "./places.js";
import {follow} from "./progress.js";
import {call, person, readSession} from "./service.js";
import {byId, make, tell} from "./view.js";

const [, place, id] = location.pathname.split("/").map(decodeURIComponent);
const pages = {drafts: places.drafts, profile: places.profile, d: places.draft, p: places.post};

async function open() {
  try {
    await (pages[place] || places.explore)(id);
  } catch (problem) {
    const missing = problem.status === 404;
    if (missing) byId("content").replaceChildren(make("p", {className: "empty", textContent: `There is no such ${place === "p" ? "post" : "page"}.`}));
    else tell(problem);
  }
}

async function start() {
  await readSession();
  const who = person();
  byId("welcome").hidden = who !== null || place === "p";
  byId("nav").hidden = byId("out").hidden = who === null;
  if (who === null) { if (place === "p") await open(); return; }
  byId("who").textContent = who.email;
  for (const link of byId("nav").children) if (link.pathname === location.pathname || (place === "" && link.pathname === "/explore")) link.ariaCurrent = "page";
  await window.SentinelSDK.init("sora_init");
  const account = await call("/backend/project_y/initialize_async").catch(() => ({}));
  byId("unread").textContent = account.unread_draft_count || "";
  byId("unread").hidden = !account.unread_draft_count;
  startComposer(account.styles || []);
  await open();
  follow();
}

start().catch(tell);
