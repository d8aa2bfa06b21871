// The one connection to the page's server: changes come in, actions go out and get their answer.

const token = document.querySelector("meta[name=playground-token]").content;
const TOKEN_REFUSED = 4401; // the server was started again: this page belongs to the earlier one
const LONGEST_WAIT = 4000; // milliseconds between two attempts to come back
const ACTION_LIMIT = 30000; // milliseconds until an action without an answer counts as failed

export const GONE = "The playground is not answering.";

export class Connection {
  #socket = null;
  #waiting = new Map();
  #attempts = 0;
  #receive;
  #changed;

  /** `receive` gets snapshots and changes, `changed` gets true and false as the server comes and goes. */
  constructor(receive, changed) {
    this.#receive = receive;
    this.#changed = changed;
    this.#connect();
  }

  /** Do something; resolves when it was done, rejects with a sentence for the person. */
  request(action) {
    const { promise, resolve, reject } = deferred();
    if (this.#socket?.readyState !== WebSocket.OPEN) {
      reject(new Error(GONE));
      return promise;
    }
    const id = crypto.randomUUID();
    const timer = setTimeout(() => this.#settle({ id, error: GONE }), ACTION_LIMIT);
    this.#waiting.set(id, { resolve, reject, timer });
    this.#socket.send(JSON.stringify({ ...action, id }));
    return promise;
  }

  /** Hand a file to the server; resolves to its id. */
  async upload(file) {
    const answer = await fetch(`/upload?name=${encodeURIComponent(file.name)}`, {
      method: "POST", body: file, headers: { "X-Playground-Token": token },
    }).catch(() => { throw new Error(GONE); });
    if (answer.status === 413) throw new Error(`${file.name} is larger than 25 MB.`);
    if (!answer.ok) throw new Error(await answer.text());
    return (await answer.json()).id;
  }

  #connect() {
    const socket = new WebSocket(`ws://${location.host}/ws?token=${encodeURIComponent(token)}`);
    this.#socket = socket;
    socket.onmessage = (event) => this.#read(JSON.parse(event.data));
    socket.onclose = (event) => this.#lost(event.code);
  }

  #read(message) {
    if (message.type === "result") {
      this.#settle(message);
      return;
    }
    if (message.type === "snapshot") {
      this.#attempts = 0;
      this.#changed(true);
    }
    this.#receive(message);
  }

  #lost(code) {
    if (code === TOKEN_REFUSED) {
      location.reload();
      return;
    }
    this.#changed(false);
    for (const id of [...this.#waiting.keys()]) this.#settle({ id, error: GONE });
    this.#attempts += 1;
    setTimeout(() => this.#connect(), Math.min(250 * 2 ** (this.#attempts - 1), LONGEST_WAIT));
  }

  #settle({ id, error, message }) {
    const waiting = this.#waiting.get(id);
    if (!waiting) return;
    this.#waiting.delete(id);
    clearTimeout(waiting.timer);
    if (error) waiting.reject(new Error(error));
    else waiting.resolve({ message });
  }
}

function deferred() {
  const parts = {};
  parts.promise = new Promise((resolve, reject) => Object.assign(parts, { resolve, reject }));
  return parts;
}
