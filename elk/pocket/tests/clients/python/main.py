"""What users of the official client do, against the store at the address in the first argument."""

import sys
from datetime import datetime, timedelta, timezone

from elasticsearch import ConflictError, Elasticsearch, NotFoundError, helpers

client = Elasticsearch(sys.argv[1])
START = datetime(2026, 1, 1, tzinfo=timezone.utc)
STREAM = "logs-app-python"


def document(number):
    return {
        "@timestamp": (START + timedelta(seconds=number)).isoformat(),
        "message": f"request {number} took long",
        "service": {"name": ["shop", "stock"][number % 2]},
        "event": {"duration": number * 1000},
    }


def actions():
    for number in range(1000):
        yield {"_op_type": "create", "_index": STREAM, "_id": f"n{number}", **document(number)}


assert client.ping()
assert client.info()["version"]["number"].startswith("8.")
assert client.cluster.health()["status"] == "green"

client.cluster.put_component_template(
    name="app-fields", template={"mappings": {"properties": {"event": {"properties": {"duration": {"type": "long"}}}}}}
)
client.indices.put_index_template(
    name="app",
    index_patterns=["logs-app-*"],
    priority=500,
    composed_of=["app-fields"],
    data_stream={},
    template={
        "mappings": {
            "properties": {
                "message": {"type": "text"},
                "service": {"properties": {"name": {"type": "keyword"}}},
            }
        }
    },
)
client.ingest.put_pipeline(id="stamp", processors=[{"set": {"field": "event.kind", "value": "event"}}])

# Indexing: all once, and each again is a conflict.
stored, errors = helpers.bulk(client, actions(), chunk_size=300, refresh=True)
assert (stored, errors) == (1000, []), (stored, errors)
stored, errors = helpers.bulk(client, actions(), raise_on_error=False)
assert stored == 0 and {error["create"]["status"] for error in errors} == {409}
client.index(index=STREAM, op_type="create", document=document(1000), pipeline="stamp", refresh="wait_for")

# Reading.
assert client.count(index="logs-app-*")["count"] == 1001
found = client.search(
    index="logs-*",
    query={"bool": {"filter": [{"term": {"service.name": "shop"}}, {"range": {"event.duration": {"lt": 20_000}}}]}},
    sort=[{"@timestamp": "desc"}],
    size=3,
    aggs={
        "steps": {
            "date_histogram": {"field": "@timestamp", "fixed_interval": "10s"},
            "aggs": {"slow": {"percentiles": {"field": "event.duration", "percents": [50]}}},
        }
    },
    track_total_hits=True,
)
assert found["hits"]["total"] == {"value": 10, "relation": "eq"}
assert [hit["_id"] for hit in found["hits"]["hits"]] == ["n18", "n16", "n14"]
assert [step["doc_count"] for step in found["aggregations"]["steps"]["buckets"]] == [5, 5]
assert len(found["hits"]["hits"][0]["sort"]) == 1

pages, after = 0, None
while True:
    page = client.search(
        index=STREAM, size=400, sort=[{"@timestamp": "asc"}], search_after=after, source=["service.name"]
    )
    if not page["hits"]["hits"]:
        break
    pages += len(page["hits"]["hits"])
    after = page["hits"]["hits"][-1]["sort"]
assert pages == 1001

several = client.msearch(
    searches=[{"index": STREAM}, {"size": 0, "query": {"match": {"message": "999"}}}, {"index": "none"}, {"size": 0}]
)
assert several["responses"][0]["hits"]["total"]["value"] == 1
assert several["responses"][1]["status"] == 404

assert "event.duration" in client.field_caps(index=STREAM, fields="*")["fields"]
assert client.indices.get_data_stream(name=STREAM)["data_streams"][0]["name"] == STREAM
assert any(row["health"] == "green" for row in client.cat.indices(format="json"))

# An index that documents change in.
client.indices.create(index="notes", mappings={"properties": {"state": {"type": "keyword"}}})
client.index(index="notes", id="1", document={"state": "open"}, refresh=True)
assert client.exists(index="notes", id="1")
client.index(index="notes", id="1", document={"state": "closed"}, refresh=True)
assert client.get(index="notes", id="1")["_source"] == {"state": "closed"}
assert [found["found"] for found in client.mget(index="notes", ids=["1", "2"])["docs"]] == [True, False]
try:
    client.create(index="notes", id="1", document={})
    raise AssertionError("a document with the id is there")
except ConflictError:
    pass
client.delete(index="notes", id="1", refresh=True)
try:
    client.get(index="notes", id="1")
    raise AssertionError("the document was deleted")
except NotFoundError:
    pass

# Taking it all back.
client.indices.delete(index="notes")
client.indices.delete_data_stream(name=STREAM)
client.indices.delete_index_template(name="app")
client.cluster.delete_component_template(name="app-fields")
client.ingest.delete_pipeline(id="stamp")
assert not client.indices.exists(index=STREAM)
print("done")
