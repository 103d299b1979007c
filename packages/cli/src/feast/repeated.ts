/** Collects an option that may be given more than once. */
export function repeated(
  text: string,
  before: readonly string[] | undefined,
): readonly string[] | undefined {
  return [...(before ?? []), text]
}
