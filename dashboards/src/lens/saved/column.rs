//! Columns and queries as saved.

use serde::Deserialize;
use serde_json::Value as Json;

use crate::kql::Query;
use crate::lens::fault::Unsupported;
use crate::lens::format::{DataType, Format};
use crate::lens::layer::column::{
    Along, Bucket, FieldFunction, Function, Grouping, Head, Metric, NamedFilter, Range, Shift, Terms,
};
use crate::lens::layer::formula::Expression;
use crate::lens::time::interval::{Interval, Unit};

/// A column as saved.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Written {
    operation_type: String,
    #[serde(default)]
    label: String,
    #[serde(default)]
    data_type: String,
    #[serde(default)]
    pub(crate) is_bucketed: bool,
    source_field: Option<String>,
    filter: Option<WrittenQuery>,
    time_scale: Option<String>,
    time_shift: Option<String>,
    reduced_time_range: Option<String>,
    #[serde(default)]
    params: Json,
    #[serde(default)]
    references: Vec<String>,
}

/// A query as saved.
#[derive(Deserialize)]
pub(crate) struct WrittenQuery {
    #[serde(default)]
    language: String,
    #[serde(default)]
    query: Json,
}

/// A measure whose references are still ids.
pub(crate) struct Unresolved {
    pub(crate) head: Head,
    pub(crate) calculation: Referring,
    pub(crate) time_scale: Option<Unit>,
}

pub(crate) enum Referring {
    Metric(Metric),
    /// Metrics it is computed from take over, where they have none, filter, shift and reduced range from here.
    Formula {
        of: String,
        inherited: Inherited,
    },
    Math(Expression<String>),
    Series(Along, String),
    Static(f64),
}

/// What a formula hands down.
#[derive(Clone, PartialEq, Default)]
pub(crate) struct Inherited {
    pub(crate) filter: Query,
    pub(crate) shift: Option<Shift>,
    pub(crate) reduced: Option<Interval>,
}

impl Metric {
    /// Takes over what it has none of.
    pub(crate) fn inherit(&mut self, inherited: &Inherited) {
        if self.filter == Query::All {
            self.filter = inherited.filter.clone();
        }
        self.shift = self.shift.or(inherited.shift);
        self.reduced = self.reduced.or(inherited.reduced);
    }
}

impl WrittenQuery {
    /// KQL or Lucene; the empty text in any language.
    pub(crate) fn read(&self) -> Result<Query, Unsupported> {
        let text = self.query.as_str().ok_or_else(|| Unsupported::new("a query that is no text"))?;
        if text.trim().is_empty() {
            return Ok(Query::All);
        }
        match self.language.as_str() {
            "kuery" => {
                Query::parse(text).map_err(|error| Unsupported::new(format!("the query `{text}`: {error}")))
            }
            "lucene" => Ok(Query::Lucene(text.to_owned())),
            other => Err(Unsupported::new(format!("the query language `{other}`"))),
        }
    }
}

impl Written {
    /// `field_format` is how the data view shows a field.
    fn head(&self, id: &str, position: usize, field_format: &impl Fn(&str) -> Option<Format>) -> Head {
        let data_type = match self.data_type.as_str() {
            "number" => DataType::Number,
            "date" => DataType::Date,
            "boolean" => DataType::Boolean,
            _ => DataType::Text,
        };
        let field = self.source_field.clone().filter(|field| field != "___records___");
        let counts = ["count", "unique_count", "percentile_rank"].contains(&self.operation_type.as_str());
        let of_field = || field.as_deref().filter(|_| !counts).and_then(field_format);
        let format = Format::read(&self.params["format"])
            .or_else(of_field)
            .unwrap_or_else(|| Format::of_type(data_type));
        Head { id: id.to_owned(), label: self.label.clone(), data_type, format, field, position }
    }

    pub(crate) fn bucket(
        &self,
        id: &str,
        position: usize,
        field_format: &impl Fn(&str) -> Option<Format>,
    ) -> Result<Bucket, Unsupported> {
        let head = self.head(id, position, field_format);
        let grouping = match self.operation_type.as_str() {
            "date_histogram" => self.time()?,
            "terms" => Grouping::Terms(self.terms(id, head.data_type)?),
            "filters" => Grouping::Filters(self.filters()?),
            "range" if self.params["type"] == "histogram" => self.steps(),
            "range" => Grouping::Ranges(self.ranges()?),
            other => return Err(Unsupported::new(format!("the operation `{other}`"))),
        };
        if head.field.is_none() && !matches!(grouping, Grouping::Filters(_)) {
            return Err(Unsupported::new(format!("the column `{id}` without a field")));
        }
        Ok(Bucket { head, grouping })
    }

