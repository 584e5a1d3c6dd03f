//! The fields that the boards read.

/// What values of a field are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ValueType {
    /// A number.
    Number,
    /// A text that can be grouped by (`keyword`).
    Keyword,
    /// A time.
    Date,
    /// A text that can only be searched and shown.
    Text,
}

/// How the numbers of a field are to be read; whoever shows them turns this into a format.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// A plain number or no number at all.
    None,
    /// A number that names something (a status, a process) and wants no thousands separator.
    Name,
    /// Nanoseconds.
    Nanoseconds,
    /// Milliseconds.
    Milliseconds,
    /// Bytes.
    Bytes,
    /// A share: 1 is all of it.
    Fraction,
}

/// One field of the documents.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Field {
    /// Full name, as in queries.
    pub name: &'static str,
    /// Type of its values.
    pub value_type: ValueType,
    /// Unit of its values.
    pub unit: Unit,
}

macro_rules! fields {
    ($($constant:ident $name:literal $value_type:ident $unit:ident;)*) => {
        $(
            #[doc = concat!("`", $name, "`")]
            pub(super) const $constant: Field =
                Field { name: $name, value_type: ValueType::$value_type, unit: Unit::$unit };
        )*

        impl Field {
            /// Every field the boards may read.
            pub const ALL: &[Field] = &[$($constant),*];
        }
    };
}

fields! {
    TIMESTAMP "@timestamp" Date None;
    MESSAGE "message" Text None;
    LOG_LEVEL "log.level" Keyword None;
    LOG_LOGGER "log.logger" Keyword None;
    LOG_ORIGIN_FILE_NAME "log.origin.file.name" Keyword None;
    EVENT_DURATION "event.duration" Number Nanoseconds;
    EVENT_SEQUENCE "event.sequence" Number None;
    EVENT_INGEST_LAG "event.ingest_lag_ms" Number Milliseconds;
    SERVICE_NAME "service.name" Keyword None;
    SERVICE_VERSION "service.version" Keyword None;
    SERVICE_ENVIRONMENT "service.environment" Keyword None;
    SERVICE_NODE_NAME "service.node.name" Keyword None;
    PROCESS_PID "process.pid" Number Name;
    TRACE_ID "trace.id" Keyword None;
    HTTP_ROUTE "http.route" Keyword None;
    HTTP_REQUEST_METHOD "http.request.method" Keyword None;
    HTTP_RESPONSE_STATUS_CODE "http.response.status_code" Number Name;
    URL_PATH "url.path" Keyword None;
    ERROR_TYPE "error.type" Keyword None;
    ERROR_MESSAGE "error.message" Text None;
    ERROR_MESSAGE_KEYWORD "error.message.keyword" Keyword None;
    HTTP_ACTIVE_REQUESTS "http.server.active_requests" Number None;
    POOL_COUNT "db.client.connection.count" Number None;
    POOL_MAX "db.client.connection.max" Number None;
    POOL_PENDING "db.client.connection.pending_requests" Number None;
    CPU_UTILIZATION "process.cpu.utilization" Number Fraction;
    CPU_PERIODS "container.cpu.throttling.periods" Number None;
    CPU_THROTTLED_PERIODS "container.cpu.throttling.throttled_periods" Number None;
    MEMORY_USAGE "process.memory.usage" Number Bytes;
    OPEN_DESCRIPTORS "process.open_file_descriptor.count" Number None;
    AGENT_LAG "blueox.lag.max_ms" Number Milliseconds;
    AGENT_PENDING "blueox.events.pending" Number None;
    AGENT_DELIVERED "blueox.events.delivered" Number None;
    AGENT_DEAD_LETTERED "blueox.events.dead_lettered" Number None;
    AGENT_LOST "blueox.events.lost" Number None;
    AGENT_RETRIES "blueox.output.retries" Number None;
    AGENT_HELD "blueox.output.held" Number None;
}

impl Field {
    /// The field of that name, if the boards may read it.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|field| field.name == name)
    }
}
