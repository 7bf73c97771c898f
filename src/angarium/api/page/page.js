// Puts the page together: two people, the calls that they made, every endpoint.

import { answerText, curl, requestText } from "./client.js";
import { Person, duration, element } from "./person.js";
import settings from "./settings.js";

const MOST_CALLS = 40;

const $ = (id) => document.getElementById(id);

const lines = new Map(); // of the panel; equal polls share one, with a count

function record(call) {
  const question = call.path.replace(/(cursor|since_timestamp)=.*/, "$1");
  const key = call.isPoll ? `${call.who} ${question} ${call.status}` : Symbol("a line of its own");
  if (!lines.has(key)) lines.set(key, newLine());
  const line = lines.get(key);
  line.call = call;
  line.count += 1;
  const kind = call.status === 0 || call.status >= 500 ? "failed" : call.status >= 400 ? "pending" : "delivered";
  const times = line.count > 1 ? `, × ${line.count}` : "";
  line.summary.replaceChildren(
    element("span", { class: `chip ${kind}`, text: call.status || "none" }),
    element("span", { class: "method", text: call.method }),
    element("span", { class: "path", text: call.path }),
    element("span", { class: "by", text: `${call.who}, ${duration(call.ms)}${times}` }),
  );
}

/** Whoever sits here next must not find what a user has called, nor their token. */
function forget(username) {
  for (const [key, line] of lines) {
    if (line.call.who !== username) continue;
    line.box.remove();
    lines.delete(key);
  }
}

function newLine() {
  const summary = element("summary");
  const details = element("details", {}, summary);
  const line = { summary, box: element("li", {}, details), count: 0 };
  // Filled when it is opened: most lines never are.
  details.addEventListener("toggle", () => details.open && details.replaceChildren(summary, callText(line.call)));
  $("call-list").prepend(line.box);
  if (lines.size >= MOST_CALLS) {
    const [oldest] = lines.keys();
    lines.get(oldest).box.remove();
    lines.delete(oldest);
  }
  return line;
}

function callText(call) {
  const copy = element("button", { type: "button", text: "Copy as curl" });
  copy.addEventListener("click", async () => {
    copy.textContent = (await toClipboard(curl(call))) ? "Copied" : "The browser does not allow it";
    $("announce").textContent = copy.textContent;
    setTimeout(() => (copy.textContent = "Copy as curl"), 2000);
  });
  const request = [element("h3", { text: "Request" }), element("pre", { text: requestText(call) })];
  const title = `Answer, after ${duration(call.ms)}`;
  const answer = [element("h3", { text: title }), element("pre", { text: answerText(call) })];
  return element("div", { class: "call" }, ...request, copy, ...answer);
}

async function toClipboard(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    // Browsers have that only for HTTPS and this machine; elsewhere the older way works.
    const field = element("textarea", { class: "unseen", "aria-hidden": "true", text });
    document.body.append(field);
    field.select();
    const isDone = document.execCommand("copy");
    field.remove();
    return isDone;
  }
}

/** Text in which backquotes mean code, as the description writes it. */
const prose = (text) =>
  element("p", {}, ...text.split("`").map((part, at) => (at % 2 ? element("code", { text: part }) : part)));

/** Follow a `$ref` of the description, which always leads into itself. */
function resolve(whole, value) {
  if (!value.$ref) return value;
  return resolve(whole, value.$ref.slice(2).split("/").reduce((at, name) => at[name], whole));
}

function showEndpoints(whole) {
  $("about").replaceChildren(prose(whole.info.description));
  const operations = Object.entries(whole.paths).flatMap(([path, { parameters, ...methods }]) =>
    Object.entries(methods).map(([method, operation]) => ({ path, method, shared: parameters, ...operation })),
  );
  for (const { name, description } of whole.tags) {
    const listed = operations.filter((each) => each.tags[0] === name);
    const items = listed.map((each) => element("li", {}, endpoint(whole, each)));
    const title = element("h3", { text: `${name}: ${description}` });
    $("endpoint-list").append(title, element("ul", { class: "lines" }, ...items));
  }
}

function endpoint(whole, operation) {
  const summary = element(
    "summary",
    {},
    element("span", { class: "method", text: operation.method.toUpperCase() }),
    element("span", { class: "path", text: operation.path }),
    element("span", { class: "by", text: operation.summary }),
  );
  const parameters = [...operation.shared, ...(operation.parameters ?? [])].map((each) => resolve(whole, each));
  const answers = Object.entries(operation.responses).filter(([status]) => status < "400");
  const content = [
    prose(operation.description),
    prose(operation.security ? "No token." : "Needs `Authorization: Bearer TOKEN`."),
    element("h4", { text: "Parameters" }),
    element("dl", {}, ...parameters.flatMap(parameter)),
    ...examples("Body", operation.requestBody),
    ...answers.flatMap(([status, answer]) => examples(status, resolve(whole, answer))),
    element("h4", { text: "Problems" }),
    element("ul", { class: "problems" }, ...Object.entries(operation["x-problem-codes"]).map(problems)),
  ];
  return element("details", {}, summary, element("div", { class: "call" }, ...content));
}

function parameter({ name, required, description = "", ...where }) {
  const place = ` in the ${where.in}${required ? ", required" : ""}`;
  return [element("dt", {}, element("code", { text: name }), place), element("dd", {}, prose(description))];
}

function problems([status, codes]) {
  const links = codes.flatMap((code) => [" ", element("a", { href: `/problems#${code}`, text: code })]);
  return element("li", { text: status }, ...links);
}

function examples(title, { description = "", content = {} } = {}) {
  return Object.entries(content).flatMap(([type, media]) => {
    const value = media.example ?? Object.values(media.examples)[0].value;
    const text = typeof value === "string" ? value : JSON.stringify(value, null, 2);
    return [element("h4", { text: `${title}, ${type}` }), prose(description), element("pre", { text })];
  });
}

/** Once both are logged in, they talk to each other. */
function introduce([one, other]) {
  if (!one.userId || !other.userId) return;
  if (!one.conversationId) one.attempt(() => one.talkTo(other.client.username));
  if (!other.conversationId) other.attempt(() => other.talkTo(one.client.username));
}

const options = { record, forget, presenceWindowS: settings.presence_window_s, changed: () => introduce(people) };
const [alice, bob] = settings.users;
const people = [
  new Person("a", { ...options, demo: alice, partner: bob?.username }),
  new Person("b", { ...options, demo: bob, partner: alice?.username }),
];
$("people").append(...people.map((person) => person.root));
for (const person of people) person.attempt(() => person.start());

try {
  showEndpoints(await (await fetch("/openapi.json", { credentials: "omit" })).json());
} catch {
  $("about").textContent = "The description could not be read. Load the page again.";
}
