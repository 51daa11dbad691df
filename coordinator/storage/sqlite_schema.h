// The tables of the SQLite store.
#ifndef UNDERSTUDY_COORDINATOR_STORAGE_SQLITE_SCHEMA_H_
#define UNDERSTUDY_COORDINATOR_STORAGE_SQLITE_SCHEMA_H_

#include "coordinator/storage/schema.h"

namespace understudy {

Migrations SqliteMigrations();

}  // namespace understudy

#endif  // UNDERSTUDY_COORDINATOR_STORAGE_SQLITE_SCHEMA_H_
