const SLOTS = 16_384
const OPEN = 0x7b
const CLOSE = 0x7d

/** CRC-16/XMODEM, as Redis Cluster uses it. */
const CRC = Uint16Array.from({ length: 256 }, (_, byte) => {
  let crc = byte << 8
  for (let bit = 0; bit < 8; bit++) crc = crc & 0x8000 ? (crc << 1) ^ 0x1021 : crc << 1
  return crc
})

/** The slot of a key in Redis Cluster; entity keys are binary and may hold braces by chance. */
export function keySlot(key: Buffer): number {
  const open = key.indexOf(OPEN)
  const close = open === -1 ? -1 : key.indexOf(CLOSE, open + 1)
  const hashed = close > open + 1 ? key.subarray(open + 1, close) : key
  let crc = 0
  for (const byte of hashed) crc = ((crc << 8) & 0xffff) ^ (CRC[(crc >> 8) ^ byte] as number)
  return crc % SLOTS
}
