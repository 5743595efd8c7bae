"""The queries of `bench.py queries`: big5's, and ClickBench's 43, each in PPL and in ClickHouse's SQL.

`<name>` in a text is a literal that is another one in each repetition (queries.py makes them). Columns have the same
names in both answers. How answers compare, `same`:
  "rows"      the rows as a set
  "order"     the rows as a set, in the order of `keys`
  "ties"      a LIMIT may cut between equal `keys`: those are equal in order, and rows before the last key are equal
  "count"     any rows will do, as many
`log`: a question of people who read logs (terms, ids, substrings, histograms, newest N): these are to be faster than
ClickHouse. `scans`: a group-by whose rows per second and core are reported.
"""
import dataclasses


@dataclasses.dataclass
class Query:
    name: str
    ppl: str
    sql: str
    keys: tuple = ()
    same: str = ""
    log: bool = False
    scans: bool = False
    note: str = ""

    def __post_init__(self):
        self.same = self.same or ("ties" if self.keys else "rows")


# --- big5 ----------------------------------------------------------------------------------------------------------

T = "`@timestamp`"
IN_RANGE = f"{T} >= '<from>' AND {T} < '<to>'"
IN_SHORT = f"{T} >= '<short_from>' AND {T} < '<short_to>'"
P_RANGE = "where @timestamp >= '<from>' and @timestamp < '<to>'"
P_SHORT = "where @timestamp >= '<short_from>' and @timestamp < '<short_to>'"
SHOWN = "`event.id` AS id, `process.name` AS p, `metrics.size` AS size, message AS m"
P_SHOWN = "eval id = event.id, p = process.name, size = metrics.size, m = message | fields t, id, p, size, m"
ONE_WORD = "position(message, '<word>') > 0"


def newest(name, ppl, where, direction="DESC", **more):
    sign = "-" if direction == "DESC" else ""
    sql_where = f" WHERE {where}" if where else ""
    return Query(name, f"source=big5 {ppl} | sort {sign} @timestamp | head 10 | eval t = @timestamp | {P_SHOWN}",
                 f"SELECT {T} AS t, {SHOWN} FROM big5{sql_where} ORDER BY {T} {direction} LIMIT 10", ("t",), log=True, **more)


def by_number(name, direction, ppl="", where=""):
    sign = "-" if direction == "DESC" else ""
    sql_where = f" WHERE {where}" if where else ""
    return Query(name, f"source=big5 {ppl} | sort {sign} metrics.size | head 10 | eval size = metrics.size, id = event.id | fields size, id",
                 f"SELECT `metrics.size` AS size, `event.id` AS id FROM big5{sql_where} ORDER BY size {direction} LIMIT 10", ("size",))


