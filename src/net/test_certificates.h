// Certificates for tests: an authority and what it signs, made anew in a directory of the test's own.
#pragma once

#include <gtest/gtest.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <cstdio>
#include <memory>
#include <string>

namespace clew::net {

// DIR/ca.pem, and DIR/NAME.pem with DIR/NAME.key for 127.0.0.1 by issue(NAME).
class TestAuthority {
 public:
  explicit TestAuthority(std::string dir) : dir_(std::move(dir)), key_(EVP_EC_gen("P-256")), cert_(X509_new()) {
    fill(cert_.get(), "test authority", key_.get());
    X509_set_issuer_name(cert_.get(), X509_get_subject_name(cert_.get()));
    extend(cert_.get(), NID_basic_constraints, "critical,CA:TRUE");
    EXPECT_GT(X509_sign(cert_.get(), key_.get(), EVP_sha256()), 0);
    write(ca(), [&](FILE* to) { return PEM_write_X509(to, cert_.get()); });
  }
  std::string ca() const { return dir_ + "/ca.pem"; }
  std::string cert(const std::string& name) const { return dir_ + "/" + name + ".pem"; }
  std::string key(const std::string& name) const { return dir_ + "/" + name + ".key"; }

  void issue(const std::string& name) {
    KeyPtr key(EVP_EC_gen("P-256"));
    CertPtr made(X509_new());
    fill(made.get(), name, key.get());
    X509_set_issuer_name(made.get(), X509_get_subject_name(cert_.get()));
    extend(made.get(), NID_subject_alt_name, "IP:127.0.0.1,DNS:localhost");
    EXPECT_GT(X509_sign(made.get(), key_.get(), EVP_sha256()), 0);
    write(this->cert(name), [&](FILE* to) { return PEM_write_X509(to, made.get()); });
    write(this->key(name),
          [&](FILE* to) { return PEM_write_PrivateKey(to, key.get(), nullptr, nullptr, 0, nullptr, nullptr); });
  }

 private:
  struct Free {
    void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
    void operator()(X509* cert) const { X509_free(cert); }
  };
  using KeyPtr = std::unique_ptr<EVP_PKEY, Free>;
  using CertPtr = std::unique_ptr<X509, Free>;

  void fill(X509* cert, const std::string& name, EVP_PKEY* key) {
    X509_set_version(cert, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(cert), ++serial_);
    X509_gmtime_adj(X509_getm_notBefore(cert), -3600);
    X509_gmtime_adj(X509_getm_notAfter(cert), 86'400);
    X509_set_pubkey(cert, key);
    X509_NAME_add_entry_by_txt(X509_get_subject_name(cert), "CN", MBSTRING_ASC,
                               reinterpret_cast<const unsigned char*>(name.c_str()), -1, -1, 0);
  }
  void extend(X509* cert, int what, const char* value) {
    X509V3_CTX context;
    X509V3_set_ctx_nodb(&context);
    X509V3_set_ctx(&context, cert_.get(), cert, nullptr, nullptr, 0);
    X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, &context, what, value);
    ASSERT_NE(extension, nullptr);
    X509_add_ext(cert, extension, -1);
    X509_EXTENSION_free(extension);
  }
  template <class Write>
  void write(const std::string& path, Write write_pem) {
    FILE* file = std::fopen(path.c_str(), "w");
    ASSERT_NE(file, nullptr) << path;
    EXPECT_EQ(write_pem(file), 1);
    std::fclose(file);
  }

  const std::string dir_;
  KeyPtr key_;
  CertPtr cert_;
  long serial_ = 0;
};

}  // namespace clew::net
