// One person: their login, their conversation, and the way of each message.

import { Client, uuid } from "./client.js";

const FIRST_PAGE = 30; // messages shown at first
const MOST_SHOWN = 300; // older ones leave the screen; the service keeps them
const LONG_TEXT = 600; // characters from which a text may scroll by itself

// Milliseconds between polls, the shorter the more there is to see.
const FAST_MS = 30; // a message is not stored yet; half as much longer each time
const BUSY_MS = 400; // one was sent some seconds ago and is not delivered
const QUIET_MS = 1_000;
const IDLE_MS = 3_000; // nothing has happened for a minute
const BUSY_FOR_MS = 15_000;
const QUIET_FOR_MS = 60_000;
const LONGEST_WAIT_MS = 10_000; // between tries while the service is away

const RANK = { FAILED: 0, SENDING: 0, ACCEPTED: 1, PENDING: 2, SENT: 2, DELIVERED: 3 };

/** Make an element. What people wrote is only ever set as text, so that it can never be HTML. */
export function element(tag, { text = "", ...attributes } = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(text, ...children);
  return made;
}

export const duration = (ms) =>
  ms < 10_000 ? `${Math.round(ms).toLocaleString("en")} ms` : `${(Math.round(ms / 100) / 10).toLocaleString("en")} s`;

/** Twice as long after each failure, with jitter so that not all clients come back at one moment. */
const backoff = (attempt, atLeast) =>
  Math.max(atLeast, Math.min(LONGEST_WAIT_MS, 500 * 2 ** (attempt - 1)) * (0.5 + Math.random() / 2));

export class Person {
  #entries = new Map(); // by message id: what is known of a message, and where it is on the screen
  #cursor = null; // where the next poll goes on
  #sending = Promise.resolve(); // one send after the other keeps the order in which they were typed
  #session = {}; // another one after each logout
  #unsent = null; // what waited when a login ended: for the same user's next login, and nobody else
  #pollsSinceSend = 0;
  #newsAt = 0;
  #isOffline = false;
  #mayCall = Promise.resolve(); // done while this person is online, in a conversation
  #go = () => {};
  #wake = () => {};
  #isStarting;
  #demo;

