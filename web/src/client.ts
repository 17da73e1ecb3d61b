// The socket: commands with their replies in order, and messages that nobody asked for.

import { type Arrays, type Connection, type Message, pack, unpack } from "./protocol.ts";

type Waiting = { resolve: (message: Message) => void; reject: (error: Error) => void };

export class Client implements Connection {
  onPush: (message: Message, arrays: Arrays) => void = () => {};
  onLost: (reason: string) => void = () => {};
  private socket: WebSocket | null = null;
  private next = 1;
  private waiting = new Map<number, Waiting>();

  /** Open the socket. Rejects if the server refuses it. */
  connect(): Promise<void> {
    const scheme = location.protocol === "https:" ? "wss:" : "ws:";
    const socket = new WebSocket(`${scheme}//${location.host}/socket`);
    socket.binaryType = "arraybuffer";
    this.socket = socket;
    socket.onmessage = (event) => this.receive(event.data);
    return new Promise((resolve, reject) => {
      socket.onopen = () => resolve();
      socket.onclose = (event) => {
        const reason = reasonOf(event.code);
        for (const { reject: fail } of this.waiting.values()) fail(new Error(reason));
        this.waiting.clear();
        reject(new Error(reason));
        this.onLost(reason);
      };
    });
  }

  /** Run a command; returns the reply, or throws an Error with the server's message. */
  ask(command: string, given: object = {}, file?: Uint8Array): Promise<Message> {
    const id = this.next++;
    const message = { do: command, id, ...given };
    return new Promise((resolve, reject) => {
      if (this.socket?.readyState !== WebSocket.OPEN) {
        reject(new Error(reasonOf(1006)));
        return;
      }
      this.waiting.set(id, { resolve, reject });
      this.socket.send(file ? (pack(message, file) as BufferSource) : JSON.stringify(message));
    });
  }

  private receive(data: string | ArrayBuffer): void {
    const { message, arrays } =
      typeof data === "string" ? { message: JSON.parse(data) as Message, arrays: {} } : unpack(data);
    const waiting = this.waiting.get(message.id ?? -1);
    if (!waiting) {
      this.onPush(message, arrays);
      return;
    }
    this.waiting.delete(message.id as number);
    if (message.type === "error") waiting.reject(new Error(message.message));
    else waiting.resolve(arrays.file ? { ...message, file: arrays.file.data } : message);
  }
}

function reasonOf(code: number): string {
  if (code === 4429) return "Too many tabs are open: close one, then reconnect.";
  if (code === 4403 || code === 1008)
    return "The server does not recognise this tab: use the address that clearprop play printed.";
  return "The connection to clearprop play was lost. Is it still running?";
}
