//! The connections for requests.

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::gauge::ConstGauge;

use crate::database::Pool;

#[derive(Debug)]
pub struct InUse(pub Pool);

impl Collector for InUse {
    fn encode(&self, mut encoder: DescriptorEncoder) -> Result<(), std::fmt::Error> {
        let usage = self.0.usage();
        let gauges = [
            ("size_max", "Connections to PostgreSQL that requests may have (--pool-size).", usage.most),
            ("open", "Connections to PostgreSQL that are open for requests.", usage.open),
            ("in_use", "Connections to PostgreSQL that a request is using.", usage.in_use),
            ("waiting", "Requests that wait for a connection to PostgreSQL.", usage.waiting),
        ];
        for (name, help, value) in gauges {
            let name = format!("pg_roster_pool_{name}");
            let gauge =
                encoder.encode_descriptor(&name, help.trim_end_matches('.'), None, MetricType::Gauge)?;
            ConstGauge::new(value as u64).encode(gauge)?;
        }
        Ok(())
    }
}
