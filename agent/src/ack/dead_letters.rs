//! Events the server refuses for good.
