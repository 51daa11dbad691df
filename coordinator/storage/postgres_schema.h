// The tables of the PostgreSQL store: SQLite's, with the same names and columns.
#ifndef UNDERSTUDY_COORDINATOR_STORAGE_POSTGRES_SCHEMA_H_
#define UNDERSTUDY_COORDINATOR_STORAGE_POSTGRES_SCHEMA_H_

#include "coordinator/storage/schema.h"

namespace understudy {

Migrations PostgresMigrations();

}  // namespace understudy

#endif  // UNDERSTUDY_COORDINATOR_STORAGE_POSTGRES_SCHEMA_H_
