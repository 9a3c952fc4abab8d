// hoodiecrow-imap ships no types; this is what the demo uses of it.
declare module 'hoodiecrow-imap' {
  import type { Server, Socket } from 'node:net';

  interface Message {
    uid: number;
    raw: string;
  }

  interface Connection {
    readonly socket: Socket;
    /** Takes the next line instead of the server, if a command waits for one. */
    readonly inputHandler: false | ((line: string) => void);
  }

  interface MailServer {
    readonly server: Server;
    readonly messageHandlers: ((server: unknown, message: Message) => void)[];
    readonly connectionHandlers: ((connection: Connection) => void)[];
    listen(port: number, host: string): void;
    close(): void;
    appendMessage(mailbox: string, flags: string[], internaldate: Date, raw: string): unknown;
  }

  export default function hoodiecrow(options: {
    plugins: (string | ((server: MailServer) => unknown))[];
    users: Record<string, { password: string }>;
    storage: Record<string, { uidvalidity: number; messages: Message[] }>;
  }): MailServer;
}
