#!/usr/bin/env bash
# Builds build/package/clew_VERSION_ARCH.deb from build/release/bin/clew. `./dev package` calls it.
set -euo pipefail
cd "$(dirname "$0")/.."

binary=build/release/bin/clew
[ -x "$binary" ] || { echo "packaging/deb.sh: no $binary: run ./dev build" >&2; exit 1; }
version=$("$binary" version | awk '{print $2}')
arch=$(dpkg --print-architecture)
root=build/package/root
rm -rf "$root"
install -d -m 755 "$root/DEBIAN"
install -D -m 755 "$binary" "$root/usr/bin/clew"
strip --strip-debug "$root/usr/bin/clew"
install -D -m 644 packaging/clew.service "$root/lib/systemd/system/clew.service"
install -D -m 644 packaging/clew.yaml "$root/etc/clew/clew.yaml"
install -D -m 644 packaging/clew-agent.service "$root/lib/systemd/system/clew-agent.service"
install -D -m 644 packaging/agent.yaml "$root/etc/clew/agent.yaml"
install -D -m 644 README.md "$root/usr/share/doc/clew/README.md"
country=build/release/share/clew/country.mmdb
[ -f "$country" ] || { echo "packaging/deb.sh: no $country: run ./dev setup and ./dev build" >&2; exit 1; }
install -D -m 644 "$country" "$root/usr/share/clew/country.mmdb"
cat LICENSE packaging/geoip/COPYRIGHT >"$root/copyright"
install -D -m 644 "$root/copyright" "$root/usr/share/doc/clew/copyright"
rm "$root/copyright"
for shell in bash:bash-completion/completions/clew zsh:zsh/vendor-completions/_clew fish:fish/vendor_completions.d/clew.fish; do
  install -d -m 755 "$(dirname "$root/usr/share/${shell#*:}")"
  "$binary" completion "${shell%%:*}" >"$root/usr/share/${shell#*:}"
done

# The libraries that the program loads, as Debian names their packages.
depends() {
  local library
  ldd "$binary" | awk '$2 == "=>" && $3 ~ /^\// {print $3}' | while read -r library; do
    dpkg-query -S "$(realpath "$library")" 2>/dev/null || dpkg-query -S "*/$(basename "$(realpath "$library")")" 2>/dev/null
  done | cut -d: -f1 | grep -vE '^lib32|-i386$' | sort -u | paste -sd, | sed 's/,/, /g'
}

cat >"$root/DEBIAN/control" <<TEXT
Package: clew
Version: $version
Architecture: $arch
Maintainer: clew <clew@localhost>
Section: admin
Priority: optional
Depends: adduser, $(depends)
Description: logs and traces in one program
 Takes logs from the clients people have, keeps them durably and answers
 questions about them in PPL.
TEXT
printf '%s\n' /etc/clew/clew.yaml /etc/clew/agent.yaml >"$root/DEBIAN/conffiles"
cat >"$root/DEBIAN/postinst" <<'TEXT'
#!/bin/sh
set -e
if [ "$1" = configure ]; then
  adduser --system --group --home /var/lib/clew --no-create-home --quiet clew
  install -d -o clew -g clew -m 750 /var/lib/clew
  if [ -d /run/systemd/system ]; then
    systemctl daemon-reload
    systemctl enable --now clew.service || true
  fi
fi
TEXT
cat >"$root/DEBIAN/prerm" <<'TEXT'
#!/bin/sh
set -e
if [ -d /run/systemd/system ] && [ "$1" = remove ]; then
  systemctl disable --now clew.service clew-agent.service || true
fi
TEXT
chmod 755 "$root/DEBIAN/postinst" "$root/DEBIAN/prerm"
dpkg-deb --root-owner-group --build "$root" "build/package/clew_${version}_${arch}.deb"