BIG5 = [
    Query("default", "source=big5 | head 10 | eval id = event.id | fields id", "SELECT `event.id` AS id FROM big5 LIMIT 10",
          same="count", log=True),
    newest("desc_sort_timestamp", "", ""),
    newest("asc_sort_timestamp", "", "", "ASC"),
    newest("desc_sort_with_after_timestamp", "| where @timestamp < '<to>'", f"{T} < '<to>'"),
    newest("asc_sort_with_after_timestamp", "| where @timestamp >= '<from>'", f"{T} >= '<from>'", "ASC"),
    newest("desc_sort_timestamp_can_match_shortcut", "process.name=<process>", "`process.name` = '<process>'"),
    newest("asc_sort_timestamp_can_match_shortcut", "process.name=<process>", "`process.name` = '<process>'", "ASC"),
    newest("newest_of_stream", "aws.cloudwatch.log_stream=<stream>", "`aws.cloudwatch.log_stream` = '<stream>'"),
    newest("newest_with_word", "message=*<word>*", ONE_WORD, note="substring"),
    newest("newest_with_bare_word", "<word>", f"match(message, '\\\\b<word>\\\\b') OR `aws.cloudwatch.log_stream` = '<word>' OR match(`log.file.path`, '\\\\b<word>\\\\b')",
           note="a word of any field"),
    Query("id_lookup", "source=big5 event.id=<id> | eval t = @timestamp, m = message | fields t, m",
          f"SELECT {T} AS t, message AS m FROM big5 WHERE `event.id` = '<id>'", log=True),
    Query("term", "source=big5 log.file.path='<path>' | stats count() as c", "SELECT count() AS c FROM big5 WHERE `log.file.path` = '<path>'", log=True),
    Query("term_rare_number", "source=big5 metrics.size=<size> | stats count() as c", "SELECT count() AS c FROM big5 WHERE `metrics.size` = <size>", log=True),
    Query("range", f"source=big5 | {P_SHORT} | stats count() as c", f"SELECT count() AS c FROM big5 WHERE {IN_SHORT}", log=True),
    Query("range_numeric", "source=big5 metrics.size>=<size> metrics.size<<size2> | stats count() as c",
          "SELECT count() AS c FROM big5 WHERE `metrics.size` >= <size> AND `metrics.size` < <size2>", log=True),
    Query("keyword_in_range", f"source=big5 process.name=<process> | {P_RANGE} | stats count() as c",
          f"SELECT count() AS c FROM big5 WHERE `process.name` = '<process>' AND {IN_RANGE}", log=True),
    Query("substring_count", "source=big5 | where like(message, '%<part>%', true) | stats count() as c",
          "SELECT count() AS c FROM big5 WHERE position(message, '<part>') > 0", log=True),
    Query("phrase_count", 'source=big5 message="<word> <word2>" | stats count() as c',
          "SELECT count() AS c FROM big5 WHERE position(message, ' <word> <word2>') > 0", log=True),
    Query("word_count", "source=big5 | where match(message, '<word>') | stats count() as c",
          f"SELECT count() AS c FROM big5 WHERE {ONE_WORD}", log=True),
    Query("query_string_on_message", "source=big5 | where query_string(['message'], '<word> AND <word2> AND <word3>') | stats count() as c",
          f"SELECT count() AS c FROM big5 WHERE {ONE_WORD} AND position(message, '<word2>') > 0 AND position(message, '<word3>') > 0", log=True),
    Query("query_string_on_message_filtered", f"source=big5 | {P_RANGE} | where query_string(['message'], '<word> OR <word2> OR <word3>') | stats count() as c",
          f"SELECT count() AS c FROM big5 WHERE {IN_RANGE} AND ({ONE_WORD} OR position(message, '<word2>') > 0 OR position(message, '<word3>') > 0)", log=True),
    Query("query_string_on_message_filtered_sorted_num",
          f"source=big5 | {P_RANGE} | where query_string(['message'], '<word> OR <word2>') | sort metrics.size | head 10 | eval size = metrics.size, id = event.id | fields size, id",
          f"SELECT `metrics.size` AS size, `event.id` AS id FROM big5 WHERE {IN_RANGE} AND ({ONE_WORD} OR position(message, '<word2>') > 0) ORDER BY size LIMIT 10",
          ("size",), log=True),
    Query("regex_count", "source=big5 | regex message=\"<process>.<number>[0-9]+\" | stats count() as c",
          "SELECT count() AS c FROM big5 WHERE match(message, '<process>.<number>[0-9]+')", log=True),
    by_number("sort_numeric_desc", "DESC"),
    by_number("sort_numeric_asc", "ASC"),
    by_number("sort_numeric_desc_with_match", "DESC", "log.file.path='<path>'", "`log.file.path` = '<path>'"),
    by_number("sort_numeric_asc_with_match", "ASC", "log.file.path='<path>'", "`log.file.path` = '<path>'"),
    Query("sort_keyword_can_match_shortcut", "source=big5 process.name=<process> | sort agent.name | head 10 | eval k = agent.name | fields k",
          "SELECT `agent.name` AS k FROM big5 WHERE `process.name` = '<process>' ORDER BY k LIMIT 10", ("k",)),
    Query("range_field_conjunction_big_range_big_term", "source=big5 process.name=<process> metrics.size>=1 metrics.size<<size2> | stats count() as c",
          "SELECT count() AS c FROM big5 WHERE `process.name` = '<process>' AND `metrics.size` >= 1 AND `metrics.size` < <size2>", log=True),
    Query("range_field_disjunction_big_range_small_term", "source=big5 aws.cloudwatch.log_stream=<stream> OR (metrics.size>=1 AND metrics.size<<size2>) | stats count() as c",
          "SELECT count() AS c FROM big5 WHERE `aws.cloudwatch.log_stream` = '<stream>' OR (`metrics.size` >= 1 AND `metrics.size` < <size2>)", log=True),
    Query("range_field_conjunction_small_range_small_term", "source=big5 aws.cloudwatch.log_stream=<stream> metrics.size>=20 metrics.size<30 | stats count() as c",
          "SELECT count() AS c FROM big5 WHERE `aws.cloudwatch.log_stream` = '<stream>' AND `metrics.size` >= 20 AND `metrics.size` < 30", log=True),
    Query("keyword_terms", "source=big5 | stats count() as c by aws.cloudwatch.log_stream | sort - c | head 500 | eval k = aws.cloudwatch.log_stream | fields c, k",
          "SELECT count() AS c, `aws.cloudwatch.log_stream` AS k FROM big5 GROUP BY k ORDER BY c DESC LIMIT 500", ("c",), log=True, scans=True),
    Query("keyword_terms_low_cardinality", "source=big5 | stats count() as c by cloud.region | sort - c | eval k = cloud.region | fields c, k",
          "SELECT count() AS c, `cloud.region` AS k FROM big5 GROUP BY k ORDER BY c DESC", ("c",), log=True, scans=True),
    Query("terms_where_number", "source=big5 metrics.size><size> | stats count() as c by process.name | eval k = process.name | fields c, k",
          "SELECT count() AS c, `process.name` AS k FROM big5 WHERE `metrics.size` > <size> GROUP BY k", log=True, scans=True),
    Query("terms_where_term", "source=big5 cloud.region=<region> | stats count() as c by process.name | eval k = process.name | fields c, k",
          "SELECT count() AS c, `process.name` AS k FROM big5 WHERE `cloud.region` = '<region>' GROUP BY k", log=True, scans=True),
    Query("terms_where_not_term", "source=big5 | where cloud.region != '<region>' | stats count() as c by aws.cloudwatch.log_stream | eval k = aws.cloudwatch.log_stream | fields c, k",
          "SELECT count() AS c, `aws.cloudwatch.log_stream` AS k FROM big5 WHERE `cloud.region` != '<region>' GROUP BY k", log=True, scans=True),
    Query("terms_in_range", f"source=big5 | {P_RANGE} | stats count() as c by process.name | eval k = process.name | fields c, k",
          f"SELECT count() AS c, `process.name` AS k FROM big5 WHERE {IN_RANGE} GROUP BY k", log=True, scans=True),
    Query("multi_terms_keyword", f"source=big5 | {P_RANGE} | stats count() as c by process.name, cloud.region | sort - c | head 10 | eval k = process.name, k2 = cloud.region | fields c, k, k2",
          f"SELECT count() AS c, `process.name` AS k, `cloud.region` AS k2 FROM big5 WHERE {IN_RANGE} GROUP BY k, k2 ORDER BY c DESC LIMIT 10", ("c",), log=True, scans=True),
    Query("composite_terms", f"source=big5 | {P_RANGE} | stats count() as c by process.name, cloud.region | sort process.name, cloud.region | head 10 | eval k = process.name, k2 = cloud.region | fields c, k, k2",
          f"SELECT count() AS c, `process.name` AS k, `cloud.region` AS k2 FROM big5 WHERE {IN_RANGE} GROUP BY k, k2 ORDER BY k, k2 LIMIT 10", ("k", "k2"), log=True, scans=True),
    Query("composite_terms_keyword", f"source=big5 | {P_RANGE} | stats count() as c by process.name, cloud.region, aws.cloudwatch.log_stream | sort process.name, cloud.region, aws.cloudwatch.log_stream | head 10 | eval k = process.name, k2 = cloud.region, k3 = aws.cloudwatch.log_stream | fields c, k, k2, k3",
          f"SELECT count() AS c, `process.name` AS k, `cloud.region` AS k2, `aws.cloudwatch.log_stream` AS k3 FROM big5 WHERE {IN_RANGE} GROUP BY k, k2, k3 ORDER BY k, k2, k3 LIMIT 10", ("k", "k2", "k3"), log=True, scans=True),
    Query("composite_date_histogram_daily", f"source=big5 | {P_RANGE} | stats count() as c by span(@timestamp, 1d) as t",
          f"SELECT count() AS c, toDateTime(toStartOfDay({T})) AS t FROM big5 WHERE {IN_RANGE} GROUP BY t", log=True),
    Query("date_histogram_hourly", "source=big5 | stats count() as c by span(@timestamp, 1h) as t",
          f"SELECT count() AS c, toStartOfHour({T}) AS t FROM big5 GROUP BY t", log=True),
    Query("date_histogram_hourly_filtered", "source=big5 process.name=<process> | stats count() as c by span(@timestamp, 1h) as t",
          f"SELECT count() AS c, toStartOfHour({T}) AS t FROM big5 WHERE `process.name` = '<process>' GROUP BY t", log=True),
    Query("date_histogram_minute", f"source=big5 | {P_SHORT} | stats count() as c by span(@timestamp, 1m) as t",
          f"SELECT count() AS c, toStartOfMinute({T}) AS t FROM big5 WHERE {IN_SHORT} GROUP BY t", log=True),
    Query("date_histogram_by_process", f"source=big5 | {P_RANGE} | stats count() as c by span(@timestamp, 1h) as t, process.name | eval k = process.name | fields c, t, k",
          f"SELECT count() AS c, toStartOfHour({T}) AS t, `process.name` AS k FROM big5 WHERE {IN_RANGE} GROUP BY t, k", log=True, scans=True),
    Query("histogram_of_word", "source=big5 | where match(message, '<word>') | stats count() as c by span(@timestamp, 1h) as t",
          f"SELECT count() AS c, toStartOfHour({T}) AS t FROM big5 WHERE {ONE_WORD} GROUP BY t", log=True),
    Query("range_auto_date_histo", "source=big5 | where metrics.size < <size2> | eval r = case(metrics.size < 10, 'a', metrics.size < 100, 'b', metrics.size < 1000, 'c', metrics.size < 2000, 'd' else 'e') | stats count() as c by span(@timestamp, 1d) as t, r",
          f"SELECT count() AS c, toDateTime(toStartOfDay({T})) AS t, multiIf(`metrics.size` < 10, 'a', `metrics.size` < 100, 'b', `metrics.size` < 1000, 'c', `metrics.size` < 2000, 'd', 'e') AS r FROM big5 WHERE `metrics.size` < <size2> GROUP BY t, r"),
    Query("range_auto_date_histo_with_metrics", "source=big5 | where metrics.size < <size2> | eval r = case(metrics.size < 100, 'a', metrics.size < 1000, 'b' else 'c') | stats avg(metrics.tmin) as v, max(metrics.tmin) as x by span(@timestamp, 1d) as t, r",
          f"SELECT avg(`metrics.tmin`) AS v, max(`metrics.tmin`) AS x, toDateTime(toStartOfDay({T})) AS t, multiIf(`metrics.size` < 100, 'a', `metrics.size` < 1000, 'b', 'c') AS r FROM big5 WHERE `metrics.size` < <size2> GROUP BY t, r"),
    Query("range_agg_1", "source=big5 | where metrics.size != <size> | eval r = case(metrics.size < -10, 'a', metrics.size < 10, 'b', metrics.size < 100, 'c', metrics.size < 1000, 'd', metrics.size < 2000, 'e' else 'f') | stats count() as c by r",
          "SELECT count() AS c, multiIf(`metrics.size` < -10, 'a', `metrics.size` < 10, 'b', `metrics.size` < 100, 'c', `metrics.size` < 1000, 'd', `metrics.size` < 2000, 'e', 'f') AS r FROM big5 WHERE `metrics.size` != <size> GROUP BY r"),
    Query("range_agg_2", "source=big5 | where metrics.size != <size> | stats count() as c by span(metrics.size, 1000) as r",
          "SELECT count() AS c, intDiv(`metrics.size`, 1000) * 1000 AS r FROM big5 WHERE `metrics.size` != <size> GROUP BY r"),
    Query("cardinality_agg_low", f"source=big5 | {P_RANGE} | stats dc(cloud.region) as c", f"SELECT uniqExact(`cloud.region`) AS c FROM big5 WHERE {IN_RANGE}"),
    Query("cardinality_agg_high", f"source=big5 | {P_RANGE} | stats dc(agent.name) as c", f"SELECT uniqExact(`agent.name`) AS c FROM big5 WHERE {IN_RANGE}"),
    Query("cardinality_of_ids", f"source=big5 | {P_RANGE} | stats dc(event.id) as c", f"SELECT uniqExact(`event.id`) AS c FROM big5 WHERE {IN_RANGE}"),
    Query("average_by_process", "source=big5 metrics.tmin><tmin> | stats avg(metrics.size) as v, max(metrics.tmin) as x by process.name | eval k = process.name | fields v, x, k",
          "SELECT avg(`metrics.size`) AS v, max(`metrics.tmin`) AS x, `process.name` AS k FROM big5 WHERE `metrics.tmin` > <tmin> GROUP BY k", scans=True),
    Query("percentiles_by_region", "source=big5 metrics.tmin><tmin> | stats p50(metrics.size) as a, p99(metrics.size) as b by cloud.region | eval k = cloud.region | fields a, b, k",
          "SELECT quantileExact(0.5)(`metrics.size`) AS a, quantileExact(0.99)(`metrics.size`) AS b, `cloud.region` AS k FROM big5 WHERE `metrics.tmin` > <tmin> GROUP BY k"),
    Query("rex_length", f"source=big5 | {P_SHORT} | rex field=message \"(?<host>ip-[0-9-]+)\" | stats count() as c by host | sort - c | head 10",
          f"SELECT count() AS c, extract(message, 'ip-[0-9-]+') AS host FROM big5 WHERE {IN_SHORT} GROUP BY host ORDER BY c DESC LIMIT 10", ("c",)),
    Query("dedup_region", f"source=big5 | {P_SHORT} | dedup cloud.region | eval k = cloud.region | fields k",
          f"SELECT `cloud.region` AS k FROM big5 WHERE {IN_SHORT} GROUP BY k"),
]