    /// The number that orders the values of this column and is none of the table's.
    pub(crate) fn ordering(&self, id: &str) -> Result<Option<(String, Self)>, Unsupported> {
        if self.params["orderBy"]["type"] != "custom" {
            return Ok(None);
        }
        let read = Self::deserialize(&self.params["orderAgg"]);
        let read =
            read.map_err(|error| Unsupported::new(format!("what orders the column `{id}`: {error}")))?;
        Ok(Some((ordering_id(id), read)))
    }

    fn flag(&self, key: &str) -> bool {
        self.params[key].as_bool().unwrap_or_default()
    }

    fn time(&self) -> Result<Grouping, Unsupported> {
        let read = |text: &str| {
            Interval::parse(text).ok_or_else(|| Unsupported::new(format!("the interval `{text}`")))
        };
        let text = self.params["interval"].as_str().unwrap_or("auto");
        let (interval, least) = match (text, text.strip_prefix(">=")) {
            ("auto", _) => (None, None),
            (_, Some(least)) => (None, Some(read(least)?)),
            (text, None) => (Some(read(text)?), None),
        };
        Ok(Grouping::Time {
            interval,
            least,
            empty_rows: self.flag("includeEmptyRows"),
            drop_partials: self.flag("dropPartials"),
        })
    }

    fn terms(&self, id: &str, data_type: DataType) -> Result<Terms, Unsupported> {
        if self.params["secondaryFields"].as_array().is_some_and(|fields| !fields.is_empty()) {
            return Err(Unsupported::new("values of several fields in one column"));
        }
        let order = &self.params["orderBy"];
        let order_by = match order["type"].as_str() {
            Some("column") => Some(order["columnId"].as_str().unwrap_or_default().to_owned()),
            Some("alphabetical") => None,
            Some("custom") => Some(ordering_id(id)),
            other => {
                return Err(Unsupported::new(format!("values ordered by `{}`", other.unwrap_or("nothing"))));
            }
        };
        let other = self.flag("otherBucket");
        Ok(Terms {
            size: self.params["size"].as_u64().and_then(|size| u32::try_from(size).ok()).unwrap_or(5),
            order_by,
            ascending: self.params["orderDirection"] == "asc",
            other,
            // What stands for no value is text: only among texts.
            missing: other && self.flag("missingBucket") && data_type == DataType::Text,
            include: self.listed("include", "includeIsRegex"),
            exclude: self.listed("exclude", "excludeIsRegex"),
            accurate: self.flag("accuracyMode"),
        })
    }

    /// A list of values, or the one regular expression.
    fn listed(&self, key: &str, is_regex: &str) -> Option<Json> {
        let list = self.params[key].as_array().filter(|list| !list.is_empty())?;
        Some(if self.flag(is_regex) { list[0].clone() } else { Json::from(list.clone()) })
    }

    fn filters(&self) -> Result<Vec<NamedFilter>, Unsupported> {
        let filters = self.params["filters"].as_array().map(Vec::as_slice).unwrap_or_default();
        filters.iter().map(NamedFilter::read).collect()
    }

    fn ranges(&self) -> Result<Vec<Range>, Unsupported> {
        let ranges = self.params["ranges"].as_array().map(Vec::as_slice).unwrap_or_default();
        if ranges.is_empty() {
            return Err(Unsupported::new("a column of ranges without a range"));
        }
        let read = |range: &Json| Range {
            from: range["from"].as_f64(),
            to: range["to"].as_f64(),
            label: range["label"].as_str().unwrap_or_default().to_owned(),
        };
        Ok(ranges.iter().map(read).collect())
    }

    fn steps(&self) -> Grouping {
        // Half of the most bars a chart may have is what "auto" stands for.
        let bars = self.params["maxBars"].as_u64().map_or(500, |bars| bars.clamp(1, 1000));
        Grouping::Steps {
            bars: u32::try_from(bars).unwrap_or(1000),
            empty_rows: self.flag("includeEmptyRows"),
        }
    }

    pub(crate) fn measure(
        &self,
        id: &str,
        position: usize,
        field_format: &impl Fn(&str) -> Option<Format>,
    ) -> Result<Unresolved, Unsupported> {
        let time_scale = match self.time_scale.as_deref() {
            None => None,
            Some(text) => {
                Some(Unit::parse(text).ok_or_else(|| Unsupported::new(format!("the time scale `{text}`")))?)
            }
        };
        let calculation = match self.operation_type.as_str() {
            "static_value" => Referring::Static(self.static_value()?),
            "formula" => Referring::Formula { of: self.reference()?, inherited: self.inherited()? },
            "math" => Referring::Math(Expression::read(&self.params["tinymathAst"])?),
            "counter_rate" | "cumulative_sum" | "differences" | "derivative" => self.series()?,
            _ => Referring::Metric(self.metric()?),
        };
        Ok(Unresolved { head: self.head(id, position, field_format), calculation, time_scale })
    }