  constructor(letter, { record, forget, demo, partner, presenceWindowS, changed }) {
    this.client = new Client(record);
    this.client.username = demo?.username ?? "";
    Object.assign(this, { letter, record, forget, partner, presenceWindowS, changed });
    this.#demo = demo;
    this.#isStarting = Boolean(demo);
    if (demo) ({ promise: this.#mayCall, resolve: this.#go } = Promise.withResolvers());
    this.root = document.getElementById("person").content.cloneNode(true).firstElementChild;
    this.#prepare();
    this.#show();
  }

  $(selector) {
    return this.root.querySelector(selector);
  }

  #prepare() {
    const hooks = { textarea: "text", ".send": "send", ".resend": "resend", ".offline": "offline" };
    for (const [selector, hook] of Object.entries(hooks)) this.$(selector).dataset.testid = `${hook}-${this.letter}`;
    this.root.dataset.testid = `user-${this.letter}`;
    this.root.setAttribute("aria-labelledby", (this.$(".name").id = `name-${this.letter}`));
    this.#on("submit", ".login", () => this.#loginTyped());
    this.#on("submit", ".partner", () => this.talkTo(this.$("[name=partner]").value.trim()));
    this.#on("submit", ".composer", () => this.#sendTyped());
    this.#on("click", ".logout", () => this.#leave());
    this.#on("click", ".offline", () => this.setOffline(!this.#isOffline));
    this.#on("click", ".resend", () => this.resend());
    this.$("textarea").addEventListener("keydown", (event) => {
      // Enter also ends the choice of a Chinese or Japanese word.
      if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
      event.preventDefault();
      this.#sendTyped();
    });
    document.addEventListener("visibilitychange", () => this.#wake());
    setInterval(() => this.#showState(), 1000);
  }

  #on(event, selector, act) {
    this.$(selector).addEventListener(event, (happened) => {
      happened.preventDefault();
      this.attempt(act);
    });
  }

  /** Do what a person asked for, and tell them when it fails. */
  async attempt(act) {
    this.#tell("");
    const session = this.#session;
    try {
      await act();
    } catch (problem) {
      if (session !== this.#session) return; // nobody else's concern
      this.#isStarting = false;
      if (this.userId && !problem.isOfLogin) this.#show();
      else this.logout();
      this.#tell(problem.message);
    }
  }

  async #loginTyped() {
    this.userId = await this.client.login(this.$("[name=username]").value, this.$("[name=password]").value);
    this.$(".login").reset();
    this.#show();
    if (this.#unsent?.userId !== this.userId) this.#forgetTexts();
    else await this.talkTo(this.#unsent.partner);
    this.changed();
  }

  /** Go on where this user's last login ended: with the same ids, each text stays one message. */
  #resume() {
    const unsent = this.#unsent;
    if (unsent?.partner !== this.partner) return;
    this.#unsent = null;
    for (const each of unsent.entries) {
      const entry = { ...each, session: this.#session };
      this.#entries.set(entry.message.message_id, entry);
      this.#place(entry);
      this.#queue(entry);
    }
  }

  #forgetTexts() {
    this.#unsent = null;
    this.$(".composer").reset();
    this.$(".partner").reset();
  }

  /** Log out because the person says so: whoever comes next finds nothing. */
  #leave() {
    this.forget(this.client.username);
    this.logout();
    this.#forgetTexts();
  }

  /** Log in the demo user, if there is one, to talk to the other one. */
  async start() {
    if (!this.#demo) return;
    this.userId = await this.client.login(this.#demo.username, this.#demo.password, true);
    if (this.partner) await this.talkTo(this.partner);
  }

  logout() {
    this.#session = {};
    this.#sending = Promise.resolve();
    this.userId = this.conversationId = this.#cursor = null;
    this.client.close();
    this.client = new Client(this.record); // the token goes with the old one
    this.setOffline(false);
    this.#entries.clear();
    this.$(".messages").replaceChildren();
    this.#show();
  }

  async talkTo(username) {
    const session = this.#session;
    const { user_id } = await this.client.call("GET", `/v1/users?username=${encodeURIComponent(username)}`);
    const opened = await this.client.call("POST", "/v1/conversations", { body: { participant_ids: [user_id] } });
    if (this.conversationId || session !== this.#session) return;
    this.partner = username;
    this.#isStarting = false;
    this.conversationId = opened.conversation_id;
    this.setOffline(this.#isOffline);
    this.#resume();
    this.#keepPolling(this.#session);
  }

  /** The service learns of it only by hearing nothing. */
  setOffline(isOffline) {
    this.#isOffline = isOffline;
    this.#show();
    if (this.#isStarting) return; // talkTo does the rest
    this.client.setOffline(isOffline);
    this.#go();
    if (isOffline) ({ promise: this.#mayCall, resolve: this.#go } = Promise.withResolvers());
    this.#wake();
  }

  #sendTyped() {
    const content = this.$("textarea").value;
    if (content === "") return;
    this.$("textarea").value = "";
    const entry = this.#entry({ message_id: uuid(), content, status: "SENDING" }, true);
    this.#setStatus(entry, "SENDING");
    this.#place(entry);
    this.#queue(entry);
  }

  #queue(entry) {
    this.#sending = this.#sending.then(() => this.#send(entry)).catch((problem) => this.#tell(problem.message));
  }

  async #send(entry) {
    entry.sentAt = performance.now();
    const answer = await this.#post(entry);
    if (!answer) return;
    entry.accepted = { ...answer.log, ms: performance.now() - entry.sentAt };
    this.#setStatus(entry, "ACCEPTED");
    this.#pollsSinceSend = 0;
    this.#wake();
  }

  /** Send the newest message once more, with its id: it stays one message. */
  async resend() {
    const entry = this.#newestOwn();
    const answer = await this.#post(entry);
    if (!answer) return;
    const where = `partition ${answer.log.partition}, offset ${answer.log.offset}`;
    entry.note.textContent = `Sent again with the same id: accepted at ${where}. It is still one message.`;
  }

  /** Post a message until there is an answer. Its id makes that safe: it stays one message. */
  async #post(entry) {
    const { message_id, content } = entry.message;
    for (let attempt = 1; ; attempt += 1) {
      entry.note.textContent = this.#isOffline ? "Waits until you are back online." : "";
      await this.#mayCall;
      if (entry.session !== this.#session) return null; // logged out meanwhile
      try {
        const body = { conversation_id: this.conversationId, message_id, content };
        return await this.client.call("POST", "/v1/messages", { body });
      } catch (problem) {
        if (entry.session !== this.#session) return null;
        if (this.#isOffline) continue;
        if (problem.isOfLogin) {
          if (await this.#loginAgain()) continue;
          return null; // it waits for this user's next login
        }
        entry.note.textContent = problem.message;
        if (!problem.mayRepeat) {
          entry.isPlaced = true; // it will not come from the service
          if (entry.message.status === "SENDING") this.#setStatus(entry, "FAILED");
          return null;
        }
        const wait = backoff(attempt, problem.retryAfterMs);
        entry.note.textContent = `${problem.message} Sending the same id again in ${duration(wait)}.`;
        await new Promise((resolve) => setTimeout(resolve, wait));
      }
    }
  }

  /** A login ends after an hour. Only a demo user's password is known here. */
  async #loginAgain() {
    if (this.#demo?.username !== this.client.username) {
      const entries = [...this.#entries.values()].filter((entry) => entry.message.status === "SENDING");
      const { userId, partner, conversationId } = this;
      this.logout();
      if (conversationId) this.#unsent = { userId, partner, entries };
      this.#tell("Your login has ended. Log in again.");
      return false;
    }
    await this.client.login(this.#demo.username, this.#demo.password, true);
    return true;
  }

  async #keepPolling(session) {
    let failures = 0;
    let wasOffline = false;
    while (session === this.#session) {
      if (this.#isOffline || document.hidden) {
        wasOffline ||= this.#isOffline;
        await this.#sleep(60_000);
        continue;
      }
      try {
        if (wasOffline) await this.#readInbox();
        wasOffline = false;
        await this.#step();
        if (failures) this.#tell("");
        failures = 0;
        await this.#sleep(this.#delay());
      } catch (problem) {
        if (this.#isOffline || session !== this.#session) continue;
        if (problem.isOfLogin && (await this.#loginAgain().catch(() => false))) continue;
        failures += 1;
        const wait = backoff(failures, problem.retryAfterMs);
        if (session === this.#session) this.#tell(`${problem.message} Asking again in ${duration(wait)}.`);
        await this.#sleep(wait);
      }
    }
  }

  /** What came while we were away. The next poll shows it, in its place. */
  async #readInbox() {
    const { messages } = await this.client.call("GET", "/v1/inbox?limit=100");
    const waiting = messages.filter((each) => each.conversation_id === this.conversationId).length;
    this.waited = ` again: ${waiting === 1 ? "1 message was" : `${waiting} messages were`} waiting`;
    this.#showState();
  }

  async #step() {
    const newsAt = this.#newsAt;
    // resume_cursor leads on from the newest message shown: nothing is missed, nothing comes twice.
    await this.#read(this.#cursor ? `limit=100&cursor=${this.#cursor}` : `limit=${FIRST_PAGE}`, true);
    this.#pollsSinceSend += 1;
    // For their statuses, those that are on their way are read again, from the oldest on.
    const open = this.#open().map((entry) => Date.parse(entry.message.timestamp));
    if (open.length && newsAt === this.#newsAt) await this.#read(`limit=100&since_timestamp=${Math.min(...open) - 1}`);
  }

  /** Confirm what others wrote: that makes it DELIVERED. To repeat a receipt changes nothing. */
  async #confirm() {
    const batch = this.#open().filter((entry) => !entry.own && !entry.isConfirmed).slice(0, 100);
    if (batch.length === 0) return;
    const body = { status: "DELIVERED", message_ids: batch.map((entry) => entry.message.message_id) };
    await this.client.call("POST", `/v1/conversations/${this.conversationId}/receipts`, { body });
    for (const entry of batch) entry.isConfirmed = true;
  }

  async #read(query, isNews = false) {
    const path = `/v1/conversations/${this.conversationId}/messages?${query}`;
    const { messages, pagination } = await this.client.call("GET", path, { isPoll: true });
    const isFirst = this.#cursor === null; // then the next page has older ones, which nobody asked for
    if (isNews) this.#cursor = pagination.resume_cursor;
    for (const message of messages) {
      // Only the cursor says what is new, and where it belongs. Others may have the same time.
      if (isNews || this.#entries.get(message.message_id)?.isPlaced) this.#arrived(message);
    }
    await this.#confirm(); // before the next page may push them off the screen
    if (pagination.has_more && !isFirst) await this.#read(`limit=100&cursor=${pagination.next_cursor}`, isNews);
  }

  #open() {
    return [...this.#entries.values()].filter((entry) => ["PENDING", "SENT"].includes(entry.message.status));
  }

  #delay() {
    const now = performance.now();
    if ([...this.#entries.values()].some((entry) => entry.message.status === "ACCEPTED")) {
      return Math.min(FAST_MS * 1.5 ** this.#pollsSinceSend, QUIET_MS);
    }
    if (this.#open().some((entry) => now - entry.since < BUSY_FOR_MS)) return BUSY_MS;
    return now - this.#newsAt < QUIET_FOR_MS ? QUIET_MS : IDLE_MS;
  }

  #sleep(ms) {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.#wake = () => resolve(clearTimeout(timer));
    });
  }

  /** Note what the API says of a message, and when that was seen. */
  #arrived(message) {
    const own = message.sender_id === this.userId;
    const entry = this.#entries.get(message.message_id) ?? this.#entry(message, own);
    if (!entry.isPlaced) {
      entry.isPlaced = true;
      this.#place(entry);
      this.#newsAt = performance.now();
    }
    // Of an older message we did not see the way, only the two times that the API keeps.
    const ms = entry.sentAt && performance.now() - entry.sentAt;
    const between = Date.parse(message.delivered_at) - Date.parse(message.timestamp);
    entry.stored ??= { status: message.status === "DELIVERED" ? "stored" : message.status, ms };
    if (message.status === "DELIVERED") entry.delivered ??= { ms: ms ?? between };
    entry.message.timestamp = message.timestamp;
    this.#setStatus(entry, message.status);
  }

  #entry(message, own) {
    const text = element("p", { text: message.content, class: "text", dir: "auto" });
    if (message.content.length > LONG_TEXT) text.tabIndex = 0; // it scrolls, so keys must reach it
    const way = element("ol", { class: "way", "aria-label": "Its way" });
    const note = element("p", { class: "note" });
    const attributes = { class: own ? "message own" : "message", "data-message-id": message.message_id };
    const box = element("div", { ...attributes, "data-testid": "message" }, text, way, note);
    const session = this.#session; // it is sent in this one or not at all
    const entry = { message, own, box, way, note, session, since: performance.now(), isPlaced: false };
    this.#entries.set(message.message_id, entry);
    return entry;
  }

  /** Put a message where the service has it: behind all that is stored, before what is still on its way. */
  #place(entry) {
    const list = this.$(".messages");
    const isAtEnd = list.scrollHeight - list.scrollTop - list.clientHeight < 120;
    const ahead = [...this.#entries.values()].find((each) => !each.isPlaced && each !== entry);
    list.insertBefore(entry.box, entry.isPlaced && ahead ? ahead.box : null);
    while (list.children.length > MOST_SHOWN) {
      this.#entries.delete(list.firstElementChild.dataset.messageId);
      list.firstElementChild.remove();
    }
    if (isAtEnd || entry.own) requestAnimationFrame(() => list.scrollTo(0, list.scrollHeight));
    this.$(".resend").disabled = !this.#newestOwn();
  }

  #newestOwn() {
    const boxes = [...this.root.querySelectorAll(".own:not([data-status=FAILED])")];
    return this.#entries.get(boxes.at(-1)?.dataset.messageId);
  }

  #setStatus(entry, status) {
    // A poll may know more than the answer to the send that comes after it.
    if (RANK[status] >= RANK[entry.message.status]) entry.message.status = status;
    entry.box.dataset.status = entry.message.status;
    entry.way.replaceChildren(...(entry.own ? ownWay(entry) : receivedWay(entry)));
  }

  #show() {
    const isIn = Boolean(this.userId);
    const talks = Boolean(this.conversationId);
    const name = isIn || this.#isStarting ? this.client.username : `Person ${this.letter.toUpperCase()}`;
    this.$(".name").textContent = name;
    this.$(".face").textContent = name[0].toUpperCase();
    this.$(".login").hidden = isIn || this.#isStarting;
    this.$(".logout").hidden = !isIn;
    this.$(".partner").hidden = !isIn || talks || this.#isStarting;
    this.$(".messages").hidden = this.$(".composer").hidden = !talks && !this.#isStarting;
    this.$(".offline").hidden = !talks && !this.#isStarting;
    this.$(".messages").setAttribute("aria-label", `Messages of ${name} and ${this.partner}`);
    this.$(".to").textContent = `${name} to ${this.partner}`;
    this.$(".offline").textContent = this.#isOffline ? "Come back" : "Go offline";
    this.root.classList.toggle("is-offline", this.#isOffline);
    this.root.classList.toggle("is-in", isIn);
    this.waited = "";
    this.#showState();
  }

  #showState() {
    const left = Math.ceil(this.presenceWindowS - (performance.now() - this.client.lastCallAt) / 1000);
    const offline = left > 0 ? `offline; still counts as online for ${left} s` : "offline: messages are PENDING now";
    let state = this.#isOffline ? offline : `online${this.waited}`;
    if (!this.userId) state = this.#isStarting ? "logging in …" : "not logged in";
    this.$(".state-text").textContent = state;
  }

  #tell(text) {
    this.$(".notice").hidden = !text;
    this.$(".notice").textContent = text;
  }
}

/** The three steps of an own message; those that it has taken say when, as its sender saw it. */
function ownWay({ message: { status }, sentAt, accepted, stored, delivered }) {
  if (status === "FAILED") return [chip("failed", status)];
  const rank = RANK[status];
  const unseen = sentAt ? "" : "elsewhere"; // the API tells the place only in the answer to the send
  const where = accepted ? `partition ${accepted.partition}, offset ${accepted.offset}` : unseen;
  return [
    rank >= 1 ? chip("accepted", "accepted", where, accepted?.ms) : chip("ahead", "sending …"),
    rank >= 2 ? chip(stored.status.toLowerCase(), stored.status, "", stored.ms) : chip("ahead", "stored"),
    rank >= 3 ? chip("delivered", "DELIVERED", "", delivered.ms) : chip("ahead", "DELIVERED"),
  ];
}

function receivedWay({ message: { timestamp, status } }) {
  const time = new Date(timestamp).toTimeString().slice(0, 5);
  return [element("li", { class: "time", text: time }), chip(status.toLowerCase(), status)];
}

function chip(kind, word, where = "", ms = undefined) {
  const rest = [where, ms === undefined ? "" : duration(ms)].filter(Boolean).join(" · ");
  const more = element("span", { class: "more", text: rest && ` ${rest}` });
  return element("li", { class: `chip ${kind}`, text: word }, more);
}