# --- ClickBench ----------------------------------------------------------------------------------------------------

PHRASE = "where SearchPhrase != ''"
SQL_PHRASE = "WHERE SearchPhrase != ''"
OF_COUNTER = "where CounterID = <counter> and EventDate >= '<day>' and EventDate <= '<day2>'"
SQL_OF_COUNTER = "WHERE CounterID = <counter> AND EventDate >= '<day>' AND EventDate <= '<day2>'"
SUMS = range(90)

# (PPL behind `source=hits`, SQL, keys, same); numbered from 1 as there.
HITS = [
    ("stats count() as c", "SELECT count() AS c FROM hits"),
    ("where AdvEngineID != 0 | stats count() as c", "SELECT count() AS c FROM hits WHERE AdvEngineID != 0"),
    ("stats sum(AdvEngineID) as s, count() as c, avg(ResolutionWidth) as a",
     "SELECT sum(AdvEngineID) AS s, count() AS c, avg(ResolutionWidth) AS a FROM hits"),
    ("stats avg(UserID) as a", "SELECT avg(toFloat64(UserID)) AS a FROM hits"),
    ("stats dc(UserID) as u", "SELECT uniqExact(UserID) AS u FROM hits"),
    ("stats dc(SearchPhrase) as u", "SELECT uniqExact(SearchPhrase) AS u FROM hits"),
    ("stats min(EventDate) as a, max(EventDate) as b", "SELECT min(EventDate) AS a, max(EventDate) AS b FROM hits"),
    ("where AdvEngineID != 0 | stats count() as c by AdvEngineID | sort - c",
     "SELECT AdvEngineID, count() AS c FROM hits WHERE AdvEngineID != 0 GROUP BY AdvEngineID ORDER BY c DESC", ("c",)),
    ("stats dc(UserID) as u by RegionID | sort - u | head 10",
     "SELECT RegionID, uniqExact(UserID) AS u FROM hits GROUP BY RegionID ORDER BY u DESC LIMIT 10", ("u",)),
    ("stats sum(AdvEngineID) as s, count() as c, avg(ResolutionWidth) as a, dc(UserID) as u by RegionID | sort - c | head 10",
     "SELECT RegionID, sum(AdvEngineID) AS s, count() AS c, avg(ResolutionWidth) AS a, uniqExact(UserID) AS u FROM hits GROUP BY RegionID ORDER BY c DESC LIMIT 10", ("c",)),
    ("where MobilePhoneModel != '' | stats dc(UserID) as u by MobilePhoneModel | sort - u | head 10",
     "SELECT MobilePhoneModel, uniqExact(UserID) AS u FROM hits WHERE MobilePhoneModel != '' GROUP BY MobilePhoneModel ORDER BY u DESC LIMIT 10", ("u",)),
    ("where MobilePhoneModel != '' | stats dc(UserID) as u by MobilePhone, MobilePhoneModel | sort - u | head 10",
     "SELECT MobilePhone, MobilePhoneModel, uniqExact(UserID) AS u FROM hits WHERE MobilePhoneModel != '' GROUP BY MobilePhone, MobilePhoneModel ORDER BY u DESC LIMIT 10", ("u",)),
    (f"{PHRASE} | stats count() as c by SearchPhrase | sort - c | head 10",
     f"SELECT SearchPhrase, count() AS c FROM hits {SQL_PHRASE} GROUP BY SearchPhrase ORDER BY c DESC LIMIT 10", ("c",)),
    (f"{PHRASE} | stats dc(UserID) as u by SearchPhrase | sort - u | head 10",
     f"SELECT SearchPhrase, uniqExact(UserID) AS u FROM hits {SQL_PHRASE} GROUP BY SearchPhrase ORDER BY u DESC LIMIT 10", ("u",)),
    (f"{PHRASE} | stats count() as c by SearchEngineID, SearchPhrase | sort - c | head 10",
     f"SELECT SearchEngineID, SearchPhrase, count() AS c FROM hits {SQL_PHRASE} GROUP BY SearchEngineID, SearchPhrase ORDER BY c DESC LIMIT 10", ("c",)),
    ("stats count() as c by UserID | sort - c | head 10",
     "SELECT UserID, count() AS c FROM hits GROUP BY UserID ORDER BY c DESC LIMIT 10", ("c",)),
    ("stats count() as c by UserID, SearchPhrase | sort - c | head 10",
     "SELECT UserID, SearchPhrase, count() AS c FROM hits GROUP BY UserID, SearchPhrase ORDER BY c DESC LIMIT 10", ("c",)),
    ("stats count() as c by UserID, SearchPhrase | head 10",
     "SELECT UserID, SearchPhrase, count() AS c FROM hits GROUP BY UserID, SearchPhrase LIMIT 10", (), "count"),
    ("eval m = minute(@timestamp) | stats count() as c by UserID, m, SearchPhrase | sort - c | head 10",
     "SELECT UserID, toMinute(`@timestamp`) AS m, SearchPhrase, count() AS c FROM hits GROUP BY UserID, m, SearchPhrase ORDER BY c DESC LIMIT 10", ("c",)),
    ("where UserID = <user> | fields UserID", "SELECT UserID FROM hits WHERE UserID = <user>"),
    ("where like(URL, '%google%', true) | stats count() as c", "SELECT count() AS c FROM hits WHERE URL LIKE '%google%'"),
    (f"where like(URL, '%google%', true) and SearchPhrase != '' | stats min(URL) as u, count() as c by SearchPhrase | sort - c | head 10",
     "SELECT SearchPhrase, min(URL) AS u, count() AS c FROM hits WHERE URL LIKE '%google%' AND SearchPhrase != '' GROUP BY SearchPhrase ORDER BY c DESC LIMIT 10", ("c",)),
    ("where like(Title, '%Google%', true) and not like(URL, '%.google.%', true) and SearchPhrase != '' | stats min(URL) as u, min(Title) as t, count() as c, dc(UserID) as d by SearchPhrase | sort - c | head 10",
     "SELECT SearchPhrase, min(URL) AS u, min(Title) AS t, count() AS c, uniqExact(UserID) AS d FROM hits WHERE Title LIKE '%Google%' AND URL NOT LIKE '%.google.%' AND SearchPhrase != '' GROUP BY SearchPhrase ORDER BY c DESC LIMIT 10", ("c",)),
    ("where like(URL, '%google%', true) | sort @timestamp | head 10",
     "SELECT * FROM hits WHERE URL LIKE '%google%' ORDER BY `@timestamp` LIMIT 10", ("@timestamp",)),
    (f"{PHRASE} | sort @timestamp | head 10 | eval t = @timestamp | fields SearchPhrase, t",
     f"SELECT SearchPhrase, `@timestamp` AS t FROM hits {SQL_PHRASE} ORDER BY `@timestamp` LIMIT 10", ("t",)),
    (f"{PHRASE} | sort SearchPhrase | head 10 | fields SearchPhrase",
     f"SELECT SearchPhrase FROM hits {SQL_PHRASE} ORDER BY SearchPhrase LIMIT 10", ("SearchPhrase",)),
    (f"{PHRASE} | sort @timestamp, SearchPhrase | head 10 | fields SearchPhrase",
     f"SELECT SearchPhrase FROM hits {SQL_PHRASE} ORDER BY `@timestamp`, SearchPhrase LIMIT 10", (), "order"),
    ("where URL != '' | stats avg(length(URL)) as l, count() as c by CounterID | where c > <many> | sort - l | head 25",
     "SELECT CounterID, avg(length(URL)) AS l, count() AS c FROM hits WHERE URL != '' GROUP BY CounterID HAVING c > <many> ORDER BY l DESC LIMIT 25", ("l",)),
    (r"where Referer != '' | eval k = regexp_replace(Referer, '^https?://(?:www\.)?([^/]+)/.*$', '$1'), n = length(Referer) | stats avg(n) as l, count() as c, min(Referer) as r by k | where c > <many> | sort - l | head 25",
     r"SELECT replaceRegexpOne(Referer, '^https?://(?:www\\.)?([^/]+)/.*$', '\\1') AS k, avg(length(Referer)) AS l, count() AS c, min(Referer) AS r FROM hits WHERE Referer != '' GROUP BY k HAVING c > <many> ORDER BY l DESC LIMIT 25", ("l",)),
    ("stats " + ", ".join(f"sum(ResolutionWidth + {i}) as s{i}" for i in SUMS),
     "SELECT " + ", ".join(f"sum(ResolutionWidth + {i}) AS s{i}" for i in SUMS) + " FROM hits"),
    (f"{PHRASE} | stats count() as c, sum(IsRefresh) as s, avg(ResolutionWidth) as a by SearchEngineID, ClientIP | sort - c | head 10",
     f"SELECT SearchEngineID, ClientIP, count() AS c, sum(IsRefresh) AS s, avg(ResolutionWidth) AS a FROM hits {SQL_PHRASE} GROUP BY SearchEngineID, ClientIP ORDER BY c DESC LIMIT 10", ("c",)),
    (f"{PHRASE} | stats count() as c, sum(IsRefresh) as s, avg(ResolutionWidth) as a by WatchID, ClientIP | sort - c | head 10",
     f"SELECT WatchID, ClientIP, count() AS c, sum(IsRefresh) AS s, avg(ResolutionWidth) AS a FROM hits {SQL_PHRASE} GROUP BY WatchID, ClientIP ORDER BY c DESC LIMIT 10", ("c",)),
    ("stats count() as c, sum(IsRefresh) as s, avg(ResolutionWidth) as a by WatchID, ClientIP | sort - c | head 10",
     "SELECT WatchID, ClientIP, count() AS c, sum(IsRefresh) AS s, avg(ResolutionWidth) AS a FROM hits GROUP BY WatchID, ClientIP ORDER BY c DESC LIMIT 10", ("c",)),
    ("stats count() as c by URL | sort - c | head 10", "SELECT URL, count() AS c FROM hits GROUP BY URL ORDER BY c DESC LIMIT 10", ("c",)),
    ("eval one = 1 | stats count() as c by one, URL | sort - c | head 10",
     "SELECT 1 AS one, URL, count() AS c FROM hits GROUP BY one, URL ORDER BY c DESC LIMIT 10", ("c",)),
    ("eval i1 = ClientIP - 1, i2 = ClientIP - 2, i3 = ClientIP - 3 | stats count() as c by ClientIP, i1, i2, i3 | sort - c | head 10",
     "SELECT ClientIP, ClientIP - 1 AS i1, ClientIP - 2 AS i2, ClientIP - 3 AS i3, count() AS c FROM hits GROUP BY ClientIP, i1, i2, i3 ORDER BY c DESC LIMIT 10", ("c",)),
    (f"{OF_COUNTER} and DontCountHits = 0 and IsRefresh = 0 and URL != '' | stats count() as c by URL | sort - c | head 10",
     f"SELECT URL, count() AS c FROM hits {SQL_OF_COUNTER} AND DontCountHits = 0 AND IsRefresh = 0 AND URL != '' GROUP BY URL ORDER BY c DESC LIMIT 10", ("c",)),
    (f"{OF_COUNTER} and DontCountHits = 0 and IsRefresh = 0 and Title != '' | stats count() as c by Title | sort - c | head 10",
     f"SELECT Title, count() AS c FROM hits {SQL_OF_COUNTER} AND DontCountHits = 0 AND IsRefresh = 0 AND Title != '' GROUP BY Title ORDER BY c DESC LIMIT 10", ("c",)),
    (f"{OF_COUNTER} and IsRefresh = 0 and IsLink != 0 and IsDownload = 0 | stats count() as c by URL | sort - c | head 10 from 100",
     f"SELECT URL, count() AS c FROM hits {SQL_OF_COUNTER} AND IsRefresh = 0 AND IsLink != 0 AND IsDownload = 0 GROUP BY URL ORDER BY c DESC LIMIT 100, 10", ("c",), "keys"),
    (f"{OF_COUNTER} and IsRefresh = 0 | eval src = case(SearchEngineID = 0 and AdvEngineID = 0, Referer else '') | stats count() as c by TraficSourceID, SearchEngineID, AdvEngineID, src, URL | sort - c | head 10 from 100",
     f"SELECT TraficSourceID, SearchEngineID, AdvEngineID, if(SearchEngineID = 0 AND AdvEngineID = 0, Referer, '') AS src, URL, count() AS c FROM hits {SQL_OF_COUNTER} AND IsRefresh = 0 GROUP BY TraficSourceID, SearchEngineID, AdvEngineID, src, URL ORDER BY c DESC LIMIT 100, 10", ("c",), "keys"),
    (f"{OF_COUNTER} and IsRefresh = 0 and TraficSourceID in (-1, 6) and RefererHash = <referer_hash> | stats count() as c by URLHash, EventDate | sort - c | head 10 from 10",
     f"SELECT URLHash, EventDate, count() AS c FROM hits {SQL_OF_COUNTER} AND IsRefresh = 0 AND TraficSourceID IN (-1, 6) AND RefererHash = <referer_hash> GROUP BY URLHash, EventDate ORDER BY c DESC LIMIT 10, 10", ("c",), "keys"),
    (f"{OF_COUNTER} and IsRefresh = 0 and DontCountHits = 0 and URLHash = <url_hash> | stats count() as c by WindowClientWidth, WindowClientHeight | sort - c | head 10 from 10",
     f"SELECT WindowClientWidth, WindowClientHeight, count() AS c FROM hits {SQL_OF_COUNTER} AND IsRefresh = 0 AND DontCountHits = 0 AND URLHash = <url_hash> GROUP BY WindowClientWidth, WindowClientHeight ORDER BY c DESC LIMIT 10, 10", ("c",), "keys"),
    (f"{OF_COUNTER} and IsRefresh = 0 and DontCountHits = 0 | stats count() as c by span(@timestamp, 1m) as m | sort m | head 10 from 1000",
     f"SELECT toStartOfMinute(`@timestamp`) AS m, count() AS c FROM hits {SQL_OF_COUNTER} AND IsRefresh = 0 AND DontCountHits = 0 GROUP BY m ORDER BY m LIMIT 1000, 10", (), "order"),
]

