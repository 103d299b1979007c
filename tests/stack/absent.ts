/**
 * Compose services that this set-up leaves out, from `STACK_ABSENT`, which the images file sets. The
 * tests of what is absent are not collected: a file is named for its service. Grafana may be elsewhere,
 * at `GRAFANA_URL`.
 */
export function absentServices({ STACK_ABSENT, GRAFANA_URL }: NodeJS.ProcessEnv): string[] {
  const named = (STACK_ABSENT ?? '').split(',').flatMap((service) => service.trim() || [])
  return named.filter((service) => service !== 'grafana' || (GRAFANA_URL ?? '') === '')
}

/** Test files that are not to be collected, for Vitest's `exclude`. */
export function absentTests(env: NodeJS.ProcessEnv): string[] {
  return absentServices(env).map((service) => `tests/stack/${service}.stack.test.ts`)
}
