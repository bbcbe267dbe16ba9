// The tasks under way: asked for while there are any, and looked for among the drafts once they are gone.

import {call} from "./service.js";
import {byId, draftCard, pendingCard, tell} from "./view.js";

const EVERY_MS = 2000;
const MOST_MISSES = 60;
const ENDED = ["failed", "cancelled", "canceled", "error"];

const known = new Map();
const misses = new Map();
const made = new Map();
let following = false, complained = false, taking = () => false;

// Has `take` get each draft that has just been made; it returns whether it shows it itself.
export function onMade(take) { taking = take; }

// Adds a task that was just accepted.
export function expectTask(task) { known.set(task.id, {status: "preprocessing", ...task}); follow(); }

// Follows what is under way until nothing is.
export async function follow() {
  if (following) return;
  following = true;
  do {
    try {
      await look();
      if (complained) tell(null);
      complained = false;
    } catch (problem) {
      complained = true;
      tell(problem);
      if (problem.status === 401) break;
    }
    show();
    if (waiting()) await new Promise(done => setTimeout(done, EVERY_MS));
  } while (waiting());
  following = false;
}

const waiting = () => [...known.values()].some(task => !ENDED.includes(task.status));

async function look() {
  const listed = await call("/backend/nf/pending/v2"), ids = new Set(listed.map(task => task.id));
  for (const task of listed) known.set(task.id, task);
  const gone = [...known.values()].filter(task => !ids.has(task.id) && !ENDED.includes(task.status));
  if (!gone.length) return;
  const drafts = (await call("/backend/project_y/profile/drafts/v2?limit=15")).items.map(item => item.draft || item);
  for (const task of gone) {
    const draft = drafts.find(one => (one.task_id || one.id) === task.id);
    misses.set(task.id, (misses.get(task.id) || 0) + 1);
    if (draft) {
      known.delete(task.id);
      if (!taking(draft)) made.set(task.id, draftCard(draft));
    } else if (misses.get(task.id) > MOST_MISSES) {
      known.set(task.id, {...task, status: "failed", failure_reason: "The service does not list it any more."});
    }
  }
}

function show() {
  const box = byId("under-way");
  box.replaceChildren(...[...known.values()].reverse().map(pendingCard), ...[...made.values()].reverse());
  box.hidden = !box.children.length;
}