CLICKBENCH = [Query(f"hits{i:02}", "source=hits | " + q[0], q[1], q[2] if len(q) > 2 else (), q[3] if len(q) > 3 else "",
                    log=i in (20, 21, 24)) for i, q in enumerate(HITS, 1)]

# --- the same rows as tables of ClickHouse -------------------------------------------------------------------------

LOW = "LowCardinality(String)"
TABLES = {
    "big5": ", ".join(f"`{name}` {kind}" for name, kind in {
        "@timestamp": "DateTime", "message": "String", "process.name": LOW, "aws.cloudwatch.log_group": LOW,
        "aws.cloudwatch.log_stream": LOW, "aws.cloudwatch.ingestion_time": "DateTime", "cloud.region": LOW, "log.file.path": LOW,
        "event.id": "String", "event.dataset": LOW, "event.ingested": "DateTime", "agent.id": LOW, "agent.name": LOW,
        "agent.type": LOW, "agent.version": LOW, "agent.ephemeral_id": LOW, "data_stream.dataset": LOW,
        "data_stream.namespace": LOW, "data_stream.type": LOW, "input.type": LOW, "metrics.size": "UInt32",
        "metrics.tmin": "UInt32"}.items()),
    "hits": ", ".join(f"`{name}` {kind}" for name, kind in {
        "@timestamp": "DateTime", "EventDate": "Date", "WatchID": "Int64", "CounterID": "UInt32", "URL": "String",
        "URLHash": "Int64", "Title": "String", "Referer": "String", "RefererHash": "Int64", "UserID": "Int64",
        "ClientIP": "Int64", "RegionID": "UInt32", "OS": "UInt8", "UserAgent": "UInt8", "Age": "UInt8", "Sex": "UInt8",
        "Income": "UInt8", "MobilePhone": "UInt8", "MobilePhoneModel": LOW, "ResolutionWidth": "UInt16",
        "ResolutionHeight": "UInt16", "WindowClientWidth": "Int16", "WindowClientHeight": "Int16", "FlashMajor": "UInt8",
        "JavaEnable": "UInt8", "SearchEngineID": "UInt16", "SearchPhrase": "String", "AdvEngineID": "UInt8",
        "TraficSourceID": "Int16", "URLCategoryID": "UInt16", "IsRefresh": "UInt8", "IsLink": "UInt8", "IsDownload": "UInt8",
        "IsNotBounce": "UInt8", "IsArtifical": "UInt8", "DontCountHits": "UInt8", "GoodEvent": "UInt8"}.items()),
}
SETS = {"big5": BIG5, "hits": CLICKBENCH}
