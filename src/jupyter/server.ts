import type { JupyterAddress } from "../config.ts";
import { ExpectedError, type Failure, type UnreachableReason } from "../errors.ts";
import { guardedStream } from "./guarded-stream.ts";
import { wholeBody } from "./whole-body.ts";

/** Long enough for a busy server, short enough for a client that waits 60 s. */
const REQUEST_TIMEOUT_MS = 15_000;
/** Nothing that is read whole here (kernels, kernelspecs, sessions) comes near this. */
const MAX_BODY_BYTES = 8 * 1024 * 1024;
const MAX_DETAIL_CHARS = 300;
/** A file of 100 MB over a home's uplink takes about as long as a client waits. */
const FILE_TIMEOUT_MS = 50_000;

/** What a caller may say of a request beyond its path. */
export interface JupyterRequest {
  readonly method?: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  /** Sent as JSON; bytes are JSON already and are sent as they are. */
  readonly body?: unknown;
  readonly timeoutMs?: number;
  /** What the answer may have. */
  readonly maxBytes?: number;
}

/** A file's bytes as they arrive. Whoever takes it reads it to its end or cancels it. */
export interface ByteStream {
  /** In bytes; null where the server does not say. */
  readonly length: number | null;
  readonly body: ReadableStream<Uint8Array>;
}

/** An answer that was read whole. `json` parses the body, and fails as "not Jupyter" when it is none. */
export interface JupyterResponse {
  readonly status: number;
  readonly text: string;
  json(): unknown;
}

/** Gives a server's address and credentials where they are not at hand, or throws an {@link ExpectedError}. */
export type AddressSource = () => Promise<JupyterAddress>;

/** Finds what stands behind a refusal that the server itself may not have given; null where that is not known. */
export type RefusalJudge = (address: JupyterAddress) => Promise<Failure | null>;

/** What something in front of a server may have answered in its place. */
const DOUBTFUL_STATUS = new Set([401, 403, 424, 502, 503, 504]);
/** What is about one kernel, which ends with its server. */
const KERNEL_PATH = /^\/api\/kernels\/[^/?]/;

/**
 * One Jupyter server, and the only place where its credentials are put on a
 * request. Redirects are never followed: a 302 to a login page is an answer, and
 * another host must not see the token.
 */
export class JupyterServer {
  readonly #source: AddressSource;
  readonly #judge: RefusalJudge;
  /** Once it was asked for. */
  #address: JupyterAddress | null = null;
  #host = "";
  /** The `_xsrf` cookie of a server without a token, once it gave one. */
  #xsrf: string | null = null;

  /** @param address or a way to ask for it, which is done again after the server rejected its token */
  constructor(
    address: JupyterAddress | AddressSource,
    judge: RefusalJudge = () => Promise.resolve(null),
  ) {
    this.#judge = judge;
    this.#source =
      typeof address === "function" ? address : () => Promise.resolve(address);
  }

  /** `host:port`, for messages. */
  get host(): string {
    return this.#host;
  }

