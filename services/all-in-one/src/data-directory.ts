export async function lockDataDirectory(_d: string): Promise<{ release(): void }> {
  return { release() {} }
}
