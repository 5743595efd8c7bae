#include "process/redact_rules.h"

#include <array>

namespace clew::process {
namespace {

// Names first, then the look of a text. Literals are what the first stage searches all text for, so each is as long as
// it can be; a pattern is tried where one of them stands.
constexpr SecretRule kRules[] = {
    {"password",
     Check::kNamed,
     "password passwd passphrase passcode pwd pass= pass: pass\" pass' pass\\ pass> pass^",
     true,
     {},
     0},
    {"secret", Check::kNamed, "secret", true, {}, 0},
    {"api_key",
     Check::kNamed,
     "apikey api_key api-key accesskey access_key access-key accountkey account_key authkey auth_key auth-key "
     "licensekey "
     "license_key license-key subscriptionkey subscription_key subscription-key sharedkey shared_key",
     true,
     {},
     0},
    {"token", Check::kNamed, "token jwt", true, {}, 0},
    {"encryption_key",
     Check::kNamed,
     "privatekey private_key private-key encryptionkey encryption_key encryption-key signingkey signing_key "
     "signing-key "
     "masterkey master_key master-key secretkey secret_key secret-key hmackey hmac_key",
     true,
     {},
     0},
    {"authorization", Check::kNamed, "authorization", true, {}, 0},
    {"cookie", Check::kNamed, "cookie cookies", true, {}, 0},
    {"session",
     Check::kNamed,
     "phpsessid jsessionid connect.sid aspnetsessionid asp.net_sessionid session_key sessionkey",
     true,
     {},
     0},
    {"signature", Check::kNamed, "amz-signature goog-signature ?sig= &sig=", true, {}, 0},
    {"cvv", Check::kNamed, "cvv cvc cvv2 cvc2", true, {}, 0},
    {"otp", Check::kNamed, "otp_code otpcode one_time_code totp otp= otp: otp\" mfa_code mfacode", true, {}, 0},
    {"credentials", Check::kNamed, "credential credentials", true, {}, 0},
    {"bearer", Check::kBearer, "bearer^", true, {}, 0},
    {"basic", Check::kBasic, "basic^", true, {}, 0},
    {"url_password", Check::kUrl, "://", false, {}, 0},
    {"private_key", Check::kPem, "-----BEGIN^", false, {}, 0},
    {"pgp_private_key", Check::kNone, {}, false, {}, 0},
    {"card", Check::kNone, {}, false, {}, 0},

    {"jwt", Check::kPattern, "eyJ", false, R"(eyJ[\w-]{10,}\.[\w-]{10,}(?:\.[\w-]*)*)", 0},
    {"aws_access_key", Check::kPattern, "AKIA ASIA ABIA ACCA", false, R"(A(?:KIA|SIA|BIA|CCA)[A-Z0-9]{16})", 0},
    {"google_api_key", Check::kPattern, "AIza", false, R"(AIza[\w-]{35,})", 0},
    {"google_oauth", Check::kPattern, "ya29. GOCSPX-", false, R"((?:ya29\.[\w-]{20,}|GOCSPX-[\w-]{20,}))", 0},
    {"github_token", Check::kPattern, "ghp_ gho_ ghu_ ghs_ ghr_ github_pat_", false,
     R"((?:gh[pousr]_[A-Za-z0-9]{36,}|github_pat_\w{50,}))", 0},
    {"gitlab_token", Check::kPattern, "glpat- gldt- glrt- glptt-", false, R"(gl(?:pat|dt|rt|ptt)-[\w-]{20,})", 0},
    {"slack_token", Check::kPattern, "xoxb- xoxp- xoxa- xoxr- xoxs- xoxe- xapp-", false,
     R"((?:xox[bparse]|xapp)-[A-Za-z0-9-]{10,})", 0},
    {"slack_webhook", Check::kPattern, "hooks.slack.com/", false,
     R"(hooks\.slack\.com/(?:services|workflows|triggers)/([\w/]{20,}))", 0},
    {"discord_webhook", Check::kPattern, "/api/webhooks/", false, R"(/api/webhooks/([0-9]{15,}/[\w-]{30,}))", 0},
    {"telegram_token", Check::kPattern, ":AA", false, R"([0-9]{8,10}:AA[\w-]{32,})", 10},
    {"stripe_key", Check::kPattern, "sk_live_ rk_live_ sk_test_ rk_test_ whsec_", false,
     R"((?:[sr]k_(?:live|test)|whsec)_[A-Za-z0-9+/=]{16,})", 0},
    {"square_token", Check::kPattern, "sq0atp- sq0csp- sq0idp-", false, R"(sq0(?:atp|csp|idp)-[\w-]{22,})", 0},
    {"shopify_token", Check::kPattern, "shpat_ shpss_ shpca_ shppa_", false, R"(shp(?:at|ss|ca|pa)_[a-fA-F0-9]{32,})",
     0},
    {"sendgrid_key", Check::kPattern, "SG.", false, R"(SG\.[\w-]{16,}\.[\w-]{32,})", 0},
    {"mailgun_key", Check::kPattern, "key-", false, R"(key-[a-f0-9]{32,})", 0},
    {"twilio_key", Check::kPattern, "SK", false, R"(SK[a-f0-9]{32})", 0},
    {"npm_token", Check::kPattern, "npm_", false, R"(npm_[A-Za-z0-9]{36,})", 0},
    {"pypi_token", Check::kPattern, "pypi-AgE", false, R"(pypi-AgE[\w-]{50,})", 0},
    {"rubygems_key", Check::kPattern, "rubygems_", false, R"(rubygems_[a-f0-9]{48,})", 0},
    {"docker_token", Check::kPattern, "dckr_pat_ dckr_oat_", false, R"(dckr_[po]at_[\w-]{20,})", 0},
    {"digitalocean_token", Check::kPattern, "dop_v1_ doo_v1_ dor_v1_", false, R"(do[por]_v1_[a-f0-9]{64,})", 0},
    {"openai_key", Check::kPattern, "sk-", false, R"(sk-(?:[A-Za-z0-9]{40,}|(?:proj|svcacct|admin)-[\w-]{40,}))", 0},
    {"anthropic_key", Check::kPattern, "sk-ant-", false, R"(sk-ant-[\w-]{32,})", 0},
    {"huggingface_token", Check::kPattern, "hf_", false, R"(hf_[A-Za-z0-9]{30,})", 0},
    {"databricks_token", Check::kPattern, "dapi", false, R"(dapi[a-f0-9]{32}(?:-[0-9])?)", 0},
    {"vault_token", Check::kPattern, "hvs. hvb. hvr.", false, R"(hv[sbr]\.[\w-]{24,})", 0},
    {"terraform_token", Check::kPattern, ".atlasv1.", false, R"([A-Za-z0-9]{14}\.atlasv1\.[\w=-]{60,})", 14},
    {"grafana_token", Check::kPattern, "glsa_ glc_", false,
     R"((?:glsa_[A-Za-z0-9]{32}_[a-fA-F0-9]{8}|glc_[\w+/=]{32,}))", 0},
    {"newrelic_key", Check::kPattern, "NRAK- NRII- NRRA-", false, R"(NR(?:AK|II|RA)-[\w-]{27,})", 0},
    {"dynatrace_token", Check::kPattern, "dt0c01.", false, R"(dt0c01\.[A-Z2-7]{24}\.[A-Z2-7]{64,})", 0},
    {"atlassian_token", Check::kPattern, "ATATT3", false, R"(ATATT3[\w=-]{80,})", 0},
    {"linear_key", Check::kPattern, "lin_api_", false, R"(lin_api_[A-Za-z0-9]{32,})", 0},
    {"postman_key", Check::kPattern, "PMAK-", false, R"(PMAK-[a-f0-9]{24}-[a-f0-9]{34,})", 0},
    {"pulumi_token", Check::kPattern, "pul-", false, R"(pul-[a-f0-9]{40,})", 0},
    {"doppler_token", Check::kPattern, "dp.pt. dp.st. dp.ct.", false,
     R"(dp\.(?:pt|ct|st(?:\.[\w-]+)?)\.[A-Za-z0-9]{40,})", 0},
    {"planetscale_token", Check::kPattern, "pscale_tkn_ pscale_pw_ pscale_oauth_", false,
     R"(pscale_(?:tkn|pw|oauth)_[\w.-]{32,})", 0},
    {"age_key", Check::kPattern, "AGE-SECRET-KEY-1", false, R"(AGE-SECRET-KEY-1[A-Z0-9]{50,})", 0},
    {"azure_client_secret", Check::kPattern, "8Q~", false, R"([\w.~-]{3}8Q~[\w.~-]{30,})", 3},
    {"password_hash", Check::kPattern, "$2a$ $2b$ $2y$ $1$ $5$ $6$ $y$ $argon2", false,
     R"(\$(?:2[aby]\$[0-9]{2}\$[./A-Za-z0-9]{53}|[156y]\$[^\s$:"',]{1,40}\$(?:[^\s$:"',]{1,40}\$)?[./A-Za-z0-9]{22,}|argon2id?\$[^\s:"']{40,}))",
     0},
    {"sql_password", Check::kPattern, "identified^by^ IDENTIFIED^BY^", false,
     R"((?i)identified by (?:password )?['"]([^'"\\\s]+)['"])", 0},
};
static_assert(kRules[static_cast<size_t>(SecretKind::kFirstPattern)].name == "jwt", "the enum follows the table");
static_assert(kRules[static_cast<size_t>(SecretKind::kCard)].name == "card", "the enum follows the table");

}  // namespace

std::span<const SecretRule> secret_rules() { return kRules; }

}  // namespace clew::process
