// The form at the foot of every page: words, settings, pictures, a remix, a storyboard.

import {expectTask} from "./progress.js";
import {call, upload} from "./service.js";
import {byId, make, tell} from "./view.js";

const FLOW = "sora_2_create_task";
const FRAMES_A_SECOND = 30;
const attached = [];
let remix = null;

export function startComposer(styles) {
  byId("style").append(...styles.map(style => new Option(style.display_name, style.id)));
  byId("composer").hidden = false;
  byId("composer").addEventListener("submit", create);
  byId("image").addEventListener("change", attachChosen);
  byId("storyboard").addEventListener("click", () => tellStory(byId("storyboard").ariaPressed !== "true"));
  byId("add-shot").addEventListener("click", () => addShot());
  byId("shots").addEventListener("input", showTotal);
  byId("more").addEventListener("click", () => {
    byId("more").ariaExpanded = String(byId("settings").classList.toggle("open"));
  });
  byId("prompt").addEventListener("keydown", event => {
    if (event.key === "Enter" && !event.shiftKey && byId("mentions").hidden) { event.preventDefault(); byId("composer").requestSubmit(); }
  });
  startMentions();
}

// --- what goes with the words ---

function chip(text, picture, choice, drop) {
  const remove = make("button", {type: "button", className: "plain", textContent: "✕", aria: {label: `Remove ${text}`}});
  const box = make("li", {}, picture, make("span", {textContent: text}), choice, remove);
  remove.addEventListener("click", () => { box.remove(); drop(); });
  byId("chips").append(box);
  return box;
}

async function attachChosen() {
  const files = [...byId("image").files];
  byId("image").value = "";
  for (const file of files) await attach(file);
}

// Uploads a picture at once, as soon as it is chosen.
async function attach(file) {
  const role = make("select", {aria: {label: `Use ${file.name} as`}}, new Option("First frame", "first"), new Option("Reference", "reference"));
  if (attached.some(one => one.role && one.role.value === "first")) role.value = "reference";
  const picture = {item: null, role}, preview = make("img", {src: URL.createObjectURL(file), alt: ""});
  const box = chip(file.name, preview, role, () => attached.splice(attached.indexOf(picture), 1));
  box.ariaBusy = "true";
  attached.push(picture);
  byId("create").disabled = true;
  tell(null);
  try {
    picture.item = await upload(file, byId("route").value);
  } catch (problem) {
    tell(problem);
    box.querySelector("button").click();
  }
  box.ariaBusy = "false";
  byId("create").disabled = false;
}

// Makes the next video after a clip that is there, by the id of its draft.
export function referTo(draft) {
  const one = {item: {kind: "generation", generation_id: draft}, role: null};
  chip(`Reference: ${draft}`, null, null, () => attached.splice(attached.indexOf(one), 1));
  attached.push(one);
  byId("prompt").focus();
}

// Makes the next video a remix of a post or draft.
export function remixOf(id) {
  byId("chips").querySelector("[data-remix]")?.remove();
  remix = id;
  byId("prompt").placeholder = "Describe what to change…";
  chip(`Remix of ${id}`, null, null, forgetRemix).dataset.remix = id;
  byId("prompt").focus();
}

function forgetRemix() {
  remix = null;
  tellStory(byId("storyboard").ariaPressed === "true");
}

// --- the storyboard ---

function tellStory(on) {
  byId("storyboard").ariaPressed = String(on);
  byId("shots").hidden = byId("timeline").hidden = !on;
  byId("length").hidden = on;
  byId("prompt").placeholder = on ? "Instructions for all shots…" : "Describe your video…";
  if (on && !byId("shots").children.length) { addShot(); addShot(); byId("shots").querySelector("textarea").focus(); }
  if (!on) byId("shots").replaceChildren();
  showTotal();
}

function addShot() {
  const scene = make("textarea", {rows: 1, required: true, placeholder: "What happens", aria: {label: "Scene"}});
  const seconds = make("input", {type: "number", min: 0.5, max: 25, step: 0.5, value: 5, aria: {label: "Seconds"}});
  const remove = make("button", {type: "button", className: "plain", textContent: "✕", aria: {label: "Remove this shot"}});
  const shot = make("li", {}, scene, make("label", {}, seconds, " s"), remove);
  remove.addEventListener("click", () => { shot.remove(); showTotal(); });
  byId("shots").append(shot);
  showTotal();
}

const shots = () => [...byId("shots").children].map(one => ({scene: one.querySelector("textarea").value.trim(), seconds: Number(one.querySelector("input").value)}));
const total = () => shots().reduce((sum, shot) => sum + shot.seconds, 0);
function showTotal() { byId("total").textContent = `${shots().length} shots, ${total()} s in all`; }