  /**
   * Sends a request below `/api` or another path of the server. Answers with a
   * status of 200–299 and 404 are returned; the caller knows what a 404 means.
   *
   * @throws {ExpectedError} for every other answer, and where none came
   */
  async request(path: string, request: JupyterRequest = {}): Promise<JupyterResponse> {
    const method = request.method ?? "GET";
    const address = await this.#known();
    if (method !== "GET") await this.#ensureXsrf(address);
    const headers = this.#headers(address);
    const init: RequestInit = { method, headers, redirect: "manual" };
    if (request.body !== undefined) {
      headers.set("content-type", "application/json");
      init.body =
        request.body instanceof Uint8Array ? request.body : JSON.stringify(request.body);
    }
    const timeoutMs = request.timeoutMs ?? REQUEST_TIMEOUT_MS;
    const { response, text } = await this.#reach(async (signal) => {
      const answer = await fetch(address.httpUrl + path, { ...init, signal });
      return { response: answer, text: await this.#readWhole(answer, request.maxBytes) };
    }, timeoutMs);
    const status = await this.#accepted(address, path, response, text);
    return {
      status,
      text,
      json: () => this.#parse(response, text),
    };
  }

  /**
   * The bytes at a path, read whole; `null` for a 404.
   *
   * @throws {ExpectedError} as {@link request} does, and `file_too_large` above `maxBytes`
   */
  async bytes(
    path: string,
    { maxBytes, timeoutMs = FILE_TIMEOUT_MS }: { maxBytes: number; timeoutMs?: number },
  ): Promise<Uint8Array | null> {
    const address = await this.#known();
    await this.#ensureXsrf(address);
    const headers = this.#headers(address);
    const { response, bytes, text } = await this.#reach(async (signal) => {
      const url = address.httpUrl + path;
      const answer = await fetch(url, { headers, redirect: "manual", signal });
      if (answer.status !== 200)
        return { response: answer, bytes: null, text: await this.#readWhole(answer) };
      const read = await wholeBody(answer, maxBytes, (length) =>
        tooLarge(path, length, maxBytes),
      );
      return { response: answer, bytes: read, text: "" };
    }, timeoutMs);
    if ((await this.#accepted(address, path, response, text)) === 404) return null;
    return bytes;
  }

  /**
   * The bytes at a path as they arrive, for a Worker (in a Durable Object a
   * body that is streamed beside an open outbound WebSocket kills the socket,
   * cloudflare/workerd#6774); `null` for a 404. One that breaks off or stalls
   * fails as an {@link ExpectedError}.
   */
  async stream(
    path: string,
    timeoutMs: number = FILE_TIMEOUT_MS,
  ): Promise<ByteStream | null> {
    const address = await this.#known();
    await this.#ensureXsrf(address);
    const headers = this.#headers(address);
    const { response, text } = await this.#reach(async (signal) => {
      const url = address.httpUrl + path;
      const answer = await fetch(url, { headers, redirect: "manual", signal });
      const isFile = answer.status === 200;
      return { response: answer, text: isFile ? "" : await this.#readWhole(answer) };
    }, timeoutMs);
    if ((await this.#accepted(address, path, response, text)) === 404) return null;
    const length = response.headers.get("content-length");
    const body = response.body ?? new Blob([]).stream();
    return {
      length: length === null ? null : Number(length),
      body: guardedStream(body, REQUEST_TIMEOUT_MS, (cause) => this.#unreachable(cause)),
    };
  }

  /**
   * Opens a WebSocket. The handshake is plain HTTP, so that what is wrong with
   * it reads like any other answer; the caller accepts the socket.
   *
   * @param subprotocol what both have to speak; null where there is only one
   * @throws {ExpectedError} where no socket came; 404 is returned as `null`
   */
  async openWebSocket(
    path: string,
    subprotocol: string | null,
    timeoutMs: number = REQUEST_TIMEOUT_MS,
  ): Promise<WebSocket | null> {
    const address = await this.#known();
    const headers = this.#headers(address);
    headers.set("upgrade", "websocket");
    if (subprotocol !== null) headers.set("sec-websocket-protocol", subprotocol);
    // `fetch` wants the http form of a WebSocket's URL.
    const url = address.wsUrl.replace(/^ws/, "http") + path;
    const { response, text } = await this.#reach(async (signal) => {
      const answer = await fetch(url, { headers, redirect: "manual", signal });
      return {
        response: answer,
        text: answer.webSocket === null ? await this.#readWhole(answer) : "",
      };
    }, timeoutMs);
    if (response.webSocket === null) {
      if ((await this.#accepted(address, path, response, text)) === 404) return null;
      throw new ExpectedError({
        code: "not_jupyter",
        host: this.host,
        detail: `it answered ${response.status} to a WebSocket handshake`,
      });
    }
    if (response.headers.get("sec-websocket-protocol") !== subprotocol) {
      response.webSocket.accept();
      response.webSocket.close(1002);
      throw new ExpectedError({ code: "subprotocol_unsupported", host: this.host });
    }
    return response.webSocket;
  }

  async #known(): Promise<JupyterAddress> {
    this.#address ??= await this.#source();
    this.#host = new URL(this.#address.httpUrl).host;
    return this.#address;
  }

  #headers({ token, headers: further }: JupyterAddress): Headers {
    const headers = new Headers(further);
    if (token !== "") {
      headers.set("authorization", `token ${token}`);
    } else if (this.#xsrf !== null) {
      headers.set("cookie", `_xsrf=${this.#xsrf}`);
      headers.set("x-xsrftoken", this.#xsrf);
    }
    return headers;
  }

  /** Where there is no token, a write needs the `_xsrf` cookie, which any page of the server sets. */
  async #ensureXsrf({ token, httpUrl, headers }: JupyterAddress): Promise<void> {
    if (token !== "" || this.#xsrf !== null) return;
    // `/login` is a page of every Jupyter server and redirects where none is needed; both set it.
    const response = await this.#reach(async (signal) => {
      const answer = await fetch(`${httpUrl}/login`, {
        headers,
        redirect: "manual",
        signal,
      });
      await this.#readWhole(answer);
      return answer;
    }, REQUEST_TIMEOUT_MS);
    for (const cookie of response.headers.getSetCookie()) {
      const match = /^_xsrf=([^;]+)/.exec(cookie);
      if (match?.[1] !== undefined) this.#xsrf = match[1];
    }
  }

  /** The body as text, read whole. */
  async #readWhole(response: Response, maxBytes = MAX_BODY_BYTES): Promise<string> {
    const { host } = this;
    const tooLong = (bytes: number) =>
      new ExpectedError({ code: "answer_too_large", host, bytes, limit: maxBytes });
    const body = await wholeBody(response, maxBytes, tooLong);
    return new TextDecoder().decode(body);
  }

  #unreachable(cause: unknown): ExpectedError {
    const reason = unreachableReason(cause);
    const { host } = this;
    return new ExpectedError({ code: "jupyter_unreachable", host, reason }, { cause });
  }

  async #reach<T>(
    work: (signal: AbortSignal) => Promise<T>,
    timeoutMs: number,
  ): Promise<T> {
    // Not AbortSignal.timeout: that would also end a WebSocket that the answer has turned into.
    const abort = new AbortController();
    const timer = setTimeout(
      () => abort.abort(new DOMException("", "TimeoutError")),
      timeoutMs,
    );
    try {
      return await work(abort.signal);
    } catch (cause) {
      if (cause instanceof ExpectedError) throw cause;
      throw this.#unreachable(cause);
    } finally {
      clearTimeout(timer);
    }
  }

  /** The status of an answer that is none of a refusal. A server that does not run has no kernels: 404. */
  async #accepted(
    address: JupyterAddress,
    path: string,
    response: Response,
    text: string,
  ): Promise<number> {
    const { status } = response;
    try {
      this.#throwIfRefused(response, text);
      return status;
    } catch (cause) {
      const isDoubtful = DOUBTFUL_STATUS.has(status) || (status >= 300 && status < 400);
      const failure = isDoubtful ? await this.#judge(address) : null;
      if (failure === null) throw cause;
      if (failure.code === "server_stopped" && KERNEL_PATH.test(path)) return 404;
      if (failure.code === "signed_out") this.#address = null;
      throw new ExpectedError(failure, { cause });
    }
  }

  #throwIfRefused(response: Response, text: string): void {
    const { status } = response;
    const { host } = this;
    if ((status >= 200 && status < 300) || status === 404) return;
    if (status === 403 && messageOf(text).startsWith("Permission denied")) {
      // The token is fine: Jupyter itself may not touch that file.
      throw new ExpectedError({
        code: "jupyter_error",
        host,
        status,
        detail: messageOf(text),
      });
    }
    if (status === 401 || status === 403) {
      this.#xsrf = null;
      this.#address = null;
      throw new ExpectedError({ code: "token_rejected", host, status, loginPage: false });
    }
    if (status >= 300 && status < 400) {
      const location = response.headers.get("location") ?? "";
      if (/login|oauth|auth|sign/i.test(location)) {
        this.#address = null;
        throw new ExpectedError({
          code: "token_rejected",
          host,
          status,
          loginPage: true,
        });
      }
      const detail = `it redirects (${status}) instead of answering`;
      throw new ExpectedError({ code: "not_jupyter", host, detail });
    }
    if (
      status === 502 ||
      status === 503 ||
      status === 504 ||
      (status >= 520 && status <= 530)
    ) {
      throw new ExpectedError({ code: "jupyter_unreachable", host, reason: "proxy" });
    }
    if (status === 429) throw new ExpectedError({ code: "rate_limited", host });
    throw new ExpectedError({
      code: "jupyter_error",
      host,
      status,
      detail: messageOf(text),
    });
  }

  #parse(response: Response, text: string): unknown {
    try {
      return JSON.parse(text);
    } catch {
      const type =
        response.headers.get("content-type")?.split(";")[0] ?? "no content type";
      const detail = `it answered ${response.status} with ${type} where JSON was expected`;
      throw new ExpectedError({ code: "not_jupyter", host: this.host, detail });
    }
  }
}

function tooLarge(path: string, bytes: number, limit: number): ExpectedError {
  const name = decodeURIComponent(path.replace(/^\/(?:api\/)?[^/]*\/|\?.*$/g, ""));
  return new ExpectedError({ code: "file_too_large", path: name, bytes, limit });
}

/** Jupyter's own `message` of an error answer, for quoting; never the whole page of a proxy. */
function messageOf(text: string): string {
  try {
    const parsed: unknown = JSON.parse(text);
    if (typeof parsed === "object" && parsed !== null && "message" in parsed) {
      return String(parsed.message).slice(0, MAX_DETAIL_CHARS);
    }
  } catch {
    // Not JSON: a proxy's page says nothing that is worth quoting.
  }
  return "";
}

/** The runtime has no codes for network errors, only words; for most of them "Network connection lost". */
function unreachableReason(cause: unknown): UnreachableReason {
  if (cause instanceof Error && /^(TimeoutError|AbortError)$/.test(cause.name))
    return "timeout";
  const words = String(cause);
  if (/timed? ?out/i.test(words)) return "timeout";
  if (/dns|resolve|getaddrinfo|name or service/i.test(words)) return "dns";
  if (/tls|ssl|certificate/i.test(words)) return "tls";
  return "network";
}
