//! The model as Kibana's saved objects.
