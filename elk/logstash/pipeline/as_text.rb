# Makes a document that Elasticsearch refused into one that it cannot refuse: its JSON as one text, and the reason.

KEPT = ['@timestamp', '@version'].freeze

def register(_parameters); end

def filter(event)
  reason = event.get('[@metadata][dead_letter_queue][reason]')
  document = event.to_json
  (event.to_hash.keys - KEPT).each { |field| event.remove(field) }
  event.set('message', 'document refused by Elasticsearch')
  event.set('[event][kind]', 'pipeline_error')
  event.set('[event][original]', document)
  event.set('[error][message]', reason)
  [event]
end
