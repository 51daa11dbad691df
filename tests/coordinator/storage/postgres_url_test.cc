#include "coordinator/storage/postgres_url.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

namespace understudy {
namespace {

TEST(PostgresUrl, IsDescribedWithoutWhatIsSecret) {
  for (const auto& [url, expected] : std::vector<std::pair<std::string, std::string>>{
           {"postgresql://host/store", "postgresql://host/store"},
           {"postgres://user@host:5433/store", "postgresql://user@host:5433/store"},
           {"postgresql://user:pass@host/store", "postgresql://user:***@host/store"},
           {"postgresql://user@host/store?password=pass&sslpassword=pass", "postgresql://user:***@host/store"},
           {"postgresql://user:p%40ss%2Fword@a:1,b:2/store?target_session_attrs=read-write",
            "postgresql://user:***@a:1,b:2/store"},
           {"postgresql://user:pass@/store?host=/run/postgresql&port=5433",
            "postgresql://user:***@/store?host=/run/postgresql&port=5433"},
           {"postgresql://", "postgresql:///"},
       }) {
    EXPECT_EQ(DescribePostgresUrl(url).value(), expected);
  }
}

TEST(PostgresUrl, WhatIsNoneIsRefusedWithoutRepeatingIt) {
  for (const char* url : {"", "data", "mysql://user:pass@host/store", "host=host password=pass",
                          "postgresql://user:pass%zz@host/store", "postgresql://host/store?pass=pass"}) {
    const absl::Status status = DescribePostgresUrl(url).status();
    EXPECT_TRUE(absl::IsInvalidArgument(status)) << url << ": " << status;
    EXPECT_EQ(std::string(status.message()).find("pass@"), std::string::npos);
    EXPECT_EQ(std::string(status.message()).find("pass="), std::string::npos);
  }
}

}  // namespace
}  // namespace understudy
