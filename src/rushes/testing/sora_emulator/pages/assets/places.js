// The pages: explore, drafts, profile, one draft, one post.

import {referTo, remixOf} from "./composer.js";
import {expectTask, onMade} from "./progress.js";
import {call, person} from "./service.js";
import {action, ask, byId, draftCard, fill, make, postCard, still, video} from "./view.js";

const OWN = "/backend/project_y";
const FLOW = "sora_2_create_task";
const page = (path, cursor) => call(path + (cursor ? "&cursor=" + encodeURIComponent(cursor) : ""));
const show = (...parts) => byId("content").replaceChildren(...parts.filter(Boolean));

function grid(title) {
  const box = make("section", {className: "grid", aria: {label: title}});
  show(make("h1", {textContent: title}), box);
  return box;
}

export const explore = () =>
  fill(grid("Explore"), cursor => page(`${OWN}/feed?limit=16&cut=nf2_latest`, cursor), postCard, "Nobody has posted anything yet. Make the first video below.");

export async function drafts() {
  const box = grid("Drafts");
  await fill(box, cursor => page(`${OWN}/profile/drafts/v2?limit=15`, cursor), item => draftCard(item.draft || item), "No drafts yet. Make a video below.");
  onMade(draft => {
    byId("content").querySelector(".empty")?.remove();
    box.prepend(draftCard(draft));
    return true;
  });
}

export async function profile(name) {
  const own = !name || name === person().name;
  const who = own ? (await call(`${OWN}/v2/me`)).profile : await call(`${OWN}/profile/username/${encodeURIComponent(name)}`);
  const read = cursor => page(`${OWN}/profile_feed/${own ? "me" : who.user_id}?limit=8&cut=nf2`, cursor);
  await fill(grid("@" + who.username), read, postCard, "No posts yet.");
}

function facts(pairs) {
  const known = Object.entries(pairs).filter(([, value]) => value);
  return make("dl", {}, ...known.flatMap(([name, value]) => [make("dt", {textContent: name}), make("dd", {}, value)]));
}

const when = seconds => seconds ? new Date(seconds * 1000).toLocaleString() : "";
const size = clip => clip.width ? `${clip.width} × ${clip.height}` : "";
const seconds = clip => clip.duration_s ? `${clip.duration_s} s` : "";

// Saves a clip as a file; one of another origin, which a page may not name, opens in a tab.
function save(clip, name) {
  const address = clip.downloadable_url || clip.url, own = new URL(address).origin === location.origin;
  make("a", {href: address, download: `${name}.mp4`, target: own ? "" : "_blank"}).click();
}

// --- one draft ---

export async function draft(id) {
  const answer = await call(`${OWN}/profile/drafts/v2/${id}`), one = answer.draft || answer, config = one.creation_config || {};
  call(`${OWN}/profile/drafts/${id}/read`, {method: "POST", json: {}}).catch(() => {});
  const about = make("div", {}, make("h1", {textContent: one.prompt}), actionsOf(one), facts({
    Made: when(one.created_at), Size: size(one), Length: seconds(one), Style: config.style && config.style.display_name,
    "Remix of": config.remix_target_post && config.remix_target_post.post.id, Storyboard: one.storyboard_id,
    "First image": config.inpaint_image && Object.values(config.inpaint_image)[1], Draft: one.id, Task: one.task_id,
  }));
  const reason = one.reason_str || one.error_reason || "This video could not be made.";
  show(make("article", {className: "one"}, one.url ? video(one, {controls: true, autoplay: true}) : still(reason), about));
}

function actionsOf(one) {
  const row = make("div", {className: "actions"});
  if (one.url && one.post) row.append(make("a", {className: "button plain", href: "/p/" + one.post.id, textContent: "View post"}));
  if (one.url && !one.post) row.append(action("Post…", () => publish(one), ""));
  if (one.url && one.can_remix) row.append(action("Remix", () => remixOf(one.id)));
  if (one.url && one.can_extend) row.append(action("Extend…", () => extend(one)));
  if (one.url) row.append(action("Use as reference", () => referTo(one.id)), action("Download", () => save(one, one.id)));
  row.append(action("Delete…", () => remove("Delete this draft?", `${OWN}/profile/drafts/${one.id}`, "/drafts"), "plain bad"));
  return row;
}

