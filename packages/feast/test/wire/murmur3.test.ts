import { expect, test } from 'vitest'
import { murmur3 } from '../../src/wire/murmur3.ts'

test.for([
  { text: '', hash: 0 },
  { text: 'a', hash: 0x3c2569b2 },
  { text: 'abc', hash: 0xb3dd93fa },
  { text: 'Hello, world!', hash: 0xc0363e43 },
  { text: 'The quick brown fox jumps over the lazy dog', hash: 0x2e4ff723 },
])('hashes "$text" as the published vectors do', ({ text, hash }) => {
  expect(murmur3(Buffer.from(text))).toBe(hash)
})
