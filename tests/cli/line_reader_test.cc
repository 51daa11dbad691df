#include "cli/line_reader.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <string>

#include "common/process/file_descriptor.h"

namespace understudy {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

struct Pipe {
  Pipe() {
    int ends[2];
    EXPECT_EQ(pipe2(ends, O_NONBLOCK), 0);
    read = FileDescriptor(ends[0]);
    write = FileDescriptor(ends[1]);
  }
  void Write(const std::string& text) {
    EXPECT_EQ(::write(write.get(), text.data(), text.size()), static_cast<ssize_t>(text.size()));
  }
  FileDescriptor read;
  FileDescriptor write;
};

TEST(LineReader, ReturnsAtOnceWhereThereIsNothing) {
  Pipe pipe;
  LineReader reader;
  EXPECT_THAT(reader.Read(pipe.read.get()), IsEmpty());
  EXPECT_FALSE(reader.ended());
}

TEST(LineReader, PutsALineTogetherFromItsPieces) {
  Pipe pipe;
  LineReader reader;
  pipe.Write("one\ntw");
  EXPECT_THAT(reader.Read(pipe.read.get()), ElementsAre("one"));
  pipe.Write("o\n\nthree\n");
  EXPECT_THAT(reader.Read(pipe.read.get()), ElementsAre("two", "", "three"));
}

TEST(LineReader, TakesAnUnfinishedLineAtTheEndForALine) {
  Pipe pipe;
  LineReader reader;
  pipe.Write("one\ntwo");
  pipe.write.Close();
  EXPECT_THAT(reader.Read(pipe.read.get()), ElementsAre("one", "two"));
  EXPECT_TRUE(reader.ended());
  EXPECT_THAT(reader.Read(pipe.read.get()), IsEmpty());
}

TEST(LineReader, CutsALineThatDoesNotEnd) {
  Pipe pipe;
  LineReader reader;
  pipe.Write(std::string(LineReader::kMaxLineBytes + 1, 'x') + "\n");
  EXPECT_THAT(reader.Read(pipe.read.get()), ElementsAre(std::string(LineReader::kMaxLineBytes, 'x'), "x"));
}

}  // namespace
}  // namespace understudy
