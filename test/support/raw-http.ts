import { request } from "node:http";
import { text } from "node:stream/consumers";

/** A request of which every header is ours to choose, `Host` included. */
export interface Question {
  readonly port: number;
  readonly method?: string;
  readonly path?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

/** What came back. */
export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  readonly body: string;
}

/** Sends a request to 127.0.0.1, as it is. */
export function ask({
  port,
  method = "GET",
  path = "/",
  headers = {},
  body = "",
}: Question): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const options = { host: "127.0.0.1", port, method, path, headers, agent: false };
    const outgoing = request(options, (incoming) => {
      text(incoming).then(
        (received) =>
          resolve({
            status: incoming.statusCode ?? 0,
            headers: incoming.headers,
            body: received,
          }),
        reject,
      );
    });
    outgoing.on("error", reject);
    outgoing.end(body);
  });
}
