import { KERNEL_SUBPROTOCOL } from "../src/jupyter/framing.ts";

/** Where a Jupyter server is, past the proxy. */
export interface Direct {
  readonly port: number;
  readonly token: string;
}

/** Another client of a kernel, under a session id of its own. It listens and asks nothing. */
export async function attach(
  { port, token }: Direct,
  kernel: string,
): Promise<Disposable | null> {
  const address = new URL(`ws://127.0.0.1:${port}/api/kernels/${kernel}/channels`);
  address.searchParams.set("session_id", crypto.randomUUID());
  const socket = new WebSocket(address, {
    protocols: [KERNEL_SUBPROTOCOL],
    headers: { Authorization: `token ${token}` },
  });
  const isOpen = await new Promise<boolean>((resolve) => {
    socket.addEventListener("open", () => resolve(true), { once: true });
    socket.addEventListener("error", () => resolve(false), { once: true });
  });
  return isOpen ? { [Symbol.dispose]: () => socket.close() } : null;
}