    /// The number is a text in real exports, and a number in some.
    fn static_value(&self) -> Result<f64, Unsupported> {
        let value = &self.params["value"];
        let number = value.as_f64().or_else(|| value.as_str()?.trim().parse().ok());
        number
            .filter(|number: &f64| number.is_finite())
            .ok_or_else(|| Unsupported::new(format!("the static value `{value}`")))
    }

    fn reference(&self) -> Result<String, Unsupported> {
        self.references.first().cloned().ok_or_else(|| {
            Unsupported::new(format!("a `{}` that was saved without its parts", self.operation_type))
        })
    }

    /// `derivative` is the name by which the older pictures ask engines for it; Lens has `differences`.
    fn series(&self) -> Result<Referring, Unsupported> {
        if self.inherited()? != Inherited::default() {
            return Err(Unsupported::new(format!("the operation `{}` with a filter", self.operation_type)));
        }
        let per = self.params["per"].as_str().map(|unit| {
            Interval::parse(unit).ok_or_else(|| Unsupported::new(format!("a derivative per `{unit}`")))
        });
        let along = match self.operation_type.as_str() {
            "counter_rate" => Along::CounterRate,
            "cumulative_sum" => Along::CumulativeSum,
            "differences" => Along::Difference,
            _ => Along::Derivative(per.transpose()?),
        };
        Ok(Referring::Series(along, self.reference()?))
    }

    fn inherited(&self) -> Result<Inherited, Unsupported> {
        Ok(Inherited {
            filter: self.filter.as_ref().map_or(Ok(Query::All), WrittenQuery::read)?,
            shift: self.time_shift.as_deref().map(Shift::read).transpose()?,
            reduced: self
                .reduced_time_range
                .as_deref()
                .filter(|range| !range.is_empty())
                .map(reduced)
                .transpose()?,
        })
    }

    fn metric(&self) -> Result<Metric, Unsupported> {
        let Inherited { filter, shift, reduced } = self.inherited()?;
        Ok(Metric {
            function: self.function()?,
            filter,
            shift,
            reduced,
            empty_as_null: self.flag("emptyAsNull"),
        })
    }

    fn function(&self) -> Result<Function, Unsupported> {
        let records = self.source_field.as_deref().is_none_or(|field| field == "___records___");
        let parameter = |key: &str| {
            let value = self.params[key].as_f64();
            value.ok_or_else(|| {
                Unsupported::new(format!("the operation `{}` without `{key}`", self.operation_type))
            })
        };
        let of_field = match self.operation_type.as_str() {
            "count" if records => return Ok(Function::Count),
            "count" => FieldFunction::ValueCount,
            "sum" => FieldFunction::Sum,
            "average" => FieldFunction::Average,
            "min" => FieldFunction::Min,
            "max" => FieldFunction::Max,
            "median" => FieldFunction::Percentile(50.0),
            "percentile" => FieldFunction::Percentile(parameter("percentile")?),
            "percentile_rank" => FieldFunction::PercentileRank(parameter("value")?),
            "standard_deviation" => FieldFunction::StandardDeviation,
            "unique_count" => FieldFunction::UniqueCount,
            "last_value" => FieldFunction::LastValue {
                sort_field: self.params["sortField"].as_str().unwrap_or("@timestamp").to_owned(),
            },
            other => return Err(Unsupported::new(format!("the operation `{other}`"))),
        };
        match &self.source_field {
            Some(field) if !records => Ok(Function::Of(field.clone(), of_field)),
            _ => Err(Unsupported::new(format!("the operation `{}` without a field", self.operation_type))),
        }
    }
}

/// Id of the column that orders the values of the column `id`.
fn ordering_id(id: &str) -> String {
    format!("{id}/order")
}

impl NamedFilter {
    fn read(written: &Json) -> Result<Self, Unsupported> {
        let input: WrittenQuery = serde_json::from_value(written["input"].clone())
            .map_err(|error| Unsupported::new(format!("a filter that cannot be read: {error}")))?;
        let label = written["label"].as_str().filter(|label| !label.is_empty());
        let label = label.or(input.query.as_str()).unwrap_or_default().to_owned();
        Ok(Self { label, query: input.read()? })
    }
}

impl Shift {
    fn read(text: &str) -> Result<Self, Unsupported> {
        match text {
            "previous" => Ok(Self::Previous),
            text => Interval::parse(&text.replace(' ', ""))
                .map(Self::By)
                .ok_or_else(|| Unsupported::new(format!("the time shift `{text}`"))),
        }
    }
}

fn reduced(text: &str) -> Result<Interval, Unsupported> {
    Interval::parse(&text.replace(' ', ""))
        .ok_or_else(|| Unsupported::new(format!("the reduced time range `{text}`")))
}
