# Runs elk/logstash/pipeline/as_text.rb on a stand-in for Logstash's event, for there is no Logstash at hand: a hash with the
# calls that the script makes. What Logstash itself does with the result is not shown by it.
require 'json'
require_relative '../../elk/logstash/pipeline/as_text'

# An event: `[a][b]` names nested fields, and `@metadata` is no part of its hash or JSON.
class Event
  def initialize(fields, metadata)
    @fields = fields
    @metadata = metadata
  end

  def get(reference)
    keys(reference).reduce({ '@metadata' => @metadata }.merge(@fields)) { |node, key| node && node[key] }
  end

  def set(reference, value)
    *path, last = keys(reference)
    path.reduce(@fields) { |node, key| node[key] ||= {} }[last] = value
  end

  def remove(reference)
    @fields.delete(reference)
  end

  def to_hash
    @fields.dup
  end

  def to_json(*_)
    JSON.generate(@fields)
  end

  private

  def keys(reference)
    reference.start_with?('[') ? reference.scan(/\[([^\]]+)\]/).flatten : [reference]
  end
end

refused = { '@timestamp' => '2026-01-01T00:00:00Z', '@version' => '1', 'message' => 'hi', 'event' => { 'duration' => 'abc' },
            'data_stream' => { 'dataset' => 'app' } }
event = Event.new(Marshal.load(Marshal.dump(refused)), { 'dead_letter_queue' => { 'reason' => 'mapper_parsing_exception' } })
results = filter(event)

found = results.fetch(0).to_hash
wanted = { '@timestamp' => '2026-01-01T00:00:00Z', '@version' => '1', 'message' => 'document refused by Elasticsearch',
           'event' => { 'kind' => 'pipeline_error', 'original' => JSON.generate(refused) },
           'error' => { 'message' => 'mapper_parsing_exception' } }
abort "found #{found}\nnot   #{wanted}" unless results.length == 1 && found == wanted
