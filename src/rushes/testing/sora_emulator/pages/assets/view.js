// What pages are put together from.

export const byId = id => document.getElementById(id);

// Makes an element; `more` are its properties, `data` and `style` included.
export function make(tag, more = {}, ...children) {
  const element = document.createElement(tag), {data = {}, style = {}, aria = {}, ...own} = more;
  Object.assign(element, own);
  Object.assign(element.dataset, data);
  for (const [name, value] of Object.entries(style)) element.style.setProperty(name, value);
  for (const [name, value] of Object.entries(aria)) element.setAttribute(name === "role" ? name : "aria-" + name, value);
  element.append(...children.filter(child => child !== null && child !== undefined));
  return element;
}

export function tell(problem) { byId("problem").textContent = problem ? problem.message : ""; }

// Has a button do something that may fail: it rests meanwhile, and what went wrong is told.
export function doing(button, act, say = tell) {
  button.addEventListener("click", async event => {
    event.preventDefault();
    button.disabled = true;
    say(null);
    try { await act(); } catch (problem) { say(problem); } finally { button.disabled = false; }
  });
  return button;
}

export const action = (text, act, className = "plain") => doing(make("button", {type: "button", className, textContent: text}), act);
export const still = (...lines) => make("div", {className: "still"}, ...lines.map(line => make("span", {textContent: line})));
const shape = item => item.width && item.height ? item.width / item.height : 1;

export function video(item, more = {}) {
  const poster = item.encodings && item.encodings.thumbnail && item.encodings.thumbnail.path || "";
  const cover = poster.startsWith("http") ? {poster, preload: "none"} : {preload: "metadata"};
  return make("video", {style: {"--shape": shape(item)}, src: item.url, loop: true, muted: true, playsInline: true, ...cover, ...more});
}

function figure(className, task, ratio, inside, words, note) {
  const caption = make("figcaption", {}, make("span", {textContent: words}), note ? make("small", {textContent: note}) : null);
  return make("figure", {className, data: {task}, style: {"--shape": ratio}}, ...inside, caption);
}

// A clip of a grid: it plays while it is pointed at, and leads to its own page.
function playing(item, address) {
  const one = video(item), link = make("a", {href: address}, one);
  for (const start of ["mouseenter", "focus"]) link.addEventListener(start, () => one.play().catch(() => {}));
  for (const end of ["mouseleave", "blur"]) link.addEventListener(end, () => one.pause());
  return link;
}

export function pendingCard(task) {
  const share = task.progress_pct > 1 ? task.progress_pct / 100 : task.progress_pct || 0;
  const failed = task.failure_reason || ["failed", "cancelled", "canceled", "error"].includes(task.status);
  const words = task.failure_reason || task.status;
  const bar = make("div", {className: "bar"}, make("i", {style: {width: `${share * 100}%`}}));
  const percent = share && !failed ? `${Math.round(share * 100)} %` : "";
  return figure(failed ? "failed" : "pending", task.id, 1.4, [still(words, percent), failed ? null : bar], task.prompt);
}

export function draftCard(draft) {
  const reason = draft.reason_str || draft.error_reason || "This video could not be made.";
  const inside = draft.url ? playing(draft, "/d/" + draft.id) : make("a", {href: "/d/" + draft.id}, still(reason));
  const note = draft.post ? `Posted, ${draft.post_visibility || "visible"}` : "";
  return figure(draft.url ? "draft" : "failed", draft.task_id || draft.id, shape(draft), [inside], draft.prompt, note);
}

export function postCard({post, profile}) {
  const [clip] = post.attachments;
  const note = `@${profile.username}${post.permissions.share_setting === "public" ? "" : ", by link only"}`;
  return figure("post", clip.task_id, shape(clip), [playing(clip, "/p/" + post.id)], post.text, note);
}

// Asks in a window of its own; `act` gets the form once it is sent, and the window closes if nothing fails.
export function ask(title, button, fields, act) {
  const problem = make("p", {aria: {role: "alert"}}), cancel = make("button", {type: "button", className: "plain", textContent: "Cancel"});
  const send = make("button", {textContent: button}), form = make("form", {}, make("h2", {textContent: title}), ...fields, problem,
    make("div", {className: "actions"}, cancel, send));
  const dialog = make("dialog", {}, form);
  dialog.setAttribute("aria-label", title);
  form.addEventListener("submit", async event => {
    event.preventDefault();
    send.disabled = true;
    problem.textContent = "";
    try { await act(new FormData(form)); dialog.close(); } catch (error) { problem.textContent = error.message; }
    send.disabled = false;
  });
  cancel.addEventListener("click", () => dialog.close());
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
}

// Fills a grid page by page: `read` gets a cursor and returns {items, cursor}.
export async function fill(grid, read, card, empty) {
  let cursor = null;
  const more = action("Show more", next, "plain more");
  async function next() {
    const page = await read(cursor);
    cursor = page.cursor;
    grid.append(...page.items.map(card));
    more.hidden = !cursor;
  }
  grid.after(more);
  await next();
  if (!grid.children.length && !cursor) grid.after(make("p", {className: "empty", textContent: empty}));
}
