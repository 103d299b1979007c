//go:build minimal

package builtinplugins

import (
	database "github.com/hashicorp/vault/builtin/logical/database"
	postgresql "github.com/hashicorp/vault/plugins/database/postgresql"
)

func extendAddonPlugins(reg *registry) {
	reg.logicalBackends["database"] = logicalBackend{Factory: database.Factory}
	reg.databasePlugins["postgresql-database-plugin"] = databasePlugin{Factory: postgresql.New}
}