function publish(one) {
  const choice = (value, text, note, checked) => make("label", {}, make("input", {type: "radio", name: "type", value, checked}), " " + text, make("small", {textContent: note}));
  const words = make("label", {}, "Caption", make("textarea", {name: "text", rows: 3, placeholder: "Say something about it"}));
  const places = [choice("public", "Everyone", "Shown in Explore and on your profile.", true),
    choice("shared_link_unlisted", "Anyone with the link", "Not listed in Explore.", false)];
  ask("Post this video", "Post", [words, ...places], async form => {
    const json = {attachments_to_create: [{generation_id: one.id, kind: "sora"}], post_text: form.get("text"), destinations: [{type: form.get("type")}]};
    const {post} = await call(`${OWN}/post`, {method: "POST", json, flow: FLOW});
    location.assign("/p/" + post.id);
  });
}

function extend(one) {
  const words = make("label", {}, "What happens next", make("textarea", {name: "prompt", rows: 3, required: true}));
  const length = make("label", {}, "By ", make("select", {name: "seconds"}, new Option("10 s", 10), new Option("15 s", 15)));
  ask("Extend this video", "Extend", [words, length], async form => {
    const json = {user_prompt: form.get("prompt"), extension_duration_s: Number(form.get("seconds")), enable_rewrite: true};
    const task = await call(`${OWN}/profile/drafts/${one.id}/long_video_extension`, {method: "POST", json, flow: FLOW});
    expectTask({id: task.id, prompt: json.user_prompt});
    scrollTo({top: 0, behavior: "smooth"});
  });
}

function remove(question, path, then) {
  ask(question, "Delete", [], async () => {
    await call(path, {method: "DELETE"});
    location.assign(then);
  });
}

// --- one post ---

export async function post(id) {
  const {post: one, profile: owner} = await call(`${OWN}/post/${id}/tree?limit=20&max_depth=1`);
  const [clip] = one.attachments, own = one.permissions;
  const by = make("a", {href: "/profile/" + owner.username, textContent: "@" + owner.username}), row = make("div", {className: "actions"});
  if (person() && own.can_remix) row.append(action("Remix", () => remixOf(one.id), ""));
  if (person()) row.append(action("Download", async () => { await call(`${OWN}/download/${one.id}`); save(clip, one.id); }));
  else row.append(make("a", {className: "button", href: "/auth/login", textContent: "Log in"}));
  row.append(action("Copy link", () => navigator.clipboard.writeText(one.permalink)));
  if (own.can_delete) row.append(action("Delete…", () => remove("Delete this post? The draft stays.", `${OWN}/post/${one.id}`, "/profile"), "plain bad"));
  const origin = one.parent_post && make("a", {href: "/p/" + one.parent_post.id, textContent: one.parent_post.id});
  const about = make("div", {}, make("h1", {}, by), make("p", {textContent: one.text}), row, facts({
    Posted: when(one.posted_at), "Seen by": own.share_setting === "public" ? "everyone" : "anyone with the link",
    Size: size(clip), Length: seconds(clip), "Remix of": origin, Remixes: String(one.remix_count || ""),
    Link: make("a", {href: one.permalink, textContent: one.permalink}),
  }));
  const remixes = make("section", {className: "grid", aria: {label: "Remixes"}});
  show(make("article", {className: "one"}, video(clip, {controls: true, autoplay: true}), about),
    one.remix_count ? make("h2", {textContent: "Remixes"}) : null, remixes);
  if (one.remix_count) remixes.append(...(await call(`${OWN}/post/${id}/remix_feed`)).items.map(postCard));
}
