const FNV_OFFSET = 0xcbf29ce484222325n;
const FNV_PRIME = 0x100000001b3n;

/**
 * A short name of a prompt, from the id that the kernel gave to its message: the
 * same for the same prompt, and nothing of what the kernel wrote. It tells two
 * prompts of one execution apart and is no secret (FNV-1a, 64 bits).
 */
export function promptId(msgId: string): string {
  let hash = FNV_OFFSET;
  for (const byte of new TextEncoder().encode(msgId))
    hash = BigInt.asUintN(64, (hash ^ BigInt(byte)) * FNV_PRIME);
  return hash.toString(36);
}
