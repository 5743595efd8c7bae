// Digests, as lower-case hex.
#include <openssl/evp.h>

#include "expr/coerce.h"
#include "expr/functions.h"

namespace clew::expr {
namespace {

using model::Type;

std::string digest(const EVP_MD* algorithm, std::string_view text) {
  unsigned char bytes[EVP_MAX_MD_SIZE];
  unsigned int length = 0;
  if (EVP_Digest(text.data(), text.size(), bytes, &length, algorithm, nullptr) != 1) return {};
  std::string hex;
  for (unsigned int i = 0; i < length; ++i) {
    hex += "0123456789abcdef"[bytes[i] >> 4];
    hex += "0123456789abcdef"[bytes[i] & 15];
  }
  return hex;
}

Status md5(const Bound&, std::span<const Cell> args, VectorBuilder& out) {
  std::string buffer;
  out.add_string(digest(EVP_md5(), text_of(args[0], buffer)));
  return {};
}

Status sha1(const Bound&, std::span<const Cell> args, VectorBuilder& out) {
  std::string buffer;
  out.add_string(digest(EVP_sha1(), text_of(args[0], buffer)));
  return {};
}

// sha2(text, 224 | 256 | 384 | 512); 0 means 256, as in MySQL.
Status sha2(const Bound&, std::span<const Cell> args, VectorBuilder& out) {
  const EVP_MD* algorithm = nullptr;
  switch (to_integer(args[1]).value_or(-1)) {
    case 224: algorithm = EVP_sha224(); break;
    case 0:
    case 256: algorithm = EVP_sha256(); break;
    case 384: algorithm = EVP_sha384(); break;
    case 512: algorithm = EVP_sha512(); break;
    default: break;
  }
  std::string buffer;
  if (algorithm == nullptr) {
    out.add_null();
  } else {
    out.add_string(digest(algorithm, text_of(args[0], buffer)));
  }
  return {};
}

constexpr FunctionDef kTable[] = {
    {"md5", 1, 1, always<Type::kString>, md5},
    {"sha1", 1, 1, always<Type::kString>, sha1},
    {"sha2", 2, 2, always<Type::kString>, sha2},
};

}  // namespace

std::span<const FunctionDef> crypto_functions() { return kTable; }

}  // namespace clew::expr
