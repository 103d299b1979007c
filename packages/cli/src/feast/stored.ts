/** An object of a registry as protobuf's JSON has it; a data source is its own spec. */
export interface Stored {
  readonly spec?: Spec
  readonly meta?: { readonly state?: string }
}

export interface Spec {
  readonly name?: string
  readonly project?: string
  readonly description?: string
  readonly tags?: Readonly<Record<string, string>>
  readonly owner?: string
  readonly valueType?: string
  readonly disabled?: boolean
  readonly entities?: readonly string[]
  /** Projections of a service; columns of a view. */
  readonly features?: readonly StoredProjection[]
  readonly sources?: Readonly<Record<string, StoredSource>>
  readonly type?: string
  readonly dataSourceClassType?: string
  readonly types?: readonly string[]
  readonly namePatterns?: readonly string[]
  readonly actions?: readonly string[]
  readonly requiredTags?: Readonly<Record<string, string>>
  readonly policy?: { readonly roleBasedPolicy?: { readonly roles?: readonly string[] } }
}

export interface StoredProjection {
  /** Of a column of a view. */
  readonly name?: string
  readonly valueType?: string
  readonly featureViewName?: string
  readonly featureColumns?: readonly { readonly name?: string }[]
}

interface StoredSource {
  readonly featureView?: Stored
  readonly featureViewProjection?: StoredProjection
}

/** A whole registry, of all its projects, by the names of protobuf's JSON. */
export type RegistryDocument = {
  readonly [List in ListName]?: readonly Stored[]
} & {
  /** What a registry in SQL keeps of a project beside its objects. */
  readonly projectMetadata?: readonly { readonly project?: string }[]
}

export type ListName =
  | 'entities'
  | 'featureViews'
  | 'featureServices'
  | 'onDemandFeatureViews'
  | 'streamFeatureViews'
  | 'labelViews'
  | 'dataSources'
  | 'savedDatasets'
  | 'permissions'
  | 'projects'

export function specOf(list: ListName, object: Stored): Spec {
  return list === 'dataSources' ? (object as Spec) : (object.spec ?? {})
}

/** Feast keeps an entity of its own for views without one. */
export const DUMMY_ENTITY = '__dummy'

/** The objects of one project in the registry's order; projects themselves are all of them. */
export function listOf(
  document: RegistryDocument,
  list: ListName,
  project: string,
): readonly Stored[] {
  const objects = document[list] ?? []
  if (list === 'projects') return objects
  return objects.filter((object) => specOf(list, object).project === project)
}

/** As Feast shows one: whose it is goes without saying, and a source's class is in the list. */
export function shownAs(list: ListName, object: Stored): object {
  if (list === 'dataSources') {
    const { project: _project, dataSourceClassType: _class, ...shown } = object as Spec
    return shown
  }
  const { project: _project, ...spec } = object.spec ?? {}
  const isView = list === 'featureViews' || list === 'streamFeatureViews'
  if (!isView || !spec.entities?.includes(DUMMY_ENTITY)) return { ...object, spec }
  const { entities: _dummy, ...entityless } = spec
  return { ...object, spec: entityless }
}
