//! Fields a document can have, and the shape each asks of its value.
//!
//! Names of the Elastic Common Schema 8.17, `http.route` of OpenTelemetry and `log.flags` of Filebeat. The known
//! metrics follow behind them, see [`metric_names`].

use metric_names::{METRICS, Metric, MetricType};

/// What a value has to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// Text of any length; other values become their JSON text.
    Text,
    /// Text; numbers and booleans become text.
    Keyword,
    /// As [`Shape::Keyword`], or an array of texts.
    Keywords,
    /// A whole number within 64 bits; digits in a text are taken.
    Long,
    /// A finite number.
    Float,
    /// True or false.
    Boolean,
    /// A usable time.
    Date,
    /// An IPv4 or IPv6 address.
    Ip,
    /// As [`Shape::Ip`], or an array of such.
    Ips,
    /// So many hexadecimal digits, not all 0.
    Hex(u8),
}

macro_rules! targets {
    ($($name:ident $path:literal $shape:expr;)*) => {
        /// The fields of the schema.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        #[expect(dead_code, reason = "the list is the schema; the mapper names only some of it")]
        pub(super) enum Target { $($name,)* }

        const ECS: &[(&str, Shape)] = &[$(($path, $shape),)*];
    };
}

use Shape::{Boolean, Date, Float, Hex, Ip, Ips, Keyword, Keywords, Long, Text};

