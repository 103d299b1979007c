/** MurmurHash3 x86 32-bit with seed 0, unsigned: the hash of Feast's Redis field names. */
export function murmur3(bytes: Uint8Array): number {
  let hash = 0
  const blocks = bytes.length >>> 2
  for (let block = 0; block < blocks; block++) {
    const at = block * 4
    hash ^= scramble(
      byte(bytes, at) |
        (byte(bytes, at + 1) << 8) |
        (byte(bytes, at + 2) << 16) |
        (byte(bytes, at + 3) << 24),
    )
    hash = (hash << 13) | (hash >>> 19)
    hash = (Math.imul(hash, 5) + 0xe6546b64) | 0
  }
  const tail = blocks * 4
  const left = bytes.length - tail
  if (left > 0) {
    let rest = byte(bytes, tail)
    if (left > 1) rest |= byte(bytes, tail + 1) << 8
    if (left > 2) rest |= byte(bytes, tail + 2) << 16
    hash ^= scramble(rest)
  }
  return finish(hash ^ bytes.length)
}

function scramble(block: number): number {
  const mixed = Math.imul(block, 0xcc9e2d51)
  return Math.imul((mixed << 15) | (mixed >>> 17), 0x1b873593)
}

function finish(hash: number): number {
  let mixed = hash ^ (hash >>> 16)
  mixed = Math.imul(mixed, 0x85ebca6b)
  mixed ^= mixed >>> 13
  mixed = Math.imul(mixed, 0xc2b2ae35)
  return (mixed ^ (mixed >>> 16)) >>> 0
}

function byte(bytes: Uint8Array, at: number): number {
  return bytes[at] as number
}
