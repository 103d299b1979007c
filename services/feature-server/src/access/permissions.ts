import type { Permission } from '@usdcop/feast/registry/definitions'
import type { OidcUser } from '@usdcop/service/oidc'
import type { Action, Identity, Resource } from './identity.ts'

/** Somebody whose rights are the registry's Permission objects, weighed as Feast's enforcer does. */
export function feastUser({ name, roles, groups }: OidcUser): Identity {
  return {
    name,
    readsServicesByView: false,
    refusal(actions, resource, permissions) {
      // As in Feast: where nobody wrote a permission down, whoever has a token may do everything.
      if (permissions.length === 0) return undefined
      const matching = permissions.filter((permission) => matches(permission, resource, actions))
      if (matching.length === 0)
        return `No permissions defined to manage ${actions.join(', ')} on ${shown(resource)}.`
      const granted = matching.some(
        (permission) =>
          permission.roles.some((role) => roles.includes(role)) ||
          permission.groups.some((group) => groups.includes(group)),
      )
      if (granted) return undefined
      return matching
        .map(
          (permission) =>
            `Permission ${permission.name} denied execution of ${actions.join(', ')} to ${shown(resource)}`,
        )
        .join(', ')
    },
  }
}

function shown({ type, name }: Resource): string {
  return `${type}:${name}`
}

function matches(
  { types, namePatterns, requiredTags, actions }: Permission,
  resource: Resource,
  asked: readonly Action[],
): boolean {
  if (types.length > 0 && !types.includes(resource.type)) return false
  if (!asked.every((action) => actions.includes(action))) return false
  if (namePatterns.length > 0 && !namePatterns.some((pattern) => names(pattern, resource.name)))
    return false
  return Object.entries(requiredTags).every(([tag, value]) => resource.tags[tag] === value)
}

/** A Python pattern, whole match. One that JavaScript cannot read names nothing: that denies. */
function names(pattern: string, name: string): boolean {
  try {
    return new RegExp(`^(?:${pattern.replaceAll('(?P<', '(?<')})$`).test(name)
  } catch (error) {
    if (error instanceof SyntaxError) return false
    throw error
  }
}