targets! {
    Timestamp "@timestamp" Date;
    Message "message" Text;
    LogLevel "log.level" Keyword;
    LogLogger "log.logger" Keyword;
    LogFlags "log.flags" Keywords;
    LogFilePath "log.file.path" Keyword;
    LogOffset "log.offset" Long;
    LogOriginFileName "log.origin.file.name" Keyword;
    LogOriginFileLine "log.origin.file.line" Long;
    LogOriginFunction "log.origin.function" Keyword;
    LogSyslogPriority "log.syslog.priority" Long;
    LogSyslogVersion "log.syslog.version" Keyword;
    LogSyslogFacilityCode "log.syslog.facility.code" Long;
    LogSyslogFacilityName "log.syslog.facility.name" Keyword;
    LogSyslogSeverityCode "log.syslog.severity.code" Long;
    LogSyslogSeverityName "log.syslog.severity.name" Keyword;
    LogSyslogHostname "log.syslog.hostname" Keyword;
    LogSyslogAppname "log.syslog.appname" Keyword;
    LogSyslogProcid "log.syslog.procid" Keyword;
    LogSyslogMsgid "log.syslog.msgid" Keyword;
    EventKind "event.kind" Keyword;
    EventCategory "event.category" Keywords;
    EventType "event.type" Keywords;
    EventAction "event.action" Keyword;
    EventOutcome "event.outcome" Keyword;
    EventDuration "event.duration" Long;
    EventDataset "event.dataset" Keyword;
    EventCreated "event.created" Date;
    EventStart "event.start" Date;
    EventEnd "event.end" Date;
    EventModule "event.module" Keyword;
    EventProvider "event.provider" Keyword;
    EventId "event.id" Keyword;
    EventCode "event.code" Keyword;
    EventReason "event.reason" Keyword;
    EventReference "event.reference" Keyword;
    EventSeverity "event.severity" Long;
    EventSequence "event.sequence" Long;
    EventHash "event.hash" Keyword;
    EventUrl "event.url" Keyword;
    EventTimezone "event.timezone" Keyword;
    EventOriginal "event.original" Keyword;
    EventRiskScore "event.risk_score" Float;
    EcsVersion "ecs.version" Keyword;
    ServiceName "service.name" Keyword;
    ServiceVersion "service.version" Keyword;
    ServiceEnvironment "service.environment" Keyword;
    ServiceId "service.id" Keyword;
    ServiceNodeName "service.node.name" Keyword;
    ServiceNodeRole "service.node.role" Keyword;
    ServiceType "service.type" Keyword;
    ServiceState "service.state" Keyword;
    ServiceAddress "service.address" Keyword;
    HostName "host.name" Keyword;
    HostHostname "host.hostname" Keyword;
    HostId "host.id" Keyword;
    HostIp "host.ip" Ips;
    HostMac "host.mac" Keywords;
    HostArchitecture "host.architecture" Keyword;
    HostDomain "host.domain" Keyword;
    HostType "host.type" Keyword;
    HostOsName "host.os.name" Keyword;
    HostOsVersion "host.os.version" Keyword;
    HostOsType "host.os.type" Keyword;
    HostOsPlatform "host.os.platform" Keyword;
    HostOsFamily "host.os.family" Keyword;
    HostOsKernel "host.os.kernel" Keyword;
    HostOsFull "host.os.full" Keyword;
    ProcessPid "process.pid" Long;
    ProcessName "process.name" Keyword;
    ProcessTitle "process.title" Keyword;
    ProcessExecutable "process.executable" Keyword;
    ProcessCommandLine "process.command_line" Keyword;
    ProcessArgs "process.args" Keywords;
    ProcessWorkingDirectory "process.working_directory" Keyword;
    ProcessEntityId "process.entity_id" Keyword;
    ProcessExitCode "process.exit_code" Long;
    ProcessStart "process.start" Date;
    ProcessParentPid "process.parent.pid" Long;
    ProcessParentName "process.parent.name" Keyword;
    ProcessThreadId "process.thread.id" Long;
    ProcessThreadName "process.thread.name" Keyword;
    ContainerId "container.id" Keyword;
    ContainerName "container.name" Keyword;
    ContainerRuntime "container.runtime" Keyword;
    ContainerImageName "container.image.name" Keyword;
    ContainerImageTag "container.image.tag" Keywords;
    TraceId "trace.id" Hex(32);
    SpanId "span.id" Hex(16);
    TransactionId "transaction.id" Hex(16);
    HttpRequestId "http.request.id" Keyword;
    HttpRequestMethod "http.request.method" Keyword;
    HttpRequestReferrer "http.request.referrer" Keyword;
    HttpRequestMimeType "http.request.mime_type" Keyword;
    HttpRequestBytes "http.request.bytes" Long;
    HttpRequestBodyBytes "http.request.body.bytes" Long;
    HttpRequestBodyContent "http.request.body.content" Keyword;
    HttpResponseStatusCode "http.response.status_code" Long;
    HttpResponseMimeType "http.response.mime_type" Keyword;
    HttpResponseBytes "http.response.bytes" Long;
    HttpResponseBodyBytes "http.response.body.bytes" Long;
    HttpResponseBodyContent "http.response.body.content" Keyword;
    HttpRoute "http.route" Keyword;
    HttpVersion "http.version" Keyword;
    UrlPath "url.path" Keyword;
    UrlQuery "url.query" Keyword;
    UrlOriginal "url.original" Keyword;
    UrlFull "url.full" Keyword;
    UrlScheme "url.scheme" Keyword;
    UrlDomain "url.domain" Keyword;
    UrlPort "url.port" Long;
    UrlFragment "url.fragment" Keyword;
    UrlExtension "url.extension" Keyword;
    ClientIp "client.ip" Ip;
    ClientAddress "client.address" Keyword;
    ClientPort "client.port" Long;
    ClientBytes "client.bytes" Long;
    ClientDomain "client.domain" Keyword;
    SourceIp "source.ip" Ip;
    SourceAddress "source.address" Keyword;
    SourcePort "source.port" Long;
    SourceBytes "source.bytes" Long;
    SourceDomain "source.domain" Keyword;
    ServerIp "server.ip" Ip;
    ServerAddress "server.address" Keyword;
    ServerPort "server.port" Long;
    ServerBytes "server.bytes" Long;
    ServerDomain "server.domain" Keyword;
    DestinationIp "destination.ip" Ip;
    DestinationAddress "destination.address" Keyword;
    DestinationPort "destination.port" Long;
    DestinationBytes "destination.bytes" Long;
    DestinationDomain "destination.domain" Keyword;
    NetworkProtocol "network.protocol" Keyword;
    NetworkTransport "network.transport" Keyword;
    NetworkType "network.type" Keyword;
    NetworkDirection "network.direction" Keyword;
    NetworkBytes "network.bytes" Long;
    UserId "user.id" Keyword;
    UserName "user.name" Keyword;
    UserEmail "user.email" Keyword;
    UserFullName "user.full_name" Keyword;
    UserDomain "user.domain" Keyword;
    UserHash "user.hash" Keyword;
    UserRoles "user.roles" Keywords;
    UserAgentOriginal "user_agent.original" Keyword;
    UserAgentName "user_agent.name" Keyword;
    UserAgentVersion "user_agent.version" Keyword;
    ErrorType "error.type" Keyword;
    ErrorMessage "error.message" Text;
    ErrorCode "error.code" Keyword;
    ErrorId "error.id" Keyword;
    ErrorStackTrace "error.stack_trace" Text;
    FilePath "file.path" Keyword;
    FileName "file.name" Keyword;
    FileSize "file.size" Long;
    CloudProvider "cloud.provider" Keyword;
    CloudRegion "cloud.region" Keyword;
    CloudAvailabilityZone "cloud.availability_zone" Keyword;
    CloudInstanceId "cloud.instance.id" Keyword;
    CloudInstanceName "cloud.instance.name" Keyword;
    CloudAccountId "cloud.account.id" Keyword;
    CloudMachineType "cloud.machine.type" Keyword;
    OrchestratorType "orchestrator.type" Keyword;
    OrchestratorNamespace "orchestrator.namespace" Keyword;
    OrchestratorClusterName "orchestrator.cluster.name" Keyword;
    OrchestratorResourceName "orchestrator.resource.name" Keyword;
    OrchestratorResourceType "orchestrator.resource.type" Keyword;
    OrganizationId "organization.id" Keyword;
    OrganizationName "organization.name" Keyword;
    FaasName "faas.name" Keyword;
    FaasExecution "faas.execution" Keyword;
    FaasColdstart "faas.coldstart" Boolean;
    Tags "tags" Keywords;
}

