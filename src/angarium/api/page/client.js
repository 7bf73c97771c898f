// The HTTP half of the page: a call to the API, its answer, and the same call
// as a line for a terminal. Nothing in here knows what the page looks like.

const TIMEOUT_MS = 15_000; // longer than the service ever takes
const HIDDEN = "••••••••";

/** A call that did not succeed: a problem document, or no answer at all. */
class Problem extends Error {
  constructor(status, document, retryAfter) {
    super(status ? `${status} ${document.code ?? ""}: ${document.detail ?? ""}` : "The service does not answer.");
    this.retryAfterMs = Number(retryAfter ?? 0) * 1000;
    // No answer, 429 and 503 say nothing against the request: it may be repeated.
    this.mayRepeat = [0, 429, 502, 503, 504].includes(status);
    this.isOfLogin = ["expired_token", "invalid_token"].includes(document.code);
  }
}

/** One person at the API. Their token lives here, in memory, and nowhere else. */
export class Client {
  #token = null;
  #abort = new AbortController();
  #record; // called with every call, once it has its answer
  username = "";
  lastCallAt = 0;

  constructor(record) {
    this.#record = record;
  }

  /** Exchange a password for a token, and return the user's id. */
  async login(username, password, isPublic) {
    this.username = username;
    const answer = await this.call("POST", "/auth/token", { body: { username, password }, isPublic });
    this.#token = answer.access_token;
    return answer.user_id;
  }

  /** Offline is to make no calls. A send that is given up may be done all the same: that is what ids are for. */
  setOffline(isOffline) {
    if (isOffline) this.#abort.abort();
    else this.#abort = new AbortController();
  }

  /** Give up all calls, and tell nobody of them any more. */
  close() {
    this.#record = () => {};
    this.#abort.abort();
  }

  /** Call the API, and return the answer's body or throw a Problem. */
  async call(method, path, { body, isPoll = false, isPublic = false } = {}) {
    const call = { who: this.username, method, path, body, isPoll, isPublic, token: this.#token, status: 0 };
    const began = performance.now();
    const { signal } = this.#abort;
    if (signal.aborted) throw new Problem(0, {});
    try {
      const response = await fetch(path, this.#request(call, signal));
      call.answer = await response.json();
      signal.throwIfAborted();
      call.status = response.status;
      call.traceId = response.headers.get("X-Trace-Id");
      this.lastCallAt = performance.now();
      if (response.ok) return call.answer;
      throw new Problem(call.status, call.answer, response.headers.get("Retry-After"));
    } catch (error) {
      if (error instanceof Problem) throw error;
      call.answer = error.name === "AbortError" ? "The page gave up the call." : "No answer came.";
      throw new Problem(0, {});
    } finally {
      call.ms = performance.now() - began;
      this.#record(call);
    }
  }

  #request({ method, token, body }, canceled) {
    const headers = {};
    if (token) headers.Authorization = `Bearer ${token}`;
    if (body) headers["Content-Type"] = "application/json";
    const signal = AbortSignal.any([canceled, AbortSignal.timeout(TIMEOUT_MS)]);
    const sent = body && JSON.stringify(body);
    return { method, headers, body: sent, signal, cache: "no-store", credentials: "omit" };
  }
}

/** Random bits as a UUID of version 4; browsers have randomUUID only for HTTPS and this machine. */
export function uuid() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 0x0f) | 0x40;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
}

/** JSON with invisible characters escaped, so that no text can reorder a screen or a command line. */
function json(value, indent) {
  const escaped = (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`;
  return JSON.stringify(value, null, indent).replace(/[\p{C}\p{Zl}\p{Zp}]/gu, (found) =>
    found === "\n" ? found : found.split("").map(escaped).join(""),
  );
}

/** The request as text, without what nobody should read over a shoulder. */
export function requestText({ method, path, token, who, body }) {
  const lines = [`${method} ${path}`];
  if (token) lines.push(`Authorization: Bearer ${HIDDEN} (${who}’s token)`);
  const shown = body?.password ? { ...body, password: HIDDEN } : body;
  if (body) lines.push("Content-Type: application/json", "", json(shown, 2));
  return lines.join("\n");
}

/** The answer as text, likewise. */
export function answerText({ status, traceId, answer }) {
  if (!status) return answer;
  const shown = answer.access_token ? { ...answer, access_token: HIDDEN } : answer;
  return `${status}\nX-Trace-Id: ${traceId}\n\n${json(shown, 2)}`;
}

const quoted = (text) => `'${text.replaceAll("'", "'\\''")}'`;

/** The call as a command that works when pasted: with the token, and with a password that everybody knows. */
export function curl({ method, path, token, body, isPublic }) {
  const words = ["curl -sS", quoted(location.origin + path)];
  if (token) words.push("-H", quoted(`Authorization: Bearer ${token}`));
  if (body?.password && !isPublic) {
    const asked = `"password=$(bash -c 'read -rsp "Password: " word && printf %s "$word"')"`;
    words.push("--data-urlencode", quoted(`username=${body.username}`), "--data-urlencode", asked);
  } else if (body) {
    words.push("-H", quoted("Content-Type: application/json"), "--data-raw", quoted(json(body)));
  }
  if (method !== "GET" && !body) words.push("-X", method);
  return words.join(" ");
}
