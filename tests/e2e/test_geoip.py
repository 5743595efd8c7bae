"""geoip(): the bundled country database, files of the configuration, and what happens when they are missing, damaged or replaced."""
import os
import shutil
import signal
import subprocess

import pytest

import clew_server

BUNDLED = os.path.join(os.path.dirname(os.path.dirname(clew_server.BINARY)), "share/clew/country.mmdb")
SUITE = os.path.join(os.path.dirname(clew_server.ROOT), "shared/suites/maxmind-db")
CITY = os.path.join(SUITE, "test-data/GeoLite2-City-Test.mmdb")


@pytest.fixture
def city(tmp_path):
    if not os.path.exists(CITY):
        pytest.skip("../shared/suites/maxmind-db is not there")
    return shutil.copy(CITY, tmp_path / "city.mmdb")


def ask(server, call):
    return server.rows(f"makeresults | eval geo = {call} | fields geo")[0]["geo"]


def refused(server, call):
    reply = server.post("/_plugins/_ppl", {"query": f"makeresults | eval geo = {call}"})
    assert reply.status == 400, reply.text
    return reply.json()["error"]["details"] + reply.json()["error"]["reason"]


def check(path):
    done = subprocess.run([clew_server.BINARY, "check", str(path)], capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


def test_countries_without_any_configuration(server):
    if not os.path.exists(BUNDLED):
        pytest.skip("built without ./dev setup: no share/clew/country.mmdb")
    assert ask(server, 'geoip("8.8.8.8")') == {"country_iso_code": "US", "country_name": "United States",
                                               "continent_code": "NA", "continent_name": "North America"}
    assert ask(server, 'geoip("country", "2001:4860:4860::8888", "country_iso_code")') == {"country_iso_code": "US"}
    for private in ("192.168.1.1", "10.0.0.1", "203.0.113.7", "::1", "fe80::1", "no address"):
        assert ask(server, f'geoip("country", "{private}")') is None, private
    events = [{"ip": ip} for ip in ("8.8.8.8", "129.132.1.1", "141.30.1.1", "192.168.0.7", "8.8.8.8")]
    server.import_ndjson(events)
    rows = server.rows("source=logs | eval geo = geoip(ip) | stats count() as n by geo.country_iso_code")
    assert {row["geo.country_iso_code"]: row["n"] for row in rows} == {"US": 2, "CH": 1, "DE": 1, None: 1}
    assert "no data source" in refused(server, 'geoip("city", "8.8.8.8")')


def test_a_city_database(make_server, tmp_path, city):
    config = tmp_path / "clew.yaml"
    config.write_text(f"geoip:\n  path: {city}\n")
    assert check(config) == (0, f"{config}: no mistakes\n")
    server = make_server("--config", str(config))
    assert ask(server, 'geoip("2.125.160.216", "city_name,region_iso_code,time_zone")') == {
        "city_name": "Boxford", "region_iso_code": "GB-ENG", "time_zone": "Europe/London"}
    with open(city, "r+b") as file:  # whoever copies over it cuts it first
        file.truncate(0)
    assert ask(server, 'geoip("city", "2.125.160.216", "city_name")') == {"city_name": "Boxford"}
    os.kill(server.pid, signal.SIGHUP)
    assert server.wait_log("the configuration has mistakes, nothing changes") and server.wait_log("damaged")
    assert ask(server, 'geoip("city", "2.125.160.216", "city_name")') == {"city_name": "Boxford"}
    shutil.copy(os.path.join(SUITE, "test-data/GeoLite2-Country-Test.mmdb"), city)
    os.kill(server.pid, signal.SIGHUP)
    assert server.wait_log("geoip: city is")
    assert "knows countries only" in refused(server, 'geoip("city", "2.125.160.216", "city_name")')
    assert "knows no property" in refused(server, 'geoip("city", "2.125.160.216", "town")')


def test_mistakes_are_told_before_anybody_asks(tmp_path, city):
    config = tmp_path / "clew.yaml"
    missing = tmp_path / "missing.mmdb"
    config.write_text(f"data: {tmp_path}/d\ngeoip:\n  sources:\n    office: {missing}\n")
    code, text = check(config)
    assert code == 1 and f"{config}:4: geoip.sources.office: {missing}" in text
    with pytest.raises(RuntimeError, match="missing.mmdb"):
        clew_server.Server(tmp_path / "d", ["--config", str(config)]).start()
    config.write_text(f"geoip:\n  path: {os.path.join(SUITE, 'test-data/GeoLite2-ASN-Test.mmdb')}\n")
    code, text = check(config)
    assert code == 1 and "names no countries and no cities" in text
    config.write_text(f"geoip:\n  path: {config}\n")
    code, text = check(config)
    assert code == 1 and "damaged, or no MMDB file" in text


def test_a_program_alone_says_what_is_missing(tmp_path):
    os.makedirs(tmp_path / "bin")
    alone = shutil.copy(clew_server.BINARY, tmp_path / "bin/clew")
    server = clew_server.Server(tmp_path / "d")
    binary, clew_server.BINARY = clew_server.BINARY, alone
    try:
        server.start()
    finally:
        clew_server.BINARY = binary
    try:
        assert str(tmp_path / "share/clew/country.mmdb") in refused(server, 'geoip("8.8.8.8")')
    finally:
        server.kill()