/// Number of ECS fields; metrics are numbered from here on.
const ECS_LEN: usize = ECS.len();
/// Number of all fields.
pub(super) const FIELDS: usize = ECS_LEN + METRICS.len();

/// A field by its place in the tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Field(pub(super) u16);

impl From<Target> for Field {
    #[inline]
    fn from(target: Target) -> Self {
        Self(target as u16)
    }
}

impl Field {
    pub(super) fn all() -> impl Iterator<Item = Self> {
        (0..FIELDS as u16).map(Self)
    }

    pub(super) fn named(path: &str) -> Option<Self> {
        Self::all().find(|field| field.path() == path)
    }

    pub(super) fn is_metric(self) -> bool {
        usize::from(self.0) >= ECS_LEN
    }

    pub(super) fn path(self) -> &'static str {
        match METRICS.get(usize::from(self.0).wrapping_sub(ECS_LEN)) {
            Some(metric) => metric.name,
            None => ECS[usize::from(self.0)].0,
        }
    }

    pub(super) fn shape(self) -> Shape {
        match METRICS.get(usize::from(self.0).wrapping_sub(ECS_LEN)) {
            Some(Metric { kind: MetricType::Gauge | MetricType::Counter, .. }) => Long,
            Some(_) => Float,
            None => ECS[usize::from(self.0)].1,
        }
    }
}

/// Every field a document can have beside `labels` and `numeric_labels`, with the shape of its values: what an index
/// template has to map.
pub fn fields() -> impl Iterator<Item = (&'static str, Shape)> {
    Field::all().map(|field| (field.path(), field.shape()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_field_is_named_twice_or_is_also_an_object() {
        let paths: Vec<_> = fields().map(|(path, _)| path).collect();
        for (at, path) in paths.iter().enumerate() {
            assert!(!paths[at + 1..].contains(path), "{path} stands twice");
            let object = format!("{path}.");
            assert!(!paths.iter().any(|other| other.starts_with(&object)), "{path} is also an object");
        }
    }

    #[test]
    fn labels_belong_to_the_leftovers_alone() {
        for (path, _) in fields() {
            let root = path.split('.').next().unwrap();
            assert!(!["labels", "numeric_labels", "data_stream"].contains(&root), "{path}");
        }
    }
}
