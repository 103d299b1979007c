/** The one call we use; the package brings no types. */
declare module 'fs-native-extensions' {
  /** Takes the exclusive lock of an open file, or answers false when another opening holds it. */
  export function tryLock(fd: number): boolean
}