// The shots stand in the prompt as text.
function timeline(instructions) {
  const scenes = shots().map((shot, at) => `Shot ${at + 1}:\nduration: ${shot.seconds.toFixed(1)}sec\nScene: ${shot.scene}`);
  return `current timeline:\n${scenes.join("\n\n")}\n\ninstructions:\n${instructions}`;
}

function storyFrames() {
  const frames = Math.round(total() * FRAMES_A_SECOND), lengths = [...byId("length").options].map(one => Number(one.value));
  if (lengths.includes(frames)) return frames;
  const allowed = lengths.map(one => one / FRAMES_A_SECOND);
  throw new Error(`The shots add up to ${total()} s. Change them to ${allowed.slice(0, -1).join(", ")} or ${allowed.at(-1)} s.`);
}

// --- the create ---

function body() {
  const story = byId("storyboard").ariaPressed === "true", words = byId("prompt").value.trim();
  const pictures = [...attached].sort((one, other) => (other.role?.value === "first") - (one.role?.value === "first"));
  return {
    kind: "video", prompt: story ? timeline(words) : words, title: story ? "Draft your video" : null,
    orientation: byId("orientation").value, size: byId("size").value,
    n_frames: story ? storyFrames() : Number(byId("length").value),
    inpaint_items: pictures.map(one => one.item), remix_target_id: remix, reroll_target_id: null,
    project_config: null, trim_config: null, metadata: null,
    use_image_as_first_frame: pictures.some(one => one.role?.value === "first"),
    cameo_ids: remix ? [] : null, cameo_replacements: remix ? {} : null, model: byId("model").value,
    style_id: byId("style").value || null, audio_caption: null, audio_transcript: null, video_caption: null,
    i2v_reference_instruction: null, remix_prompt_template: null, storyboard_id: null,
  };
}

async function create(event) {
  event.preventDefault();
  byId("create").disabled = true;
  tell(null);
  try {
    const json = body(), story = byId("storyboard").ariaPressed === "true";
    const answer = await call("/backend/nf/create" + (story ? "/storyboard" : ""), {method: "POST", json, flow: FLOW});
    const task = Array.isArray(answer) ? answer[0] : answer;
    reset();
    expectTask({id: task.id, prompt: json.prompt});
  } catch (problem) {
    tell(problem);
  } finally {
    byId("create").disabled = false;
  }
}

function reset() {
  attached.length = 0;
  remix = null;
  byId("chips").replaceChildren();
  byId("prompt").value = "";
  tellStory(false);
  scrollTo({top: 0, behavior: "smooth"});
}

// --- people, by @ ---

function startMentions() {
  const prompt = byId("prompt"), list = byId("mentions");
  let asked = 0;
  prompt.addEventListener("input", async () => {
    const begun = /(?:^|\s)@([\w.-]+)$/.exec(prompt.value.slice(0, prompt.selectionStart)), mine = ++asked;
    if (!begun) { list.hidden = true; return; }
    const query = new URLSearchParams({username: begun[1], intent: "cameo", limit: 10});
    const {items} = await call("/backend/project_y/profile/search_mentions?" + query).catch(() => ({items: []}));
    if (mine !== asked) return;
    list.replaceChildren(...items.map((item, at) => option(item.profile.username, at === 0)));
    list.hidden = !items.length;
  });
  prompt.addEventListener("keydown", event => {
    if (list.hidden) return;
    const chosen = list.querySelector("[aria-selected=true]");
    const next = {ArrowDown: chosen.nextElementSibling, ArrowUp: chosen.previousElementSibling}[event.key];
    if (next) { chosen.ariaSelected = "false"; next.ariaSelected = "true"; }
    if (event.key === "Enter" || event.key === "Tab") mention(chosen.dataset.name);
    if (event.key === "Escape") list.hidden = true;
    if (["ArrowDown", "ArrowUp", "Enter", "Tab"].includes(event.key)) event.preventDefault();
  }, true);
}

function option(name, selected) {
  const one = make("li", {textContent: "@" + name, data: {name}, aria: {role: "option", selected}});
  one.addEventListener("mousedown", event => { event.preventDefault(); mention(name); });
  return one;
}

function mention(name) {
  const prompt = byId("prompt"), before = prompt.value.slice(0, prompt.selectionStart).replace(/@[\w.-]*$/, `@${name} `);
  prompt.value = before + prompt.value.slice(prompt.selectionStart);
  prompt.setSelectionRange(before.length, before.length);
  // Not hidden at once: the same Enter must not send the form.
  setTimeout(() => { byId("mentions").hidden = true; });
}
